// The floor plan as SVG: rooms, walls, doors and cameras of one level, drawn once, and the
// layer of subjects on top, moved with every answer. Site metres have y up, SVG has y down, so
// every y is turned over in `flip` of paths.js.

import { keyed, set, svg } from "./dom.js";
import { bounds, ellipse95, outside, points } from "./geometry.js";
import { flip, outline, path, shortened } from "./paths.js";
import { View } from "./view.js";
import { isSuspect } from "./words.js";

const MARGIN_M = 2.4;
const ROUTE_END_PX = 22;
const LETTER = 0.6; // width of a letter in heights of the type

export class Plan {
  constructor(root) {
    this.root = root;
    this.view = new View(root);
    this.view.onscale = (scale) => this.fitLabels(scale);
    this.features = [];
    this.level = null;
    this.layers = {};
    this.labels = [];
  }

  /** Take the plan of a site, as `GET /v1/sites/{id}/plan` has it. */
  load(collection) {
    this.features = collection.features;
    this.level = null;
    this.levels = this.of("level").map((f) => ({ id: f.id, name: f.properties.name }));
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
    const layer = (name, ...children) => svg("g", { class: name }, ...children);
    const shapes = (type, name, extra = () => ({})) =>
      this.of(type, level).map((f) =>
        svg("path", { class: name, d: outline(f.geometry), "data-id": f.id, ...extra(f) }),
      );
    this.labels = [];
    this.layers = {
      trails: layer("trails"),
      route: layer("route"),
      rings: svg("g", { class: "rings", "clip-path": "url(#footprint)" }),
      subjects: layer("subjects"),
      cameras: layer("cameras", ...this.of("camera", level).map((f) => this.camera(f))),
      views: layer("views", ...shapes("camera-view", "view", (f) => ({
        "data-camera": f.properties.camera,
      }))),
      units: layer("units", ...shapes("unit", "unit", (f) => ({
        "data-category": f.properties.category,
      }))),
      doors: layer("doors", ...this.of("entrance", level).map((f) => this.door(f))),
    };
    this.root.replaceChildren(
      svg("defs", {},
        svg("marker", {
          id: "arrow", viewBox: "0 0 10 10", refX: 6, refY: 5, markerWidth: 3.2,
          markerHeight: 3.2, orient: "auto-start-reverse",
        }, svg("path", { class: "arrow", d: "M0 0 10 5 0 10Z" })),
        // An area of 95 % may grow beyond the building; what is drawn stays inside.
        svg("clipPath", { id: "footprint" },
          ...this.of("level", level).map((f) => svg("path", { d: outline(f.geometry) }))),
      ),
      this.layers.units,
      layer("fixtures", ...shapes("fixture", "fixture")),
      this.layers.views,
      layer("walls", ...shapes("wall", "wall")),
      layer("openings", ...shapes("opening", "opening", (f) => ({
        "data-category": f.properties.category,
        "data-locked": f.properties.locked || null,
      }))),
      layer("labels", ...this.of("unit", level).map((f) => this.label(f))),
      this.layers.cameras,
      this.layers.trails,
      this.layers.route,
      this.layers.doors,
      this.layers.rings,
      this.layers.subjects,
    );
    const [left, bottom, right, top] = bounds(
      this.of("unit", level).flatMap((f) => points(f.geometry)),
    );
    this.view.setWhole([
      left - MARGIN_M, -top - MARGIN_M, right - left + 2 * MARGIN_M, top - bottom + 2 * MARGIN_M,
    ]);
  }

  label(unit) {
    const [left, bottom, right, top] = bounds(points(unit.geometry));
    const [x, y] = flip(unit.properties.label_m);
    const upright = top - bottom > 2.2 * (right - left);
    const text = svg("text", {
      class: "room", x, y, transform: upright ? `rotate(-90 ${x} ${y})` : null,
    }, unit.properties.name);
    this.labels.push({
      text,
      at: [x, y],
      letters: unit.properties.name.length,
      long: upright ? top - bottom : right - left,
      wide: upright ? right - left : top - bottom,
    });
    return text;
  }

  /** Hide the room names that do not fit at this scale (metres per pixel). */
  fitLabels(scale) {
    this.scale = scale;
    const size = 12 * scale;
    for (const { text, letters, long, wide } of this.labels) {
      text.classList.toggle("unfit", letters * LETTER * size > long || size > wide);
    }
  }

  door(entrance) {
    const line = entrance.geometry.coordinates;
    const [x, y] = flip(outside(line, this.of("unit", this.level).map((f) => f.geometry)));
    const { door_number: number, name, usable } = entrance.properties;
    return svg("g", { class: "door", "data-door": number, "data-usable": usable },
      svg("title", {}, `Door ${number}${name ? `, ${name}` : ""}${usable ? "" : ", not usable"}`),
      svg("path", { class: "gap", d: path(line) }),
      svg("circle", { class: "badge", cx: x, cy: y }),
      svg("text", { class: "number", x, y }, number || "–"),
    );
  }

