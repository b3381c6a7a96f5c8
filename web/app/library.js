// The view "Library": the catalogue as table, map and albums; corrections, playlists, tags, scans.
import {clock, count, h, known, percent} from "../elements.js";
import {code, facts, name as bdi} from "../page.js";
import {get, post} from "./api.js";
import {itemOfTrack, noveltyCell, pane} from "./detail.js";
import {startJob} from "./jobs.js";
import {map} from "./map.js";
import {play, playButton} from "./player.js";
import {playlistDialog} from "./playlist.js";
import {grid, pagedSource} from "./rows.js";
import {button, emptyView, fileName, genreMark, genres, loadGenres, quoted, state, titleOf} from "./state.js";
import {tags} from "./tags.js";
import {text} from "./text.js";

// ---- the query that all tabs share ----

const search = h("input", {type: "search", "aria-label": text.library.search, placeholder: text.library.placeholder,
  autocomplete: "off", spellcheck: "false", input: () => soon()});
const genre = h("select", {"aria-label": text.library.ofGenre, change: () => changed()});
const problem = h("p", {class: "failed", role: "alert", hidden: true});
const found = h("p", {class: "status", role: "status"});
let timer = 0;
const soon = () => {
  clearTimeout(timer);
  timer = setTimeout(changed, 250);
};
/** The query: the text and the genre that is chosen. */
const current = () => [search.value.trim(), genre.value && `genre:${quoted(genre.value)}`].filter(Boolean).join(" ");

function changed() {
  tab.changed?.();
  const {value} = genre;
  for (const button of view.querySelectorAll(".legend button")) {
    button.setAttribute("aria-pressed", String(button.dataset.genre === value));
  }
}

function fillGenres() {
  const {value} = genre;
  genre.replaceChildren(h("option", {value: ""}, text.library.allGenres), ...state.genres.map((each) =>
    h("option", {value: each.genre}, `${each.genre} (${count(each.tracks)})`)));
  genre.value = value;
  const list = document.getElementById("genres") ?? h("datalist", {id: "genres"});
  list.replaceChildren(...genres().map((name) => h("option", {value: name})));
  document.body.append(list);
}

// ---- tracks ----

const source = pagedSource("/v1/library/tracks", "tracks");
let order = {sort: "path"};
const open = () => source.open({q: current(), ...order});

async function correct(tracks, name) {
  try {
    await post("/v1/library/correct", {tracks: tracks.map(({id}) => id), genre: name});
  } catch (error) {
    return tell(error);
  }
  problem.hidden = true;
  found.textContent = text.library.corrected(tracks.length, name);
  for (const track of tracks) {
    Object.assign(track, {correction: name ?? "", genre: name ?? track.predicted});
    table.again(track);
  }
  const {track} = details.item() ?? {};
  if (track) details.show(itemOfTrack(track));
}

function tell(error) {
  problem.textContent = error.message;
  problem.hidden = false;
}

/** Likely genres of a track, as the number keys count them. */
const likely = (track) => itemOfTrack(track).genres.map((each) => each.genre);

function pressed(event, rows) {
  if (!rows.length || state.health.read_only) return false;
  const digit = /^[0-9]$/.test(event.key) ? Number(event.key) : -1;
  if (digit === 0) correct(rows, null);
  else if (digit > 0 && likely(rows.at(-1))[digit - 1]) correct(rows, likely(rows.at(-1))[digit - 1]);
  else if (event.key === "g") details.open(), details.element.querySelector(".own input")?.focus();
  else return false;
  return true;
}

const details = pane({correct, empty: text.library.select});
let asked = null;

async function choose(rows) {
  const track = rows.at(-1);
  asked = track;
  if (!track) return details.show(null);
  details.show(itemOfTrack(track));
  if (matchMedia("(max-width: 900px)").matches) details.open();
  try {
    const {probabilities, segments} = await get(`/v1/library/tracks/${track.id}`);
    Object.assign(track, {probabilities, segments});
    if (asked === track) details.show(itemOfTrack(track));
  } catch (error) {
    tell(error);
  }
}

function genreCell(track) {
  if (track.fault || !track.genre) return track.fault;
  if (!track.correction && track.unknown) return genreMark(text.detail.unknown);
  return [genreMark(track.genre), track.correction && h("span", {class: "own-mark", title: text.detail.yours}, "✓")];
}

const start = (track) => !track.fault && play(itemOfTrack(track));
const table = grid({
  label: text.library.tracks, source, keyOf: ({id}) => id, chosen: choose, opened: start, pressed,
  rowClass: (track) => (track.fault ? "failed" : ""),
  sorted: (sort, descending) => {
    order = {sort, descending: descending ? 1 : null};
    table.reset();
    open();
  },
  columns: [
    {name: h("span", {class: "unseen"}, text.player.play), style: "go",
      cell: (track) => !track.fault && playButton(itemOfTrack(track), false)},
    {name: text.library.title, style: "name", sort: "title",
      cell: (track) => h("bdi", {title: track.path}, titleOf(track))},
    {name: text.library.artist, style: "artist", sort: "artist", cell: (track) => bdi(track.artist)},
    {name: text.library.album, style: "album wide-only", sort: "album", cell: (track) => bdi(track.album)},
    {name: text.library.genre, style: "result", sort: "genre", cell: genreCell},
    {name: text.library.confidence, style: "n share", sort: "confidence", down: true,
      cell: (track) => known(track.confidence) && percent(track.confidence, 0)},
    {name: text.library.novelty, style: "n wide-only", sort: "novelty", down: true, cell: noveltyCell},
    {name: text.library.length, style: "n", sort: "duration", down: true, cell: (track) => clock(track.duration_s)},
    {name: text.library.added, style: "n date widest-only", sort: "added", down: true,
      cell: (track) => new Date(1000 * track.added_s).toISOString().slice(0, 10)},
  ],
});
source.addEventListener("change", () => {
  problem.hidden = !source.error;
  if (source.error) problem.textContent = source.error.message;
  found.textContent = source.loaded ? text.library.found(source.total) : "";
});

