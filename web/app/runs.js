// The view "Runs": reports of studies and searches, curves of training runs as they grow, comparison.
import {extent, figure, plot, rowChart} from "../charts.js";
import {fixed, h, known, percent, range, table, textColumn, tick} from "../elements.js";
import {grid, name as bdi, small} from "../page.js";
import {get} from "./api.js";
import {emptyView} from "./state.js";
import {text} from "./text.js";

let streams = [];
/** Ends what the view receives. */
export function leave() {
  for (const stream of streams) stream.close();
  streams = [];
}

const pathOf = (name, member) => `/v1/runs/${encodeURIComponent(name)}/${member}`;

// ---- curves ----

/** Curves {name: points} of a run as they arrive; `changed()` after each batch of them. */
function curvesOf(run, changed, status) {
  const curves = Object.create(null), stream = new EventSource(pathOf(run.name, "events"));
  let planned = false;
  streams.push(stream);
  stream.addEventListener("point", (event) => {
    const {curve, ...point} = JSON.parse(event.data), points = (curves[curve] ??= []);
    const old = points.findIndex(({epoch}) => epoch === point.epoch);  // past points come again with a new connection
    points.splice(old < 0 ? points.length : old, old < 0 ? 0 : 1, point);
    status?.(text.runs.epoch(point.epoch, point.clips_per_s));
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => {
      planned = false;
      changed();
    });
  });
  stream.addEventListener("end", () => {
    stream.close();
    status?.(text.runs.ended);
  });
  stream.addEventListener("error", () => status?.(text.runs.waiting));
  return curves;
}

/** Loss and accuracy by epoch: both parts of a run's only curve, or the validation (else training) of several. */
function curveFigures(runs, status) {
  const figures = [], changed = () => figures.forEach((each) => each.querySelector(".drawing").draw());
  const sources = runs.map((run) => ({run, curves: curvesOf(run, changed, status)}));
  const seriesOf = (metric) => {
    const all = sources.flatMap(({run, curves}) => Object.entries(curves).map(([name, points]) =>
      ({points, label: [runs.length > 1 && run.name, name].filter(Boolean).join(" · ") || run.name})));
    const line = (points, part, name, series) => {
      const shown = points.map((point) => [point.epoch, point[`${part}_${metric}`]]).filter(([, y]) => known(y));
      const value = (y) => (metric === "loss" ? fixed(y, 3) : percent(y));
      return {name, series, points: shown, line: true, dots: shown.length < 40, radius: 2.5,
        tips: (k) => `${name}, ${text.runs.epochShort(shown[k][0])}: ${value(shown[k][1])}`};
    };
    const either = ({points, label}, i) => {
      const valid = line(points, "validation", label, i);
      return valid.points.length ? valid : line(points, "training", label, i);
    };
    const lines = all.length === 1
      ? ["training", "validation"].map((part, i) => line(all[0].points, part, text.runs[part], i)) : all.map(either);
    return lines.filter(({points}) => points.length);
  };
  for (const metric of ["loss", "accuracy"]) {
    const draw = (width) => {
      const series = seriesOf(metric), all = series.flatMap(({points}) => points);
      return plot(width, {height: 260, series,
        x: {domain: [1, Math.max(2, ...all.map(([x]) => x))], label: text.runs.epochs},
        y: {domain: extent(all.map(([, y]) => y)), format: metric === "accuracy" ? tick : null}});
    };
    const numbers = () => {
      const series = seriesOf(metric).map(({name, points}) => [name, new Map(points)]);
      const epochs = [...new Set(series.flatMap(([, points]) => [...points.keys()]))].sort((a, b) => a - b);
      return [[text.runs.epochs, ...series.map(([name]) => name)],
        epochs.map((epoch) => [epoch, ...series.map(([, points]) => points.get(epoch) ?? null)])];
    };
    const description = runs.map(({name}) => name).join(", ");
    figures.push(figure({title: text.runs.titles[metric], description, draw, numbers}));
  }
  return grid("half", ...figures);
}

// ---- comparison ----

/** The best model of a study, or the best point of a search, with its interval. */
function bestOf(doc) {
  const model = doc.models?.find(({name}) => name === doc.best);
  if (model) return {title: model.title, ...model.accuracy};
  const point = doc.points?.[doc.best];
  if (!point) return null;
  const {accuracy: value, standard_error: error} = point;
  return {title: doc.kind, value, low: value - error, high: value + error};
}

function bestFigure(rows) {
  const bounds = rows.flatMap(({best}) => [best.low, best.high]);
  return figure({
    title: text.runs.best, note: text.runs.bestNote,
    draw: (width) => rowChart(width, {axis: {domain: extent(bounds), format: tick}, rows: rows.map(({run, best}) => ({
      label: `${run.name}: ${best.title}`, ...best, text: percent(best.value),
      tip: `${run.name}, ${best.title}: ${percent(best.value)} (${range(best)})`}))}),
    numbers: () => [[text.runs.run, text.runs.model, text.runs.accuracy],
      rows.map(({run, best}) => [run.name, best.title, best.value])],
  });
}

