// The corners of a floor plan that a click is drawn to: of rooms, doors, walls and fixtures.

const SAME_M = 0.02;

const flat = (part) => (typeof part[0] === "number" ? [part] : part.flatMap(flat));

/** `{ at, name }` of all corners of a level, site metres; of some at one place the best named. */
export function cornersOf(features, level) {
  const here = features.filter((f) => f.properties.level_id === level);
  const rooms = here.filter((f) => f.feature_type === "unit");
  const named = [
    ...here.filter((f) => f.feature_type === "entrance").flatMap((f) =>
      ends(f, f.properties.door_number ? `Door ${f.properties.door_number}` : f.properties.name || "entrance")),
    ...here.filter((f) => f.feature_type === "opening").flatMap((f) =>
      ends(f, f.properties.name || doorOf(f, rooms))),
    ...here.filter((f) => f.feature_type === "fixture").flatMap((f) =>
      flat(f.geometry.coordinates).map((at) => ({ at, name: `corner of ${words(f.properties.category)}` }))),
    ...rooms.flatMap((f) =>
      flat(f.geometry.coordinates).map((at) => ({ at, name: `corner of ${f.properties.name}` }))),
    ...here.filter((f) => f.feature_type === "wall").flatMap((f) =>
      flat(f.geometry.coordinates).map((at) => ({ at, name: "end of a wall" }))),
  ];
  const kept = [];
  for (const corner of named) {
    const known = kept.some(({ at }) => Math.hypot(at[0] - corner.at[0], at[1] - corner.at[1]) < SAME_M);
    if (!known) kept.push(corner);
  }
  return kept;
}

const words = (category) => category.replaceAll("-", " ");

function ends(feature, name) {
  const line = feature.geometry.coordinates;
  return [line[0], line[line.length - 1]].map((at, k) => ({ at, name: `${name}, ${k ? "second" : "first"} jamb` }));
}

/** What people call a door without a name: that of the smaller room beside it. */
function doorOf(opening, rooms) {
  const line = opening.geometry.coordinates;
  const middle = [(line[0][0] + line[1][0]) / 2, (line[0][1] + line[1][1]) / 2];
  const beside = rooms.filter((room) => touches(middle, room.geometry));
  const small = beside.sort((a, b) => sizeOf(a) - sizeOf(b))[0];
  return small ? `door of ${small.properties.name}` : "door";
}

function touches([x, y], geometry) {
  const rings = geometry.type === "Polygon" ? geometry.coordinates : geometry.coordinates.flat();
  return rings.some((ring) => ring.slice(1).some(([bx, by], k) => {
    const [ax, ay] = ring[k];
    const long = (bx - ax) ** 2 + (by - ay) ** 2 || 1;
    const t = Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / long));
    return Math.hypot(ax + t * (bx - ax) - x, ay + t * (by - ay) - y) < 0.3;
  }));
}

function sizeOf(room) {
  const all = flat(room.geometry.coordinates);
  const span = (k) => Math.max(...all.map((p) => p[k])) - Math.min(...all.map((p) => p[k]));
  return span(0) * span(1);
}

/** The corner nearest to a place within a reach, metres; null where there is none. */
export function nearest(corners, [x, y], reach) {
  let best = null;
  let least = reach;
  for (const corner of corners) {
    const away = Math.hypot(corner.at[0] - x, corner.at[1] - y);
    if (away <= least) [best, least] = [corner, away];
  }
  return best;
}
