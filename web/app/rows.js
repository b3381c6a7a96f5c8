// A table of any number of rows, of which only those in view exist as elements.
import {fill, h} from "../elements.js";
import {get, query} from "./api.js";
import {button} from "./state.js";

/** Rows of a list in memory. `list` may be replaced or extended; call changed() then. */
export class ListSource extends EventTarget {
  list = [];
  get total() { return this.list.length; }
  row(i) { return this.list[i]; }
  need() {}
  changed() { this.dispatchEvent(new Event("change")); }
}

const kPage = 200, kPages = 60;

/** Rows of `path`?parameters&limit&offset -> {total, [member]: rows}, fetched in pages as they come into view. */
export function pagedSource(path, member) {
  const pages = new Map();
  let abort = new AbortController(), wanted = null, timer = 0;
  const source = Object.assign(new EventTarget(), {
    parameters: {}, total: 0, error: null, loaded: false,
    row: (i) => pages.get(Math.floor(i / kPage))?.[i % kPage],
    /** Starts again, with other parameters or after a change on the server. */
    open(parameters = source.parameters) {
      abort.abort();
      abort = new AbortController();
      pages.clear();
      Object.assign(source, {parameters, error: null, loaded: false});
      return fetchPage(0);
    },
    /** Fetches what is missing of the rows [from, to], once the view stands still. */
    need(from, to) {
      wanted = [Math.floor(from / kPage), Math.floor(Math.max(from, to) / kPage)];
      clearTimeout(timer);
      timer = setTimeout(() => {
        for (let page = wanted[0]; page <= wanted[1]; ++page) if (source.loaded && !pages.has(page)) fetchPage(page);
      }, 60);
    },
  });
  async function fetchPage(page) {
    const {signal} = abort;
    pages.set(page, []);
    try {
      const answer = await get(query(path, {...source.parameters, limit: kPage, offset: page * kPage}), {signal});
      pages.set(page, answer[member]);
      Object.assign(source, {total: answer.total, loaded: true, error: null});
      for (const old of pages.keys()) {  // the oldest are dropped, except those in view
        if (pages.size <= kPages) break;
        if (!wanted || old < wanted[0] || old > wanted[1]) pages.delete(old);
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      pages.delete(page);
      source.error = error;
      if (!source.loaded) source.total = 0;
    }
    source.dispatchEvent(new Event("change"));
  }
  return source;
}

let grids = 0;

/**
 * `columns`: {name, style, sort, cell(row)}; `sort`: the server's key. `keyOf(row)` is unique. Calls `chosen(rows)`
 * when the selection changes, `opened(row)` for Enter and a double click, `pressed(event, rows)` for other keys and
 * `sorted(key, descending)`.
 */
export function grid({label, columns, source, keyOf, chosen, opened, pressed, sorted, rowClass}) {
  const id = `grid${++grids}`, body = h("div", {class: "rows", role: "rowgroup"});
  const rows = new Map(), selected = new Map();
  let active = -1, anchor = -1, order = null, planned = false;
  const heads = columns.map((column) => h("div", {role: "columnheader", class: column.style ?? null},
    column.sort ? button(column.name, () => sortBy(column), {class: "sort"}) : column.name));
  const head = h("div", {role: "rowgroup", class: "head"}, h("div", {role: "row", class: "row"}, heads));
  const element = h("div", {class: "sheet", role: "grid", tabindex: 0, "aria-label": label,
    "aria-multiselectable": "true", "aria-colcount": columns.length, keydown, scroll: plan}, head, body);

  function rowHeight() {
    return parseFloat(getComputedStyle(element).getPropertyValue("--row")) || 36;
  }

  function plan() {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => {
      planned = false;
      draw();
    });
  }

  function draw() {
    const height = rowHeight(), seen = element.clientHeight;
    if (!seen) return;
    const first = Math.max(0, Math.floor(element.scrollTop / height) - 8);
    const last = Math.min(source.total - 1, Math.ceil((element.scrollTop + seen) / height) + 8);
    body.style.height = `${source.total * height}px`;
    fill(element, {"aria-rowcount": source.total + 1}, []);
    for (const [i, row] of rows) if (i < first || i > last) rows.delete(i) && row.remove();
    for (let i = first, previous = null; i <= last; previous = rows.get(i++)) {
      const value = source.row(i), old = rows.get(i);
      if (old && old.value === value && old.height === height) continue;
      const row = line(i, value, height);
      if (old) old.replaceWith(row);
      else if (previous) previous.after(row);
      else body.prepend(row);
      rows.set(i, row);
    }
    mark();
    if (last >= first) source.need(first, last);
  }

  function line(i, value, height) {
    const row = h("div", {role: "row", id: `${id}-${i}`, class: `row ${(value && rowClass?.(value)) ?? ""}`,
      "aria-rowindex": i + 2, pointerdown: (event) => event.button === 0 && point(i, event),
      dblclick: () => source.row(i) && opened?.(source.row(i))},
    columns.map((column, c) => h("div", {role: "gridcell", class: column.style ?? null},
      value ? column.cell(value) : c === 1 ? "…" : null)));
    row.style.transform = `translateY(${i * height}px)`;
    return Object.assign(row, {value, height});
  }

  function mark() {
    for (const [i, row] of rows) {
      row.classList.toggle("active", i === active);
      row.setAttribute("aria-selected", String(Boolean(row.value && selected.has(keyOf(row.value)))));
    }
    if (rows.has(active)) element.setAttribute("aria-activedescendant", `${id}-${active}`);
    else element.removeAttribute("aria-activedescendant");
  }

  function point(i, event) {
    if (event.target.closest("button")) return;
    if (event.shiftKey) event.preventDefault();
    go(i, event.shiftKey, event.ctrlKey || event.metaKey);
  }

  /** Makes a row the active one; selects it, or with `extend` the rows since the last, or with `toggle` adds it. */
  function go(i, extend, toggle) {
    active = Math.max(0, Math.min(source.total - 1, i));
    if (!extend || anchor < 0) anchor = active;
    if (!toggle) selected.clear();
    for (let k = Math.min(anchor, active); k <= Math.max(anchor, active); ++k) {
      const row = source.row(k);
      if (!row) continue;
      if (toggle && selected.has(keyOf(row))) selected.delete(keyOf(row));
      else selected.set(keyOf(row), row);
    }
    const height = rowHeight(), top = active * height, space = element.clientHeight - head.offsetHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + height > element.scrollTop + space) element.scrollTop = top + height - space;
    plan();
    mark();
    chosen?.([...selected.values()]);
  }

  function keydown(event) {
    if (event.target !== element) return;
    const page = Math.max(1, Math.floor(element.clientHeight / rowHeight()) - 2);
    const step = {ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity}[event.key];
    if (step) go(active < 0 && Math.abs(step) === 1 ? 0 : active + step, event.shiftKey);
    else if (event.key === "Enter") source.row(active) && opened?.(source.row(active));
    else if (event.ctrlKey || event.metaKey || event.altKey || !pressed?.(event, [...selected.values()])) return;
    event.preventDefault();
  }

  function sortBy({sort, down = false}) {
    order = order?.sort === sort ? {sort, descending: !order.descending} : {sort, descending: down};
    columns.forEach((column, i) => column.sort && heads[i].setAttribute("aria-sort",
      column.sort !== sort ? "none" : order.descending ? "descending" : "ascending"));
    sorted(sort, order.descending);
  }

  function reset() {
    [active, anchor] = [-1, -1];
    selected.clear();
    element.scrollTop = 0;
    chosen?.([]);
  }

  source.addEventListener("change", () => {
    for (const [i, row] of rows) if (i >= source.total || row.value !== source.row(i)) rows.delete(i) && row.remove();
    plan();
  });
  new ResizeObserver(plan).observe(element);
  /** Draws a row again that was changed in place, or all. */
  const again = (value) => {
    for (const row of rows.values()) if (!value || row.value === value) row.value = null;
    plan();
  };
  return {element, reset, again, go: (i) => go(i), active: () => active};
}
