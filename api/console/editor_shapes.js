// Plane geometry of the floor-plan page. All in site metres, x right and y up; rings are open here
// (their last point is not their first again).

const SAME_M = 0.002;

export const away = (a, b) => Math.hypot(b[0] - a[0], b[1] - a[1]);
export const same = (a, b) => away(a, b) <= SAME_M;
export const between = (a, b, t) => [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
export const rounded = ([x, y]) => [Math.round(x * 1e4) / 1e4 + 0, Math.round(y * 1e4) / 1e4 + 0];

/** What is made of a geometry is made once: geometries are never changed, only replaced. */
function once(make) {
  const made = new WeakMap();
  return (feature) => {
    const { geometry } = feature;
    if (!made.has(geometry)) made.set(geometry, make(geometry));
    return made.get(geometry);
  };
}

/** The rings of a polygon feature, open. */
export const ringsOf = once((geometry) => geometry.coordinates.map((ring) => ring.slice(0, -1)));

/** The points of a feature: of its outer ring and its holes, or of its line. */
export const pointsOf = once((geometry) =>
  (geometry.type === "Polygon" ? ringsOf({ geometry }).flat() : geometry.coordinates));

/** All edges of a polygon feature. */
export const wallsOf = once((geometry) => ringsOf({ geometry }).flatMap(edgesOf));

/** [left, bottom, right, top] of a feature. */
export const extentOf = once((geometry) => boxOf(pointsOf({ geometry })));

/** A GeoJSON Polygon of open rings. */
export const polygonOf = (rings) => ({
  type: "Polygon",
  coordinates: rings.map((ring) => [...ring, ring[0]].map(rounded)),
});

/** The edges of a ring as pairs of points. */
export const edgesOf = (ring) => ring.map((point, i) => [point, ring[(i + 1) % ring.length]]);

/** The place on the line from `a` to `b` that is nearest to `p`: where, how far along, how far off. */
export function onSegment(p, a, b) {
  const length2 = (b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2;
  const along = length2 ? ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / length2 : 0;
  const t = Math.min(Math.max(along, 0), 1);
  const at = between(a, b, t);
  return { at, t, off: away(p, at) };
}

/** Twice the signed area of a ring; positive where it runs counter-clockwise. */
const doubled = (ring) =>
  edgesOf(ring).reduce((sum, [a, b]) => sum + a[0] * b[1] - b[0] * a[1], 0);

export const areaOf = (ring) => Math.abs(doubled(ring)) / 2;

/** Whether `p` lies within open rings (the first is the outer one). */
export function within(p, rings) {
  return rings.reduce((odd, ring) => odd !== crossings(p, ring), false);
}

function crossings([x, y], ring) {
  let odd = false;
  for (const [[xi, yi], [xj, yj]] of edgesOf(ring)) {
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}

/** A place inside a ring for its name: the centroid, or the middle of its longest inner run. */
export function labelOf(rings) {
  const [ring] = rings;
  const whole = doubled(ring);
  if (whole) {
    const sum = edgesOf(ring).reduce(([x, y], [a, b]) => {
      const part = a[0] * b[1] - b[0] * a[1];
      return [x + (a[0] + b[0]) * part, y + (a[1] + b[1]) * part];
    }, [0, 0]);
    const centre = [sum[0] / (3 * whole), sum[1] / (3 * whole)];
    if (within(centre, rings)) return centre;
    const runs = inside(rings, centre[1]).sort((one, other) => (other[1] - other[0]) - (one[1] - one[0]));
    if (runs.length) return [(runs[0][0] + runs[0][1]) / 2, centre[1]];
  }
  return ring[0];
}

/** The parts of the horizontal line at `y` that lie in the rings, as [left, right]. */
function inside(rings, y) {
  const xs = rings.flatMap((ring) => edgesOf(ring)
    .filter(([a, b]) => a[1] > y !== b[1] > y)
    .map(([a, b]) => a[0] + ((y - a[1]) / (b[1] - a[1])) * (b[0] - a[0]))).sort((a, b) => a - b);
  return xs.flatMap((x, i) => (i % 2 ? [[xs[i - 1], x]] : []));
}

/** Where two segments cross, not counting their ends; null where they do not. */
export function crossing([a, b], [c, d]) {
  const [rx, ry] = [b[0] - a[0], b[1] - a[1]];
  const [sx, sy] = [d[0] - c[0], d[1] - c[1]];
  const turn = rx * sy - ry * sx;
  if (Math.abs(turn) < 1e-12) return null;
  const t = ((c[0] - a[0]) * sy - (c[1] - a[1]) * sx) / turn;
  const u = ((c[0] - a[0]) * ry - (c[1] - a[1]) * rx) / turn;
  const margin = 1e-6;
  return t > margin && t < 1 - margin && u > margin && u < 1 - margin ? between(a, b, t) : null;
}

/** Whether a ring crosses itself. */
export function tangled(ring) {
  const edges = edgesOf(ring);
  return edges.some((one, i) => edges.some((other, j) => j > i && crossing(one, other) !== null));
}

/** [left, bottom, right, top] of points, `margin` wider. */
export function boxOf(points, margin = 0) {
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  return [Math.min(...xs) - margin, Math.min(...ys) - margin, Math.max(...xs) + margin, Math.max(...ys) + margin];
}

export const meets = (one, other) =>
  one[0] <= other[2] && other[0] <= one[2] && one[1] <= other[3] && other[1] <= one[3];

/**
 * Where a point is put when somebody points at `p`: onto a corner, onto a wall, straight on from
 * `from`, onto the grid, or there.
 *
 * @param corners points to snap to; `edges` pairs of points; `reach_m` how near is near.
 * @param grid_m width of the grid; 0 for none.
 * @param from the point before; lines from it run along the axes where `straight`.
 */
export function snap(p, { corners, edges, reach_m, grid_m = 0, from = null, straight = false }) {
  const near = nearest(corners, (corner) => away(p, corner), reach_m);
  if (near) return { at: near, on: "corner" };
  if (from && straight) return straightOn(p, { corners, edges, reach_m, grid_m, from });
  const wall = nearest(edges.map(([a, b]) => onSegment(p, a, b)), (found) => found.off, reach_m);
  if (wall) return { at: alongWall(wall, edges, grid_m), on: "wall" };
  return grid_m ? { at: p.map((v) => Math.round(v / grid_m) * grid_m), on: "grid" } : { at: p, on: "" };
}

/** On a wall along an axis the place is rounded to the grid. */
function alongWall(found, edges, grid_m) {
  const [x, y] = found.at;
  if (!grid_m) return found.at;
  const edge = edges.find(([a, b]) => onSegment(found.at, a, b).off < 1e-9);
  const put = (v) => Math.round(v / grid_m) * grid_m;
  const candidate = Math.abs(edge[0][1] - edge[1][1]) < 1e-6 ? [put(x), y]
    : Math.abs(edge[0][0] - edge[1][0]) < 1e-6 ? [x, put(y)] : [x, y];
  return onSegment(candidate, ...edge).off < 1e-6 ? candidate : found.at;
}

function straightOn(p, { corners, edges, reach_m, grid_m, from }) {
  const along = Math.abs(p[0] - from[0]) >= Math.abs(p[1] - from[1]) ? 0 : 1;
  const put = (value) => (along === 0 ? [value, from[1]] : [from[0], value]);
  const value = p[along];
  const levelWith = nearest(corners.map((c) => c[along]), (v) => Math.abs(v - value), reach_m);
  if (levelWith !== null) return { at: put(levelWith), on: "line" };
  const far = [put(value - 1e4), put(value + 1e4)];
  const crossed = edges.map((edge) => crossing(far, edge)).filter((at) => at !== null);
  const wall = nearest(crossed, (at) => Math.abs(at[along] - value), reach_m);
  if (wall) return { at: wall, on: "wall" };
  return { at: put(grid_m ? Math.round(value / grid_m) * grid_m : value), on: "straight" };
}

function nearest(things, measure, reach) {
  let [best, least] = [null, reach];
  for (const thing of things) {
    const measured = measure(thing);
    if (measured <= least) [best, least] = [thing, measured];
  }
  return best;
}