/** Accuracies of each model in each study. */
function modelTable(studies) {
  const models = new Map();
  for (const {run, doc} of studies) {
    for (const {name, title, error, accuracy} of doc.models) {
      if (!models.has(name)) models.set(name, {name, title, of: new Map()});
      if (!error) models.get(name).of.set(run, accuracy);
    }
  }
  return table({caption: text.runs.models, rows: [...models.values()], limit: 30, columns: [
    {name: text.runs.model, value: ({title}) => title,
      cell: ({name, title}) => [bdi(title), name !== title && h("span", {class: "detail"}, bdi(name))]},
    ...studies.map(({run}) => ({name: run.name, number: true, value: ({of}) => of.get(run)?.value, cell: ({of}) =>
      (of.has(run) ? [percent(of.get(run).value), h("span", {class: "detail"}, range(of.get(run)))] : "–")}))]});
}

async function comparison(runs) {
  const trained = runs.filter(({report, curves}) => !report && curves), others = runs.filter(({report}) => report);
  const docs = await Promise.all(others.map(async (run) => ({run, doc: await get(pathOf(run.name, "results"))})));
  const best = docs.map(({run, doc}) => ({run, best: bestOf(doc)})).filter((row) => row.best);
  const studies = docs.filter(({doc}) => doc.models);
  return [best.length > 0 && bestFigure(best), studies.length > 0 && modelTable(studies),
    trained.length > 0 && curveFigures(trained), small(text.runs.compareNote)];
}

// ---- the view ----

/** What is known of a run's result, in a line. */
const summaryOf = ({state, summary: {dataset, examples, best, accuracy, problem} = {}}) => [
  state === "unfinished" && text.runs.unfinished, dataset, known(examples) && text.runs.examples(examples), best,
  accuracy && percent(accuracy.value), problem].filter(Boolean).join(" · ");

function one(run) {
  const status = h("p", {class: "status", role: "status"}, summaryOf(run));
  const path = pathOf(run.name, "report");
  return [h("p", {}, h("a", {href: "#runs"}, text.runs.all)), h("h1", {}, bdi(run.name)), status,
    run.curves && (run.state === "unfinished" || !run.report) &&
      curveFigures([run], (now) => (status.textContent = now)),
    run.report && [h("p", {}, h("a", {href: path, target: "_blank", rel: "noopener"}, text.runs.separate)),
      h("iframe", {class: "report", src: path, title: text.runs.report(run.name),
        sandbox: "allow-scripts allow-downloads"})]];
}

function overview(runs) {
  const chosen = new Set(), result = h("div", {class: "compared"});
  const problem = h("p", {class: "failed", role: "alert"});
  const button = h("button", {type: "button", class: "primary", disabled: true, click: async () => {
    leave();
    problem.textContent = "";
    try {
      result.replaceChildren(h("h2", {}, text.runs.comparison), ...(await comparison([...chosen])).filter(Boolean));
      result.scrollIntoView();
    } catch (error) {
      problem.textContent = error.message;
    }
  }}, text.runs.compare(0));
  const tickOf = (run) => {
    const box = h("input", {type: "checkbox", "aria-label": text.runs.choose(run.name), change: () => {
      if (box.checked) chosen.add(run);
      else chosen.delete(run);
      button.disabled = chosen.size < 2;
      button.textContent = text.runs.compare(chosen.size);
    }});
    return box;
  };
  return [h("h1", {}, text.nav.runs), table({caption: text.runs.lead, rows: runs, sort: [2, -1], columns: [
    {name: text.runs.run, value: ({name}) => name, cell: (run) => h("span", {class: "who"}, tickOf(run),
      h("a", {href: `#runs/${encodeURIComponent(run.name)}`}, bdi(run.name)))},
    textColumn(text.runs.kind, ({kind}) => text.runs.kinds[kind] ?? kind),
    {name: text.runs.modified, value: (run) => run.modified_s, cell: (run) =>
      new Date(1000 * run.modified_s).toLocaleString("en-GB", {dateStyle: "medium", timeStyle: "short"})},
    {name: text.runs.result, cell: (run) => bdi(summaryOf(run))}]}),
  h("p", {class: "actions"}, button), problem, result];
}

/** The view; `name`: of one run. */
export async function show(name) {
  const {runs} = await get("/v1/runs");
  if (runs.length === 0) return emptyView(text.runs.none, text.runs.noneLead, text.runs.noneCommand);
  const run = name && runs.find((each) => each.name === name);
  return h("div", {class: "view flow"}, name && !run ? h("p", {class: "failed"}, text.runs.unknown(name)) : null,
    run ? one(run) : overview(runs));
}
