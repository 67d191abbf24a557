// What can be done to a plan: functions from a document to the next one. A document is
// { levels, features }, features as floor_plan.geojson has them; nothing in it is changed in place,
// so that every earlier one can be shown again.

import {
  areaOf, away, between, boxOf, edgesOf, extentOf, meets, onSegment, pointsOf, polygonOf, ringsOf,
  rounded, same, tangled, wallsOf, within,
} from "./editor_shapes.js";

const ON_WALL_M = 0.05; // as the server checks doors
const NODE_M = 0.005;
const LEAST_DOOR_M = 0.3;
const BESIDE_M = 0.12;

export const levelOf = (feature) =>
  (feature.feature_type === "level" ? feature.id : feature.properties.level_id);
export const on = (doc, level, ...types) => doc.features.filter(
  (f) => levelOf(f) === level && (!types.length || types.includes(f.feature_type)));
export const find = (doc, id) => doc.features.find((f) => f.id === id) ?? null;
export const nameOf = (f) => (f.feature_type === "entrance"
  ? [f.properties.door_number ? `Door ${f.properties.door_number}` : "", f.properties.name].filter(Boolean).join(" ") || "Entrance without number"
  : f.properties.name || f.id);

const withFeatures = (doc, features) => ({ ...doc, features });
const replaced = (doc, changed) => {
  const by = new Map(changed.map((f) => [f.id, f]));
  return withFeatures(doc, doc.features.map((f) => by.get(f.id) ?? f));
};

/** An id that no feature and no level has. */
export function freeId(doc, prefix) {
  const taken = new Set([...doc.features.map((f) => f.id), ...doc.levels.map((l) => l.id)]);
  for (let n = 1; ; n += 1) if (!taken.has(`${prefix}-${n}`)) return `${prefix}-${n}`;
}

/** Why a ring is no room; "" where it is one. */
export function ringTrouble(ring) {
  if (ring.length < 3) return "A room has three corners at least.";
  if (areaOf(ring) < 0.05) return "That has no floor: its corners lie on a line.";
  if (tangled(ring)) return "Its outline crosses itself; draw it once around.";
  return "";
}

/** The document with a new room, its corners on the walls of its neighbours and theirs on its own. */
export function addUnit(doc, level, ring, properties) {
  const id = freeId(doc, "room");
  const made = {
    type: "Feature", id, feature_type: "unit",
    geometry: polygonOf([ring]),
    properties: { category: "room", ...properties, level_id: level },
  };
  return { doc: noded(withFeatures(doc, [...doc.features, made]), id), id };
}

/** A fixture: furniture that stands on the floor, `height_m` high. */
export function addFixture(doc, level, ring) {
  const id = freeId(doc, "fixture");
  const made = {
    type: "Feature", id, feature_type: "fixture", geometry: polygonOf([ring]),
    properties: { category: "furniture", level_id: level },
  };
  return { doc: withFeatures(doc, [...doc.features, made]), id };
}

/** Give neighbours the same corners along their common walls, so that these move together. */
function noded(doc, id) {
  const own = find(doc, id);
  const box = boxOf(pointsOf(own), NODE_M);
  const others = on(doc, levelOf(own), "unit").filter(
    (f) => f.id !== id && meets(extentOf(f), box));
  const changed = others.map((f) => withCorners(f, pointsOf(own)));
  return replaced(doc, [withCorners(own, others.flatMap(pointsOf)), ...changed]);
}

/** The polygon with those of `points` as corners that lie on its edges. */
function withCorners(feature, points) {
  let added = false;
  const rings = ringsOf(feature).map((ring) => edgesOf(ring).flatMap(([a, b]) => {
    const box = boxOf([a, b], NODE_M);
    const fresh = points
      .filter((p) => p[0] >= box[0] && p[0] <= box[2] && p[1] >= box[1] && p[1] <= box[3])
      .map((p) => ({ p, ...onSegment(p, a, b) }))
      .filter(({ p, off }) => off <= NODE_M && !same(p, a) && !same(p, b))
      .sort((one, other) => one.t - other.t)
      .filter(({ p }, i, all) => i === 0 || !same(p, all[i - 1].p));
    added ||= fresh.length > 0;
    return [a, ...fresh.map(({ p }) => p)];
  }));
  return added ? { ...feature, geometry: polygonOf(rings) } : feature;
}

