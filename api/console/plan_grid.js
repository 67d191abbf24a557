// The reference grid over the plan: lines along the site's axes, letters and numbers where they leave
// the screen, and the name of each square where there is room.

import { keyed, set, svg } from "./dom.js";
import { flip } from "./paths.js";
import { turned } from "./plan_turn.js";

const INSET_PX = 13;
const AWAY_PX = 15; // letters stand outside the grid where there is room
const CLEAR_PX = 34;
const LEAST_PX = 24;
const NAMED_PX = 110; // smaller squares carry no name of their own

/** The lines of a grid as the data of one SVG path. */
export function gridPath({ left_top_m: [left, top], edge_m: edge, columns, rows }) {
  const right = left + edge * columns.length;
  const bottom = top - edge * rows.length;
  const upright = [...columns, ""].map((_, i) => `M${left + i * edge} ${-top}V${-bottom}`);
  const across = [...rows, ""].map((_, i) => `M${left} ${-top + i * edge}H${right}`);
  return upright.join("") + across.join("");
}

/** The part of the line from `a` to `b` inside [left, top, right, bottom]; null where none is. */
export function clipped(a, b, [left, top, right, bottom]) {
  // Liang and Barsky, "A new concept and method for line clipping", ACM TOG 3(1), 1984.
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  let [from, to] = [0, 1];
  for (const [p, q] of [[-dx, a[0] - left], [dx, right - a[0]], [-dy, a[1] - top], [dy, bottom - a[1]]]) {
    if (p === 0 && q < 0) return null;
    if (p < 0) from = Math.max(from, q / p);
    if (p > 0) to = Math.min(to, q / p);
  }
  if (from >= to) return null;
  return [from, to].map((t) => [a[0] + t * dx, a[1] + t * dy]);
}

/**
 * Where letters and numbers stand: `{key, text, at}` in the SVG after the turn, for what is
 * visible ([left, top, right, bottom]); `unit` is a pixel in metres. One that would cover any of
 * the places to `avoid` is left out where the other end of its line has it.
 */
export function gridLabels(grid, visible, turn, unit, avoid = []) {
  const { left_top_m: [left, top], edge_m: edge, columns, rows } = grid;
  const right = left + edge * columns.length;
  const bottom = top - edge * rows.length;
  const inset = INSET_PX * unit;
  const within = [visible[0] + inset, visible[1] + inset, visible[2] - inset, visible[3] - inset];
  const place = (p) => turned(flip(p), turn);
  const taken = []; // by letters and numbers that stand already
  const near = ([x, y], places, px) =>
    places.some(([px0, py0]) => Math.hypot(x - px0, y - py0) < px * unit);
  const covers = ({ at }) => near(at, avoid, CLEAR_PX) || near(at, taken, LEAST_PX);
  const ends = (kind, text, a, b) => {
    const both = (clipped(place(a), place(b), within) ?? []).map((at, i) => ({
      key: `${kind}${text}-${i}`, text, at, edge: true,
    }));
    const free = both.filter((one) => !covers(one));
    const kept = free.length ? free : both;
    taken.push(...kept.map(({ at }) => at));
    return kept;
  };
  const away = AWAY_PX * unit;
  const every = Math.ceil((LEAST_PX * unit) / edge); // where lines are too close, not each is named
  const labels = [
    ...columns.flatMap((text, i) => {
      if (i % every) return [];
      const x = left + (i + 0.5) * edge;
      return ends("c", text, [x, top + away], [x, bottom - away]);
    }),
    ...rows.flatMap((text, i) => {
      if (i % every) return [];
      const y = top - (i + 0.5) * edge;
      return ends("r", text, [left - away, y], [right + away, y]);
    }),
  ];
  if (edge / unit < NAMED_PX) return labels;
  const clear = 2.4 * inset;
  columns.forEach((letter, i) => rows.forEach((number, j) => {
    const at = place([left + i * edge + inset, top - j * edge - inset]);
    const atEdge = at[0] < visible[0] + clear || at[0] > visible[2] - clear
      || at[1] < visible[1] + clear || at[1] > visible[3] - clear;
    if (!atEdge) labels.push({ key: letter + number, text: letter + number, at, edge: false });
  }));
  return labels;
}

/** Show letters and numbers in `layer`, which is not turned. */
export function drawLabels(layer, labels) {
  keyed(layer, labels, ({ key }) => key,
    ({ text, edge }) => svg("g", { class: edge ? "edge" : "square" },
      svg("g", { class: "symbol still" }, edge ? svg("circle", { r: 10 }) : "", svg("text", {}, text))),
    (element, { at: [x, y] }) =>
      set(element, { transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})` }));
}
