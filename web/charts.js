// SVG charts without dependencies, shared by the report and the server's page. Colours are the variables of style.css.
import {fill, fixed, h, known, percent, range, s, table} from "./elements.js";

// ---- text in charts ----

const pen = document.createElement("canvas").getContext("2d");
const widthOf = (text, size) => {
  pen.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
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
  while (mark instanceof Element && mark.tip === undefined && !mark.tipAt && mark.tagName !== "svg") mark =
    mark.parentNode;
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
  document.addEventListener("scroll", hideTip, {passive: true, capture: true});
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
    const chart = draw(printing ? paper : holder.width);
    fill(chart, {role: "img", tabindex: 0, "aria-label": description ? `${title}. ${description}` : title}, []);
    chart.classList.add("chart");
    holder.replaceChildren(chart);
  };
  figures.add(holder);
  resized.observe(holder);
  const save = (kind) => h("button", {type: "button", class: "quiet", "aria-label": `Download “${title}” as ${kind}`,
    click: () => download(holder.firstChild, title, kind)}, kind);
  return h("figure", {}, h("figcaption", {}, h("span", {class: "title"}, title), note &&
    h("span", {class: "note"}, note)),
    holder, h("div", {class: "tools"}, numbers && dataTable(title, numbers), save("SVG"), save("PNG")));
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
  const link = h("a", {href: URL.createObjectURL(blob), download: `${name}.${kind.toLowerCase()}`});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
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

/**
 * Axes: {domain: [low, high], label, log, format, ticks: [{at, text}]}. Each of `series`: points [[x, y]], name, series
 * (number of its colour or a class), line, dots, radius (of point i), tips (text of point i), tip (of the line),
 * bars [[x, low, high]], area [[x, low, high]], emphasis (index of a filled point). `height`: without the legend.
 * `rules`: {x or y, text}; `images`: {href, x, y, width, height} in data units; `diagonal`: a line from corner to corner.
 */
