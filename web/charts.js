// SVG charts without dependencies, shared by the report and the server's page. Colours are the variables of style.css.
import {clock, fill, fixed, h, known, percent, range, s, saveFile, table} from "./elements.js";

// ---- text in charts ----

const pen = document.createElement("canvas").getContext("2d");
let family;
const widthOf = (text, size) => {
  pen.font = `${size}px ${(family ??= getComputedStyle(document.body).fontFamily)}`;
  return 1.03 * pen.measureText(text).width;
};
const widest = (texts, size) => texts.reduce((most, text) => Math.max(most, widthOf(text, size)), 0);

/** The text, shortened with an ellipsis to `width` pixels; never within a character. */
function fit(text, width, size) {
  if (widthOf(text, size) <= width) return text;
  const letters = [...new Intl.Segmenter().segment(text)].map((part) => part.segment);
  let low = 0, high = letters.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (widthOf(`${letters.slice(0, middle).join("")}…`, size) <= width) low = middle;
    else high = middle - 1;
  }
  return `${letters.slice(0, low).join("").trimEnd()}…`;
}

/** Text of a chart; with `width`, shortened to it and the whole text as its tooltip. */
function label(text, x, y, {size = 12, anchor = "start", width, style, turn} = {}) {
  const shown = width ? fit(String(text), width, size) : String(text);
  const element = s("text", {x, y, "font-size": size, "text-anchor": anchor, class: style,
    transform: turn ? `rotate(${turn} ${x} ${y})` : null}, shown);
  if (shown !== String(text)) element.tip = String(text);
  return element;
}

// ---- tooltips: every element with the property `tip` has one; arrow keys walk through those of the focused chart ----

const tooltip = h("div", {class: "tooltip", role: "status", "aria-live": "polite", hidden: true});

/** Gives a mark its tooltip and, optionally, its series: pointing at one mark of a series dims the others. */
export function tip(element, text, series) {
  element.tip = text;
  if (series !== undefined) element.dataset.series = series;
  return element;
}

function showTip(text, x, y) {
  tooltip.textContent = text;
  tooltip.hidden = false;
  const box = tooltip.getBoundingClientRect();
  tooltip.style.left = `${Math.max(4, Math.min(x + 14, document.documentElement.clientWidth - box.width - 6))}px`;
  tooltip.style.top = `${y - box.height - 12 > 4 ? y - box.height - 12 : y + 18}px`;
}

function hideTip() {
  tooltip.hidden = true;
  for (const mark of document.querySelectorAll(".current")) mark.classList.remove("current");
}

