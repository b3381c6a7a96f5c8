// One track in detail: genres, a timeline under the waveform, the correction, similar tracks.
import {clipChart, figure} from "../charts.js";
import {clock, duration, fixed, h, known, percent} from "../elements.js";
import {by, facts, name as bdi, small} from "../page.js";
import {get, post, query, resultOf, shareOf} from "./api.js";
import {play, playButton, player, position} from "./player.js";
import {button, colourOf, genreMark, state, titleOf} from "./state.js";
import {text} from "./text.js";

const windowsOfTrack = ({segments = []}) => segments.map(({start_s, end_s, genre, confidence}) =>
  ({start_s, duration_s: end_s - start_s, genres: [{genre, confidence}]}));
const ranked = (probabilities = {}) => Object.entries(probabilities)
  .map(([genre, confidence]) => ({genre, confidence})).sort(by((each) => each.confidence));

/** What the pane shows of a track of the catalogue. */
export const itemOfTrack = (track) => ({
  key: `track:${track.id}`, title: titleOf(track), subtitle: track.artist, url: `/v1/audio/track/${track.id}`,
  wave: `/v1/waveform/track/${track.id}`, source: {track: track.id}, track, duration_s: track.duration_s,
  genres: ranked(track.probabilities), unknown: track.unknown, novelty: track.novelty, windows: windowsOfTrack(track),
  error: track.fault,
});

/** The same of a file that was dropped; `answer`: of /v1/predict. */
export function itemOfFile(key, file, url, {upload, duration_s, genres, unknown, novelty, windows}) {
  return {key, title: file.name, subtitle: "", url, wave: `/v1/waveform/upload/${upload}`, source: {upload}, duration_s,
    genres, unknown, novelty, windows};
}

const kShown = 6;

/** Colours of the genres of one track: their own; rare genres get those that are left. */
function coloursOf(names) {
  const used = new Set(names.map(colourOf)), left = [0, 1, 2, 3, 4, 5, 6, 7].filter((colour) => !used.has(colour));
  return new Map(names.map((genre) => [genre, colourOf(genre) === "muted" ? left.shift() ?? "muted" : colourOf(genre)]));
}

function timeline(item, colours) {
  let waveform = null;
  const names = [...colours.keys()], head = h("div", {class: "playhead", hidden: true});
  const boxes = item.windows.flatMap(({start_s, duration_s, genres: list}) => {
    const share = new Map(list.map(({genre, confidence}) => [genre, confidence]));
    let low = 0;
    return [...names, null].map((genre) => {
      const height = genre === null ? 1 - low : share.get(genre) ?? 0, y = [low, low + height];
      low += height;
      return {x: [start_s, Math.min(start_s + duration_s, item.duration_s)], y,
        series: genre === null ? "rest" : colours.get(genre),
        tip: `${clock(start_s)}: ${genre ?? text.detail.others} ${percent(height, 0)}`};
    }).filter(({y}) => y[1] - y[0] > 0.004);
  });
  const element = figure({
    title: text.detail.timeline, note: text.detail.windows(item.windows.length),
    description: text.detail.timelineOf(item.windows.slice(0, 12).map(({start_s, genres: [best]}) =>
      `${clock(start_s)} ${best?.genre ?? "–"}`).join(", ")),
    draw: (width) => {
      const chart = clipChart(width, {duration_s: item.duration_s, genres: {boxes}, waveform}, {gutter: 1});
      element.inner = chart.inner;
      requestAnimationFrame(move);
      return chart;
    },
    numbers: () => [[text.detail.from, text.detail.to, text.library.genre, text.library.confidence],
      item.windows.map(({start_s, duration_s, genres: [best]}) =>
        [clock(start_s), clock(start_s + duration_s), best?.genre, best?.confidence])],
  });
  const holder = element.querySelector(".drawing");
  function move() {
    const at = position(item.key);
    head.hidden = at === null || !element.inner;
    if (head.hidden) return;
    const [left, right] = element.inner;
    head.style.left = `${holder.offsetLeft + left + (right - left) * Math.min(1, at / item.duration_s)}px`;
    head.style.top = `${holder.offsetTop}px`;
    head.style.height = `${holder.offsetHeight - 18}px`;
  }
  holder.addEventListener("click", (event) => {
    const [left, right] = element.inner, x = event.clientX - holder.getBoundingClientRect().left;
    play(item, Math.max(0, Math.min(1, (x - left) / (right - left))) * item.duration_s);
  });
  for (const kind of ["change", "time"]) {
    const listener = () => (element.isConnected ? move() : player.removeEventListener(kind, listener));
    setTimeout(() => player.addEventListener(kind, listener));
  }
  if (item.wave) {
    get(query(item.wave, {points: 500})).then(({min, max}) => {
      waveform = {low: min, high: max};
      if (element.isConnected) holder.draw();
    }).catch((error) => {
      if (error.status === 404 && item.renew) item.renew();
      else element.append(small(error.message));
    });
  }
  element.classList.add("timeline");
  element.append(head);
  return element;
}

function bars(item, colours) {
  return h("ol", {class: "bars"}, item.genres.slice(0, kShown).map(({genre, confidence}) => {
    const bar = h("span", {class: `fill ${colours.get(genre) === "muted" ? "muted" : `s${colours.get(genre)}`}`});
    bar.style.width = `${100 * confidence}%`;
    return h("li", {}, bdi(genre), h("span", {class: "track"}, bar), h("span", {class: "n"}, percent(confidence, 0)));
  }));
}