export function plot(width, {x, y, series, height: inner = 250, rules = [], diagonal, images = [], keys}) {
  const chart = open(width, inner), named = keys ?? series.filter((each) => each.name);
  const head = named.length > 1 ? legend(chart, named, width) : 0, height = inner + head;
  setHeight(chart, height);
  const yTicks = ticksOf(y, Math.max(2, inner / 45));
  const left = y.bare ? 44 : widest(yTicks.map((tick) => tick.text), 11) + 10, right = width - 10;
  const top = head + (y.label ? 22 : 8), bottom = height - (x.label ? 40 : x.bare ? 6 : 22);
  const atX = scale(x, left, right), atY = scale(y, bottom, top);
  if (y.label) chart.append(label(y.label, 0, head + 11, {style: "axis", width}));
  if (x.label) chart.append(label(x.label, (left + right) / 2, height - 4,
    {style: "axis", anchor: "middle", width: right - left}));
  for (const {at, text} of yTicks) {
    if (!y.bare) chart.append(s("line", {x1: left, x2: right, y1: round(atY(at)), y2: round(atY(at)),
      class: "grid-line"}));
    chart.append(label(text, left - 6, round(atY(at) + 4), {size: 11, anchor: "end", style: "tick"}));
  }
  if (!x.bare) drawTicks(chart, ticksOf(x, Math.max(2, (right - left) / 70)), atX, bottom + 15, width);
  chart.append(s("line", {x1: left, x2: right, y1: bottom, y2: bottom, class: "base"}));
  for (const {href, x: from, y: low, width: w, height: up} of images) {
    chart.append(s("image", {href, x: atX(from), y: atY(low + up), width: atX(from + w) - atX(from),
      height: atY(low) - atY(low + up), preserveAspectRatio: "none"}));
  }
  if (diagonal) chart.append(s("line", {x1: left, y1: bottom, x2: right, y2: top, class: "rule"}));
  for (const rule of rules) drawRule(chart, rule, atX, atY, {left, right, top, bottom});
  series.forEach((each, i) => drawSeries(chart, each, i, atX, atY));
  return chart;
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

function drawRule(chart, {x, y, text}, atX, atY, {left, right, top, bottom}) {
  const upright = x !== undefined, at = round(upright ? atX(x) : atY(y));
  chart.append(s("line", upright ? {x1: at, x2: at, y1: top, y2: bottom, class: "rule"}
    : {x1: left, x2: right, y1: at, y2: at, class: "rule"}));
  if (!text) return;
  const late = upright && at > (left + right) / 2;
  chart.append(label(text, upright ? at + (late ? -5 : 5) : right, upright ? top + 9 : at - 5,
    {size: 11, anchor: !upright || late ? "end" : "start", style: "rule-text"}));
}

function drawSeries(chart, each, i, atX, atY) {
  const {points: all = [], bars = [], area = [], series = i, name, radius = 3.5, key = i} = each,
    css = seriesClass(series);
  const path = (list) => list.map(([a, b], k) => `${k ? "L" : "M"}${round(atX(a))},${round(atY(b))}`).join("");
  if (area.length) {
    chart.append(s("path", {class: `area ${css}${each.line ? "" : " solid"}`,
      d: `${path(area.map(([a, , high]) => [a, high]))}${path(area.map(([a, low]) => [a, low]).reverse())
        .replace("M", "L")}Z`}));
  }
  for (const [a, low, high] of bars) {
    chart.append(s("line", {x1: round(atX(a)), x2: round(atX(a)), y1: round(atY(low)), y2: round(atY(high)),
      class: `spread ${css}`}));
  }
  if (each.line) {
    const d = path(all), text = each.tip ?? name;
    chart.append(tip(s("path", {d, class: `line ${css}${text ? " mark" : ""}`}), text, key),
      tip(s("path", {d, class: "hit-line", "data-hit": 1}), text));
    chart.lastChild.dataset.series = key;
  }
  if (each.dots) {
    all.forEach(([a, b], k) =>
      chart.append(tip(shape(series, atX(a), atY(b), typeof radius === "function" ? radius(k) : radius,
      `dot mark${each.hollow && k !== each.emphasis ? " hollow" : ""}`), each.tips?.(k) ?? name, key)));
  }
}

// ---- rows: intervals, dots, bars, stacked bars, boxes ----

/**
 * One row per item: {label, series, strong, tip, text} with some of value and low, high (a dot on its interval), dots
 * [numbers], bar (number), segments [{value, series, tip}], box [min, q1, median, q3, max]. `axis` as in plot().
 */
export function rowChart(width, {rows, axis, reference, keys = [], size = 26}) {
  const narrow = width < 460, size1 = 12;
  const texts = rows.some((row) => row.text) ? widest(rows.map((row) => row.text ?? ""), 12) + 14 : 0;
  const left = narrow ? 2 : Math.min(widest(rows.map((row) => row.label), size1), width * 0.36) + 14;
  const right = width - (narrow ? 4 : texts || 8), step = narrow ? size + 16 : size;
  const chart = open(width, 0);
  const top = (keys.length ? legend(chart, keys, width) : 0) + (reference?.text ? 16 : 4);
  const bottom = top + step * rows.length, height = bottom + (axis.label ? 38 : 20), at = scale(axis, left, right);
  const ticks = ticksOf(axis, Math.max(2, (right - left) / 70));
  for (const tick of ticks) chart.append(s("line", {x1: round(at(tick.at)), x2: round(at(tick.at)), y1: top,
    y2: bottom, class: "grid-line"}));
  drawTicks(chart, ticks, at, bottom + 14, width);
  if (axis.label) chart.append(label(axis.label, (left + right) / 2, height - 4,
    {style: "axis", anchor: "middle", width: width * 0.9}));
  if (reference) drawRule(chart, {x: reference.value}, at, null, {top: top - 2, bottom});
  if (reference?.text) {
    const late = at(reference.value) > width / 2;
    chart.append(label(reference.text, at(reference.value), top - 5, {size: 11, anchor: late ? "end" : "start",
      style: "rule-text"}));
  }
  rows.forEach((row, i) => {
    const y = top + step * i + (narrow ? 16 + size / 2 : step / 2), textY = narrow ? top + step * i + 14 : y + 4;
    const css = row.strong ? "strong" : "";
    chart.append(label(row.label, narrow ? 2 : left - 10, textY, {size: size1, anchor: narrow ? "start" : "end",
      style: `name ${css}`,
      width: narrow ? width - texts - 8 : left - 12}));
    if (row.text) chart.append(label(row.text, width - 2, textY, {anchor: "end", style: `value ${css}`}));
    drawRow(chart, row, i, at, y, size);
  });
  setHeight(chart, height);
  return chart;
}

function drawRow(chart, row, index, at, y, size) {
  const css = seriesClass(row.series ?? 0), group = tip(s("g", {class: `mark ${css}`}),
    row.tip ?? `${row.label}: ${row.text ?? ""}`);
  const bar = (from, to, height, style, rx = 2) => s("rect", {x: round(Math.min(at(from), at(to))), y: y - height / 2,
    width: Math.max(0.5, round(Math.abs(at(to) - at(from)))), height, rx, class: style});
  group.append(s("rect", {x: 0, y: y - size / 2, width: chart.getAttribute("width"), height: size, class: "hit",
    "data-hit": 1}));
  if (row.bar !== undefined) group.append(bar(0, row.bar, size * 0.5, "bar"));
  if (row.low !== undefined && row.low !== null) group.append(bar(row.low, row.high, 7, "range", 3.5));
  if (row.box) {
    const [least, q1, median, q3, most] = row.box;
    group.append(s("line", {x1: round(at(least)), x2: round(at(most)), y1: y, y2: y, class: "whisker"}),
      bar(q1, q3, size * 0.5, "box"),
      s("line", {x1: round(at(median)), x2: round(at(median)), y1: y - size * 0.25, y2: y + size * 0.25,
        class: "median"}));
  }
  for (const dot of row.dots ?? []) group.append(s("circle", {cx: round(at(dot)), cy: y, r: 3, class: "fold"}));
  if (known(row.value)) group.append(shape(row.series ?? 0, at(row.value), y, 4.5));
  chart.append(group);
  let from = 0;
  (row.segments ?? []).forEach((part, i) => {
    chart.append(tip(bar(from, from + part.value, size * 0.55, `bar mark ${seriesClass(part.series ?? i)}`, 0),
      part.tip, part.series ?? i));
    from += part.value;
  });
}

/** A dot on its interval for a table cell; `domain`: of its axis; `chance`: position of a dashed line. */
export function interval({value, low, high}, domain, chance, series = "muted") {
  const width = 200, axis = scale({domain}, 6, width - 6), chart = open(width, 22);
  chart.append(s("line", {x1: 6, x2: width - 6, y1: 11, y2: 11, class: "base"}));
  if (known(chance)) chart.append(s("line", {x1: round(axis(chance)), x2: round(axis(chance)), y1: 1, y2: 21,
    class: "rule"}));
  chart.append(s("rect", {x: round(axis(low)), y: 7, width: round(axis(high) - axis(low)), height: 8, rx: 4,
    class: `range ${series}`}),
    s("circle", {cx: round(axis(value)), cy: 11, r: 4.5, class: `dot ${series}`}));
  return fill(chart, {class: "inline", role: "img", "aria-label": `${percent(value)}, interval ${range({low, high})}`},
    []);
}

// ---- matrices ----

/**
 * Cells in the strength of `value(row, column)` (0..1, null: empty), with `text` where it fits and a tooltip `tip`;
 * `tone(row, column)` "warm" for the second colour, `mark(row, column)` true for a framed cell. Above 1,600 cells, or if
 * the cells get small, they are drawn as one image. Wider than `width` if 4 pixels a cell do not fit.
 */
export function matrix(width, {rows, columns, value, text, tip: tipOf, tone, mark, rowTitle, columnTitle,
  widest: most = 64, size = 12}) {
  const titled = rowTitle ? 18 : 0;
  const left = titled + Math.min(widest(rows, size), width * 0.34, 190) + 10;
  const names = Math.min(widest(columns, size), size * 12);
  const rough = (width - left - 2) / columns.length;
  const flat = names < Math.min(rough, most) - 6, slanted = !flat && rough >= 22 && names * 0.7 < width * 0.2;
  const overhang = slanted ? names * 0.71 : 0;
  const cell = Math.max(4, Math.min(most, (width - left - 2 - overhang) / columns.length)),
    tall = Math.max(4, Math.min(cell, size * 2.4));
  const top = (columnTitle ? 18 : 0) + (flat ? size + 8 : (slanted ? names * 0.71 + size : names) + 8);
  const chart = open(Math.max(left + cell * columns.length + overhang + 2, 60), top + tall * rows.length + 2);
  if (rowTitle) chart.append(label(rowTitle, 11, top + (tall * rows.length) / 2,
    {style: "axis", anchor: "middle", turn: -90}));
  if (columnTitle) chart.append(label(columnTitle, left + (cell * columns.length) / 2, 11,
    {style: "axis", anchor: "middle"}));
  const every = Math.ceil((size + 1) / cell), everyRow = Math.ceil((size + 1) / tall);
  rows.forEach((name, r) => {
    if (r % everyRow === 0) chart.append(label(name, left - 6, round(top + tall * (r + 0.5) + size * 0.35),
      {size, anchor: "end", style: "name", width: left - titled - 8}));
  });
  columns.forEach((name, c) => {
    if (c % every) return;
    const x = left + cell * (c + 0.5) + (flat ? 0 : slanted ? 0 : size * 0.35);
    chart.append(label(name, round(x), round(top - 6), {size, anchor: flat ? "middle" : "start", style: "name",
      width: flat ? 0 : names,
      turn: flat ? 0 : slanted ? -45 : -90}));
  });
  const image = rows.length * columns.length > 1600 || cell < 7;
  if (image) chart.append(cellImage(rows.length, columns.length, value, tipOf,
    {x: left, y: top, width: cell * columns.length, height: tall * rows.length}));
  for (let r = 0; r < rows.length && !image; ++r) {
    for (let c = 0; c < columns.length; ++c) {
      const share = value(r, c), shown = text?.(r, c) ?? "";
      const inset = mark?.(r, c) ? 1 : 0;
      const box = s("rect", {x: round(left + cell * c + inset), y: round(top + tall * r + inset),
        width: round(cell - 1 - 2 * inset),
        height: round(tall - 1 - 2 * inset), class: `cell mark ${tone?.(r, c) ?? ""}${inset ? " framed" : ""}`});
      box.style.setProperty("--share", `${round(100 * (share ?? 0))}%`);
      chart.append(tip(box, tipOf(r, c)));
      if (shown === "" || tall < size + 2 || widthOf(shown, size) > cell - 3) continue;
      chart.append(label(shown, round(left + cell * (c + 0.5)), round(top + tall * (r + 0.5) + size * 0.35),
        {size, anchor: "middle", style: `count${share > 0.68 ? " strong" : ""}`}));
    }
  }
  return chart;
}

function cellImage(rows, columns, value, tipOf, box) {
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--heat-rgb").trim().split(/\s+/).map(Number);
  const href = pixels(columns, rows, (x, y) => [...ink, 255 * (value(y, x) ?? 0)]);
  const image = s("image", {...box, href, preserveAspectRatio: "none", class: "sharp"});
  image.tipAt = (x, y) => tipOf(Math.min(rows - 1, Math.floor(y * rows)),
    Math.min(columns - 1, Math.floor(x * columns)));
  return s("g", {}, s("rect", {...box, class: "frame"}), image);
}

/** A PNG as data URL; `colour(x, y)`: red, green, blue, opacity in 0..255. */
function pixels(width, height, colour) {
  const canvas = h("canvas", {width, height}), context = canvas.getContext("2d"), data = context.createImageData(width,
    height);
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
    const at = (data[(rows - 1 - y) * columns + x] / 255) * (magma.length - 1),
      i = Math.min(magma.length - 2, Math.floor(at));
    return [...magma[i].map((low, k) => low + (at - i) * (magma[i + 1][k] - low)), 255];
  });
}

