// The drawing area of the floor-plan page: a level as SVG, zoom and pan, and what is being drawn.

import { keyed, set, svg } from "./dom.js";
import { find, nameOf, on } from "./editor_edits.js";
import { areaOf, away, between, edgesOf, labelOf, pointsOf, ringsOf, within } from "./editor_shapes.js";
import { flip, outline, path } from "./paths.js";

const LETTER = 0.6;
const OVER = ["marks", "handles", "drawing", "crosshair"];
const NEAREST_M = 0.002; // metres per pixel
const FARTHEST_M = 2;
const STEP = 1.4;
const MARGIN_PX = 48;
const BADGE_M = 0.9; // how far outside the wall a door's number stands
const GRIDS_M = [0.1, 0.5, 1, 5, 10, 50, 100];
const GRID_LEAST_PX = 12;
const BARS_M = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200];
const BAR_PX = 140;

export class Canvas {
  /** `over` lies on `root`, for what changes with each move of the pointer. */
  constructor(root, over, bar) {
    this.root = root;
    this.over = over;
    this.bar = bar;
    this.centre = [30, 20]; // site metres
    this.scale = 0.08; // metres per CSS pixel
    this.gridShown = true;
    this.fingers = new Map();
    const layer = (name) => svg("g", { class: name, "aria-hidden": "true" });
    this.layers = Object.fromEntries([
      "paper", "grid", "outline", "rooms", "fixtures", "walls", "openings", "doors", "labels",
      ...OVER,
    ].map((name) => [name, layer(`ed-${name}`)]));
    root.append(
      svg("defs", {},
        svg("pattern", { id: "ed-grid-fine", patternUnits: "userSpaceOnUse" }, svg("path", {})),
        svg("pattern", { id: "ed-grid-main", patternUnits: "userSpaceOnUse" }, svg("path", {}))),
      ...Object.values(this.layers));
    over.append(...OVER.map((name) => this.layers[name]));
    this.layers.grid.append(
      svg("rect", { fill: "url(#ed-grid-fine)" }), svg("rect", { fill: "url(#ed-grid-main)" }));
    new ResizeObserver(() => this.place()).observe(root);
    root.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 400), this.at(event));
    }, { passive: false });
    this.place();
  }

  /** The place of the plan under a pointer, site metres. */
  at(event) {
    const { left, top, width, height } = this.root.getBoundingClientRect();
    return [
      this.centre[0] + (event.clientX - left - width / 2) * this.scale,
      this.centre[1] - (event.clientY - top - height / 2) * this.scale,
    ];
  }

  zoom(closer, about = this.centre) {
    const scale = Math.min(Math.max(this.scale / closer, NEAREST_M), FARTHEST_M);
    const kept = scale / this.scale;
    this.centre = [0, 1].map((i) => about[i] + (this.centre[i] - about[i]) * kept);
    this.scale = scale;
    this.place();
  }

  zoomStep(closer) {
    this.zoom(closer ? STEP : 1 / STEP);
  }

  /** Move what is shown by pixels of the screen. */
  pan(dx, dy) {
    this.centre = [this.centre[0] - dx * this.scale, this.centre[1] + dy * this.scale];
    this.place();
  }

  /** Show all of [left, bottom, right, top]. */
  fit([left, bottom, right, top]) {
    const { width, height } = this.root.getBoundingClientRect();
    this.centre = [(left + right) / 2, (bottom + top) / 2];
    const wide = Math.max(right - left + 2 * BADGE_M, 1) / Math.max(width - 2 * MARGIN_PX, 50);
    const high = Math.max(top - bottom + 2 * BADGE_M, 1) / Math.max(height - 2 * MARGIN_PX, 50);
    this.scale = Math.max(wide, high, NEAREST_M);
    this.place();
  }

  /** Bring a place into view, where it is not. */
  reveal(at, nearer = false) {
    const { width, height } = this.root.getBoundingClientRect();
    if (nearer) this.scale = Math.min(this.scale, 0.06);
    const off = [(at[0] - this.centre[0]) / this.scale, (at[1] - this.centre[1]) / this.scale];
    if (Math.abs(off[0]) > width / 2 - MARGIN_PX || Math.abs(off[1]) > height / 2 - MARGIN_PX || nearer) {
      this.centre = [...at];
    }
    this.place();
  }

  place() {
    const { width, height } = this.root.getBoundingClientRect();
    if (!width || !height) return;
    const [w, h] = [width * this.scale, height * this.scale];
    const [x, y] = flip(this.centre);
    const box = [x - w / 2, y - h / 2, w, h];
    for (const drawing of [this.root, this.over]) {
      drawing.setAttribute("viewBox", box.map((v) => v.toFixed(4)).join(" "));
      drawing.style.setProperty("--u", this.scale.toFixed(6));
    }
    this.placeGrid(box);
    this.fitLabels();
    const length = BARS_M.filter((m) => m / this.scale <= BAR_PX).at(-1) ?? BARS_M[0];
    this.bar.style.setProperty("width", `${length / this.scale}px`);
    this.bar.textContent = length < 1 ? `${length * 100} cm` : `${length} m`;
  }

  /** Width of the grid at this zoom, metres. */
  get grid_m() {
    return GRIDS_M.find((m) => m / this.scale >= GRID_LEAST_PX) ?? GRIDS_M.at(-1);
  }

  placeGrid([x, y, width, height]) {
    const fine = this.grid_m;
    const main = GRIDS_M[GRIDS_M.indexOf(fine) + 2] ?? fine * 10;
    for (const [id, size] of [["ed-grid-fine", fine], ["ed-grid-main", main]]) {
      const pattern = this.root.querySelector(`#${id}`);
      set(pattern, { width: size, height: size });
      set(pattern.firstChild, { d: `M${size} 0H0V${size}` });
    }
    for (const rect of this.layers.grid.children) set(rect, { x, y, width, height });
    this.layers.grid.classList.toggle("off", !this.gridShown);
  }

  /** Lay the picture of a level under it; null for none. */
  showPicture(picture, href, opacity) {
    if (!picture) {
      this.layers.paper.replaceChildren();
      return;
    }
    const [[a, c, e], [b, d, f]] = picture.to_site;
    const least = picture.media_type === "image/svg+xml" ? 0 : -0.5;
    const [width, height] = picture.size_px;
    const box = { x: least, y: least, width, height };
    const transform = `matrix(${a} ${-b} ${c} ${-d} ${e} ${-f})`;
    if (this.layers.paper.dataset.href !== href || !this.layers.paper.firstChild) {
      this.layers.paper.dataset.href = href;
      this.layers.paper.replaceChildren(svg("g", {},
        svg("rect", { class: "sheet" }), svg("image", { href, preserveAspectRatio: "none" })));
    }
    const group = this.layers.paper.firstChild;
    set(group, { transform, opacity });
    for (const part of group.children) set(part, box);
  }

  /** Draw a level of a document. */
  show(doc, level, selected, problems) {
    const shapes = (layer, name, features, more = () => ({})) => keyed(
      this.layers[layer], features, (f) => f.id, () => svg("path", { class: name }),
      (element, f) => set(element, {
        d: outline(f.geometry), "data-id": f.id, "data-selected": f.id === selected?.id || null,
        ...more(f),
      }));
    shapes("outline", "level", on(doc, level, "level"));
    shapes("rooms", "room-shape", on(doc, level, "unit"), (f) => ({ "data-category": f.properties.category }));
    shapes("fixtures", "fixture-shape", on(doc, level, "fixture"));
    shapes("walls", "wall-line", on(doc, level, "wall"));
    shapes("openings", "opening-line", on(doc, level, "opening"), (f) => ({
      "data-category": f.properties.category ?? "pedestrian", "data-locked": f.properties.locked || null,
    }));
    this.showDoors(doc, level, selected);
    this.showLabels(on(doc, level, "unit"));
    this.showMarks(doc, level, problems);
    this.showHandles(doc, level, selected);
  }

  showDoors(doc, level, selected) {
    const units = on(doc, level, "unit").map(ringsOf);
    keyed(this.layers.doors, on(doc, level, "entrance"), (f) => f.id,
      () => svg("g", { class: "entrance" }, svg("path", { class: "gap" }),
        svg("g", {}, svg("g", { class: "symbol" }, svg("circle", { r: 11 }), svg("text", {})))),
      (element, f) => {
        const line = f.geometry.coordinates;
        const [gap, group] = element.children;
        set(element, {
          "data-id": f.id, "data-selected": f.id === selected?.id || null,
          "data-usable": f.properties.usable ?? true,
        });
        set(gap, { d: path(line) });
        const [x, y] = flip(this.outside(line, units));
        set(group, { transform: `translate(${x.toFixed(3)} ${y.toFixed(3)})` });
        element.querySelector("text").textContent = f.properties.door_number || "?";
      });
  }

  /** Beside the middle of a door, away from the rooms. */
  outside(line, units) {
    const [a, b] = [line[0], line.at(-1)];
    const middle = between(a, b, 0.5);
    const length = away(a, b) || 1;
    const beside = (m) => [middle[0] + (m * (a[1] - b[1])) / length, middle[1] + (m * (b[0] - a[0])) / length];
    const inner = units.some((rings) => within(beside(0.2), rings));
    return beside(inner ? -BADGE_M : BADGE_M);
  }

  showLabels(units) {
    this.labels = [];
    keyed(this.layers.labels, units, (f) => f.id,
      () => svg("g", {}, svg("text", { class: "name" }), svg("text", { class: "floor" })),
      (element, f) => {
        const rings = ringsOf(f);
        const [x, y] = flip(labelOf(rings));
        const xs = rings[0].map((p) => p[0]);
        const [name, floor] = element.children;
        for (const text of [name, floor]) set(text, { x: x.toFixed(3), y: y.toFixed(3) });
        name.textContent = nameOf(f);
        const area = areaOf(rings[0]) - rings.slice(1).reduce((sum, ring) => sum + areaOf(ring), 0);
        floor.textContent = `${area.toFixed(1)} m²`;
        this.labels.push({ element, letters: name.textContent.length, wide: Math.max(...xs) - Math.min(...xs) });
      });
    this.fitLabels();
  }

  fitLabels() {
    for (const { element, letters, wide } of this.labels ?? []) {
      element.classList.toggle("unfit", letters * LETTER * 13 * this.scale > wide);
    }
  }

  /** What the check found on this level, at its place: a triangle is an error, a diamond a warning. */
  showMarks(doc, level, problems) {
    const here = problems.map((p, i) => ({ ...p, number: i + 1 })).filter((p) => p.level === level && p.at_m);
    keyed(this.layers.marks, here, (p) => p.number,
      (p) => svg("g", { class: "mark" }, svg("g", { class: "symbol" }, svg("path", {}), svg("text", { y: 1 }))),
      (element, p) => {
        const [x, y] = flip(p.at_m);
        set(element, { transform: `translate(${x} ${y})`, "data-severity": p.severity });
        set(element.querySelector("path"), { d: p.severity === "error" ? "M0-15 16 12H-16Z" : "M0-14 14 0 0 14-14 0Z" });
        element.querySelector("text").textContent = p.number;
      });
  }

  /** The corners of what is selected, and the middles of its walls where corners can be added. */
  showHandles(doc, level, selected) {
    const feature = selected && find(doc, selected.id);
    const rings = feature && feature.geometry.type === "Polygon" ? ringsOf(feature) : [];
    const corners = feature && !rings.length ? pointsOf(feature) : rings.flat();
    const middles = rings.flatMap(edgesOf).filter(([a, b]) => away(a, b) > 30 * this.scale).map(([a, b]) => between(a, b, 0.5));
    const all = [...corners.map((at) => ["corner", at]), ...middles.map((at) => ["middle", at])];
    keyed(this.layers.handles, all, ([kind, at]) => `${kind} ${at}`,
      ([kind]) => svg("g", { class: kind }, svg("g", { class: "symbol" }, svg("circle", { r: kind === "corner" ? 6 : 4 }))),
      (element, [kind, at]) => {
        const [x, y] = flip(at);
        const held = kind === "corner" && selected.corner && away(selected.corner, at) < 0.003;
        set(element, { transform: `translate(${x} ${y})`, "data-held": held || null });
      });
  }

  /** Show what is being drawn: `lines` and `areas` of points, `points`, and `tips` with text. */
  preview({ lines = [], areas = [], points = [], tips = [], bad = false } = {}) {
    const circle = (at) => {
      const [x, y] = flip(at);
      return svg("g", { transform: `translate(${x} ${y})` }, svg("g", { class: "symbol" }, svg("circle", { r: 5 })));
    };
    const tip = ({ at, text }) => {
      const [x, y] = flip(at);
      return svg("text", { x, y, dy: `${-10 * this.scale}` }, text);
    };
    set(this.layers.drawing, { "data-bad": bad || null });
    this.layers.drawing.replaceChildren(
      ...areas.map((ring) => svg("path", { class: "area", d: path(ring, true) })),
      ...lines.map((line) => svg("path", { class: "line", d: path(line) })),
      ...points.map(circle), ...tips.map(tip));
  }

  /** Show the crosshair of the keyboard or the pointer; null for none. */
  showCrosshair(at, snapped = "") {
    if (!at) {
      this.layers.crosshair.replaceChildren();
      return;
    }
    const [x, y] = flip(at);
    if (!this.layers.crosshair.firstChild) {
      this.layers.crosshair.append(svg("g", {}, svg("g", { class: "symbol" },
        svg("path", { d: "M-14 0H-4M4 0H14M0-14V-4M0 4V14" }), svg("circle", { r: 7 }))));
    }
    set(this.layers.crosshair.firstChild, { transform: `translate(${x} ${y})`, "data-on": snapped });
  }
}
