// The catalogue as a map: each track a point, near to what sounds alike, on a canvas.
import {fill, h} from "../elements.js";
import {get} from "./api.js";
import {itemOfTrack, trackLine} from "./detail.js";
import {play} from "./player.js";
import {colourOf, titleOf} from "./state.js";
import {text} from "./text.js";

const kNear = 14, kListed = 8, kLargest = 6;  // pixels, tracks, pixels
const colourNames = ["--c0", "--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7", "--muted"];

/** Red, green and blue of the style's variables. */
function palette() {
  const style = getComputedStyle(document.documentElement);
  return colourNames.map((name) => {
    const hex = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  });
}

/** A disc in an image of this width: offsets of its pixels from the middle, and how much of each it covers. */
function stamp(radius, width) {
  const edge = Math.ceil(radius), offsets = [], covers = [];
  for (let y = -edge; y <= edge; ++y) {
    for (let x = -edge; x <= edge; ++x) {
      const cover = Math.min(1, radius + 0.5 - Math.hypot(x, y));
      if (cover > 0) offsets.push(y * width + x), covers.push(cover);
    }
  }
  return {offsets, covers};
}

/** `chosen(track)` shows a track that was clicked, `genre()` is the one to stress, or "". */
export function map({chosen, genre}) {
  const canvas = h("canvas", {}), context = canvas.getContext("2d"), about = h("div", {class: "tooltip", hidden: true});
  const status = h("p", {class: "small", role: "status"}, text.map.loading), list = h("ol", {class: "similar"});
  const area = h("div", {class: "canvas", tabindex: 0, role: "application", "aria-label": text.map.label,
    "aria-describedby": "map-keys"}, canvas, h("span", {class: "cross", "aria-hidden": "true"}), about);
  const zoomButton = (name, label, factor) => h("button",
    {type: "button", "aria-label": label, click: () => zoom(factor)}, name);
  const element = h("div", {class: "map"}, area,
    h("div", {class: "zoom"}, zoomButton("+", text.map.closer, 1.6), zoomButton("−", text.map.away, 1 / 1.6),
      h("button", {type: "button", "aria-label": text.map.all, click: fit}, "⤢")),
    status, h("p", {class: "small", id: "map-keys"}, text.map.keys), h("details", {}, h("summary", {}, text.map.middle),
      list));

  let ids = [], xs = [], ys = [], genreAt = [], names = [];
  let scale = 1, left = 0, top = 0, planned = false, timer = 0;  // a point is at (x - left) * scale, (y - top) * scale
  const found = new Map();

  /** Details of tracks, asked for once each. */
  async function tracksOf(wanted) {
    for (const id of wanted) if (!found.has(id)) found.set(id, get(`/v1/library/tracks/${id}`));
    return Promise.all(wanted.map((id) => found.get(id)));
  }

  function fit() {
    const spread = (values) => {
      const sorted = Float64Array.from(values).sort();
      return [sorted[Math.floor(sorted.length * 0.002)], sorted[Math.ceil((sorted.length - 1) * 0.998)]];
    };
    if (!ids.length) return;
    const [x0, x1] = spread(xs), [y0, y1] = spread(ys), {clientWidth: width, clientHeight: height} = area;
    scale = 0.88 * Math.min(width / (x1 - x0 || 1), height / (y1 - y0 || 1));
    left = (x0 + x1 - width / scale) / 2;
    top = (y0 + y1 - height / scale) / 2;
    moved();
  }

  function zoom(factor, x = area.clientWidth / 2, y = area.clientHeight / 2) {
    left += x / scale - x / (scale * factor);
    top += y / scale - y / (scale * factor);
    scale *= factor;
    moved();
  }

  function pan(x, y) {
    left -= x / scale;
    top -= y / scale;
    moved();
  }

  function moved() {
    draw();
    clearTimeout(timer);
    timer = setTimeout(listMiddle, 300);
  }

  function draw() {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => {
      planned = false;
      paint();
    });
  }

  function paint() {
    const ratio = Math.min(2, devicePixelRatio), width = Math.round(area.clientWidth * ratio);
    const height = Math.round(area.clientHeight * ratio);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
    const image = context.createImageData(width, height), pixels = new Uint32Array(image.data.buffer);
    const k = scale * ratio, stressed = names.indexOf(genre()), colours = palette();
    const slots = names.map((name) => (colourOf(name) === "muted" ? 8 : colourOf(name)));
    const at = new Int32Array(ids.length);  // the pixel of a point, or -1
    let n = 0;
    for (let i = 0; i < ids.length; ++i) {
      const x = Math.round((xs[i] - left) * k), y = Math.round((ys[i] - top) * k), edge = kLargest * ratio;
      const seen = x >= edge && y >= edge && x < width - edge && y < height - edge;
      at[i] = seen ? y * width + x : -1;
      n += seen;
    }
    const {offsets, covers} = stamp(ratio * (n > 20000 ? 1.4 : n > 3000 ? 2 : n > 300 ? 3.2 : kLargest - 1), width);
    // Of two points at a pixel the one that covers more of it is seen, the later one of equal ones.
    const put = (wanted, opacity) => {
      const words = colours.map(([red, green, blue]) => covers.map((cover) =>
        ((Math.round(255 * cover * opacity) << 24) | (blue << 16) | (green << 8) | red) >>> 0));
      for (let i = 0; i < at.length; ++i) {
        if (at[i] < 0 || !wanted(i)) continue;
        const word = words[slots[genreAt[i]] ?? 8];
        for (let j = 0; j < offsets.length; ++j) {
          const pixel = at[i] + offsets[j];
          if (pixels[pixel] >>> 24 <= word[j] >>> 24) pixels[pixel] = word[j];
        }
      }
    };
    if (stressed < 0) {
      put((i) => (slots[genreAt[i]] ?? 8) === 8, 0.6);
      put((i) => slots[genreAt[i]] < 8, 1);
    } else {
      put((i) => genreAt[i] !== stressed, 0.15);
      put((i) => genreAt[i] === stressed, 1);
    }
    context.putImageData(image, 0, 0);
  }

  /** The points nearest to a place of the canvas, nearest first. */
  function near(x, y, most, within = Infinity) {
    const stressed = names.indexOf(genre()), best = [];
    for (let i = 0; i < ids.length; ++i) {
      if (stressed >= 0 && genreAt[i] !== stressed) continue;
      const distance = Math.hypot((xs[i] - left) * scale - x, (ys[i] - top) * scale - y);
      if (distance > within || (best.length === most && distance >= best.at(-1)[0])) continue;
      best.push([distance, i]);
      best.sort((a, b) => a[0] - b[0]);
      best.length = Math.min(best.length, most);
    }
    return best.map(([, i]) => i);
  }

  let hovered = -1;
  async function hover(x, y) {
    const [i = -1] = near(x, y, 1, kNear);
    area.classList.toggle("pointing", i >= 0);
    if (i === hovered) return;
    hovered = i;
    about.hidden = true;
    if (i < 0) return;
    const [track] = await tracksOf([ids[i]]).catch(() => []);
    if (!track || hovered !== i) return;
    about.textContent = [titleOf(track), track.artist, track.genre].filter(Boolean).join(" · ");
    about.hidden = false;
    const box = area.getBoundingClientRect();
    about.style.left = `${Math.min(box.left + x + 12, innerWidth - about.offsetWidth - 8)}px`;
    about.style.top = `${box.top + y + 14}px`;
  }

  async function pickAt(x, y, within) {
    const [i] = near(x, y, 1, within);
    if (i === undefined) return;
    const [track] = await tracksOf([ids[i]]);
    chosen(track);
    play(itemOfTrack(track), 0);
  }

  async function listMiddle() {
    const middle = near(area.clientWidth / 2, area.clientHeight / 2, kListed).map((i) => ids[i]);
    const tracks = await tracksOf(middle).catch(() => []);
    list.replaceChildren(...tracks.map((track) => trackLine(track, () => chosen(track))));
    if (document.activeElement === area && tracks[0]) {
      status.textContent = text.map.nearest(titleOf(tracks[0]), tracks[0].genre);
    }
  }

  // ---- pointers and keys ----

  const pointers = new Map();
  let travelled = 0;
  const place = (event) => [event.clientX - area.getBoundingClientRect().left,
    event.clientY - area.getBoundingClientRect().top];
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return {x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, size: Math.hypot(a[0] - b[0], a[1] - b[1])};
  };
  fill(area, {
    pointerdown: (event) => {
      area.setPointerCapture(event.pointerId);
      if (!pointers.size) travelled = 0;
      pointers.set(event.pointerId, place(event));
    },
    pointermove: (event) => {
      const [x, y] = place(event), old = pointers.get(event.pointerId);
      if (!old) return hover(x, y);
      const before = pointers.size === 2 && spread();
      pointers.set(event.pointerId, [x, y]);
      travelled += Math.hypot(x - old[0], y - old[1]);
      if (before) {
        const now = spread();
        pan(now.x - before.x, now.y - before.y);
        zoom(now.size / before.size, now.x, now.y);
      } else if (travelled > 4) {
        pan(x - old[0], y - old[1]);
      }
    },
    pointerup: (event) => {
      const single = pointers.size === 1;
      pointers.delete(event.pointerId);
      if (single && travelled <= 4) pickAt(...place(event), kNear).catch(() => {});
    },
    pointercancel: (event) => pointers.delete(event.pointerId),
    pointerleave: () => (about.hidden = true, hovered = -1),
    keydown: (event) => {
      const step = {ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60]}[event.key];
      if (step) pan(...step);
      else if (event.key === "+" || event.key === "=") zoom(1.4);
      else if (event.key === "-") zoom(1 / 1.4);
      else if (event.key === "0") fit();
      else if (event.key === "Enter") pickAt(area.clientWidth / 2, area.clientHeight / 2).catch(() => {});
      else return;
      event.preventDefault();
    },
  }, []);
  area.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), ...place(event));
  }, {passive: false});
  new ResizeObserver(() => (canvas.width ? draw() : fit())).observe(area);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  get("/v1/library/map").then((answer) => {
    ({tracks: ids, genre: genreAt, genres: names} = answer);
    [xs, ys] = [Float64Array.from(answer.x), Float64Array.from(answer.y)];
    status.textContent = ids.length ? text.map.shown(ids.length) : text.map.none;
    fit();
  }).catch((error) => (status.textContent = error.message));
  return {element, draw: moved};
}