function point(event) {
  let mark = event.target;
  while (mark instanceof Element && mark.tagName !== "svg" && !mark.tip && !mark.tipAt) mark = mark.parentNode;
  const chart = event.target.closest?.("svg.chart");
  if (chart) {
    const series = mark?.dataset?.series;
    for (const other of chart.querySelectorAll("[data-series]")) {
      other.classList.toggle("dim", series !== undefined && other.dataset.series !== series);
    }
  }
  const box = mark?.tipAt && mark.getBoundingClientRect();
  const text = box ? mark.tipAt((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height)
    : mark?.tip;
  if (text) showTip(text, event.clientX, event.clientY);
  else hideTip();
}

function walk(event) {
  const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
  if (event.key === "Escape") hideTip();
  if (!step || !event.target.matches?.("svg.chart")) return;
  const marks = [...event.target.querySelectorAll(".mark")];
  if (marks.length === 0) return;
  event.preventDefault();
  const old = marks.findIndex((mark) => mark.classList.contains("current"));
  const mark = marks[old < 0 ? (step > 0 ? 0 : marks.length - 1) : (old + step + marks.length) % marks.length];
  marks[old]?.classList.remove("current");
  mark.classList.add("current");
  const box = mark.getBoundingClientRect();
  showTip(mark.tip, box.left + box.width / 2, box.top + box.height / 2);
}

/** Connects tooltips and keyboard with a page; `parent` receives the tooltip. */
export function connect(parent) {
  parent.append(tooltip);
  document.addEventListener("pointermove", point);
  document.addEventListener("pointerdown", point);
  document.addEventListener("scroll", () => (tooltip.hidden = true), {passive: true, capture: true});
  document.addEventListener("focusout", hideTip);
  document.addEventListener("keydown", walk);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  const print = (on) => {
    if (document.documentElement.classList.toggle("printing", on) !== printed) redraw();
    printed = on;
  };
  let printed = false;
  matchMedia("print").addEventListener("change", (event) => print(event.matches));
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
}

// ---- figures: a drawing for the width that is there, its numbers as a table, and downloads ----

const figures = new Set();
const resized = new ResizeObserver((entries) => {
  for (const {target} of entries) if (target.width !== target.clientWidth) target.draw();
});

/** Draws all figures again, after a change of colours, of the selection or of the medium. */
export function redraw() {
  for (const holder of figures) {
    if (holder.isConnected) holder.draw();
    else if (holder.width) figures.delete(holder) && resized.unobserve(holder);
  }
}

/**
 * A figure. `draw(width)` returns a chart; `description` is its accessible description; `numbers()` returns
 * its numbers, [names of the columns, rows]; `note`: text below the title.
 */
export function figure({title, note, description, draw, numbers}) {
  const holder = h("div", {class: "drawing"});
  holder.draw = () => {
    holder.width = holder.clientWidth;
    if (holder.width < 100) return;  // hidden
    const printing = document.documentElement.classList.contains("printing");
    const paper = holder.closest(".third, .small-charts") ? 290 : holder.closest(".grid, .columns") ? 440 : 900;
    const chart = draw(printing ? paper : holder.width - 4);  // without the padding
    fill(chart, {role: "img", tabindex: 0, "aria-label": description ? `${title}. ${description}` : title}, []);
    chart.classList.add("chart");
    holder.replaceChildren(chart);
  };
  figures.add(holder);
  resized.observe(holder);
  const save = (kind) => h("button", {type: "button", class: "quiet", "aria-label": `Download “${title}” as ${kind}`,
    click: () => download(holder.firstChild, title, kind)}, kind);
  return h("figure", {},
    h("figcaption", {}, h("span", {class: "title"}, title), note && h("span", {class: "note"}, note)), holder,
    h("div", {class: "tools"}, numbers && dataTable(title, numbers), save("SVG"), save("PNG")));
}

/** A closed table of a figure's numbers, filled when it is opened. */
function dataTable(title, numbers) {
  const details = h("details", {toggle: () => {
    if (!details.open || details.children.length > 1) return;
    const [columns, rows] = numbers();
    details.append(table({caption: title, rows, limit: 50,
      columns: columns.map((name, i) => ({name, value: (row) => row[i], number: rows.some((row) => known(row[i]))}))}));
  }}, h("summary", {"aria-label": `Numbers of “${title}”`}, "Numbers"));
  return details;
}

const exported = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "opacity",
  "stroke-linejoin", "stroke-linecap", "font-family", "font-weight", "image-rendering"];

/** The text of an SVG file with all styles inline, on the page's background. */
function svgText(chart) {
  const copy = chart.cloneNode(true);
  const targets = [...copy.querySelectorAll("*")];
  [...chart.querySelectorAll("*")].forEach((element, i) => {
    const computed = getComputedStyle(element);
    for (const name of exported) targets[i].setAttribute(name, computed.getPropertyValue(name));
    targets[i].removeAttribute("class");
  });
  for (const hit of copy.querySelectorAll("[data-hit]")) hit.remove();
  copy.prepend(s("rect", {width: "100%", height: "100%", fill: getComputedStyle(document.body).backgroundColor}));
  return new XMLSerializer().serializeToString(copy);
}

async function download(chart, title, kind) {
  const text = svgText(chart);
  let blob = new Blob([text], {type: "image/svg+xml"});
  if (kind === "PNG") {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    await image.decode();
    const canvas = h("canvas", {width: 2 * chart.getAttribute("width"), height: 2 * chart.getAttribute("height")});
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  }
  const name = title.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60).replace(/^-|-$/g, "") || "figure";
  saveFile(`${name}.${kind.toLowerCase()}`, blob);
}

const open = (width, height) => setHeight(s("svg", {width: Math.round(width)}), height);
const setHeight = (chart, height) => fill(chart, {height: Math.round(height),
  viewBox: `0 0 ${chart.getAttribute("width")} ${Math.round(height)}`}, []);

/** Class of series i: eight colours; the next eight have other shapes and dashes. */
const seriesClass = (i) => (typeof i === "number" ? `s${i % 8} d${Math.floor(i / 8) % 3}` : i);

