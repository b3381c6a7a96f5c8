// The frame of the page: views by the address, the bar of the player, jobs, and what is said when the server fails.
import {connect} from "../charts.js";
import {h} from "../elements.js";
import {authorise, get, hooks} from "./api.js";
import * as data from "./data.js";
import {showRunning, strip} from "./jobs.js";
import * as library from "./library.js";
import * as music from "./music.js";
import {bar} from "./player.js";
import * as runs from "./runs.js";
import {emptyView, state} from "./state.js";
import {text} from "./text.js";

const views = {music, library, runs, data};
const links = Object.keys(views).map((name) => h("a", {href: `#${name}`}, text.nav[name]));
const model = h("span", {class: "model"}), main = h("main", {id: "main", tabindex: -1});
const banner = h("div", {class: "banner", role: "alert", hidden: true});
document.body.append(
  h("a", {class: "skip", href: "#main", click: (event) => {
    event.preventDefault();
    main.focus();
  }}, text.nav.skip),
  h("header", {class: "top"}, h("p", {class: "brand"}, "genrewise"),
    h("nav", {"aria-label": text.nav.label}, links), model),
  strip, banner, main, bar, h("div", {class: "veil", hidden: true}, h("p", {}, text.music.dropHere)));
connect(main);

// ---- the server fails, or wants a token ----

let absent = 0;
hooks.gone = (gone) => {
  if (gone === (absent !== 0)) return;
  clearInterval(absent);
  absent = gone ? setInterval(() => get("/v1/health").then(start, () => {}), 3000) : 0;
  banner.hidden = !gone;
  banner.replaceChildren(text.errors.gone);
};

hooks.ask = (wrong) => new Promise((done) => {
  const input = h("input", {type: "password", required: true, autocomplete: "off", name: "token"});
  const dialog = h("dialog", {"aria-labelledby": "token-title", cancel: (event) => event.preventDefault(), close: () => {
    dialog.remove();
    done(input.value);
  }},
  h("form", {method: "dialog"},
    h("h2", {id: "token-title"}, text.token.title),
    h("p", {class: wrong ? "failed" : "small"}, wrong ? text.token.wrong : text.token.lead),
    h("label", {class: "field"}, h("span", {}, text.token.label), input),
    h("p", {class: "actions"}, h("button", {class: "primary"}, text.token.use))));
  document.body.append(dialog);
  dialog.showModal();
});

// ---- views ----

async function route() {
  const [name, part] = location.hash.slice(1).split("/"), view = views[name] ?? music;
  const asked = location.hash;
  for (const each of Object.values(views)) each.leave?.();
  links.forEach((link, i) => (Object.values(views)[i] === view ? link.setAttribute("aria-current", "page")
    : link.removeAttribute("aria-current")));
  document.title = `${text.nav[views[name] ? name : "music"]} · genrewise`;
  try {
    const element = await view.show(part && decodeURIComponent(part));
    if (location.hash === asked) main.replaceChildren(element);
  } catch (error) {
    main.replaceChildren(emptyView(text.errors.title, error.message));
  }
  main.classList.toggle("flowing", Boolean(main.querySelector(".flow, .empty")));
}

let started = false;
async function start() {
  try {
    state.health = await get("/v1/health");
    if (state.health.authenticated === false) {
      await authorise();
      state.health = await get("/v1/health");
    }
    model.textContent = state.health.model ? text.nav.model(state.health.model.name) : "";
    showRunning();
    started = true;
    await route();
    await library.refresh();  // counting genres takes longer than showing the first rows
  } catch (error) {
    main.replaceChildren(emptyView(text.errors.title, error.message));
  }
}
addEventListener("hashchange", () => started && route());
start();

// ---- files may be dropped anywhere ----

const veil = document.querySelector(".veil");
const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  veil.hidden = false;
});
addEventListener("dragleave", (event) => !event.relatedTarget && (veil.hidden = true));
addEventListener("drop", (event) => {
  veil.hidden = true;
  if (!holdsFiles(event)) return;
  event.preventDefault();
  if (views[location.hash.slice(1)] !== music) location.hash = "#music";
  music.drop(event.dataTransfer);
});