// ---- albums ----

const albumSource = pagedSource("/v1/library/groups", "groups");
const showAlbum = ({folder, album}) => {
  const tagged = album !== fileName(folder);
  search.value = [`path:${quoted(`${folder}/`)}`, tagged && `album:=${quoted(album)}`].filter(Boolean).join(" ");
  genre.value = "";
  location.hash = "#library/tracks";
};
const albums = grid({
  label: text.library.albums, source: albumSource, keyOf: (row) => `${row.folder}\n${row.album}`, opened: showAlbum,
  columns: [
    {name: h("span", {class: "unseen"}, text.library.showTracks), style: "go",
      cell: (row) => button("›", () => showAlbum(row),
        {class: "play", tabindex: -1, "aria-label": text.library.showTracksOf(row.album)})},
    {name: text.library.album, style: "name", cell: (row) => bdi(row.album || text.library.noAlbum)},
    {name: text.library.artist, style: "artist", cell: (row) => bdi(row.artist)},
    {name: text.library.tracksShort, style: "n", cell: (row) => count(row.tracks)},
    {name: text.library.genre, style: "result", cell: (row) => row.genre && genreMark(row.genre)},
    {name: text.library.confidence, style: "n share", cell: (row) => row.genre && percent(row.confidence, 0)},
    {name: text.library.outliers, style: "outliers wide-only", cell: (row) => bdi(row.outliers.map((each) =>
      `${fileName(each.path)} (${each.genre})`).join(", "))},
  ],
});
albumSource.addEventListener("change", () => {
  problem.hidden = !albumSource.error;
  if (albumSource.error) problem.textContent = albumSource.error.message;
  found.textContent = albumSource.loaded ? text.library.foundAlbums(albumSource.total) : "";
});

// ---- frame ----

const legend = (pick) => h("div", {class: "legend", role: "group", "aria-label": text.library.ofGenre},
  state.genres.map(({genre: name, tracks}) => button([genreMark(name), h("span", {class: "n"}, count(tracks))],
    () => pick(name), {"data-genre": name, "aria-pressed": String(name === genre.value)})));
const pick = (name) => {
  genre.value = genre.value === name ? "" : name;
  changed();
};

const tabs = {
  tracks: {build: () => h("div", {class: "panes"}, table.element, details.element), changed: () => {
    table.reset();
    open();
  }},
  map: {build: () => {
    const drawn = map({chosen: (track) => choose([track]), genre: () => genre.value});
    tabs.map.changed = drawn.draw;
    found.textContent = "";
    return h("div", {class: "panes"}, h("div", {class: "mapping"}, drawn.element, legend(pick)), details.element);
  }},
  albums: {build: () => h("div", {class: "panes"}, albums.element), changed: () => {
    albums.reset();
    albumSource.open({q: current(), per: "album"});
  }},
  tags: {build: () => tags({query: current, tell: (error) => (error ? tell(error) : (problem.hidden = true))})},
};
let tab = tabs.tracks;

/** Fetches the genres; rows that are shown get their colours. */
export async function refresh() {
  if (!state.health.library) return;
  await loadGenres();
  fillGenres();
  view.querySelector(".legend")?.replaceWith(legend(pick));
  table.again();
  albums.again();
  if (tab === tabs.map) tab.changed?.();
}

async function scan() {
  try {
    await startJob("scan", post("/v1/library/scan", {}));
    await refresh();
    tab.changed?.();
  } catch (error) {
    if (error.name !== "AbortError") tell(error);
  }
}

const links = Object.keys(tabs).map((name) => h("a", {href: `#library/${name}`}, text.library[name]));
const help = h("details", {class: "help"}, h("summary", {}, text.library.help),
  facts("", text.library.terms.map(([term, meaning]) => [code(term), meaning])));
const scanButton = button(text.library.scan, scan);
const body = h("div", {class: "tab"});
const view = h("div", {class: "view library"}, h("h1", {class: "unseen"}, text.nav.library),
  h("div", {class: "toolbar"}, h("nav", {class: "tabs", "aria-label": text.library.views}, links), search, genre,
    h("span", {class: "actions"}, button(text.library.playlist, () => playlistDialog(current())), scanButton),
    help, found), problem, body);

/** The view; `name`: of a tab. */
export function show(name = "tracks") {
  if (!state.health.library) {
    return emptyView(text.library.none, text.library.noneLead, text.library.noneCommand, text.library.noneThen);
  }
  tab = tabs[name] ?? tabs.tracks;
  scanButton.hidden = state.health.read_only;
  fillGenres();
  links.forEach((link) => (link.hash === `#library/${name}` ? link.setAttribute("aria-current", "page")
    : link.removeAttribute("aria-current")));
  problem.hidden = true;
  body.replaceChildren(tab.build());
  changed();
  return view;
}

