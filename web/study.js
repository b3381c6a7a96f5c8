// The document of a study, and what the reader has selected: the models to show and the one to show in detail.
import {figure, redraw, rowChart} from "./charts.js";
import {h, percent, tick} from "./elements.js";
import {name, small} from "./page.js";

/** The document, its genres, the models that were fitted, the best of them, the baseline and the selected model. */
export let doc, labels, fitted, best, chance, selected;
const hidden = new Set(), listeners = [];

export function openStudy(results) {
  doc = results;
  ({labels, baseline: chance} = doc);
  fitted = doc.models.filter((model) => !model.error);
  selected = best = fitted.find((model) => model.name === doc.best);
}

export const score = (model) => model.accuracy.value;
export const top = (model, k) => model.top_k?.find((each) => each.k === k)?.value;
export const featureSets = () => doc.feature_sets ?? [doc.features];

/** Models, or figures with a model's name, that are not switched off. */
export const visible = (list) => list.filter((each) => !hidden.has(each.name));
export const shown = () => visible(fitted);

/** Title of a model, with its features where the study has several, or its name where that is not unique. */
export function titleOf(model) {
  const full = (each) => (featureSets().length > 1 && each.features ? `${each.title} · ${each.features}` : each.title);
  return doc.models.filter((each) => full(each) === full(model)).length > 1 ? model.name : full(model);
}
export const titleByName = (key) => {
  const model = doc.models.find((each) => each.name === key);
  return model ? titleOf(model) : key;
};

/** Nodes that are built again when the selected model or the set of visible models changes. */
export function live(build) {
  const holder = h("div", {class: "live"});
  const update = () => holder.replaceChildren(...[build()].flat(2).filter(Boolean));
  listeners.push(update);
  update();
  return holder;
}

function changed() {
  for (const select of document.querySelectorAll("select.model")) select.value = selected.name;
  for (const update of listeners) update();
  redraw();
}

/** A box that switches a model on and off in all figures. */
export function modelToggle(model) {
  const box = h("input", {type: "checkbox", "aria-label": `Show ${titleOf(model)} in the figures`, change: () => {
    if (box.checked) hidden.delete(model.name);
    else hidden.add(model.name);
    changed();
  }});
  box.checked = true;
  return box;
}

/** Selection among the models that `has` what a section shows; the selection is common to the page. */
function modelSelect(has) {
  const models = fitted.filter(has);
  if (fitted.length === 1) return null;
  if (models.length === 1) return small("Model: ", h("b", {}, name(titleOf(models[0]))));
  const select = h("select", {class: "model", change: () => {
    selected = fitted.find((model) => model.name === select.value);
    changed();
  }}, models.map((model) => h("option", {value: model.name}, `${titleOf(model)} (${percent(score(model))})`)));
  select.value = (has(selected) ? selected : models[0]).name;
  return h("label", {class: "select"}, h("span", {}, "Model"), select);
}

/** A section about the selected model: `build(model)` for one that `has` what the section shows. */
export const detail = (has, build) => fitted.some(has) &&
  [modelSelect(has), live(() => build(has(selected) ? selected : fitted.find(has)))];

/** A chart of one row per model, `rows()` as in rowChart(); by default over an axis of accuracies. */
export function rowsFigure(title, note, rows, options = {}) {
  const axis = (list) => {
    const highest = Math.max(...list.flatMap((row) => [row.value, row.high ?? 0, ...(row.dots ?? [])]));
    return {label: "test accuracy", format: tick, domain: [0, Math.min(1, Math.ceil(10.5 * highest) / 10)]};
  };
  return figure({
    title, note,
    draw: (width) => rowChart(width, {rows: rows(), axis: options.axis?.() ?? axis(rows()), ...options.chart}),
    numbers: () => [["", "Value", "Low", "High"],
      rows().map((row) => [row.name ?? row.label, row.value ?? row.bar, row.low ?? null, row.high ?? null])],
  });
}

// ---- audio ----

/** Whether a file is on this machine and named by its whole path; others have no player. */
export const playable = (file) => location.protocol === "file:" && Boolean(file?.startsWith("/"));
export function player(file, what) {
  const src = playable(file) && `file://${file.split("/").map(encodeURIComponent).join("/")}`;
  return src && h("audio", {controls: true, preload: "none", src, "aria-label": `Play ${what}`});
}
