// A small plan: rooms, walls, the way, cameras and the first subject, on one level. It is drawn
// for a glance on a phone; the console has the large one.

import { keyed, set, svg } from "./dom.js";
import { bounds, points } from "./geometry.js";
import { flip, outline, path } from "./paths.js";
import { isSuspect } from "./words.js";

const MARGIN_M = 1.5;
const LARGEST_M = 15;

export class MiniMap {
  constructor(root) {
    this.root = root;
    this.features = [];
    this.level = null;
    this.camera = null;
    new ResizeObserver(() => this.scale()).observe(root);
  }

  /** Take the plan of a site, as `GET /v1/sites/{id}/plan` has it. */
  load(collection) {
    this.features = collection.features;
    this.levels = this.of("level").map((f) => f.id);
    this.level = null;
    this.showLevel(this.levels[0]);
  }

  of(type, level) {
    return this.features.filter(
      (f) => f.feature_type === type && (!level || f.properties.level_id === level));
  }

  showLevel(level) {
    if (this.level === level || !this.levels?.includes(level)) return;
    this.level = level;
    const shapes = (type, name, extra = () => ({})) => svg("g", { class: name },
      ...this.of(type, level).map((f) => svg("path", { d: outline(f.geometry), ...extra(f) })));
    this.units = shapes("unit", "m-units", (f) => ({ "data-id": f.id }));
    this.views = shapes("camera-view", "m-views", (f) => ({ "data-camera": f.properties.camera }));
    this.way = svg("path", { class: "m-way" });
    this.eyes = svg("g", { class: "m-eyes" }, ...this.of("camera", level).map((f) => {
      const [x, y] = flip(f.geometry.coordinates);
      return svg("circle", { cx: x, cy: y, "data-camera": f.properties.camera });
    }));
    this.doors = svg("g", { class: "m-doors" });
    this.ring = svg("circle", { class: "m-ring" });
    this.mark = svg("g", {}, svg("path", { class: "m-mark", d: "M0-9 9 0 0 9-9 0Z" }));
    this.root.replaceChildren(
      this.units, this.views, shapes("wall", "m-walls"), this.way, this.eyes, this.doors, this.ring,
      this.mark);
    const shown = this.of("unit", level).flatMap((f) => points(f.geometry));
    if (shown.length) {
      const [left, bottom, right, top] = bounds(shown);
      this.box = [left - MARGIN_M, -top - MARGIN_M, right - left + 2 * MARGIN_M, top - bottom + 2 * MARGIN_M];
      set(this.root, { viewBox: this.box.map((value) => value.toFixed(2)).join(" ") });
    }
    this.scale();
    this.showCamera(this.camera);
  }

  /** Metres a pixel, for the style sheet. */
  scale() {
    if (!this.box) return;
    const { width, height } = this.root.getBoundingClientRect();
    const scale = width && height ? Math.max(this.box[2] / width, this.box[3] / height) : 0.1;
    this.root.style.setProperty("--u", scale.toFixed(5));
  }

  /** Mark the camera whose picture is shown. */
  showCamera(id) {
    this.camera = id;
    for (const shape of [...(this.views?.children ?? []), ...(this.eyes?.children ?? [])]) {
      set(shape, { "data-shown": shape.dataset.camera === id || null });
    }
  }

  /** Show the first subject and the way to it. */
  showAnswer({ subjects, entrances }) {
    const first = subjects.find((s) => s.status === "ranked") ?? subjects[0];
    const best = entrances.find((e) => e.usable && e.walk_m !== null);
    if (first) this.showLevel(first.level.id);
    if (!this.mark) return;
    for (const shape of [this.ring, this.mark]) set(shape, { visibility: first ? null : "hidden" });
    if (first) {
      const [x, y] = flip(first.position.site_m.coordinates);
      // A circle about who walked off unseen would leave the building: then rooms tell.
      const within = first.visibility === "in view" || !first.search;
      set(this.ring, {
        cx: x, cy: y, r: within ? Math.min(first.uncertainty.ce95_m, LARGEST_M) : 0,
        "data-suspect": isSuspect(first) || null,
      });
      set(this.mark, { transform: `translate(${x} ${y})` });
      set(this.mark.firstChild, {
        "data-suspect": isSuspect(first) || null, "data-seen": first.visibility === "in view",
      });
    }
    const shares = new Map((first?.search?.spaces ?? []).map((s) => [s.space?.id, s.probability]));
    for (const unit of this.units.children) {
      const share = shares.get(unit.dataset.id) ?? 0;
      set(unit, {
        "data-here": unit.dataset.id === first?.space?.id || null, "data-share": share > 0 || null,
      });
      unit.style.setProperty("--p", `${Math.round(100 * Math.sqrt(share))}%`);
    }
    const line = best?.route?.properties.level === this.level ? best.route.site_m.coordinates : null;
    set(this.way, { d: line ? path(line) : null });
    this.showDoors(best);
  }

  showDoors(best) {
    keyed(this.doors, this.of("entrance", this.level), (f) => f.id,
      () => svg("g", {}, svg("circle"), svg("text")),
      (group, f) => {
        const line = f.geometry.coordinates;
        const [x, y] = flip([(line[0][0] + line.at(-1)[0]) / 2, (line[0][1] + line.at(-1)[1]) / 2]);
        const number = f.properties.door_number;
        set(group, { "data-best": (best && number === best.door_number) || null });
        const [disc, text] = group.children;
        set(disc, { cx: x, cy: y });
        set(text, { x, y });
        if (text.textContent !== number) text.textContent = number;
      });
  }
}