/** Draws a legend from the top left corner; items: {name, series}. Returns its height. */
function legend(chart, items, width, left = 0) {
  let x = left, y = 10;
  items.forEach(({name, series, key}, i) => {
    const shown = fit(name, Math.min(230, width - left - 34), 12), length = widthOf(shown, 12) + 32;
    if (x > left && x + length > width) [x, y] = [left, y + 19];
    chart.append(tip(s("g", {class: `key ${seriesClass(series ?? i)}`},
      s("rect", {x, y: y - 9, width: length, height: 18, class: "hit", "data-hit": 1}),
      shape(series ?? i, x + 6, y, 4.5), label(shown, x + 17, y + 4)), name, key ?? i));
    x += length;
  });
  return items.length ? y + 16 : 0;
}

function shape(series, x, y, r, style = "dot") {
  const kind = typeof series === "number" ? Math.floor(series / 8) % 3 : 0;
  const css = `${style} ${seriesClass(series)}`;
  if (kind === 0) return s("circle", {cx: round(x), cy: round(y), r, class: css});
  const [a, b] = kind === 1 ? [r * 1.2, `l${r * 1.3},${r * 2.1}h${-r * 2.6}z`]
    : [r, `h${r}v${2 * r}h${-2 * r}v${-2 * r}z`];
  return s("path", {d: `M${round(x)},${round(y - a)}${b}`, class: css});
}

const round = (value) => Math.round(value * 10) / 10;

// ---- scales ----

function ticksOf({domain: [low, high], log, ticks, format}, most) {
  if (ticks) return ticks;
  if (log) {
    const steps = Math.log10(high / low) > most / 2 ? [1] : [1, 2, 5], found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); ++power) {
      for (const step of steps) {
        const at = step * 10 ** power;
        if (at >= low * 0.999 && at <= high * 1.001) found.push({at, text: (format ?? String)(at)});
      }
    }
    return found;
  }
  const raw = (high - low) / Math.max(1, most), power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; ++i) {
    const at = Number((i * step).toPrecision(10));
    found.push({at, text: (format ?? String)(at).replace("-", "−")});
  }
  return found;
}

function scale({domain: [low, high], log}, from, to) {
  const of = log ? Math.log : (value) => value, start = of(low), length = of(high) - start || 1;
  return (value) => from + (to - from) * ((of(log ? Math.max(value, low / 10) : value) - start) / length);
}

/** [low, high] of the numbers, widened by `margin` of their range, or for a log scale by a factor. */
export function extent(values, {margin = 0.06, log = false, include = []} = {}) {
  const all = [...values, ...include].filter((value) => known(value) && (!log || value > 0));
  if (all.length === 0) return [log ? 0.1 : 0, 1];
  const low = all.reduce((a, b) => Math.min(a, b)), high = all.reduce((a, b) => Math.max(a, b));
  if (log) return [low / 1.5, high * 1.5];
  const edge = (high - low) * margin || Math.abs(high) * 0.1 || 0.5;
  return [include.includes(low) ? low : low - edge, include.includes(high) ? high : high + edge];
}

// ---- x-y charts: lines, curves, scatter, areas, bars with error ----

const line = (x1, y1, x2, y2, css) =>
  s("line", {x1: round(x1), y1: round(y1), x2: round(x2), y2: round(y2), class: css});
const upright = (x, y1, y2, css) => line(x, y1, x, y2, css);
const axisTitle = (text, x, y, width) => label(text, x, y, {style: "axis", anchor: "middle", width});

/**
 * Axes: {domain: [low, high], label, log, format, ticks: [{at, text}]}. Each of `series`: points [[x, y]], name, series
 * (number of its colour or a class), line, dots, radius (of point i), tips (text of point i), tip (of the line),
 * bars [[x, low, high]], area [[x, low, high]], emphasis (index of a filled point). `height`: without the legend.
 * `rules`: {x or y, text}; `image`: URL of what fills the axes; `boxes`: {x: [from, to], y: [from, to], series, tip};
 * `diagonal`: a line between corners. The chart has the property `inner`, [left, right] of the axes.
 */
