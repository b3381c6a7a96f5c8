// The view "Data": a dataset at a glance, as `genrewise inspect` finds it, with players for what is suspicious.
import {figure, rowChart} from "../charts.js";
import {count, duration, fixed, h, numberColumn, table, textColumn} from "../elements.js";
import {facts, name as bdi, small} from "../page.js";
import {follow, get, post} from "./api.js";
import {playButton} from "./player.js";
import {button, emptyView, fileName} from "./state.js";
import {text} from "./text.js";

const counts = (all, unit = "") => Object.entries(all).sort((a, b) => b[1] - a[1]).map(([key, n]) =>
  `${key}${unit} (${count(n)})`).join(", ");
const spread = ({least, median, most}, show) => `${show(least)} – ${show(most)}, ${text.data.median} ${show(median)}`;

const factsOf = (found) => facts("figures wide-figures", [
  ...["clips", "files", "artists", "albums", "unusable"].map((name) => [text.data[name], count(found[name])]),
  [text.data.total, duration(found.total_s)],
  [text.data.lengths, spread(found.clip_s, duration)],
  [text.data.bitRate, `${spread(found.bit_rate_kbps, (value) => fixed(value, 0))} kb/s`],
  [text.data.codecs, counts(found.codecs)], [text.data.rates, counts(found.sample_rates_hz, " Hz")],
  [text.data.channels, counts(found.channels)],
]);

function player(dataset, index, title) {
  return Number.isInteger(index) && playButton({key: `clip:${dataset}:${index}`, title,
    url: `/v1/audio/clip/${encodeURIComponent(dataset)}/${index}`});
}

function genresOf({genres, has_official_split: split}) {
  const rows = [...genres].sort((a, b) => b.clips - a.clips), most = Math.max(1, ...rows.map(({clips}) => clips));
  return [h("h2", {}, text.data.genres), h("div", {class: "columns"},
    figure({title: text.data.clipsOf, draw: (width) => rowChart(width, {axis: {domain: [0, most]},
      size: rows.length > 20 ? 18 : 24,
      rows: rows.map(({genre, clips}) => ({label: genre, bar: clips, text: count(clips)}))})}),
    table({caption: text.data.genreTable, rows, limit: 30, columns: [textColumn(text.library.genre, ({genre}) => genre),
      numberColumn(text.data.clips, ({clips}) => clips), numberColumn(text.data.artists, ({artists}) => artists),
      numberColumn(text.data.albums, ({albums}) => albums),
      ...(split ? ["training", "validation", "test"].map((part) => numberColumn(text.data[part], (row) => row[part]))
        : [])]}))];
}

function findingsOf(dataset, {findings, counts: kinds}) {
  const title = h("h2", {}, text.data.findings);
  if (!findings.length) return [title, h("p", {}, text.data.noFindings)];
  return [title, small(counts(kinds)), table({caption: text.data.findingsNote, rows: findings, limit: 50, columns: [
    {name: text.data.clip, value: ({path}) => path, cell: ({path, clip, kind}) => h("span", {class: "who"},
      player(dataset, clip, fileName(path)), h("bdi", {title: path, class: kind}, fileName(path)))},
    textColumn(text.data.kind, ({kind}) => kind), textColumn(text.data.detail, ({detail}) => detail),
    textColumn(text.data.usable, ({unusable}) => (unusable ? text.data.no : text.data.yes))]})];
}

function duplicatesOf({duplicates}) {
  const title = h("h2", {}, text.data.duplicates);
  if (!duplicates.length) return [title, h("p", {}, text.data.noDuplicates)];
  return [title, table({caption: text.data.duplicatesNote, rows: duplicates, limit: 30, columns: [
    {name: text.data.clips, cell: ({track_ids: ids}) => ids.map((id) => h("div", {}, bdi(id)))},
    textColumn(text.data.severalGenres, (row) => (row.several_genres ? text.data.yes : text.data.no)),
    textColumn(text.data.severalParts, (row) => (row.several_parts ? text.data.yes : text.data.no))]})];
}

function leakageOf({leakage, has_official_split: split}) {
  const title = h("h2", {}, text.data.leakage), crossed = (leakage ?? []).filter(({groups}) => groups > 0);
  if (!split) return [title, h("p", {}, text.data.noSplit)];
  if (!crossed.length) return [title, h("p", {}, text.data.noLeakage)];
  return [title, h("ul", {}, crossed.map(({kind, groups, examples, samples = []}) => h("li", {},
    text.data.crossing(groups, kind, examples), " ", samples.map((name, i) => [i > 0 && ", ", bdi(name)]))))];
}

/** What is known of a dataset, or a button that inspects it and then the progress. */
function inspection(dataset) {
  const body = h("div", {}), path = `/v1/data/${encodeURIComponent(dataset.name)}`;
  const start = (style) => h("p", {}, button(text.data.inspect, () => inspect(), {class: style}));
  const attempt = (work) => work().catch((error) =>
    body.replaceChildren(h("p", {class: "failed", role: "alert"}, error.message)));
  const fill = () => attempt(async () => {
    const found = await get(path);
    const parts = [genresOf(found), findingsOf(dataset.name, found), duplicatesOf(found), leakageOf(found)];
    body.replaceChildren(factsOf(found), ...parts.map((part) => h("section", {}, part)), start());
  });
  const inspect = (job) => attempt(async () => {
    const bar = h("progress", {"aria-label": text.data.inspecting}), note = h("span", {}, text.data.inspecting);
    body.replaceChildren(small(note), bar);
    await follow(job ?? (await post(`${path}/inspect`, {})).job, ({done, total}) => {
      if (total) Object.assign(bar, {max: total, value: done});
      note.textContent = text.data.inspected(count(done), count(total));
    });
    await fill();
  });
  if (dataset.inspected) fill();
  else if (dataset.job) inspect(dataset.job);
  else body.replaceChildren(h("p", {}, text.data.notYet), start("primary"));
  return body;
}

/** The view; `name`: of a dataset. */
export async function show(name) {
  const {datasets} = await get("/v1/data");
  if (!datasets.length) return emptyView(text.data.none, text.data.noneLead, text.data.noneCommand);
  const dataset = datasets.find((each) => each.name === name) ?? datasets[0];
  const choice = h("select", {"aria-label": text.data.dataset,
    change: () => (location.hash = `#data/${encodeURIComponent(choice.value)}`)},
  datasets.map((each) => h("option", {value: each.name}, each.name)));
  choice.value = dataset.name;
  return h("div", {class: "view flow"}, h("h1", {}, text.nav.data),
    datasets.length > 1 ? choice : h("p", {class: "lead"}, bdi(dataset.name)), inspection(dataset));
}
