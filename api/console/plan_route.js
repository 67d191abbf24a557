// The way in: the route from the door to the first subject on each level it crosses, and the place
// where officers arrive.

import { keyed, set, svg } from "./dom.js";
import { flip, path, shortened } from "./paths.js";

const END_PX = 22;

/** The parts of a door's route on a level, with where each goes on: `{points, last, to, from}`. */
export function partsOn(door, level, first, names) {
  const whole = door?.route_by_level?.length
    ? door.route_by_level
    : door?.route ? [door.route] : [];
  const named = (part) => (part ? names.get(part.properties.level) ?? part.properties.level : null);
  return whole
    .map((part, i) => ({
      key: i,
      points: part.site_m.coordinates,
      level: part.properties.level,
      last: i === whole.length - 1 && part.properties.level === first?.level.id,
      to: named(whole[i + 1]),
      from: named(whole[i - 1]),
    }))
    .filter((part) => part.level === level);
}

/** Draw the parts of a route; `unit` is a pixel in metres. */
export function drawRoute(layer, parts, unit) {
  const lines = parts.map((part) => ({
    ...part, points: part.last ? shortened(part.points, END_PX * unit) : part.points,
  }));
  const items = ["casing", "line"].flatMap((name) => lines.map((part) => ({ name, part })));
  const notes = lines.flatMap((part) => [
    ...(part.to ? [{ name: "to", part, at: part.points.at(-1), text: `to ${part.to}` }] : []),
    ...(part.from ? [{ name: "from", part, at: part.points[0], text: `from ${part.from}` }] : []),
  ]);
  keyed(layer, [...items, ...notes], ({ name, part }) => `${name}-${part.key}`,
    ({ name, text }) => (text ? note() : svg("path", {
      class: `route-${name}`, "marker-end": name === "line" ? "url(#arrow)" : null,
    })),
    (element, { part, at, text }) => {
      if (!text) {
        set(element, { d: path(part.points) });
        return;
      }
      const [x, y] = flip(at);
      set(element, { transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})` });
      const label = element.querySelector("text");
      // Under the pin, or above it where it stands at the lower edge, beside numbers of doors.
      set(label, { y: y > py + unit ? -38 : 12 });
      if (label.textContent !== text) label.textContent = text;
    });
}

const arrow = (x, y) => "→↘↓↙←↖↑↗"[(Math.round(Math.atan2(y, x) / (Math.PI / 4)) + 8) % 8];

function note() {
  return svg("g", { class: "route-note" },
    svg("g", { class: "symbol" },
      svg("path", { class: "stairs", d: "M-9 8H-3V2H3V-4H9" }), svg("text", { y: -15 })));
}

/**
 * Draw where officers arrive; `at` is a place after the turn, null where nobody said. A place outside
 * of what is shown stands at its edge, with how far away it is.
 */
export function drawArrival(layer, at, view) {
  keyed(layer, at ? [at] : [], () => "arrival",
    () => svg("g", { class: "arrival" },
      svg("title", {}, "Officers arrive here"),
      svg("g", { class: "symbol still" },
        svg("path", { class: "pin", d: "M0 0-9 -14A11.5 11.5 0 1 1 9 -14Z" }),
        svg("path", { class: "star", d: "M0-28 2-23.4 7-23 3.2-19.7 4.4-14.8 0-17.4-4.4-14.8-3.2-19.7-7-23-2-23.4Z" }),
        svg("text", { y: 12 }))),
    (element, [x, y]) => {
      const [left, top, right, bottom] = view.visible();
      const { unit } = view;
      const px = Math.min(Math.max(x, left + 60 * unit), right - 60 * unit);
      const py = Math.min(Math.max(y, top + 36 * unit), bottom - 24 * unit);
      const beyond = Math.hypot(x - px, y - py);
      const text = beyond > 1 ? `Officers arrive ${Math.round(beyond)} m on ${arrow(x - px, y - py)}` : "Officers arrive";
      set(element, { transform: `translate(${px.toFixed(2)} ${py.toFixed(2)})` });
      const label = element.querySelector("text");
      // Under the pin; above it where it stands at the lower edge, beside numbers of doors.
      set(label, { y: y > py + unit ? -40 : 12 });
      if (label.textContent !== text) label.textContent = text;
    });
}