  camera(feature) {
    const [x, y] = flip(feature.geometry.coordinates);
    return svg("g", {
      class: "camera", "data-camera": feature.properties.camera,
      transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`,
    },
      svg("title", {}, feature.properties.name),
      svg("g", { class: "symbol" },
        svg("rect", { x: -6, y: -4, width: 8, height: 8, rx: 1.5 }),
        svg("path", { d: "M2.5 0 7 -3.5V3.5Z" }),
        svg("path", { class: "cross", d: "M-7 -6 7 6M7 -6-7 6" }),
      ),
    );
  }

  /** Show the phase of each camera. */
  showCameras(cameras) {
    for (const { id, phase } of cameras) {
      for (const marked of this.root.querySelectorAll(`[data-camera="${CSS.escape(id)}"]`)) {
        set(marked, { "data-phase": phase });
      }
    }
  }

  /** Show the subjects of this level, the room of the first, and the route to it. */
  showAnswer(message) {
    if (!this.level) return;
    const here = message.subjects.filter((s) => s.level.id === this.level);
    const first = message.subjects[0];
    const best = message.entrances.find((e) => e.usable && e.walk_m !== null);
    this.showTrails(here);
    this.showRings(here);
    this.showMarks(here);
    this.uncover(here.find((s) => s.rank === 1));
    this.showRoute(first && first.level.id === this.level ? best?.route : null);
    for (const unit of this.layers.units.children) {
      const here = first && unit.dataset.id === first.space?.id;
      set(unit, { "data-here": here ? (isSuspect(first) ? "suspect" : "first") : null });
    }
    for (const door of this.layers.doors.children) {
      set(door, { "data-best": (best && door.dataset.door === best.door_number) || null });
    }
  }

  /** Hide the room names under the first subject's mark. */
  uncover(first) {
    const [x, y] = first ? flip(first.position.site_m.coordinates) : [Infinity, Infinity];
    for (const { text, at, letters } of this.labels) {
      const near = Math.abs(at[1] - y) < 24 * this.scale
        && Math.abs(at[0] - x) < (30 + letters * 4) * this.scale;
      text.classList.toggle("covered", near);
    }
  }

  showRoute(route) {
    const lines = route ? [shortened(route.site_m.coordinates, ROUTE_END_PX * this.scale)] : [];
    keyed(this.layers.route, lines.flatMap((d) => [["casing", d], ["line", d]]),
      ([name]) => name,
      ([name]) => svg("path", {
        class: `route-${name}`, "marker-end": name === "line" ? "url(#arrow)" : null,
      }),
      (element, [, line]) => set(element, { d: path(line) }));
  }

  showTrails(subjects) {
    keyed(this.layers.trails, subjects.filter((s) => s.trail).reverse(), (s) => s.id,
      () => svg("path", { class: "trail" }),
      (element, s) => set(element, { d: path(s.trail.site_m.coordinates), "data-suspect": isSuspect(s) || null }));
  }

  showRings(subjects) {
    // The areas of everybody unseen would cover the plan: only those of likely intruders, of the
    // first, and of people in view are drawn.
    const told = subjects.filter((s) => isSuspect(s) || s.rank === 1 || s.visibility === "in view");
    keyed(this.layers.rings, told.reverse(), (s) => s.id,
      () => svg("ellipse", { class: "ring" }),
      (element, s) => {
        const [x, y] = flip(s.position.site_m.coordinates);
        const { a, b, turn } = ellipse95(s.uncertainty.cov_m2);
        set(element, {
          cx: x.toFixed(2), cy: y.toFixed(2), rx: a.toFixed(2), ry: b.toFixed(2),
          transform: `rotate(${(-turn).toFixed(1)} ${x.toFixed(2)} ${y.toFixed(2)})`,
          "data-suspect": isSuspect(s) || null, "data-subject": s.id, "data-seen": s.visibility === "in view",
        });
      });
  }

  showMarks(subjects) {
    keyed(this.layers.subjects, [...subjects].reverse(), (s) => s.id,
      (s) => svg("g", { class: "subject", "data-subject": s.id },
        svg("title", {}),
        svg("g", { class: "symbol" },
          svg("path", { class: "diamond", d: "M0-13 13 0 0 13-13 0Z" }),
          svg("circle", { class: "disc", r: 7 }),
          svg("text", { class: "rank", y: 0.5 }),
          svg("text", { class: "age", x: 19, y: 0.5 }),
        )),
      (element, s) => {
        const [x, y] = flip(s.position.site_m.coordinates);
        set(element, {
          transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`,
          "data-suspect": isSuspect(s) || null, "data-seen": s.visibility === "in view",
        });
        element.querySelector("title").textContent = `${s.id}, rank ${s.rank}`;
        element.querySelector(".rank").textContent = s.rank;
      });
  }

  /** Write the age of each subject beside its mark. */
  showAges(ages) {
    for (const [id, text] of ages) {
      const mark = this.layers.subjects?.querySelector(`[data-subject="${CSS.escape(id)}"] .age`);
      if (mark && mark.textContent !== text) mark.textContent = text;
    }
  }
}
