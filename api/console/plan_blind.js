// The floor that no live camera looks at.

import { cellsPath, fill } from "./cells.js";
import { bounds, points } from "./geometry.js";

const CELL_M = 0.25;
const MOST_CELLS = 160_000; // on larger levels cells grow, so that the page stays quick

/**
 * The blind floor of a level: an SVG path, its area in square metres and its share of the level.
 * `floor` and `views` are geometries; strips thinner than two cells are left out, which are seams
 * between views and walls.
 */
export function blindFloor(floor, views) {
  if (!floor.length) return { path: "", areaM2: 0, share: 0 };
  const [left, bottom, right, top] = bounds(floor.flatMap(points));
  const size = Math.max(CELL_M, Math.sqrt(((right - left) * (top - bottom)) / MOST_CELLS));
  const columns = Math.ceil((right - left) / size);
  const rows = Math.ceil((top - bottom) / size);
  const raster = { left, bottom, size, columns, rows };
  const blind = new Uint8Array(columns * rows);
  for (const geometry of floor) fill(raster, geometry, blind, 1);
  const inside = blind.reduce((sum, one) => sum + one, 0);
  for (const geometry of views) fill(raster, geometry, blind, 0);
  const kept = opened(blind, columns, rows);
  const count = kept.reduce((sum, one) => sum + one, 0);
  return {
    path: cellsPath(raster, (column, row) => kept[row * columns + column]),
    areaM2: count * size * size,
    share: inside ? count / inside : 0,
  };
}

/** The cells that are part of a block of two by two. */
function opened(cells, columns, rows) {
  const kept = new Uint8Array(cells.length);
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const i = row * columns + column;
      if (cells[i] && cells[i + 1] && cells[i + columns] && cells[i + columns + 1]) {
        kept[i] = kept[i + 1] = kept[i + columns] = kept[i + columns + 1] = 1;
      }
    }
  }
  return kept;
}
