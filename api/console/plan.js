// The floor plan as SVG: what stands still of one level, drawn once, and on top of it what moves
// with every answer. Site metres have y up, SVG has y down, so every y is turned over in `flip` of
// paths.js. All is drawn in one group that is turned as a whole; text and symbols in it are turned
// back by the style sheet (`--turn`), and stay upright.

import { keyed, set, svg } from "./dom.js";
import { bounds, points } from "./geometry.js";
import { flip } from "./paths.js";
import { blindFloor } from "./plan_blind.js";
import { drawLabels, gridLabels, gridPath } from "./plan_grid.js";
import * as parts from "./plan_parts.js";
import { drawArrival, drawRoute, partsOn } from "./plan_route.js";
import { drawSearch } from "./plan_search.js";
import { drawMarks, drawRings, drawTrails, kindOf, writeAges } from "./plan_subjects.js";
import { turned } from "./plan_turn.js";
import { View } from "./view.js";

const MARGIN_PX = 38; // for the numbers of doors, which stand outside
const { layer, shapes } = parts;

export class Plan {
  constructor(root) {
    this.root = root;
    this.view = new View(root);
    this.view.onview = () => this.afterView();
    this.features = [];
    this.about = {};
    this.level = null;
    this.turn = 0;
    this.layers = null;
    this.labels = [];
    this.cameras = new Map(); // camera id: { mark, view, phase }
    this.message = null;
    this.map = null;
    this.chosen = null;
    this.onchoose = null;
    this.oncamera = null;
    root.addEventListener("click", (event) => this.click(event.target));
    root.addEventListener("keydown", (event) => this.key(event));
  }

  /** Take the plan of a site, as `GET /v1/sites/{id}/plan` has it. */
  load(collection) {
    this.features = collection.features;
    this.about = collection.lastseen;
    this.level = null;
    this.message = null;
    this.map = null;
    this.chosen = null;
    this.cameras = new Map();
    this.levels = this.of("level").map((f) => ({ id: f.id, name: f.properties.name }));
    this.names = new Map(this.levels.map(({ id, name }) => [id, name]));
  }

  of(type, level) {
    return this.features.filter(
      (f) => f.feature_type === type && (!level || f.properties.level_id === level),
    );
  }

  /** Draw a level; nothing is drawn again where it is shown already. */
  showLevel(level) {
    if (this.level === level) return;
    this.level = level;
    this.blindOf = null;
    const rooms = this.of("unit", level);
    const footprint = this.of("level", level);
    const properties = (...names) => (f) => Object.fromEntries(
      names.map((name) => [`data-${name}`, f.properties[name] || null]));
    this.labels = rooms.map((f) => parts.label(f));
    const geometries = rooms.map((f) => f.geometry);
    const underlays = (this.about.underlays ?? []).filter((one) => one.level === level);
    this.layers = {
      picture: layer("picture", ...underlays.map(parts.underlay)),
      units: layer("units", ...shapes(rooms, "unit", properties("category"))),
      views: layer("views", ...shapes(this.of("camera-view", level), "view", properties("camera"))),
      blind: svg("path", { class: "blind" }),
      search: svg("g", { class: "search", "clip-path": "url(#footprint)" }),
      grid: svg("path", { class: "grid", d: this.about.grid ? gridPath(this.about.grid) : "" }),
      labels: layer("labels", ...this.labels.map(({ shown }) => shown)),
      cameras: layer("cameras", ...this.of("camera", level).map(parts.camera)),
      trails: layer("trails"),
      route: layer("route"),
      doors: layer("doors", ...this.of("entrance", level).map((f) => parts.door(f, geometries))),
      rings: svg("g", { class: "rings", "clip-path": "url(#footprint)" }),
      subjects: layer("subjects"),
      arrival: layer("arrivals"),
      squares: layer("squares"),
    };
    const { squares, arrival, picture, units, views, blind, search, grid, labels, ...above } = this.layers;
    this.body = layer("turned",
      picture, units,
      layer("fixtures", ...shapes(this.of("fixture", level), "fixture")),
      views, blind, search, grid,
      layer("walls", ...shapes(this.of("wall", level), "wall")),
      layer("openings", ...shapes(this.of("opening", level), "opening", properties("category", "locked"))),
      labels, ...Object.values(above));
    this.root.replaceChildren(parts.definitions(footprint), this.body, squares, arrival);
    this.index();
    this.corners = rooms.flatMap((f) => points(f.geometry)).map(flip);
    this.setTurn(this.turn, { keep: false });
    this.showPicture();
    this.showCameras([...this.cameras].map(([id, { phase }]) => ({ id, phase })));
    if (this.message) this.showAnswer(this.message);
    this.showSearch(this.map);
  }