/** Waveform, mel-spectrogram, chromagram and spectral centroid of a clip over one time axis, one below the other. */
export function clipChart(width, {duration_s: length, waveform, mel, chroma, centroid_hz: centroid}) {
  const parts = [], x = {domain: [0, length], bare: true}, edge = (list) => (k) =>
    (k * length) / Math.max(1, list.length - 1);
  const whole = (rows) => ({x: 0, width: length, y: 0, height: rows});
  if (waveform) {
    const at = edge(waveform.low);
    parts.push([64, {x, y: {domain: [-1, 1], bare: true, ticks: [], label: "waveform"},
      series: [{area: waveform.low.map((low, k) => [at(k), low, waveform.high[k]]), series: 0}]}]);
  }
  if (mel) {
    parts.push([112, {x, y: {domain: [0, mel.rows], bare: true, ticks: [],
      label: `mel-spectrogram, ${fixed(mel.db_low, 0)} to ${fixed(mel.db_high, 0)} dB`},
      series: [], images: [{href: spectrogram(mel), ...whole(mel.rows)}]}]);
  }
  if (chroma) {
    parts.push([92, {x, y: {domain: [0, 12], bare: true, label: "chromagram",
      ticks: ["C", "E", "G", "B"].map((text, i) => ({at: [0.3, 4.3, 7.3, 11.3][i], text}))},
    series: [], images: [{href: spectrogram(chroma), ...whole(chroma.rows)}]}]);
  }
  if (centroid) {
    const at = edge(centroid), most = Math.max(...centroid.filter(known), 1);
    parts.push([86, {x, y: {domain: [0, most * 1.05], bare: true, label: "spectral centroid, kHz",
      ticks: ticksOf({domain: [0, most], format: (hz) => String(hz / 1000)}, 2)},
    series: [{line: true, points: centroid.map((hz, k) => [at(k), hz]).filter(([, hz]) => known(hz)), series: 0}]}]);
  }
  if (parts.length) Object.assign(parts.at(-1)[1].x = {domain: [0, length], label: "seconds"});
  const heights = parts.map(([height], i) => height + (i === parts.length - 1 ? 34 : 0)),
    chart = open(width, heights.reduce((a, b) => a + b, 4));
  let y = 0;
  parts.forEach(([, options], i) => {
    const inner = plot(width, {...options, height: heights[i]});
    chart.append(s("g", {transform: `translate(0 ${y})`}, ...inner.childNodes));
    y += heights[i];
  });
  return chart;
}
