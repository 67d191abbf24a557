// How the plan is turned on the screen. Degrees are clockwise, as SVG turns them.

/** Ways to turn the plan. */
export const TURNS = ["drawn", "north", "arriving"];

// Which way a side of the plan as drawn looks, clockwise from up.
const LOOKS = { top: 0, right: 90, bottom: 180, left: 270 };

/** Where true north is on the plan as drawn, clockwise from up; `bearing` is that of the x axis. */
export const northOf = (bearing) => 90 - bearing;

/** An angle as the one between -180 and 180 that points the same way. */
export function small(angle) {
  const turned = ((angle % 360) + 360) % 360;
  return turned > 180 ? turned - 360 : turned;
}

/**
 * The side of a rectangle [left, bottom, right, top] that a place lies on: the one that it is
 * farthest outside of, or nearest to from inside.
 */
export function sideOf([x, y], [left, bottom, right, top]) {
  const beyond = { left: left - x, right: x - right, bottom: bottom - y, top: y - top };
  return Object.entries(beyond).reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}

/**
 * By how much to turn the plan. `arriving` is a side of the plan, or null where it is not known
 * from where officers come.
 */
export function turnOf(way, { bearing, arriving }) {
  if (way === "north") return small(-northOf(bearing));
  if (way === "arriving" && arriving) return small(180 - LOOKS[arriving]);
  return 0;
}

/** A place of the SVG after a turn about its origin. */
export function turned([x, y], degrees) {
  const turn = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  return [x * cos - y * sin, x * sin + y * cos];
}

/** An angle at which text along a line of that angle is not upside down: -90 < angle <= 90. */
export function readable(angle) {
  const turned = small(angle);
  if (turned > 90) return turned - 180;
  return turned <= -90 ? turned + 180 : turned;
}
