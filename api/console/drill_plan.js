// A small picture of a drill's floor: rooms, walls, doors, cameras. For recognising it, not to read.

import { el, svg } from "./dom.js";

const ring = (points) => `M${points.map(([x, y]) => `${x} ${-y}`).join("L")}`;

function outline({ type, coordinates }) {
  if (type === "Polygon") return coordinates.map((one) => `${ring(one)}Z`).join("");
  if (type === "MultiPolygon") return coordinates.flat().map((one) => `${ring(one)}Z`).join("");
  if (type === "LineString") return ring(coordinates);
  if (type === "MultiLineString") return coordinates.map(ring).join("");
  return "";
}

const pointsOf = (coordinates) =>
  (typeof coordinates[0] === "number" ? [coordinates] : coordinates.flatMap(pointsOf));

/** The lowest level of a plan that has rooms, as an SVG element. */
export function planPicture(plan, name) {
  const levels = plan.features.filter((one) => one.feature_type === "level")
    .sort((a, b) => a.properties.ordinal - b.properties.ordinal);
  const onLevel = (level) => plan.features.filter((one) => one.properties.level_id === level.id);
  const level = levels.find((one) => onLevel(one).some((f) => f.feature_type === "unit"));
  const features = level ? onLevel(level) : [];
  const points = features.filter((one) => one.feature_type === "unit")
    .flatMap((one) => pointsOf(one.geometry.coordinates));
  if (!points.length) return el("p", { class: "empty" }, "No floor plan");
  const xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
  const left = Math.min(...xs) - 1, top = -Math.max(...ys) - 1;
  const wide = Math.max(...xs) + 1 - left, high = 1 - Math.min(...ys) - top;
  const picture = svg("svg", { class: "drill-plan", role: "img", "aria-label": `Floor plan of ${name}`,
    viewBox: `${left} ${top} ${wide} ${high}` });
  for (const kind of ["unit", "wall", "entrance"]) {
    for (const one of features.filter((f) => f.feature_type === kind)) {
      picture.append(svg("path", { class: kind, d: outline(one.geometry) }));
    }
  }
  for (const one of features.filter((f) => f.feature_type === "camera")) {
    const [x, y] = one.geometry.coordinates;
    picture.append(svg("circle", { class: "camera", cx: x, cy: -y, r: Math.max(wide, high) / 90 }));
  }
  return picture;
}
