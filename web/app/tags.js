// The tab "Tags": what would be written into files as a diff, writing it, and undoing it.
import {count, h} from "../elements.js";
import {name as bdi, small} from "../page.js";
import {get, post} from "./api.js";
import {startJob} from "./jobs.js";
import {grid, ListSource} from "./rows.js";
import {button, fileName, state} from "./state.js";
import {text} from "./text.js";

const options = (name, label, values) => h("label", {class: "field"}, h("span", {}, label),
  h("select", {name}, values.map(([value, shown]) => h("option", {value}, shown))));

const side = (kind, values) => (values.length ? h(kind, {}, bdi(values.join("; "))) : h("span", {class: "faint"}, "–"));

/** `query()`: the query whose tracks are changed; `tell(error)` shows an error, or none. */
export function tags({query, tell}) {
  const source = new ListSource(), summary = h("p", {class: "status", role: "status"});
  let plan = null;
  const apply = h("button", {type: "button", class: "primary", hidden: true, click: () => write()});
  const form = h("form", {class: "fields", submit: (event) => {
    event.preventDefault();
    preview();
  }},
  options("field", text.tags.field, text.tags.fields), options("mode", text.tags.mode, text.tags.modes),
  h("label", {class: "field"}, h("span", {}, text.tags.confidence),
    h("input", {type: "number", name: "confidence", min: 0, max: 100, value: 70, inputmode: "numeric"})),
  h("button", {}, text.tags.preview), apply);
  const table = grid({label: text.tags.changes, source, keyOf: (row) => `${row.file}\n${row.field}`, columns: [
    {name: h("span", {class: "unseen"}, text.tags.state), style: "go", cell: ({state: at}) => at && h("span",
      {title: at}, "!")},
    {name: text.tags.file, style: "name", cell: ({file}) => h("bdi", {title: file}, fileName(file))},
    {name: text.tags.fieldShort, style: "field-name", cell: ({field}) => field},
    {name: text.tags.before, style: "before", cell: ({before}) => side("del", before)},
    {name: text.tags.after, style: "after", cell: ({after}) => side("ins", after)},
  ]});
  const history = h("div", {class: "history"});

  function show(changes, note) {
    source.list = changes;
    table.reset();
    source.changed();
    summary.textContent = note;
  }

  async function attempt(work) {
    tell(null);
    try {
      await work();
    } catch (error) {
      if (error.name !== "AbortError") tell(error);
    }
  }

  const preview = () => attempt(async () => {
    const {field, mode, confidence} = form.elements;
    apply.hidden = true;
    plan = await post("/v1/library/tags/plan",
      {q: query(), field: field.value, mode: mode.value, min_confidence: Number(confidence.value) / 100});
    const left = Object.entries(plan.left_alone ?? {}).map(([reason, n]) => `${reason} ${count(n)}`);
    for (const {where, reason} of plan.skipped ?? []) left.push(`${fileName(where)}: ${reason}`);
    show(plan.changes, text.tags.planned(plan.total, left.slice(0, 6).join(", ")));
    apply.textContent = text.tags.apply(plan.total);
    apply.hidden = plan.total === 0 || state.health.read_only;
  });

  /** Follows a job that changes files, then shows what it did. */
  const run = (kind, path, body, said) => attempt(async () => {
    apply.hidden = true;
    const result = await startJob(kind, post(path, body));
    const {changes} = await get(`/v1/library/tags/history/${result.batch}`);
    show(changes, said(result.changes, result.skipped));
    await showHistory();
  });
  const write = () => run("tags.apply", "/v1/library/tags/apply", {plan: plan.plan}, text.tags.applied);
  const undo = (batch) => run("tags.undo", "/v1/library/tags/undo", {batch}, text.tags.undone);

  async function showHistory() {
    const {batches} = await get("/v1/library/tags/history");
    history.replaceChildren(h("h2", {}, text.tags.history), batches.length === 0
      ? small(text.tags.noHistory)
      : h("ul", {}, batches.map(({batch, time_s: time, files, undone}) => h("li", {},
        h("span", {}, text.tags.batch(batch, new Date(1000 * time).toLocaleString("en-GB",
          {dateStyle: "medium", timeStyle: "short"}), files)),
        undone >= files ? h("span", {class: "faint"}, text.tags.isUndone)
          : !state.health.read_only && button(text.tags.undo(batch), () => undo(batch), {class: "quiet"})))));
  }

  attempt(showHistory);
  summary.textContent = text.tags.lead;
  return h("div", {class: "tagging"}, form, summary, h("div", {class: "panes"}, table.element, history));
}

