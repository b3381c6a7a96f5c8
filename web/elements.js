// Elements, numbers as text, and tables. Data reach the page as text nodes and attributes, never as markup.

/** Creates an HTML element. Attributes that are null or false are left out, functions become listeners. */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** Adds attributes and children to an element. */
export function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined &&
    child !== false));
  return element;
}

/** Gives the browser a file to keep. */
export function saveFile(name, blob) {
  const link = h("a", {href: URL.createObjectURL(blob), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// ---- numbers as text ----

export const known = (value) => typeof value === "number" && Number.isFinite(value);
export const fixed = (value, digits) => (known(value) ? value.toFixed(digits).replace("-", "−") : "–");
export const points = (share, digits = 1) => fixed(100 * share, digits);
export const percent = (share, digits = 1) => (known(share) ? `${points(share, digits)} %` : "–");
/** Text of a tick at a share: "2.5 %". */
export const tick = (share) => `${Number((100 * share).toFixed(2))} %`;
export const count = (value) => (known(value) ? value.toLocaleString("en") : "–");
/** "47.1 – 58.9 %"; `interval`: {low, high}. */
export const range = (interval) => (known(interval?.low) ? `${points(interval.low)} – ${percent(interval.high)}` : "–");
export const pValue = (p) => (!known(p) ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3));

/** "4 ms", "1.2 s", "2 min 5 s". */
export function duration(seconds) {
  if (!known(seconds)) return "–";
  if (seconds === 0) return "0 s";
  if (seconds < 0.0995) return `${(1000 * seconds).toFixed(seconds < 0.00995 ? 1 : 0)} ms`;
  if (seconds < 119.5) return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
}

/** "3:05", "1:02:03". */
export function clock(seconds) {
  if (!known(seconds)) return "–";
  const whole = Math.round(seconds), two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

export function bytes(size) {
  if (!known(size)) return "–";
  const power = size < 1 ? 0 : Math.min(4, Math.floor(Math.log2(size) / 10));
  return `${(size / 1024 ** power).toFixed(power === 0 || size / 1024 ** power >= 100 ? 0 : 1)} ${
    ["bytes", "KiB", "MiB", "GiB", "TiB"][power]}`;
}

// ---- tables ----

/** Columns of a table: a text, and a number with the text that `show` makes of it. */
export const textColumn = (name, value) => ({name, value, cell: (row) => h("bdi", {}, value(row) ?? "")});
export const numberColumn = (name, value, show = count) =>
  ({name, number: true, value, cell: (row) => show(value(row))});

const plain = (value) => (known(value) ? String(Number(value.toPrecision(5))).replace("-", "−") : value ?? "–");
const missing = (value) => value === null || value === undefined || Number.isNaN(value);
const compare = (a, b) => (known(a) && known(b) ? a - b : String(a).localeCompare(String(b)));

/**
 * A table with `columns` [{name, value(row), cell(row), number, style}]: those with `value` can be sorted, `cell` is a
 * node or a text, by default the value. The first column heads the rows. `limit` rows are visible until a button shows
 * all; in print all are, unless `short`. `sort`: [column, 1 or -1]; `foot`: cells of a last row; `rowClass(row)`.
 */
export function table({caption, columns, rows, sort, limit = Infinity, short = false, foot, rowClass, style = ""}) {
  const cellOf = (column, i, content) => {
    const css = [column.number && "n", column.style].filter(Boolean).join(" ");
    return h(i ? "td" : "th", {scope: i ? null : "row", class: css || null}, content);
  };
  const lineOf = (row) => h("tr", {class: rowClass?.(row)}, columns.map((column, i) =>
    cellOf(column, i, column.cell ? column.cell(row) : plain(column.value(row)))));
  const lines = new Map(rows.map((row) => [row, lineOf(row)]));
  const heads = columns.map((column, i) => {
    const button = column.value && rows.length > 1 &&
      h("button", {type: "button", class: "sort", click: () => sortBy(i)}, column.name);
    const css = [column.number && "n", column.style].filter(Boolean).join(" ");
    return h("th", {scope: "col", class: css || null}, button || column.name);
  });
  const body = h("tbody"), more = h("button", {type: "button", click: () => arrange(order, Infinity)});
  let order = rows, visible = limit, sorted = sort ?? [-1, 1];
  const arrange = (list, length) => {
    [order, visible] = [list, length];
    list.forEach((row, i) => lines.get(row).classList.toggle("over", i >= visible));
    body.append(...list.map((row) => lines.get(row)));
    more.hidden = visible >= list.length;
    more.textContent = `Show all ${count(list.length)} rows`;
    heads.forEach((head, i) => {
      const direction = i !== sorted[0] ? "none" : sorted[1] > 0 ? "ascending" : "descending";
      if (columns[i].value) head.setAttribute("aria-sort", direction);
    });
  };
  const sortBy = (column, direction) => {
    const next = sorted[0] === column ? -sorted[1] : columns[column].number ? -1 : 1;
    sorted = [column, direction ?? next];
    const {value} = columns[column];
    arrange([...order].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      return missing(x) || missing(y) ? missing(x) - missing(y) : sorted[1] * compare(x, y);
    }), visible);
  };
  if (sort) sortBy(...sort);
  else arrange(rows, visible);
  const last = foot && h("tfoot", {}, h("tr", {}, foot.map((cell, i) => cellOf(columns[i], i, cell))));
  return h("div", {class: `table ${style}${short ? " short" : ""}`},
    h("div", {class: "wide", role: "region", tabindex: 0, "aria-label": caption},
      h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, heads)), body, last)),
    more,
    short && rows.length > limit &&
      h("p", {class: "printed small"}, `${count(rows.length - limit)} more rows are not printed.`));
}