export function plot(width, {x, y, series, height: inner = 250, rules = [], diagonal, image, boxes = [], keys}) {
  const chart = open(width, inner), named = keys ?? series.filter((each) => each.name);
  const head = named.length > 1 ? legend(chart, named, width) : 0, height = inner + head;
  const yTicks = ticksOf(y, Math.max(2, inner / 45)), gutter = widest(yTicks.map((tick) => tick.text), 11) + 10;
  const left = y.bare ?? gutter, right = width - 10;
  const top = head + (y.label ? 22 : 8), bottom = height - (x.label ? 40 : x.bare ? 6 : 22);
  const atX = scale(x, left, right), atY = scale(y, bottom, top);
  setHeight(chart, height);
  if (y.label) chart.append(label(y.label, 0, head + 11, {style: "axis", width}));
  if (x.label) chart.append(axisTitle(x.label, (left + right) / 2, height - 4, right - left));
  for (const {at, text} of yTicks) {
    if (y.bare === undefined) chart.append(line(left, atY(at), right, atY(at), "grid-line"));
    chart.append(label(text, left - 6, round(atY(at) + 4), {size: 11, anchor: "end", style: "tick"}));
  }
  if (!x.bare) drawTicks(chart, ticksOf(x, Math.max(2, (right - left) / 70)), atX, bottom + 15, width);
  chart.append(line(left, bottom, right, bottom, "base"));
  if (image) chart.append(s("image", {href: image, x: left, y: top, width: right - left, height: bottom - top,
    preserveAspectRatio: "none"}));
  for (const {x: [from, to], y: [low, high], series: each, tip: text} of boxes) {
    chart.append(tip(s("rect", {x: round(atX(from)), y: round(atY(high)), width: round(atX(to) - atX(from)),
      height: round(atY(low) - atY(high)), class: `bar mark ${seriesClass(each)}`}), text, each));
  }
  if (diagonal) chart.append(line(left, bottom, right, top, "rule"));
  for (const {x: atRule, y: level, text} of rules) {
    if (level !== undefined) chart.append(line(left, atY(level), right, atY(level), "rule"));
    else drawRule(chart, atX(atRule), top, bottom, width, text, top + 9);
  }
  series.forEach((each, i) => drawSeries(chart, each, i, atX, atY));
  return Object.assign(chart, {inner: [left, right]});
}

/** Tick labels below an axis; those that would touch the one before are left out. */
function drawTicks(chart, ticks, atX, y, width) {
  let end = -Infinity;
  for (const {at, text} of ticks) {
    const half = widthOf(text, 11) / 2, x = Math.max(half, Math.min(atX(at), width - half));
    if (x - half < end + 6) continue;
    chart.append(label(text, round(x), y, {size: 11, anchor: "middle", style: "tick"}));
    end = x + half;
  }
}

/** An upright dashed line, with its text on the side that has more space. */
function drawRule(chart, x, top, bottom, width, text, textY) {
  const [shift, anchor] = x > width / 2 ? [-5, "end"] : [5, "start"];
  chart.append(upright(x, top, bottom, "rule"));
  if (text) chart.append(label(text, x + shift, textY, {size: 11, anchor, style: "rule-text"}));
}

function drawSeries(chart, each, i, atX, atY) {
  const {points: all = [], bars = [], area = [], series = i, name, radius = 3.5, key = i} = each;
  const css = seriesClass(series), text = each.tip ?? name;
  const path = (list) => list.map(([a, b], k) => `${k ? "L" : "M"}${round(atX(a))},${round(atY(b))}`).join("");
  if (area.length) {
    const outline = [...area.map(([a, , high]) => [a, high]), ...area.map(([a, low]) => [a, low]).reverse()];
    chart.append(s("path", {class: `area ${css}${each.line ? "" : " solid"}`, d: `${path(outline)}Z`}));
  }
  for (const [a, low, high] of bars) chart.append(upright(atX(a), atY(low), atY(high), `spread ${css}`));
  if (each.line) {
    const d = path(all), style = text ? `line mark ${css}` : `line ${css}`;
    const wide = s("path", {d, class: "hit-line", "data-hit": 1});
    chart.append(tip(s("path", {d, class: style}), text, key), tip(wide, text, key));
  }
  if (!each.dots) return;
  all.forEach(([a, b], k) => {
    const style = each.hollow && k !== each.emphasis ? "dot mark hollow" : "dot mark";
    const size = typeof radius === "function" ? radius(k) : radius;
    chart.append(tip(shape(series, atX(a), atY(b), size, style), each.tips?.(k) ?? name, key));
  });
}

