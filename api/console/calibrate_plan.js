// The floor plan beside the picture: corners that clicks are drawn to, the floor that the camera
// shows by the fit, how it moves, and walks.

import { byId, keyed, say, set, svg } from "./dom.js";
import { cornersOf, nearest } from "./calibrate_corners.js";
import { showMarks } from "./calibrate_marks.js";
import { Surface } from "./calibrate_surface.js";
import { bounds, points as pointsOf } from "./geometry.js";
import { flip, outline, path } from "./paths.js";

const MARGIN_M = 1.5;
const SNAP_PX = 14;
const LETTER = 0.6; // width of a letter in heights of the type
const ARROW_M = 0.8; // most arrows are drawn no longer than this
const LONGEST = 50;

/** How much longer than it is a move of the floor is drawn. */
export const longerFor = (moved) =>
  Math.min(LONGEST, Math.max(1, Math.round(ARROW_M / Math.max(moved.p95_m, 0.001))));

export class Plan {
  constructor(on) {
    const unflipped = (place) => place && flip(place);
    this.surface = new Surface(byId("plan"), {
      keys: [0.1, 0.01, 1],
      nearest: 1,
      on: {
        point: (place, by) => {
          const corner = this.snapped(flip(place), by);
          on.point(corner?.at ?? flip(place), corner?.name ?? "");
        },
        pick: on.pick,
        placing: on.placing,
        remove: on.remove,
        move: (id, place, done, by) => on.move(id, place && this.drawnTo(flip(place), by), done, by),
        hover: (place) => this.hint(place && flip(place)),
        cross: (place) => { this.hint(unflipped(place)); on.cross?.(unflipped(place)); },
        view: () => this.fitLabels(),
        other: (key) => this.otherKey(key),
      },
    });
    const layer = (name) => svg("g", { class: name });
    this.layers = Object.fromEntries(
      ["floor-other", "floor", "arrows", "walk", "places", "snap", "marks"].map((name) => [name, layer(name)]));
    this.surface.over.append(...Object.values(this.layers));
    this.layers.snap.append(svg("g", {}, svg("g", { class: "symbol" },
      svg("path", { class: "casing", d: "M-7-7H7V7H-7Z" }), svg("path", { d: "M-7-7H7V7H-7Z" }))));
    this.corners = [];
    this.labels = [];
    this.snap = true;
  }

  /** Draw a level of a plan. */
  show(features, level) {
    const of = (type) => features.filter((f) => f.feature_type === type && f.properties.level_id === level);
    const shapes = (type, name) => of(type).map((f) => svg("path", {
      class: name, d: outline(f.geometry), "data-category": f.properties.category ?? null,
    }));
    this.corners = cornersOf(features, level);
    this.labels = of("unit").map((unit) => {
      const [left, bottom, right, top] = bounds(pointsOf(unit.geometry));
      const [x, y] = flip(unit.properties.label_m);
      const placed = svg("g", { class: "room", transform: `translate(${x} ${y})` },
        svg("g", { class: "symbol" }, svg("text", {}, unit.properties.name)));
      return { placed, letters: unit.properties.name.length, wide: right - left, tall: top - bottom };
    });
    this.surface.ground.replaceChildren(
      ...shapes("unit", "unit"), ...shapes("fixture", "fixture"), ...shapes("wall", "wall"),
      ...shapes("opening", "opening"), ...shapes("entrance", "gap"), ...this.labels.map(({ placed }) => placed));
    const [left, bottom, right, top] = bounds(of("unit").flatMap((f) => pointsOf(f.geometry)));
    this.surface.setWhole([
      left - MARGIN_M, -top - MARGIN_M, right - left + 2 * MARGIN_M, top - bottom + 2 * MARGIN_M,
    ]);
  }

  /** Hide the room names that do not fit at this scale. */
  fitLabels() {
    for (const { placed, letters, wide, tall } of this.labels ?? []) {
      const size = 12 * this.surface.scale;
      placed.classList.toggle("unfit", letters * LETTER * size > wide || size > tall);
    }
  }

  /** Zoom to a piece of floor, `[left, bottom, right, top]` in site metres. */
  zoomTo([left, bottom, right, top]) {
    const [, , wide, tall] = this.surface.whole;
    const aspect = tall / wide;
    const width = Math.min(wide, Math.max(right - left + 3, (top - bottom + 3) / aspect));
    const [x, y] = [(left + right) / 2, -(bottom + top) / 2];
    this.surface.show(this.surface.clamp([x - width / 2, y - (width * aspect) / 2, width, width * aspect]));
  }

  /** The corner that a click at a place is drawn to; null where none is near, or none wanted. */
  snapped(place, by) {
    if (!this.snap) return null;
    const reach = SNAP_PX * this.surface.scale;
    return nearest(this.corners, place, by === "keys" ? Math.min(reach, 0.05) : reach);
  }

  drawnTo(place, by) {
    return by === "keys" ? place : this.snapped(place)?.at ?? place;
  }

