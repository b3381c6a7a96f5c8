// The dialog that builds a playlist of a query.
import {clock, count, h, saveFile} from "../elements.js";
import {name as bdi, small} from "../page.js";
import {post, request} from "./api.js";
import {button, titleOf} from "./state.js";
import {text} from "./text.js";

const number = (name, label, value) => h("label", {class: "field"}, h("span", {}, label),
  h("input", {type: "number", name, min: 1, value, inputmode: "numeric"}));

/** Asks how tracks of the query `q` are chosen, shows them and offers the file. */
export function playlistDialog(q) {
  const list = h("div", {class: "preview", "aria-live": "polite"}), problem = h("p", {class: "failed", role: "alert"});
  const form = h("form", {method: "dialog"},
    h("h2", {id: "playlist-title"}, text.playlist.title),
      small(q ? [text.playlist.of, h("code", {}, q)] : text.playlist.all),
    h("div", {class: "fields"}, number("limit", text.playlist.limit, 50), number("per_artist", text.playlist.perArtist),
      number("per_album", text.playlist.perAlbum), number("minutes", text.playlist.minutes),
      h("label", {class: "field"}, h("span", {}, text.playlist.format), h("select", {name: "format"},
        ["m3u8", "xspf"].map((each) => h("option", {value: each}, each.toUpperCase()))))),
    h("label", {class: "check"}, h("input", {type: "checkbox", name: "smooth"}), text.playlist.smooth), problem, list,
    h("p", {class: "actions"}, button(text.playlist.preview, preview),
      button(text.playlist.download, load, {class: "primary"}),
      h("button", {value: "close"}, text.playlist.close)));
  const dialog = h("dialog", {"aria-labelledby": "playlist-title", close: () => dialog.remove()}, form);

  function wanted() {
    const of = (name) => Number(form.elements[name].value) || undefined;
    return {q, limit: of("limit"), per_artist: of("per_artist"), per_album: of("per_album"),
      max_duration_s: of("minutes") && 60 * of("minutes"), smooth: form.elements.smooth.checked,
      format: form.elements.format.value};
  }

  const attempt = (work) => work().then(() => (problem.textContent = ""),
    (error) => (problem.textContent = error.message));

  function preview() {
    return attempt(async () => {
      const {tracks} = await post("/v1/playlists?preview=1", wanted());
      const total = tracks.reduce((sum, track) => sum + (track.duration_s || 0), 0);
      list.replaceChildren(small(text.playlist.found(count(tracks.length), clock(total))), h("ol", {},
        tracks.map((track) => h("li", {}, bdi(titleOf(track)), " ", h("span", {class: "faint"}, bdi(track.artist))))));
    });
  }

  function load() {
    return attempt(async () => {
      const answer = await request("/v1/playlists", {method: "POST", body: wanted()});
      saveFile(`playlist.${wanted().format}`, await answer.blob());
    });
  }

  document.body.append(dialog);
  dialog.showModal();
}