// ---- rows: intervals, dots, bars, stacked bars, boxes ----

/**
 * One row per item: {label, series, strong, tip, text} with some of value and low, high (a dot on its interval), dots
 * [numbers], bar (number), segments [{value, series, tip}], box [min, q1, median, q3, max]. `axis` as in plot();
 * `reference`: position of a dashed line. Names stand above their rows where the chart is narrow.
 */
export function rowChart(width, {rows, axis, reference, keys = [], size = 26}) {
  const narrow = width < 460, wordy = rows.filter((row) => row.text).map((row) => row.text);
  const texts = wordy.length ? widest(wordy, 12) + 14 : 0;
  const names = Math.min(widest(rows.map((row) => row.label), 12), width * 0.36) + 14;
  const left = narrow ? 2 : names, right = width - (narrow ? 4 : texts || 8), step = narrow ? size + 16 : size;
  const chart = open(width, 0), top = legend(chart, keys, width) + 4, bottom = top + step * rows.length;
  const at = scale(axis, left, right), ticks = ticksOf(axis, Math.max(2, (right - left) / 70));
  setHeight(chart, bottom + (axis.label ? 38 : 20));
  for (const tick of ticks) chart.append(upright(at(tick.at), top, bottom, "grid-line"));
  drawTicks(chart, ticks, at, bottom + 14, width);
  if (axis.label) chart.append(axisTitle(axis.label, (left + right) / 2, bottom + 34, width * 0.9));
  if (known(reference)) drawRule(chart, at(reference), top - 2, bottom, width);
  rows.forEach((row, i) => {
    const start = top + step * i, y = start + (narrow ? 16 + size / 2 : step / 2), textY = narrow ? start + 14 : y + 4;
    const css = row.strong ? " strong" : "", space = narrow ? width - texts - 8 : left - 12;
    chart.append(label(row.label, narrow ? 2 : left - 10, textY,
      {anchor: narrow ? "start" : "end", style: `name${css}`, width: space}));
    if (row.text) chart.append(label(row.text, width - 2, textY, {anchor: "end", style: `value${css}`}));
    drawRow(chart, row, at, y, size, width);
  });
  return chart;
}

function drawRow(chart, row, at, y, size, width) {
  const bar = (from, to, height, style, rx = 2) => s("rect", {x: round(Math.min(at(from), at(to))), y: y - height / 2,
    width: Math.max(0.5, round(Math.abs(at(to) - at(from)))), height, rx, class: style});
  const group = tip(s("g", {class: `mark ${seriesClass(row.series ?? 0)}`},
    s("rect", {x: 0, y: y - size / 2, width, height: size, class: "hit", "data-hit": 1}),
    row.bar !== undefined && bar(0, row.bar, size * 0.5, "bar"),
    known(row.low) && bar(row.low, row.high, 7, "range", 3.5)), row.tip ?? `${row.label}: ${row.text ?? ""}`);
  if (row.box) {
    const [least, lower, median, upper, most] = row.box;
    group.append(line(at(least), y, at(most), y, "whisker"), bar(lower, upper, size * 0.5, "box"),
      upright(at(median), y - size * 0.25, y + size * 0.25, "median"));
  }
  for (const dot of row.dots ?? []) group.append(s("circle", {cx: round(at(dot)), cy: y, r: 3, class: "fold"}));
  if (known(row.value)) group.append(shape(row.series ?? 0, at(row.value), y, 4.5));
  chart.append(group);
  let from = 0;
  for (const {value, series, tip: text} of row.segments ?? []) {
    chart.append(tip(bar(from, from + value, size * 0.55, `bar mark ${seriesClass(series)}`, 0), text, series));
    from += value;
  }
}

/** A dot on its interval for a table cell; `domain`: of its axis; `chance`: position of a dashed line. */
export function interval({value, low, high}, domain, chance, series = "muted") {
  const width = 200, at = scale({domain}, 6, width - 6), chart = open(width, 22);
  chart.append(line(6, 11, width - 6, 11, "base"), upright(at(chance), 1, 21, "rule"),
    s("rect", {x: round(at(low)), y: 7, width: round(at(high) - at(low)), height: 8, rx: 4, class: `range ${series}`}),
    shape(series, at(value), 11, 4.5));
  const text = `${percent(value)}, interval ${range({low, high})}`;
  return fill(chart, {class: "inline", role: "img", "aria-label": text}, []);
}

