// Lines of the plan as SVG paths. Site metres have y up, SVG has y down.

/** A place of the plan in the SVG. */
export const flip = ([x, y]) => [x, -y];

/** The data of an SVG path along a line of the plan. */
export const path = (line, closed) =>
  `M${line.map((p) => flip(p).map((v) => v.toFixed(2)).join(" ")).join("L")}${closed ? "Z" : ""}`;

/** The data of an SVG path for any geometry. */
export function outline(geometry) {
  const { type, coordinates } = geometry;
  if (type === "Polygon") return coordinates.map((ring) => path(ring, true)).join("");
  if (type === "MultiPolygon") return coordinates.flat().map((ring) => path(ring, true)).join("");
  if (type === "LineString") return path(coordinates);
  return coordinates.map((line) => path(line)).join("");
}

/** The line without its last `length`, so that its arrow ends beside the mark, not under it. */
export function shortened(line, length) {
  const [before, last] = line.slice(-2);
  const whole = Math.hypot(last[0] - before[0], last[1] - before[1]);
  if (whole <= length) return line;
  const kept = 1 - length / whole;
  const end = [before[0] + kept * (last[0] - before[0]), before[1] + kept * (last[1] - before[1])];
  return [...line.slice(0, -1), end];
}
