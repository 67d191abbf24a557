// Rasters of the plan: polygons as cells, and cells as the path of an SVG. Site metres, y up; row 0
// is the lowest.

/** Mark the cells of `raster` whose centres lie in a Polygon or MultiPolygon: `filled[i] = value`. */
export function fill({ left, bottom, size, columns, rows }, geometry, filled, value = 1) {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const crossings = Array.from({ length: rows }, () => []);
  for (const ring of polygons.flat()) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [low, high] = ring[i][1] < ring[j][1] ? [ring[i], ring[j]] : [ring[j], ring[i]];
      if (low[1] === high[1]) continue;
      const first = Math.max(Math.ceil((low[1] - bottom) / size - 0.5), 0);
      const slope = (high[0] - low[0]) / (high[1] - low[1]);
      for (let row = first; row < rows; row++) {
        const y = bottom + (row + 0.5) * size;
        if (y >= high[1]) break;
        crossings[row].push(low[0] + (y - low[1]) * slope);
      }
    }
  }
  crossings.forEach((xs, row) => {
    xs.sort((a, b) => a - b);
    for (let k = 0; k + 1 < xs.length; k += 2) {
      const from = Math.max(Math.ceil((xs[k] - left) / size - 0.5), 0);
      const to = Math.min(Math.ceil((xs[k + 1] - left) / size - 0.5), columns);
      if (to > from) filled.fill(value, row * columns + from, row * columns + to);
    }
  });
}

/**
 * The data of an SVG path over all cells that `holds(column, row)`: as few rectangles as rows of
 * equal runs give.
 */
export function cellsPath({ left, bottom, size, columns, rows }, holds) {
  const parts = [];
  let open = new Map(); // "from,to" of a run: the row that it began in
  const close = (run, began, row) => {
    const [from, to] = run.split(",");
    const x = left + from * size;
    const top = -(bottom + row * size);
    parts.push(`M${x.toFixed(2)} ${top.toFixed(2)}h${((to - from) * size).toFixed(2)}`
      + `v${((row - began) * size).toFixed(2)}h${((from - to) * size).toFixed(2)}z`);
  };
  for (let row = 0; row <= rows; row++) {
    const runs = new Map();
    for (let column = 0; row < rows && column < columns; column++) {
      if (!holds(column, row)) continue;
      const from = column;
      while (column + 1 < columns && holds(column + 1, row)) column++;
      const run = `${from},${column + 1}`;
      runs.set(run, open.get(run) ?? row);
      open.delete(run);
    }
    for (const [run, began] of open) close(run, began, row);
    open = runs;
  }
  return parts.join("");
}