// ---- matrices ----

/**
 * Cells in the strength of `value(row, column)` (0..1, null: empty), with `text` where it fits and a tooltip `tip`;
 * `tone(row, column)` "warm" for the second colour, `mark(row, column)` true for a framed cell. Above 1,600 cells, or
 * if the cells get small, they are drawn as one image. Wider than `width` if 4 pixels a cell do not fit.
 */
export function matrix(width, options) {
  const {rows, columns, value, tip: tipOf, rowTitle, columnTitle, widest: most = 64, size = 12} = options;
  const title = rowTitle ? 18 : 0, left = title + Math.min(widest(rows, size), width * 0.34, 190) + 10;
  const names = Math.min(widest(columns, size), size * 12), rough = (width - left - 2) / columns.length;
  // Names of columns are level, slanted or upright.
  const turn = names < Math.min(rough, most) - 6 ? 0 : rough >= 22 && names * 0.7 < width * 0.2 ? -45 : -90;
  const overhang = turn === -45 ? names * 0.71 : 0, rise = turn === 0 ? size : turn === -45 ? overhang + size : names;
  const cell = Math.max(4, Math.min(most, (width - left - 2 - overhang) / columns.length));
  const tall = Math.max(4, Math.min(cell, size * 2.4)), top = (columnTitle ? 18 : 0) + rise + 8;
  const box = {x: left, y: top, width: cell * columns.length, height: tall * rows.length};
  const chart = open(Math.max(left + box.width + overhang + 2, 60), top + box.height + 2);
  if (rowTitle) chart.append(label(rowTitle, 11, top + box.height / 2, {style: "axis", anchor: "middle", turn: -90}));
  if (columnTitle) chart.append(axisTitle(columnTitle, left + box.width / 2, 11));
  const every = Math.ceil((size + 1) / cell), everyRow = Math.ceil((size + 1) / tall), middle = size * 0.35;
  rows.forEach((name, r) => r % everyRow === 0 && chart.append(label(name, left - 6,
    round(top + tall * (r + 0.5) + middle), {size, anchor: "end", style: "name", width: left - title - 8})));
  columns.forEach((name, c) => c % every === 0 && chart.append(label(name,
    round(left + cell * (c + 0.5) + (turn === -90 ? middle : 0)), round(top - 6),
    {size, anchor: turn ? "start" : "middle", style: "name", width: turn ? names : 0, turn})));
  const many = rows.length * columns.length > 1600 || cell < 7;
  if (many) chart.append(cellImage(rows.length, columns.length, value, tipOf, box));
  else drawCells(chart, options, box, cell, tall, size);
  return chart;
}

function drawCells(chart, {rows, columns, value, text, tip: tipOf, tone, mark}, box, cell, tall, size) {
  for (let r = 0; r < rows.length; ++r) {
    for (let c = 0; c < columns.length; ++c) {
      const share = value(r, c), shown = text?.(r, c) ?? "", inset = mark?.(r, c) ? 1 : 0;
      const x = box.x + cell * c, y = box.y + tall * r;
      const area = s("rect", {x: round(x + inset), y: round(y + inset), width: round(cell - 1 - 2 * inset),
        height: round(tall - 1 - 2 * inset), class: `cell mark ${tone?.(r, c) ?? ""}${inset ? " framed" : ""}`});
      area.style.setProperty("--share", `${round(100 * (share ?? 0))}%`);
      chart.append(tip(area, tipOf(r, c)));
      if (shown === "" || tall < size + 2 || widthOf(shown, size) > cell - 3) continue;
      chart.append(label(shown, round(x + cell / 2), round(y + tall / 2 + size * 0.35),
        {size, anchor: "middle", style: `count${share > 0.68 ? " strong" : ""}`}));
    }
  }
}

function cellImage(rows, columns, value, tipOf, box) {
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--heat-rgb").trim().split(/\s+/).map(Number);
  const href = pixels(columns, rows, (x, y) => [...ink, 255 * (value(y, x) ?? 0)]);
  const image = s("image", {...box, href, preserveAspectRatio: "none", class: "sharp"});
  const index = (part, count) => Math.min(count - 1, Math.floor(part * count));
  image.tipAt = (x, y) => tipOf(index(y, rows), index(x, columns));
  return s("g", {}, s("rect", {...box, class: "frame"}), image);
}

