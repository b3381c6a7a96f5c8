// What the pages of studies and searches share: the frame with its table of contents, and figures of parameters.
import {connect, extent, figure, matrix, plot} from "./charts.js";
import {count, duration, h, percent, points, tick} from "./elements.js";

/** Shows the sections [[id, title, build]] with a table of contents; without nodes from `build()` one is left out. */
export function showPage(kicker, heading, lead, sections) {
  const built = sections.map(([id, title, build]) => [id, title, attempt(title, build)]).filter(([, , nodes]) => nodes);
  const links = built.map(([id, title]) => h("li", {}, h("a", {href: `#${id}`}, title)));
  const main = h("main", {id: "main"},
    h("header", {}, h("p", {class: "kicker"}, kicker), h("h1", {}, heading), h("p", {class: "lead"}, lead)),
    built.map(([id, title, nodes]) =>
      h("section", {id, "aria-labelledby": `${id}-title`}, h("h2", {id: `${id}-title`}, title), nodes)));
  document.body.append(h("nav", {class: "contents", "aria-label": "Contents"}, h("p", {}, "Contents"), h("ol", {}, links)), main);
  connect(main);
  const seen = new IntersectionObserver((entries) => {
    for (const {target, isIntersecting} of entries) {
      links.find((link) => link.firstChild.hash === `#${target.id}`).classList.toggle("here", isIntersecting);
    }
  }, {rootMargin: "-15% 0px -70%"});
  for (const section of main.querySelectorAll("section")) seen.observe(section);
}

function attempt(title, build) {
  try {
    return build();
  } catch (error) {
    console.error(title, error);
    return h("p", {class: "failed"},
      `This section cannot be drawn: ${error.message}. Its figures are in the JSON document.`);
  }
}

export const name = (text) => h("bdi", {}, text);
export const code = (text) => h("code", {}, text);
export const small = (...text) => h("p", {class: "small"}, ...text);
export const grid = (style, ...figures) => h("div", {class: `grid ${style}`}, ...figures);
export const some = (list) => Array.isArray(list) && list.length > 0;
export const sum = (list) => list.reduce((a, b) => a + b, 0);
/** Order of falling values, for sort(). */
export const by = (value) => (a, b) => value(b) - value(a);
export const plural = (n, what) => `${count(n)} ${what}${n === 1 ? "" : "s"}`;

export const notesBox = (notes) => some(notes) &&
  h("aside", {"aria-label": "Caveats"}, h("h3", {}, "Caveats"), h("ul", {}, notes.map((note) => h("li", {}, note))));

/** A list of names and values [[name, ...value]]; items that are false are left out. */
export const facts = (style, list) => h("dl", {class: style}, list.filter(Boolean).map(([title, ...value]) =>
  h("div", {}, h("dt", {}, title), h("dd", {}, ...value))));

/** Command, dataset, features, the rows `between`, seed and program. */
export function provenance(doc, between) {
  const features = (doc.feature_sets ?? [doc.features]).map((set) => {
    const extracted = set.extract_s > 0 ? `, extracted in ${duration(set.extract_s)}` : "";
    return h("div", {}, `${set.name}, version ${set.version}, ${count(set.columns)} columns${extracted}`, h("br"),
      code(set.hash));
  });
  return facts("made", [
    ["Command", code(doc.command)],
    ["Dataset", name(doc.dataset.location)],
    ["Features", features],
    ...between,
    ["Seed", String(doc.seed)],
    ["Program", `genrewise ${doc.program_version}, ${doc.created}`],
  ]);
}

/** A chart of the cumulative explained variance; `shares`: per principal component. */
export function varianceFigure(title, shares) {
  let total = 0;
  const line = shares.map((share, i) => [i + 1, (total += share)]);
  const needed = [0.9, 0.95, 0.99].map((part) => [part, line.find(([, share]) => share >= part)?.[0]]);
  const note = needed.filter(([, n]) => n).map(([part, n]) => `${percent(part, 0)} by ${n}`).join(", ");
  const series = [{
    points: line, area: line.map(([x, y]) => [x, 0, y]), line: true, dots: shares.length <= 40, radius: 2.5,
    tips: (i) => `${plural(line[i][0], "component")}: ${percent(line[i][1])}`,
  }];
  return figure({
    title, note, description: `Cumulative explained variance of ${plural(shares.length, "component")}. ${note}`,
    draw: (width) => plot(width, {
      height: 210, series, x: {domain: [1, Math.max(2, shares.length)], label: "components"},
      y: {domain: [0, 1], format: tick, label: "cumulative variance"},
    }),
    numbers: () => [["Components", "Cumulative share"], line],
  });
}

// ---- tried points: {parameters: {name: text}, accuracy, standard_error, fold_accuracy, error} ----

const valueName = (parameter, value) => (parameter === "pca_components" && value === "0" ? "none" : value);
const fits = (point) => !point.error && Number.isFinite(point.accuracy);