  /** Find each camera's mark and view once. */
  index() {
    const known = this.cameras;
    this.cameras = new Map([...known].map(([id, { phase }]) => [id, { phase }]));
    for (const [name, group] of [["mark", this.layers.cameras], ["view", this.layers.views]]) {
      for (const element of group.children) {
        const id = element.dataset.camera;
        this.cameras.set(id, { ...this.cameras.get(id), [name]: element });
      }
    }
    this.layers.cameras.firstElementChild?.setAttribute("tabindex", 0);
  }

  /** Turn the plan clockwise by degrees. */
  setTurn(degrees, { keep = false } = {}) {
    this.turn = degrees;
    this.root.style.setProperty("--turn", `${degrees}deg`);
    if (!this.body) return;
    set(this.body, { transform: `rotate(${degrees})` });
    const [left, top, right, bottom] = bounds(this.corners.map((p) => turned(p, degrees)));
    const { width, height } = this.view.size;
    // The margin is in pixels, which are metres only once the scale is known.
    const px = Math.min(MARGIN_PX * this.view.enlarged, 0.08 * width);
    const room = Math.max(
      (right - left) / Math.max(width - 2 * px, 100),
      (bottom - top) / Math.max(height - 2 * px, 100), 0.01);
    const margin = width && height ? px * room : 2.4;
    this.root.style.setProperty("--aspect", ((right - left + 2 * margin) / (bottom - top + 2 * margin)).toFixed(3));
    this.view.setWhole(
      [left - margin, top - margin, right - left + 2 * margin, bottom - top + 2 * margin], { keep });
  }

  /** What depends on the part that is shown: whether names fit, where the grid is labelled. */
  afterView() {
    if (!this.layers) return;
    for (const label of this.labels) parts.fitLabel(label, this.turn, this.view.unit);
    const grid = this.root.classList.contains("no-grid") ? null : this.about.grid;
    drawLabels(this.layers.squares,
      grid ? gridLabels(grid, this.view.visible(), this.turn, this.view.unit, this.signs()) : []);
    this.showArrival();
    const hatch = this.root.querySelector("#hatch");
    set(hatch, { patternTransform: `scale(${this.view.unit.toFixed(4)})` });
    this.onview?.();
  }

  /** Where doors' numbers stand, after the turn. */
  signs() {
    return [...this.layers.doors.children].map((door) => turned(door.place, this.turn));
  }

  /** Show where officers arrive; outside of what is shown, at its edge. */
  showArrival() {
    const place = this.message?.arrival?.site_m.coordinates;
    drawArrival(this.layers.arrival, place ? turned(flip(place), this.turn) : null, this.view);
  }

  /** Show or hide "views", "blind", "grid" or "picture". */
  toggle(what, shown) {
    this.root.classList.toggle(`no-${what}`, !shown);
    if (what === "grid") this.afterView();
    if (what === "blind") this.showBlind();
    if (what === "picture") this.showPicture();
  }

  /** Load the picture under the level, if it is to be seen. */
  showPicture() {
    if (!this.layers || this.root.classList.contains("no-picture")) return;
    for (const image of this.layers.picture.children) set(image, { href: image.dataset.href });
  }

  /** Show the phase of each camera. */
  showCameras(cameras) {
    for (const { id, name, phase } of cameras) {
      const known = this.cameras.get(id) ?? {};
      this.cameras.set(id, { ...known, phase, name: name || known.name });
      for (const element of [known.mark, known.view]) {
        if (element && phase) set(element, { "data-phase": phase });
      }
      if (known.mark && phase) set(known.mark, { "aria-label": `Camera ${this.nameOf(id)}, ${phase}` });
    }
    if (this.layers) this.showBlind();
  }

  nameOf(camera) {
    const feature = this.features.find((f) => f.feature_type === "camera" && f.id === camera);
    return feature?.properties.name || this.cameras.get(camera)?.name || camera;
  }

  /** Hatch the floor that no live camera looks at; computed again only when that changes. */
  showBlind() {
    if (!this.layers || this.root.classList.contains("no-blind")) return;
    const live = this.of("camera-view", this.level)
      .filter((f) => this.cameras.get(f.properties.camera)?.phase === "live");
    const key = `${this.level}:${live.map((f) => f.id).join()}`;
    if (this.blindOf === key) return;
    this.blindOf = key;
    const floor = this.of("level", this.level).map((f) => f.geometry);
    this.blind = blindFloor(floor, live.map((f) => f.geometry));
    set(this.layers.blind, { d: this.blind.path });
  }