  hint(place) {
    const corner = place && this.snapped(place, this.surface.cross ? "keys" : "");
    this.layers.snap.toggleAttribute("hidden", !corner);
    if (corner) {
      const [x, y] = flip(corner.at);
      set(this.layers.snap.firstElementChild, { transform: `translate(${x} ${y})` });
    }
    const told = place ? `${place[0].toFixed(2)}, ${place[1].toFixed(2)} m` : "";
    say(byId("plan-at"), corner ? `${corner.name}: ${corner.at[0].toFixed(2)}, ${corner.at[1].toFixed(2)} m` : told);
  }

  /** "c" goes to the next corner around, "C" to the one before. */
  otherKey(key) {
    if (key !== "c" && key !== "C") return false;
    const from = flip(this.surface.aim());
    const order = [...this.corners].sort((a, b) =>
      Math.hypot(a.at[0] - from[0], a.at[1] - from[1]) - Math.hypot(b.at[0] - from[0], b.at[1] - from[1]));
    this.tour ??= { order, at: -1, place: null };
    const moved = !this.tour.place || Math.hypot(
      this.tour.place[0] - from[0], this.tour.place[1] - from[1]) > 0.01;
    if (moved) this.tour = { order, at: -1, place: null };
    const count = this.tour.order.length;
    if (!count) return true;
    this.tour.at = (this.tour.at + (key === "c" ? 1 : count - 1) + count) % count;
    this.tour.place = this.tour.order[this.tour.at].at;
    this.surface.setCross(flip(this.tour.place));
    return true;
  }

  /** Show the floor and the camera of a calibration, and of another one that it is compared with. */
  showFloor(overlay, other = null) {
    const area = (told) => (told ? told.floor_m.map((rings) => rings.map((ring) => path(ring, true)).join("")) : []);
    const camera = (told) => (told?.camera_m ? [flip(told.camera_m)] : []);
    for (const [name, told] of [["floor", overlay], ["floor-other", other]]) {
      keyed(this.layers[name], [
        ...area(told).map((d, k) => ({ id: `a${k}`, d })),
        ...camera(told).map((at) => ({ id: "camera", at })),
      ], ({ id }) => id, ({ at }) => (at
        ? svg("g", { class: "eye" }, svg("g", { class: "symbol" },
          svg("path", { class: "casing", d: "M0-9 9 7H-9Z" }), svg("path", { d: "M0-9 9 7H-9Z" })))
        : svg("path", {})),
      (element, { d, at }) => set(element, at ? { transform: `translate(${at[0]} ${at[1]})` } : { d }));
    }
  }

  /** Show how the floor moves, arrows drawn longer than it does. */
  showMoved(moved) {
    const arrows = moved ? moved.arrows_m : [];
    const longer = moved ? longerFor(moved) : 1;
    keyed(this.layers.arrows, arrows.map((arrow, k) => ({ arrow, k })), ({ k }) => k,
      () => svg("path", {}),
      (element, { arrow: [ax, ay, bx, by] }) => {
        const [dx, dy] = [longer * (bx - ax), longer * (by - ay)];
        const head = Math.min(0.25, 0.4 * Math.hypot(dx, dy));
        const turn = Math.atan2(dy, dx);
        const tip = [ax + dx, ay + dy];
        const wing = (side) => [tip[0] - head * Math.cos(turn + side), tip[1] - head * Math.sin(turn + side)];
        set(element, { d: path([[ax, ay], tip]) + path([wing(0.5), tip, wing(-0.5)]) });
      });
  }

  /** Show the places that a walk goes between, and the walk where it is known. */
  showWalk(places, result) {
    keyed(this.layers.places, [
      ...(places.length > 1 ? [{ id: "line", d: path(places) }] : []),
      ...places.map((at, k) => ({ id: k, at: flip(at), label: String.fromCharCode(65 + k) })),
    ], ({ id }) => id, ({ at }) => (at
      ? svg("g", {}, svg("g", { class: "symbol" }, svg("path", { d: "M-10-10H10V10H-10Z" }), svg("text", {})))
      : svg("path", {})),
    (element, { d, at, label }) => {
      set(element, at ? { transform: `translate(${at[0]} ${at[1]})` } : { d });
      if (at) say(element.querySelector("text"), label);
    });
    const walked = result ? [
      { id: "path", d: path(result.path.map(([, x, y]) => [x, y])) },
      { id: "worst", at: flip(result.worst_at_m) },
    ] : [];
    keyed(this.layers.walk, walked, ({ id }) => id, ({ at }) => (at
      ? svg("g", { class: "worst" }, svg("g", { class: "symbol" }, svg("path", { d: "M-7-7 7 7M7-7-7 7" })))
      : svg("path", { class: "walked" })),
    (element, { d, at }) => set(element, at ? { transform: `translate(${at[0]} ${at[1]})` } : { d }));
  }

  /** Show points; each has `id`, `metres`, `label` and `state`. */
  showPoints(points, picked) {
    const shown = points.map(({ id, metres, label, state }) =>
      ({ id, at: flip(metres), label, state, picked: id === picked }));
    this.surface.marks = shown.map(({ id, at }) => ({ id, at }));
    this.surface.picked = picked;
    showMarks(this.layers.marks, shown);
  }
}