/** The rooms of a level on whose edge the middle and both ends of a line lie. */
export const besideLine = (doc, level, line) => on(doc, level, "unit").filter((unit) => {
  const points = [line[0], between(line[0], line[1], 0.5), line[1]];
  if (!meets(extentOf(unit), boxOf(points, ON_WALL_M))) return false;
  return points.every((p) => wallsOf(unit).some(([a, b]) => onSegment(p, a, b).off <= ON_WALL_M));
});

/** The wall that is nearest to a place: an edge of a room, and the rooms on its two sides. */
export function wallAt(doc, level, p, reach_m) {
  let best = null;
  const rooms = on(doc, level, "unit").filter((unit) => meets(extentOf(unit), boxOf([p], reach_m + BESIDE_M)));
  for (const unit of rooms) {
    for (const [a, b] of wallsOf(unit)) {
      const found = onSegment(p, a, b);
      if (found.off <= (best?.off ?? reach_m)) best = { ...found, a, b };
    }
  }
  if (!best) return null;
  const { a, b, at } = best;
  const length = away(a, b) || 1;
  const normal = [(a[1] - b[1]) / length, (b[0] - a[0]) / length];
  const beside = [1, -1].map((side) => {
    const q = [at[0] + side * BESIDE_M * normal[0], at[1] + side * BESIDE_M * normal[1]];
    return rooms.find((unit) => within(q, ringsOf(unit))) ?? null;
  });
  return { ...best, length, beside };
}

/** The gap of a door `width_m` wide in a wall, its middle as near to `t` as the wall lets it be. */
export function gapIn({ a, b, t, length }, width_m) {
  const width = Math.min(width_m, length - 0.02);
  if (width < LEAST_DOOR_M) return null;
  const half = width / 2 / length;
  const middle = Math.min(Math.max(t, half + 0.01 / length), 1 - half - 0.01 / length);
  return [between(a, b, middle - half), between(a, b, middle + half)];
}

/** What a door at a place would be, or why there can be none. */
export function doorAt(doc, level, p, { kind, width_m, reach_m }) {
  const wall = wallAt(doc, level, p, reach_m);
  if (!wall) return { refused: "There is no wall here; point at one." };
  const rooms = wall.beside.filter(Boolean);
  const outer = rooms.length < 2;
  if (kind === "opening" && outer) {
    return { refused: "This wall leads outside: a door here is an entrance (E)." };
  }
  if (kind === "entrance" && !outer) {
    return { refused: "This wall stands between two rooms: a door here is a door (D)." };
  }
  const line = gapIn(wall, width_m);
  if (!line) return { refused: "This wall is too short for a door." };
  return { line: line.map(rounded), rooms, wall };
}

/** The document with a door or an entrance. */
export function addDoor(doc, level, kind, line, properties = {}) {
  const id = freeId(doc, kind === "entrance" ? "entrance" : "door");
  const base = kind === "entrance" ? {} : { category: "pedestrian" };
  const made = {
    type: "Feature", id, feature_type: kind,
    geometry: { type: "LineString", coordinates: line.map(rounded) },
    properties: { ...base, ...properties, level_id: level },
  };
  return { doc: withFeatures(doc, [...doc.features, made]), id };
}

/** The lowest door number that no entrance has. */
export function freeNumber(doc) {
  const taken = new Set(doc.features.map((f) => String(f.properties.door_number ?? "")));
  for (let n = 1; ; n += 1) if (!taken.has(String(n))) return String(n);
}

