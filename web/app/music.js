// The view "Drop music": files are sent and analysed a few at a time.
import {clock, h, known, percent, saveFile} from "../elements.js";
import {query, resultOf, shareOf, upload} from "./api.js";
import {itemOfFile, noveltyCell, pane} from "./detail.js";
import {play, playButton} from "./player.js";
import {grid, ListSource} from "./rows.js";
import {button, genreMark, state} from "./state.js";
import {text} from "./text.js";

const kAtOnce = 3, kJobBytes = 24e6;  // longer files are analysed as jobs, which report progress
const other = new RegExp("\\.(jpe?g|png|gif|webp|bmp|pdf|txt|nfo|log|cue|m3u8?|pls|xspf|sfv|md5|ini|db|url|html?|xml|" +
  "json|lrc|zip)$", "i");

const source = new ListSource();
let running = 0, stop = new AbortController(), next = 0;

// ---- analysis ----

async function analyse(entry, signal, again = false) {
  const send = () => upload(query("/v1/predict", {job: entry.file.size > kJobBytes ? 1 : null}), entry.file, (share) =>
    update(entry, {state: share < 1 ? "sending" : "analysing", share: share < 1 ? share : null}), signal);
  for (;;) {
    try {
      update(entry, {state: "sending", share: 0});
      const sent = await send(), answer = await resultOf(sent, (job) =>
        update(entry, {state: "analysing", share: shareOf(job)}), signal);
      entry.item = itemOfFile(entry.key, entry.file, entry.url, {...answer, upload: sent.upload});
      if (!again) entry.item.renew = () => analyse(entry, stop.signal, true);  // the server keeps the latest files only
      return update(entry, {state: "done"});
    } catch (error) {
      if (error.name === "AbortError") return update(entry, {state: "stopped"});
      if (![0, 429, 503].includes(error.status)) return update(entry, {state: "failed", error});
      update(entry, {state: "waiting"});
      await new Promise((done) => setTimeout(done, 1000 * Math.min(30, error.retryAfter || 2)));
      if (signal.aborted) return update(entry, {state: "stopped"});
    }
  }
}

async function work() {
  if (running >= kAtOnce) return;
  ++running;
  const {signal} = stop;
  while (!signal.aborted && next < source.list.length) await analyse(source.list[next++], signal);
  --running;
  if (!stop.signal.aborted && next < source.list.length) work();  // more was dropped after a stop
  summarise();
}

function update(entry, change) {
  Object.assign(entry, change);
  table.again(entry);
  if (change.state === "done" && shown === entry) details.show(entry.item);
  summarise();
}

/** Adds files [{file, path}] and starts on them. */
function add(files) {
  const kept = files.filter(({path}) => !other.test(path) && !path.split("/").some((part) => part.startsWith(".")));
  kept.sort((a, b) => a.path.localeCompare(b.path, "en", {numeric: true}));
  left = files.length - kept.length;
  for (const {file, path} of kept) {
    source.list.push({key: `file:${source.list.length}:${path}`, file, path, state: "waiting", get url() {
      return (this.blob ??= URL.createObjectURL(file));
    }});
  }
  if (stop.signal.aborted) stop = new AbortController();
  source.changed();
  summarise();
  for (let i = 0; i < kAtOnce; ++i) work();
}

function clear() {
  stop.abort();
  for (const {blob} of source.list) if (blob) URL.revokeObjectURL(blob);
  source.list = [];
  next = left = 0;
  shown = null;
  table.reset();
  source.changed();
  details.show(null);
  summarise();
}

// ---- files from a drop ----

const entriesOf = (reader) => new Promise((done, failed) => reader.readEntries(done, failed));

async function walk(entry, path, found) {
  if (entry.isFile) {
    found.push({file: await new Promise((done, failed) => entry.file(done, failed)), path: path + entry.name});
    return;
  }
  const reader = entry.createReader();
  for (let list = await entriesOf(reader); list.length; list = await entriesOf(reader)) {
    for (const each of list) await walk(each, `${path}${entry.name}/`, found);
  }
}

/** Takes the files and folders of a drop. */
export async function drop({items, files}) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean), found = [];
  if (!entries.length) found.push(...[...files].map((file) => ({file, path: file.name})));
  for (const entry of entries) await walk(entry, "", found).catch((error) => (note.textContent = error.message));
  add(found);
}

function chooser(folder) {
  const input = h("input", {type: "file", multiple: true, webkitdirectory: folder, hidden: true, change: () => {
    add([...input.files].map((file) => ({file, path: file.webkitRelativePath || file.name})));
    input.value = "";
  }});
  return h("span", {}, input, button(folder ? text.music.chooseFolder : text.music.chooseFiles, () => input.click(),
    {class: folder ? null : "primary"}));
}

