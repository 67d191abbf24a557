// Where a subject that no camera sees can be: the search map, asked for once a second while it is
// needed, and how it is drawn.

import { cellsPath } from "./cells.js";
import { keyed, set, svg } from "./dom.js";
import { outline } from "./paths.js";
import * as requests from "./requests.js";

/** Shares of the probability that the bands of colour hold together, the most likely floor first. */
export const BANDS = [0.25, 0.5, 0.75, 0.95];

const EVERY_MS = 1000;
const OLD_MS = 3000; // a map that is older is not shown as live

/** The least value of a cell in each band, by `BANDS`; `rows` of all levels of a search map. */
export function thresholds(levels) {
  const values = Float64Array.from(levels.flatMap((level) => level.rows.flat()))
    .filter((value) => value > 0).sort().reverse();
  const whole = values.reduce((sum, value) => sum + value, 0);
  let held = 0;
  let band = 0;
  const found = [];
  for (const value of values) {
    held += value;
    while (band < BANDS.length && held >= BANDS[band] * whole - 1e-9) {
      found.push(value);
      band++;
    }
  }
  return found;
}

/** Draw a level of a search map into `layer`; null clears it. */
export function drawSearch(layer, map, level) {
  const raster = map?.levels.find((one) => one.level.id === level);
  if (!raster) {
    layer.replaceChildren();
    return;
  }
  const least = thresholds(map.levels);
  const { rows } = raster;
  const [left, bottom] = raster.origin_m.coordinates;
  const grid = { left, bottom, size: map.cell_m, columns: rows[0]?.length ?? 0, rows: rows.length };
  const bands = least.map((low, i) => {
    const high = i === 0 ? Infinity : least[i - 1];
    const d = cellsPath(grid, (column, row) => rows[row][column] >= low && rows[row][column] < high);
    return { name: `band-${i + 1}`, d };
  });
  const areas = raster.areas.map((area) => ({
    name: `area-${Math.round(area.properties.holds * 100)}`, d: outline(area.site_m),
  }));
  keyed(layer, [...bands, ...areas], ({ name }) => name, ({ name }) => svg("path", { class: name }),
    (element, { d }) => set(element, { d }));
}

/** Asks for the map of one subject as long as it is wanted; `show(map)` gets it, or null. */
export class SearchFollower {
  constructor(incident, show) {
    this.incident = incident;
    this.show = show;
    this.subject = null;
    this.map = null;
    this.askedAt = -Infinity;
    this.gotAt = -Infinity;
    this.asking = false;
  }

  /** Say whose map is wanted now; null: nobody's. Called with every answer. */
  want(subject) {
    if (subject === this.subject) return;
    this.subject = subject;
    this.askedAt = -Infinity;
    this.take(null);
  }

  take(map) {
    if (map === null && this.map === null) return;
    this.map = map;
    this.gotAt = performance.now();
    this.show(map);
  }

  /** Whether what is shown is too old to be called live. */
  get old() {
    return this.map !== null && performance.now() - this.gotAt > OLD_MS;
  }

  get ageS() {
    return (performance.now() - this.gotAt) / 1000;
  }

  /** Called several times a second: asks where it is time. */
  async tick() {
    const { subject } = this;
    const due = performance.now() - this.askedAt >= EVERY_MS;
    if (!subject || this.asking || !due || document.hidden) return;
    this.asking = true;
    this.askedAt = performance.now();
    try {
      const map = await requests.searchMap(this.incident, subject);
      if (subject === this.subject) this.take(map); // null: a camera sees it again
    } catch (error) {
      // The newest answer does not have the subject any more.
      const none = error instanceof requests.Refused && error.status === 404;
      if (none && subject === this.subject) this.take(null);
    } finally {
      this.asking = false;
    }
  }
}
