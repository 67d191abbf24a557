// The picture of the camera with what the fit says of it, and the loupe.

import { byId, keyed, set, svg } from "./dom.js";
import { showMarks } from "./calibrate_marks.js";
import { Surface } from "./calibrate_surface.js";

const EXAGGERATED = 10; // how much longer than it is a point's error is drawn
const LOUPE_CLOSER = 8;
const SMOOTH_BELOW = 4; // a pixel that is larger on the screen than this is shown as a square

const line = (points) => (points.length ? `M${points.map((p) => p.join(" ")).join("L")}` : "");
const lines = (all) => all.map(line).join("");

export class Picture {
  constructor(on) {
    this.canvas = byId("picture-canvas");
    this.loupe = byId("loupe");
    this.surface = new Surface(byId("picture"), {
      keys: [1, 0.1, 20],
      nearest: 20,
      on: {
        ...on,
        view: () => this.draw(),
        hover: (place) => this.look(place),
        cross: (place) => { this.look(place); on.cross?.(place); },
      },
    });
    const layer = (name) => svg("g", { class: name });
    this.lines = layer("lines");
    this.marks = layer("marks");
    this.surface.over.append(this.lines, this.marks);
    this.bitmap = null;
    this.size = [1, 1];
    this.seen = null;
  }

  /** Be ready for pictures of a camera whose lens is of `size` pixels. */
  ready(size) {
    if (this.size[0] === size[0] && this.size[1] === size[1]) return;
    this.size = size;
    this.surface.setWhole([-0.5, -0.5, size[0], size[1]]);
  }

  /** Show a bitmap; null shows none. */
  show(bitmap) {
    this.bitmap?.close();
    this.bitmap = bitmap;
    this.draw();
  }

  /** Whether a picture has the proportions of the camera's lens. */
  fits(bitmap) {
    const [width, height] = this.size;
    return Math.abs(bitmap.width * height - bitmap.height * width) <= Math.max(width, height);
  }

  draw() {
    const root = this.surface.root;
    const { width, height, left, top } = root.getBoundingClientRect();
    const dots = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(width * dots), Math.round(height * dots)];
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, w, h);
    const matrix = root.getScreenCTM();
    if (!this.bitmap || !matrix) return;
    pen.setTransform(
      matrix.a * dots, 0, 0, matrix.d * dots, (matrix.e - left) * dots, (matrix.f - top) * dots);
    this.paint(pen, matrix.a * dots);
  }

  /** Draw the picture in its own pixels, of which the first has its centre at (0, 0). */
  paint(pen, scale) {
    pen.imageSmoothingEnabled = scale < SMOOTH_BELOW;
    pen.drawImage(this.bitmap, -0.5, -0.5, this.size[0], this.size[1]);
  }

  /** Show what lies at a place, enlarged. */
  look(place) {
    this.seen = place;
    this.loupe.hidden = place === null || !this.bitmap;
    if (this.loupe.hidden) return;
    const [x, y] = place;
    // Out of the way of the pointer.
    const [left, , width] = this.surface.box;
    this.loupe.dataset.side = x > left + width / 2 ? "left" : "right";
    const pen = this.loupe.getContext("2d");
    const middle = this.loupe.width / 2;
    const scale = LOUPE_CLOSER * (this.loupe.width / 160);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, this.loupe.width, this.loupe.height);
    pen.setTransform(scale, 0, 0, scale, middle - x * scale, middle - y * scale);
    this.paint(pen, scale);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    for (const [colour, thick] of [["#000", 3], ["#fff", 1]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = thick;
      pen.beginPath();
      pen.moveTo(0, middle);
      pen.lineTo(middle - 8, middle);
      pen.moveTo(middle + 8, middle);
      pen.lineTo(2 * middle, middle);
      pen.moveTo(middle, 0);
      pen.lineTo(middle, middle - 8);
      pen.moveTo(middle, middle + 8);
      pen.lineTo(middle, 2 * middle);
      pen.stroke();
    }
  }

  /** Show lines: of the fit, and of another calibration where two are compared. */
  showLines(overlay, other = null) {
    const shown = [
      ...(other ? [["grid other", lines(other.grid_px)], ["walls other", lines(other.walls_px)]] : []),
      ...(overlay ? [
        ["grid", lines(overlay.grid_px)],
        ["walls", lines(overlay.walls_px)],
        ["horizon", line(overlay.horizon_px)],
      ] : []),
    ].flatMap(([name, d]) => [[`${name} casing`, d], [name, d]]);
    keyed(this.lines, shown, ([name]) => name,
      ([name]) => svg("path", { class: name }),
      (element, [, d]) => set(element, { d }));
  }

  /** Show points; each has `id`, `pixel`, `label`, `state` and, where it is known, `seen`. */
  showPoints(points, picked) {
    this.surface.marks = points.map((point) => ({ id: point.id, at: point.pixel }));
    this.surface.picked = picked;
    showMarks(this.marks, points.map(({ id, pixel, label, state, seen }) => {
      const longer = state === "suspect" ? 1 : EXAGGERATED;
      const to = seen && pixel.map((value, k) => value + longer * (seen[k] - value));
      return { id, at: pixel, label, state, picked: id === picked, to };
    }));
  }
}