/** A PNG as data URL; `colour(x, y)`: red, green, blue, opacity in 0..255. */
function pixels(width, height, colour) {
  const canvas = h("canvas", {width, height}), context = canvas.getContext("2d");
  const data = context.createImageData(width, height);
  for (let y = 0; y < height; ++y) for (let x = 0; x < width; ++x) data.data.set(colour(x, y), 4 * (y * width + x));
  context.putImageData(data, 0, 0);
  return canvas.toDataURL();
}

// ---- one clip: waveform, mel-spectrogram, chromagram, spectral centroid ----

const magma = [[0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122], [229, 80, 100], [251, 135, 97],
  [254, 194, 135], [252, 253, 191]];

/** A matrix {rows, columns, values: base64 of bytes, lowest row first} as image. */
function spectrogram({rows, columns, values}) {
  const data = Uint8Array.from(atob(values), (letter) => letter.charCodeAt(0));
  if (data.length < rows * columns) throw new Error(`${data.length} of ${rows * columns} values`);
  return pixels(columns, rows, (x, y) => {
    const at = (data[(rows - 1 - y) * columns + x] / 255) * (magma.length - 1);
    const i = Math.min(magma.length - 2, Math.floor(at));
    return [...magma[i].map((low, k) => low + (at - i) * (magma[i + 1][k] - low)), 255];
  });
}

/** Ticks at whole seconds, minutes or hours, at most `most`. */
function clockTicks(length, most) {
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600].find((each) => length / each <= most) ?? 7200;
  return Array.from({length: Math.floor(length / step) + 1}, (_, i) => ({at: i * step, text: clock(i * step)}));
}

/**
 * Waveform, genres, mel-spectrogram, chromagram and spectral centroid of a clip over one time axis, one below the
 * other; `genres`: {boxes, keys} as of plot(), from 0 to 1.
 */
export function clipChart(width, clip, {gutter = 44} = {}) {
  const {duration_s: length, waveform, genres, mel, chroma, centroid_hz: centroid} = clip;
  const domain = [0, length], time = (list, k) => (k * length) / Math.max(1, list.length - 1), parts = [];
  const add = (height, title, y, rest) => parts.push({height, x: {domain, bare: true}, series: [],
    y: {bare: gutter, ticks: [], label: title, ...y}, ...rest});
  if (waveform) {
    const area = waveform.low.map((low, k) => [time(waveform.low, k), low, waveform.high[k]]);
    add(genres ? 50 : 64, genres ? null : "waveform", {domain: [-1, 1]}, {series: [{area, series: 0}]});
  }
  if (genres) add(70, null, {domain: [0, 1]}, genres);
  if (mel) {
    add(112, `mel-spectrogram, ${fixed(mel.db_low, 0)} to ${fixed(mel.db_high, 0)} dB`, {domain: [0, mel.rows]},
      {image: spectrogram(mel)});
  }
  if (chroma) {
    const ticks = [["C", 0.3], ["E", 4.3], ["G", 7.3], ["B", 11.3]].map(([text, at]) => ({at, text}));
    add(92, "chromagram", {domain: [0, 12], ticks}, {image: spectrogram(chroma)});
  }
  if (centroid) {
    const points = centroid.map((hz, k) => [time(centroid, k), hz]).filter(([, hz]) => known(hz));
    const most = Math.max(...points.map(([, hz]) => hz), 1);
    const ticks = ticksOf({domain: [0, most], format: (hz) => String(hz / 1000)}, 2);
    add(86, "spectral centroid, kHz", {domain: [0, most * 1.05], ticks}, {series: [{line: true, points, series: 0}]});
  }
  const axis = genres || length > 100 ? {domain, ticks: clockTicks(length, Math.max(2, width / 70))} : {domain, label: "seconds"};
  if (parts.length) Object.assign(parts.at(-1), {x: axis, height: parts.at(-1).height + (axis.label ? 34 : 16)});
  const chart = open(width, 0);
  let y = 0;
  for (const part of parts) {
    const drawn = plot(width, part);
    chart.append(s("g", {transform: `translate(0 ${y})`}, ...drawn.childNodes));
    y += Number(drawn.getAttribute("height"));
    chart.inner = drawn.inner;
  }
  return setHeight(chart, y + 4);
}
