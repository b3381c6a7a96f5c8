// Requests to the server, its errors in plain words, and the progress of its jobs.
import {text} from "./text.js";

/** An answer that is no success. `status` 0: the server does not answer. */
export class ServerError extends Error {
  constructor(status, {code, what, where, remedy} = {}, retryAfter = 0) {
    super(text.errors.message(status, what, where, remedy));
    Object.assign(this, {status, code, retryAfter, reason: what ?? this.message});
  }
}

/** What the frame of the page does: `ask(wrong)` resolves to a token, `gone(yes)`: the server does not answer. */
export const hooks = {ask: null, gone: () => {}};
let asking = null;

/** Asks for the token once for all requests that wait; the server answers with a cookie that stands for it. */
export function authorise() {
  asking ??= (async () => {
    for (let wrong = false; ; wrong = true) {
      const body = JSON.stringify({token: await hooks.ask(wrong)});
      if ((await fetch("/v1/session", {method: "POST", headers: {...unsafe, ...sendsJson}, body})).ok) return;
    }
  })().finally(() => (asking = null));
  return asking;
}

const unsafe = {"X-Genrewise": "1"}, sendsJson = {"Content-Type": "application/json"};

function failure(status, body, retryAfter) {
  let error = {};
  try {
    error = JSON.parse(body).error;
  } catch { /* a proxy's page, say */ }
  return new ServerError(status, error, Number(retryAfter) || 0);
}

/** The answer to a request; `body`: an object is sent as JSON. Throws ServerError, or AbortError of `signal`. */
export async function request(path, {method = "GET", body, signal} = {}) {
  let answer;
  try {
    answer = await fetch(path, {method, signal, body: body && JSON.stringify(body),
      headers: {...(method !== "GET" && unsafe), ...(body && sendsJson)}});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    hooks.gone(true);
    throw new ServerError(0);
  }
  hooks.gone(false);
  if (answer.status === 401) return authorise().then(() => request(path, {method, body, signal}));
  if (!answer.ok) throw failure(answer.status, await answer.text(), answer.headers.get("Retry-After"));
  return answer;
}

export const get = async (path, options) => (await request(path, options)).json();
export const post = async (path, body, options) => (await request(path, {method: "POST", body, ...options})).json();

/** The path with parameters; those that are undefined, null or "" are left out. */
export const query = (path, parameters) => {
  const kept = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return kept.length ? `${path}?${new URLSearchParams(kept)}` : path;
};

/** Sends a file; `progress(share)` while it is sent. Resolves to the JSON of the answer. */
export function upload(path, file, progress, signal) {
  return new Promise((done, failed) => {
    const transfer = new XMLHttpRequest();
    transfer.open("POST", path);
    const headers = {...unsafe, "X-Filename": encodeURIComponent(file.name.toWellFormed?.() ?? file.name)};
    for (const [name, value] of Object.entries(headers)) transfer.setRequestHeader(name, value);
    transfer.upload.addEventListener("progress", (event) => progress(event.loaded / (event.total || 1)));
    transfer.addEventListener("error", () => {
      hooks.gone(true);
      failed(new ServerError(0));
    });
    transfer.addEventListener("abort", () => failed(new DOMException("", "AbortError")));
    signal?.addEventListener("abort", () => transfer.abort());
    transfer.addEventListener("load", () => {
      const {status, responseText} = transfer;
      if (status === 401) authorise().then(() => upload(path, file, progress, signal)).then(done, failed);
      else if (status < 300) done(JSON.parse(responseText));
      else failed(failure(status, responseText, transfer.getResponseHeader("Retry-After")));
    });
    transfer.send(file);
  });
}

const ended = (job) => ["done", "failed", "cancelled"].includes(job.state);

/** Follows a job by server-sent events; resolves to its result, throws its error. `signal` cancels the job. */
export function follow(id, progress, signal) {
  const path = `/v1/jobs/${id}`;
  return new Promise((done, failed) => {
    const listen = () => {
      const events = new EventSource(`${path}/events`);
      const settle = (job) => {
        progress(job);
        if (!ended(job)) return;
        events.close();
        if (job.state === "done") done(job.result);
        else failed(job.state === "cancelled" ? new DOMException("", "AbortError") : new ServerError(422, job.error));
      };
      for (const kind of ["progress", "end"]) {
        events.addEventListener(kind, (event) => event.data && settle(JSON.parse(event.data)));
      }
      events.addEventListener("error", () => {
        events.close();
        get(path).then((job) => (ended(job) ? settle(job) : setTimeout(listen, 1000)), failed);
      });
    };
    listen();
    signal?.addEventListener("abort", () => request(path, {method: "DELETE"}).catch(() => {}));
  });
}

/** The share of a job that is done, or null if it is not known. */
export const shareOf = ({done, total}) => (total > 1 ? done / total : null);

/** The result of an answer that may be {"job": id}. */
export const resultOf = (answer, progress = () => {}, signal) =>
  (answer.job === undefined ? answer : follow(answer.job, progress, signal));