function verdict(item) {
  const [best] = item.genres, own = item.track?.correction;
  if (!best && !own) return h("p", {class: "failed"}, item.error || text.detail.notAnalysed);
  const threshold = state.health?.model?.threshold;
  return [
    h("p", {class: "verdict"}, own ? genreMark(own) : item.unknown ? h("span", {class: "genre muted"},
      text.detail.unknown)
      : genreMark(best.genre), own ? h("span", {class: "note"}, text.detail.yours)
      : h("span", {class: "note"}, text.detail.confidence(percent(best.confidence, 0)))),
    item.unknown && !own && small(text.detail.unknownNote(best.genre, threshold && percent(threshold, 0))),
    known(item.novelty) && item.novelty > 1 && h("p", {class: "small alarm"},
      text.detail.novel(fixed(item.novelty, 1))),
  ];
}

/** A track in a list: plays, and with a click on its name calls `open`. */
export const trackLine = (track, open) => h("li", {}, playButton(itemOfTrack(track)),
  button([bdi(titleOf(track)), h("span", {class: "detail"}, bdi(track.artist))], open, {class: "link"}),
  genreMark(track.genre), known(track.similarity) && h("span", {class: "n"}, percent(track.similarity, 0)));

function similar(item, open) {
  if (!state.health.library || !item.source) return null;
  const list = h("ol", {class: "similar"}), holder = h("div", {}, h("h3", {}, text.detail.similar), list);
  get(query("/v1/similar", {...item.source, n: 12})).then(({tracks}) => {
    list.append(...tracks.map((track) => trackLine(track, async () =>
      open(itemOfTrack(await get(`/v1/library/tracks/${track.id}`)), true))));
    if (!tracks.length) holder.append(small(text.detail.noneSimilar));
  }).catch((error) => holder.append(small(error.message)));
  return holder;
}

const factsOf = ({track, duration_s}) => facts("made", [
  [text.detail.length, duration(duration_s)],
  track?.year && [text.detail.year, String(track.year)],
  track?.tag_genres?.length && [text.detail.tags, bdi(track.tag_genres.join(", "))],
  track && [text.detail.predicted, bdi(track.predicted || "–")],
  track && [text.detail.path, bdi(track.path)],
]);

/** The novelty of a track or file for a table cell. */
export const noveltyCell = (item) => known(item?.novelty) &&
  h("span", {class: item.novelty > 1 ? "alarm" : null}, fixed(item.novelty, 2));

/**
 * The pane beside a table. show(item, deeper) shows an item, `deeper` with a way back; `correct(item, genre)` stores a
 * correction and resolves to the track; without it there is none.
 */
export function pane({correct, empty}) {
  const element = h("section", {class: "pane", "aria-label": text.detail.label, tabindex: -1}), before = [];
  let item = null, opener = null;

  function close() {
    element.classList.remove("open");
    opener?.focus();
  }
  addEventListener("keydown", (event) => event.key === "Escape" && element.classList.contains("open") && close());

  function show(next, deeper) {
    if (deeper && item) before.push(item);
    else if (!deeper) before.length = 0;
    item = next;
    draw();
  }

  /** On a narrow page the pane covers the table. */
  function open() {
    opener = document.activeElement;
    element.classList.add("open");
    requestAnimationFrame(() => element.focus());  // after the click that opens it has moved the focus
  }

  function whole() {
    const start = button(text.detail.whole, async () => {
      start.disabled = true;
      const shown = item, windows = Math.min(state.health.limits?.windows ?? 1000, Math.ceil(shown.duration_s / 30));
      try {
        const answer = await resultOf(await post(query("/v1/predict", {windows, job: 1}), shown.source),
          (job) => (start.textContent = text.detail.wholeRuns(known(shareOf(job)) ? percent(shareOf(job), 0) : "")));
        shown.windows = answer.windows;
        if (item === shown) draw();
      } catch (error) {
        start.replaceWith(h("p", {class: "failed", role: "alert"}, error.message));
      }
    });
    return item.source && item.windows.length * 30 < item.duration_s - 30 ? start : null;
  }

  function ownGenre() {
    if (!correct || !item.track || state.health.read_only) return null;
    const input = h("input", {type: "text", list: "genres", value: item.track.correction ?? "",
      placeholder: item.track.predicted, autocomplete: "off",
      change: () => correct([item.track], input.value.trim() || null)});
    return h("label", {class: "field own"}, h("span", {}, text.detail.own), input,
      h("span", {class: "small"}, text.detail.keys));
  }

  function draw() {
    element.replaceChildren();
    const leave = button("✕", close, {class: "plain leave", "aria-label": text.detail.close});
    if (!item) return element.append(leave, small(empty));
    const names = item.genres.slice(0, kShown).map(({genre}) => genre), colours = coloursOf(names);
    const analysed = item.genres.length > 0;
    element.append(...[leave,
      before.length > 0 && button(text.detail.back, () => {
        item = before.pop();
        draw();
      }, {class: "link back"}),
      h("header", {}, !item.error && playButton(item), h("div", {}, h("h2", {}, bdi(item.title)),
        small([item.subtitle, item.track?.album].filter(Boolean).map((name, i) => [i > 0 && " · ", bdi(name)])))),
      verdict(item), analysed && bars(item, colours), ownGenre(),
      analysed && item.duration_s > 0 && timeline(item, colours), analysed && whole(),
      analysed && similar(item, show), factsOf(item)].flat(2).filter(Boolean));
    element.scrollTop = 0;
  }

  draw();
  return {element, show, open, item: () => item};
}