/** "C = 4, gamma = 0.01". */
export const settingText = (parameters) =>
  Object.entries(parameters).map(([key, value]) => `${key} = ${valueName(key, value)}`).join(", ");

/** Axes {parameter, values}: the parameters with more than one value, values in the order of their first use. */
export function variedParameters(tried) {
  const values = {};
  for (const {parameters} of tried) {
    for (const [key, value] of Object.entries(parameters)) (values[key] ??= new Set()).add(value);
  }
  return Object.entries(values).filter(([, set]) => set.size > 1)
    .map(([parameter, set]) => ({parameter, values: [...set]}));
}

/** Best score with each value of a parameter; `chosen`, `simple`: parameters of marked points; `enough`: a score. */
export function valueFigure(title, tried, {parameter, values}, {chosen, simple, enough}) {
  const bestWith = (value) => tried.filter((point) => fits(point) && point.parameters[parameter] === value)
    .sort(by((point) => point.accuracy))[0];
  const best = values.map(bestWith).filter(Boolean);
  if (best.length === 0) return null;
  const texts = best.map((point) => valueName(parameter, point.parameters[parameter]));
  const indexOf = (marked) => best.findIndex((point) => point.parameters[parameter] === marked?.[parameter]);
  const ring = indexOf(simple);
  const tips = (i) => {
    const error = best[i].standard_error ? ` ± ${points(best[i].standard_error)}` : "";
    return `${parameter} = ${texts[i]}: ${percent(best[i].accuracy)}${error}${
      i === ring ? ", simplest within one standard error" : ""}`;
  };
  const line = best.map((point, i) => [i, point.accuracy]);
  const folds = best.flatMap((point, i) => (point.fold_accuracy ?? []).map((share) => [i, share]));
  const bars = best.map(({accuracy, standard_error: error = 0}, i) => [i, accuracy - error, accuracy + error]);
  const series = [
    {points: folds, dots: true, radius: 2, series: "fold"},
    {points: ring < 0 ? [] : [line[ring]], dots: true, radius: 8, series: "warm", tips: () => tips(ring)},
    {points: line, line: true, dots: true, hollow: true, emphasis: indexOf(chosen), radius: 4.5, bars, series: 0, tips},
  ];
  const highest = Math.max(...line.map(([, share]) => share));
  return figure({
    title, description: `Accuracy for ${plural(best.length, "value")} of ${parameter}; the highest ${percent(highest)}`,
    draw: (width) => plot(width, {
      height: 210, series, rules: enough ? [{y: enough}] : [],
      x: {domain: [-0.4, best.length - 0.6], label: parameter, ticks: texts.map((text, i) => ({at: i, text}))},
      y: {domain: extent([...folds, ...bars].flatMap(([, ...y]) => y)), format: tick, label: "accuracy"},
    }),
    numbers: () => [[parameter, "Accuracy", "Standard error"],
      best.map((point, i) => [texts[i], point.accuracy, point.standard_error ?? null])],
  });
}

/** Accuracies over two parameters, if every combination was tried. */
export function productFigure(tried, axes) {
  if (axes.length !== 2 || axes[0].values.length * axes[1].values.length !== tried.length) return null;
  const [rows, columns] = axes, key = (a, b) => JSON.stringify([a, b]);
  const cells = new Map(tried.map((point) =>
    [key(point.parameters[rows.parameter], point.parameters[columns.parameter]), point]));
  const at = (r, c) => cells.get(key(rows.values[r], columns.values[c]));
  const scores = tried.filter(fits).map((point) => point.accuracy);
  const high = Math.max(...scores), low = Math.min(...scores);
  const strength = (score) => (high > low ? 0.08 + 0.85 * (score - low) / (high - low) : 0.5);
  const names = (axis) => axis.values.map((value) => valueName(axis.parameter, value));
  return figure({
    title: `${rows.parameter} and ${columns.parameter} together`,
    note: "Accuracy in percent; a stronger colour is a higher one, the best is framed.",
    draw: (width) => matrix(width, {
      rows: names(rows), columns: names(columns), rowTitle: rows.parameter, columnTitle: columns.parameter,
      value: (r, c) => (fits(at(r, c)) ? strength(at(r, c).accuracy) : null),
      text: (r, c) => (fits(at(r, c)) ? points(at(r, c).accuracy) : "–"),
      mark: (r, c) => fits(at(r, c)) && at(r, c).accuracy === high,
      tip: (r, c) => `${settingText(at(r, c).parameters)}: ${at(r, c).error ?? percent(at(r, c).accuracy)}`,
    }),
    numbers: () => [[rows.parameter, columns.parameter, "Accuracy"], tried.map((point) =>
      [point.parameters[rows.parameter], point.parameters[columns.parameter], fits(point) ? point.accuracy : null])],
  });
}
