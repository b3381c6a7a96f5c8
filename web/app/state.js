// What all views share: what the server has, colours of genres, names of tracks.
import {get} from "./api.js";
import {h} from "../elements.js";
import {code, name as bdi, small} from "../page.js";

/** The answer of /v1/health, and the genres of the catalogue [{genre, tracks}], the most frequent first. */
export const state = {health: null, genres: []};

export async function loadGenres() {
  if (state.health.library) state.genres = (await get("/v1/library")).genres.filter(({tracks}) => tracks > 0);
}

/** Names of the genres of the catalogue, then the other labels of the model. */
export const genres = () => {
  const known = state.genres.map(({genre}) => genre).filter((genre) => genre !== "unknown");
  return [...known, ...(state.health?.model?.labels ?? []).filter((label) => !known.includes(label))];
};

/** Class of a genre's colour: the eight most frequent genres have one each, the others share one. */
export function colourOf(genre) {
  const at = genres().indexOf(genre);
  return at >= 0 && at < 8 ? at : "muted";
}
export const colourClass = (genre) => (colourOf(genre) === "muted" ? "muted" : `s${colourOf(genre)}`);

/** A genre with the dot of its colour. */
export const genreMark = (genre, style = "") =>
  h("span", {class: `genre ${style} ${colourClass(genre)}`}, bdi(genre));

export const fileName = (path) => path.split("/").at(-1);
export const titleOf = (track) => track.title || fileName(track.path);

export const button = (label, click, attributes) => h("button", {type: "button", click, ...attributes}, label);

/** What a view shows that has nothing to show: why, and the command to type. */
export const emptyView = (title, lead, command, then) => h("div", {class: "view empty"}, h("h1", {}, title),
  h("p", {class: "lead"}, lead), command && h("pre", {}, code(command)), then && small(then));

/** The term of a query that stands for exactly this text. */
export const quoted = (value) => `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
