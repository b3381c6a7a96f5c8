// Long work on the server: a strip below the header with progress and a way to cancel.
import {count, duration, h, known, percent} from "../elements.js";
import {follow, get} from "./api.js";
import {button} from "./state.js";
import {text} from "./text.js";

/** The strip, for the frame of the page. */
export const strip = h("div", {class: "jobs", role: "region", "aria-label": text.jobs.label});
const shown = new Set();

function watch(id, kind) {
  const bar = h("progress", {"aria-label": text.jobs.kind(kind)}), note = h("span", {}), stop = new AbortController();
  const line = h("div", {class: "job"}, h("b", {}, text.jobs.kind(kind)), bar, note,
    button(text.jobs.cancel, () => stop.abort(), {class: "quiet"}));
  shown.add(id);
  strip.append(line);
  return follow(id, (job) => {
    if (job.total) Object.assign(bar, {max: job.total, value: job.done});
    else bar.removeAttribute("value");
    note.textContent = [job.stage, job.total ? text.jobs.of(count(job.done), count(job.total),
      percent(job.done / job.total, 0)) : "",
      known(job.left_s) ? text.jobs.left(duration(job.left_s)) : ""].filter(Boolean).join(" · ");
  }, stop.signal).finally(() => {
    shown.delete(id);
    line.remove();
  });
}

/** Shows the job that an answer names until it ends; resolves to its result. */
export const startJob = async (kind, answer) => watch((await answer).job, kind);

/** Shows the jobs that run already, except analyses of uploads. */
export async function showRunning() {
  for (const {id, kind, state} of (await get("/v1/jobs")).jobs) {
    if (["queued", "running"].includes(state) && !shown.has(id) && kind !== "predict") watch(id, kind).catch(() => {});
  }
}