// ---- table ----

function progressOf(entry) {
  if (entry.state === "failed") return h("span", {class: "failed"}, entry.error.reason);
  if (["waiting", "stopped"].includes(entry.state)) return h("span", {class: "faint"}, text.music[entry.state]);
  return h("span", {class: "progress"}, h("progress", {"aria-label": entry.path, max: 1, value: entry.share}),
    h("span", {class: "faint"}, text.music[entry.state](known(entry.share) ? percent(entry.share, 0) : "")));
}

const best = ({item}) => item?.genres[0];
/** What the player needs of a file. */
const sound = (entry) => ({key: entry.key, title: entry.file.name, url: entry.url, duration_s: entry.item?.duration_s});

function resultOfFile(entry) {
  if (entry.state !== "done") return progressOf(entry);
  return genreMark(entry.item.unknown ? text.music.unknown(best(entry).genre) : best(entry).genre);
}

const columns = [
  {name: h("span", {class: "unseen"}, text.player.play), style: "go", cell: (entry) => playButton(sound(entry), false)},
  {name: text.music.file, style: "name", cell: ({path}) => h("bdi", {title: path}, path)},
  {name: text.library.genre, style: "result", cell: resultOfFile},
  {name: text.library.confidence, style: "n share", cell: (entry) => best(entry) && percent(best(entry).confidence, 0)},
  {name: text.library.novelty, style: "n wide-only", cell: ({item}) => noveltyCell(item)},
  {name: text.library.length, style: "n", cell: ({item}) => item && clock(item.duration_s)},
];

let shown = null, left = 0;
const details = pane({empty: text.music.select});
const table = grid({
  label: text.music.table, columns, source, keyOf: ({key}) => key, rowClass: ({state: at}) => at,
  opened: (entry) => play(sound(entry)),
  chosen: ([entry]) => {
    shown = entry;
    if (!entry) return;
    details.show(entry.item ?? {title: entry.path, genres: [], windows: [], error: entry.error?.message ?? text.music.notYet});
    if (matchMedia("(max-width: 900px)").matches) details.open();
  },
});

const overall = h("progress", {"aria-label": text.music.overall, max: 1, value: 0}), status = h("p", {class: "status"});
const note = h("span", {class: "small", role: "status"});
const stopButton = button(text.music.stop, () => {
  stop.abort();
  for (const entry of source.list.slice(next)) update(entry, {state: "stopped"});
  next = source.list.length;
});
const after = [button(text.music.save, save), button(text.music.clear, clear)];

let planned = false;
function summarise() {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => {
    planned = false;
    const {list} = source, of = (kind) => list.filter((entry) => entry.state === kind).length;
    const [done, failed, stopped] = ["done", "failed", "stopped"].map(of), ready = done + failed + stopped;
    view.classList.toggle("filled", list.length > 0);
    status.textContent = text.music.status(done, failed, list.length);
    overall.value = list.length ? ready / list.length : 0;
    overall.hidden = stopButton.hidden = ready === list.length;
    for (const button of after) button.hidden = ready === 0;
    const remark = ready === list.length && ready > 0 ? text.music.finished(done, failed) : "";
    const all = [remark, left > 0 && text.music.left(left)].filter(Boolean).join(" ");
    if (note.textContent !== all) note.textContent = all;
  });
}

function save() {
  const cell = (value) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const lines = source.list.map((entry) => [entry.path, best(entry)?.genre, best(entry)?.confidence,
    entry.item?.unknown, entry.item?.novelty, entry.error?.message].map((value) => cell(String(value ?? ""))).join(","));
  const all = ["file,genre,confidence,unknown,novelty,error", ...lines, ""].join("\n");
  saveFile("genres.csv", new Blob([all], {type: "text/csv"}));
}

const view = h("div", {class: "view music"}, h("div", {class: "intake"},
  h("div", {class: "drop"}, h("h1", {}, text.music.title), h("p", {class: "lead"}, text.music.lead),
    h("p", {class: "actions"}, chooser(false), chooser(true)), h("p", {class: "small limits"}, text.music.private)),
  h("div", {class: "toolbar"}, status, overall, note, h("span", {class: "actions"}, stopButton, after))),
  h("div", {class: "panes"}, table.element, details.element));

/** The view; `state.health` is known. */
export function show() {
  if (!state.health.model) view.querySelector(".limits").textContent = text.music.noModel;
  summarise();
  return view;
}
