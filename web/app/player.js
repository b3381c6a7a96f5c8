// One player for all views: a bar below the page, and the position for the timelines.
import {clock, fill, h} from "../elements.js";
import {name as bdi} from "../page.js";
import {text} from "./text.js";

const icons = {play: "▶\uFE0E", pause: "❚❚"};
const audio = h("audio", {preload: "metadata"});
let current = null, length = 0;
/** Dispatches "change" (another track, playing or not) and "time". */
export const player = new EventTarget();

/** The track that is loaded: {key, title, subtitle, url, duration_s}. */
export const playing = () => current;
export const isPlaying = (key) => current?.key === key && !audio.paused;
export const position = (key) => (current?.key === key ? audio.currentTime : null);

/** Plays the track from `at` seconds; without `at` it goes on, or pauses if it plays. */
export function play(track, at) {
  if (current?.key !== track.key) {
    current = track;
    length = track.duration_s ?? 0;
    audio.src = track.url;
    note.textContent = "";
    name.replaceChildren(h("b", {}, bdi(track.title)), bdi(track.subtitle ?? ""));
    bar.hidden = false;
    if (at) audio.currentTime = at;
    start();
  } else if (at !== undefined) {
    audio.currentTime = at;
    start();
  } else if (audio.paused) {
    start();
  } else {
    audio.pause();
  }
}

const start = () => audio.play().catch(() => {});  // the event "error" reports it

function stop() {
  audio.pause();
  audio.removeAttribute("src");
  current = null;
  bar.hidden = true;
  changed();
}

const button = h("button", {type: "button", class: "round", click: () => play(current)});
const seek = h("input", {type: "range", min: 0, max: 1, step: "any", value: 0, "aria-label": text.player.position,
  input: () => (audio.currentTime = Number(seek.value))});
const name = h("p", {class: "what"}), time = h("span", {class: "time"});
const note = h("span", {class: "failed", role: "status"});
/** The bar, for the frame of the page. */
export const bar = h("section", {class: "player", hidden: true, "aria-label": text.player.label}, button, name,
  seek, time, note,
  h("button", {type: "button", class: "plain", "aria-label": text.player.close, click: stop}, "✕"), audio);

function changed() {
  fill(button, {"aria-label": audio.paused ? text.player.play : text.player.pause}, []);
  button.textContent = audio.paused ? icons.play : icons.pause;
  player.dispatchEvent(new Event("change"));
}

function moved() {
  const all = Number.isFinite(audio.duration) ? audio.duration : length;
  fill(seek, {max: all || 1, "aria-valuetext": `${clock(audio.currentTime)} / ${clock(all)}`}, []);
  seek.value = audio.currentTime;
  time.textContent = `${clock(audio.currentTime)} / ${clock(all)}`;
  player.dispatchEvent(new Event("time"));
}

for (const kind of ["play", "pause", "ended"]) audio.addEventListener(kind, changed);
for (const kind of ["timeupdate", "seeked", "loadedmetadata"]) audio.addEventListener(kind, moved);
audio.addEventListener("error", () => {
  if (current) note.textContent = text.player.unplayable;
});
addEventListener("keydown", (event) => {
  if (event.key !== " " || !current || event.target.closest("button, input, select, summary, a, dialog")) return;
  event.preventDefault();
  play(current);
});

/** A button that plays the track; its state follows the player. */
export function playButton(track, focusable = true) {
  const element = h("button", {type: "button", class: "play", tabindex: focusable ? null : -1,
    "data-key": track.key, "aria-label": text.player.playOf(track.title), click: (event) => {
      event.stopPropagation();
      play(track);
    }});
  element.textContent = isPlaying(track.key) ? icons.pause : icons.play;
  return element;
}
player.addEventListener("change", () => {
  for (const each of document.querySelectorAll("button.play")) {
    each.textContent = isPlaying(each.dataset.key) ? icons.pause : icons.play;
  }
});
