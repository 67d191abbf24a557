// Plane geometry on the plan. All in site metres, x right and y up.

/** Whether `point` lies in a GeoJSON Polygon or MultiPolygon. */
export function inside(point, geometry) {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  return polygons.some((rings) => rings.reduce((odd, ring) => odd !== inRing(point, ring), false));
}

function inRing([x, y], ring) {
  let odd = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i];
    const [xj, yj] = ring[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}

const BADGE_M = 1.1; // how far outside the wall a door's number stands

/** The place beside the middle of a door's line that lies outside all of these rooms. */
export function outside(line, rooms) {
  const [[x0, y0], [x1, y1]] = [line[0], line[line.length - 1]];
  const middle = [(x0 + x1) / 2, (y0 + y1) / 2];
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const normal = [(y0 - y1) / length, (x1 - x0) / length];
  const beside = (away) => [middle[0] + away * normal[0], middle[1] + away * normal[1]];
  const within = rooms.some((room) => inside(beside(0.3), room));
  return beside(within ? -BADGE_M : BADGE_M);
}

/** All points of a geometry. */
export function points(geometry) {
  const flat = (part) => (typeof part[0] === "number" ? [part] : part.flatMap(flat));
  return flat(geometry.coordinates);
}

/** [left, bottom, right, top] around points. */
export function bounds(all) {
  const xs = all.map((p) => p[0]);
  const ys = all.map((p) => p[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

// The 95 % quantile of chi-square with two degrees of freedom: -2 ln(0.05).
const CHI2_95 = 5.991;

/** The ellipse that holds 95 % of a covariance: half axes and the turn of the first, degrees. */
export function ellipse95([[xx, xy], [, yy]]) {
  const mean = (xx + yy) / 2;
  const spread = Math.hypot((xx - yy) / 2, xy);
  return {
    a: Math.sqrt(CHI2_95 * Math.max(mean + spread, 0)),
    b: Math.sqrt(CHI2_95 * Math.max(mean - spread, 0)),
    turn: (Math.atan2(2 * xy, xx - yy) / 2) * (180 / Math.PI),
  };
}