/** Move corners of a level: `moves` are pairs of from and to. Rooms that share a corner keep it. */
export function moveCorners(doc, level, moves) {
  const moved = (p) => moves.find(([from]) => same(from, p))?.[1] ?? p;
  const shapes = on(doc, level, "unit", "level", "fixture");
  const changed = shapes
    .filter((f) => pointsOf(f).some((p) => moves.some(([from]) => same(from, p))))
    .map((f) => ({ ...f, geometry: polygonOf(ringsOf(f).map((ring) => ring.map(moved))) }));
  const walls = on(doc, level, "wall").map((f) => ({
    ...f,
    geometry: { ...f.geometry, coordinates: f.geometry.coordinates.map(moved).map(rounded) },
  }));
  return replaced(doc, [...changed, ...walls, ...followed(doc, level, moved)]);
}

/** The doors of a level on the walls that move, moved with them; as wide as before. */
function followed(doc, level, moved) {
  const edges = on(doc, level, "unit").flatMap(wallsOf)
    .map(([a, b]) => ({ a, b, to: [moved(a), moved(b)] }))
    .filter(({ a, b, to }) => to[0] !== a || to[1] !== b);
  return on(doc, level, "opening", "entrance").flatMap((door) => {
    const [start, ...rest] = door.geometry.coordinates;
    const end = rest[rest.length - 1];
    const middle = between(start, end, 0.5);
    const edge = edges.find(({ a, b }) => [start, middle, end].every((p) => onSegment(p, a, b).off <= ON_WALL_M));
    if (!edge) return [];
    const { t } = onSegment(middle, edge.a, edge.b);
    const [a, b] = edge.to;
    const line = gapIn({ a, b, t, length: away(a, b) || 1 }, away(start, end));
    if (!line) return [];
    const along = onSegment(start, edge.a, edge.b).t <= onSegment(end, edge.a, edge.b).t;
    const coordinates = (along ? line : line.reverse()).map(rounded);
    return [{ ...door, geometry: { ...door.geometry, coordinates } }];
  });
}

/** Move a feature as a whole. Rooms take the corners that they share along; doors stay on walls. */
export function moveFeature(doc, id, [dx, dy]) {
  const feature = find(doc, id);
  const shifted = (p) => rounded([p[0] + dx, p[1] + dy]);
  if (feature.feature_type === "unit") {
    return moveCorners(doc, levelOf(feature), pointsOf(feature).map((p) => [p, shifted(p)]));
  }
  if (feature.geometry.type === "Polygon") {
    const geometry = polygonOf(ringsOf(feature).map((ring) => ring.map(shifted)));
    return replaced(doc, [{ ...feature, geometry }]);
  }
  const line = feature.geometry.coordinates.map(shifted);
  if (feature.feature_type === "wall") {
    return replaced(doc, [{ ...feature, geometry: { ...feature.geometry, coordinates: line } }]);
  }
  return slideDoor(doc, id, between(line[0], line[line.length - 1], 0.5), 0.6);
}

/** Move a door along walls to where `p` is; the same document where no wall of its kind is near. */
export function slideDoor(doc, id, p, reach_m, width_m) {
  const door = find(doc, id);
  const [start, end] = [door.geometry.coordinates[0], door.geometry.coordinates.at(-1)];
  const kind = door.feature_type;
  const found = doorAt(doc, levelOf(door), p, { kind, width_m: width_m ?? away(start, end), reach_m });
  if (found.refused) return doc;
  return replaced(doc, [{ ...door, geometry: { type: "LineString", coordinates: found.line } }]);
}

/** Take a corner out of all rooms that have it; null where one of them would be none any more. */
export function removeCorner(doc, level, at) {
  const changed = [];
  for (const feature of on(doc, level, "unit", "fixture", "level")) {
    if (!pointsOf(feature).some((p) => same(p, at))) continue;
    const rings = ringsOf(feature).map((ring) => ring.filter((p) => !same(p, at)));
    if (rings.some((ring) => ringTrouble(ring))) return null;
    changed.push({ ...feature, geometry: polygonOf(rings) });
  }
  return changed.length ? replaced(doc, changed) : null;
}

/** Put a corner into the walls that pass there. */
export function addCorner(doc, level, at) {
  return replaced(doc, on(doc, level, "unit", "fixture").map((f) => withCorners(f, [at])));
}

