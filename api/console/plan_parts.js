// What stands still on the plan of one level: rooms, walls, doors and cameras, drawn once.

import { svg } from "./dom.js";
import { bounds, outside, points } from "./geometry.js";
import { flip, outline, path } from "./paths.js";
import { readable } from "./plan_turn.js";

const LETTER = 0.58; // width of a letter in heights of the type
const TYPE_PX = 12;

const at = ([x, y]) => `translate(${x.toFixed(2)} ${y.toFixed(2)})`;

/** A group of a class. */
export const layer = (name, ...children) => svg("g", { class: name }, ...children);

/** The outlines of features, one path each. */
export const shapes = (features, name, extra = () => ({})) =>
  features.map((f) =>
    svg("path", { class: name, d: outline(f.geometry), "data-id": f.id, ...extra(f) }));

/** What paths of the plan refer to. */
export function definitions(levels) {
  return svg("defs", {},
    svg("marker", {
      id: "arrow", viewBox: "0 0 10 10", refX: 6, refY: 5, markerWidth: 3.2, markerHeight: 3.2,
      orient: "auto-start-reverse",
    }, svg("path", { class: "arrow", d: "M0 0 10 5 0 10Z" })),
    // An area of 95 % may grow beyond the building; what is drawn stays inside.
    svg("clipPath", { id: "footprint" },
      ...levels.map((f) => svg("path", { d: outline(f.geometry) }))),
    svg("pattern", { id: "hatch", patternUnits: "userSpaceOnUse", width: 8, height: 8 },
      svg("path", { class: "hatch", d: "M-2 2 2-2M0 8 8 0M6 10 10 6" })));
}

/** A room's name; `fitLabel` turns it and hides it where it does not fit. */
export function label(unit) {
  const [left, bottom, right, top] = bounds(points(unit.geometry));
  const { name, label_m: place } = unit.properties;
  const shown = svg("g", { class: "room", "data-unit": unit.id, transform: at(flip(place)) },
    svg("g", { class: "symbol turnable" }, svg("text", { class: "name" }, name)),
    svg("g", { class: "symbol" }, svg("text", { class: "share", y: 16 })));
  return { shown, share: shown.lastElementChild.firstElementChild, at: flip(place), name, wide: right - left, high: top - bottom };
}

/** Turn a room's name as it can be read, level where there is room, and hide it where there is none. */
export function fitLabel({ shown, name, wide, high }, turn, unit) {
  const length = name.length * LETTER * TYPE_PX * unit;
  const height = TYPE_PX * 1.1 * unit;
  const fits = (angle) => {
    // The longest line at that angle through the middle of the room, and what the type takes of it.
    const rad = ((angle - turn) * Math.PI) / 180;
    const [c, s] = [Math.abs(Math.cos(rad)), Math.abs(Math.sin(rad))];
    return length * c + height * s <= wide && length * s + height * c <= high;
  };
  const angle = [0, readable(turn), readable(turn + 90)].find(fits);
  shown.classList.toggle("unfit", angle === undefined);
  shown.classList.toggle("slanted", Boolean(angle));
  shown.style.setProperty("--angle", `${(angle ?? 0).toFixed(1)}deg`);
}

/** An entrance with its number. */
export function door(entrance, rooms) {
  const line = entrance.geometry.coordinates;
  const place = flip(outside(line, rooms));
  const { door_number: number, name, usable, locked } = entrance.properties;
  const text = number || "–";
  const width = Math.max(22, 10 + 9 * text.length);
  const facts = [usable ? "" : ", not usable", locked ? ", kept locked" : ""].join("");
  const made = svg("g", { class: "door", "data-door": number, "data-usable": usable },
    svg("title", {}, `Door ${number}${name ? `, ${name}` : ""}${facts}`),
    svg("path", { class: "gap", d: path(line) }),
    svg("g", { transform: at(place) },
      svg("g", { class: "symbol" },
        svg("g", { class: "sign" },
          svg("rect", { class: "badge", x: -width / 2, y: -11, width, height: 22, rx: 4 }),
          svg("text", { class: "number", y: 0.5 }, text),
          usable ? "" : svg("path", { class: "barred", d: `M${-width / 2} 11 ${width / 2}-11` })))));
  made.place = place;
  return made;
}

/** A camera; `describe` is told what it shows and in which state it is. */
export function camera(feature) {
  return svg("g", {
    class: "camera", role: "button", tabindex: -1, "data-camera": feature.properties.camera,
    "aria-label": `Camera ${feature.properties.name}`, transform: at(flip(feature.geometry.coordinates)),
  },
    svg("g", { class: "symbol" },
      svg("circle", { class: "hit" }),
      svg("rect", { x: -6, y: -4, width: 8, height: 8, rx: 1.5 }),
      svg("path", { d: "M2.5 0 7 -3.5V3.5Z" }),
      svg("path", { class: "cross", d: "M-7 -6 7 6M7 -6-7 6" })));
}

/** The picture under a level, out of the way until it is asked for. */
export function underlay({ picture, box_px: [left, top, right, bottom], to_site: m }) {
  const [[a, c, e], [b, d, f]] = m;
  return svg("image", {
    class: "underlay", x: left, y: top, width: right - left, height: bottom - top,
    "data-href": picture, preserveAspectRatio: "none",
    transform: `matrix(${a} ${-b} ${c} ${-d} ${e} ${-f})`, // y is turned over as everywhere
  });
}