  /** Show the subjects of this level, the room of the first, and the route to it. */
  showAnswer(message) {
    this.message = message;
    if (!this.layers) return;
    const here = message.subjects.filter((s) => s.level.id === this.level);
    const first = this.first;
    const { chosen } = this;
    drawTrails(this.layers.trails, here);
    drawRings(this.layers.rings, here, { chosen, mapped: this.map?.subject });
    drawMarks(this.layers.subjects, here, {
      chosen, focusable: (here.find((s) => s.id === chosen) ?? here[0])?.id,
    });
    drawRoute(this.layers.route, partsOn(this.door, this.level, first, this.names), this.view.unit);
    this.showArrival();
    this.showRooms(first);
    for (const door of this.layers.doors.children) {
      set(door, { "data-best": (this.door && door.dataset.door === this.door.door_number) || null });
    }
  }

  /** The first subject that is ranked. */
  get first() {
    return this.message?.subjects.find((s) => s.status === "ranked") ?? null;
  }

  /** The door to take. */
  get door() {
    return this.message?.entrances.find((e) => e.usable && e.walk_m !== null) ?? null;
  }

  /** Whose search map is to be seen: of whoever was chosen, else of the first. */
  get sought() {
    const subjects = this.message?.subjects ?? [];
    const one = subjects.find((s) => s.id === this.chosen) ?? this.first;
    return one?.search && one.status === "ranked" ? one : null;
  }

  /** Mark the room of the first subject, and write into rooms how likely it is in each. */
  showRooms(first) {
    const sought = this.sought;
    const shares = new Map((sought?.search?.spaces ?? [])
      .filter((one) => one.space && one.level === this.level && one.probability >= 0.005)
      .map((one) => [one.space.id, `${Math.round(one.probability * 100)} %`]));
    for (const unit of this.layers.units.children) {
      const there = first && first.level.id === this.level && unit.dataset.id === first.space?.id;
      set(unit, { "data-here": there ? (kindOf(first) === "suspect" ? "suspect" : "first") : null });
    }
    const [x, y] = first && first.level.id === this.level
      ? flip(first.position.site_m.coordinates) : [Infinity, Infinity];
    const { unit: px } = this.view;
    for (const { shown, share: text, at, name } of this.labels) {
      // A name under the first subject's mark is not to be read.
      const near = turned([at[0] - x, at[1] - y], this.turn);
      shown.classList.toggle("covered",
        Math.abs(near[1]) < 24 * px && Math.abs(near[0]) < (30 + name.length * 4) * px);
      const share = shares.get(shown.dataset.unit) ?? "";
      shown.classList.toggle("shared", Boolean(share));
      if (text.textContent !== share) text.textContent = share;
    }
  }

  /** Draw a search map, or none; `old` where it is not of now. */
  showSearch(map, { old = false } = {}) {
    this.map = map;
    if (!this.layers) return;
    drawSearch(this.layers.search, map, this.level);
    this.setOld(old);
  }

  setOld(old) {
    if (this.layers) set(this.layers.search, { "data-old": old || null });
  }

  showAges(ages) {
    if (this.layers) writeAges(this.layers.subjects, ages);
  }

  /** Show that a subject is chosen; null: nobody. */
  choose(id) {
    if (this.chosen === id) return;
    this.chosen = id;
    if (this.message) this.showAnswer(this.message);
  }

  /** A place of the SVG in site metres. */
  siteOf(place) {
    const [x, y] = flip(turned(place, -this.turn));
    return [Math.round(x * 100) / 100, Math.round(y * 100) / 100];
  }

  click(target) {
    const mark = target.closest?.("[role=button]");
    if (!mark) return;
    const id = mark.dataset.subject;
    if (id && this.onchoose) this.onchoose(id); // which says by `choose` what came of it
    else if (id) this.choose(id === this.chosen ? null : id);
    else if (mark.dataset.camera) this.oncamera?.(mark.dataset.camera);
  }

  /** With a mark focused: Enter presses it, arrows go to the next of its kind. */
  key(event) {
    const mark = event.target.closest("[role=button]");
    if (!mark || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" || event.key === " ") this.click(mark);
    else if (step) {
      const all = [...mark.parentElement.children];
      all[(all.indexOf(mark) + step + all.length) % all.length].focus();
    } else return;
    event.preventDefault();
  }
}