/** Take a feature away, and with a room the doors that lead nowhere then. */
export function remove(doc, id) {
  const gone = find(doc, id);
  const rest = withFeatures(doc, doc.features.filter((f) => f.id !== id));
  if (gone.feature_type !== "unit") return rest;
  const level = levelOf(gone);
  const lost = on(doc, level, "opening", "entrance").filter((door) => {
    const line = door.geometry.coordinates;
    const before = besideLine(doc, level, line);
    return before.some((unit) => unit.id === id)
      && before.length - 1 < (door.feature_type === "opening" ? 2 : 1);
  }).map((door) => door.id);
  return withFeatures(rest, rest.features.filter((f) => !lost.includes(f.id)));
}

/** Cut a room in two by a line between two places of its edge; `refused` says why it cannot be. */
export function split(doc, id, from, to) {
  const unit = find(doc, id);
  const rings = ringsOf(unit);
  if (rings.length > 1) return { refused: "A room with an inner yard cannot be cut." };
  const cornered = withCorners(unit, [from, to]);
  const [ring] = ringsOf(cornered);
  const [i, j] = [from, to].map((p) => ring.findIndex((q) => same(p, q))).sort((a, b) => a - b);
  if (i < 0 || i === j) return { refused: "Begin and end the cut on two places of the room's edge." };
  const inner = [0.02, 0.25, 0.5, 0.75, 0.98].every((t) => within(between(from, to, t), rings));
  const halves = [ring.slice(i, j + 1), [...ring.slice(j), ...ring.slice(0, i + 1)]];
  if (!inner || halves.some((half) => ringTrouble(half))) {
    return { refused: "The cut must run through the room." };
  }
  const [large, small] = halves.sort((a, b) => areaOf(b) - areaOf(a));
  const kept = { ...unit, geometry: polygonOf([large]) };
  const { name, ...others } = unit.properties;
  const added = addUnit(replaced(doc, [kept]), levelOf(unit), small, { ...others, ...(name ? { name: `${name} (2)` } : {}) });
  return { doc: noded(added.doc, id), id: added.id };
}

/** Set properties of a feature; "", null and false leave a property out. */
export function setProperties(doc, id, changed) {
  const feature = find(doc, id);
  const properties = { ...feature.properties, ...changed };
  for (const [key, value] of Object.entries(changed)) {
    const left = value === "" || value === null || (value === false && key === "locked") || (value === true && key === "usable");
    if (left) delete properties[key];
  }
  return replaced(doc, [{ ...feature, properties }]);
}

/** Levels, from the lowest up. */
const ordered = (levels) => [...levels].sort((a, b) => a.ordinal - b.ordinal);

/** A level above the highest one. */
export function addLevel(doc) {
  const top = ordered(doc.levels).at(-1);
  const id = [...Array(99).keys()].map((n) => `L${n + 1}`).find((i) => !doc.levels.some((l) => l.id === i) && !find(doc, i));
  const made = {
    id, name: `Level ${id.slice(1)}`, ordinal: top.ordinal + 1,
    elevation_m: Math.round((top.elevation_m + 3.5) * 100) / 100,
  };
  return { doc: { ...doc, levels: ordered([...doc.levels, made]) }, id };
}

/** Change a level's name, storey or height. */
export const setLevel = (doc, id, changed) => ({
  ...doc, levels: ordered(doc.levels.map((level) => (level.id === id ? { ...level, ...changed } : level))),
});

/** Let a level change places with the one above (`up`) or below it. */
export function shiftLevel(doc, id, up) {
  const levels = ordered(doc.levels);
  const i = levels.findIndex((level) => level.id === id);
  const other = levels[i + (up ? 1 : -1)];
  if (!other) return doc;
  const { ordinal, elevation_m } = levels[i];
  const changed = setLevel(doc, id, { ordinal: other.ordinal, elevation_m: other.elevation_m });
  return setLevel(changed, other.id, { ordinal, elevation_m });
}

/** Take a level away with all that is on it. */
export const removeLevel = (doc, id) => ({
  ...doc,
  levels: doc.levels.filter((level) => level.id !== id),
  features: doc.features.filter((f) => levelOf(f) !== id),
});
