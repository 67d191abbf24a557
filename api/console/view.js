// What part of the plan is shown: zoom and pan by moving the SVG's viewBox.

const NEAREST = 12; // times closer than the whole plan
const STEP = 1.5;

/** Makes `svg` show `box` (left, top, width, height), zoomable within it. */
export class View {
  constructor(svg) {
    this.svg = svg;
    this.whole = [0, 0, 1, 1];
    this.box = this.whole;
    this.grip = null;
    svg.addEventListener("pointerdown", (event) => this.grab(event));
    svg.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) {
      svg.addEventListener(end, () => (this.grip = null));
    }
    new ResizeObserver(() => this.show(this.box)).observe(svg);
  }

  /** Set the whole plan and show it. */
  setWhole(box) {
    this.whole = box;
    this.show(box);
  }

  get zoomed() {
    return this.box[2] < this.whole[2] * 0.999;
  }

  show(box) {
    this.box = box;
    this.svg.setAttribute("viewBox", box.map((value) => value.toFixed(3)).join(" "));
    const { width, height } = this.svg.getBoundingClientRect();
    // Metres per CSS pixel: lets the style sheet size text and symbols in pixels.
    const scale = width && height ? Math.max(box[2] / width, box[3] / height) : 0.05;
    this.svg.style.setProperty("--u", scale.toFixed(5));
    this.svg.classList.toggle("zoomed", this.zoomed);
    this.onscale?.(scale);
  }

  all() {
    this.show(this.whole);
  }

  zoom(closer, centre) {
    const factor = closer ? STEP : 1 / STEP;
    const [left, top, width, height] = this.box;
    const [x, y] = centre ?? [left + width / 2, top + height / 2];
    const w = Math.min(Math.max(width / factor, this.whole[2] / NEAREST), this.whole[2]);
    const h = (w * this.whole[3]) / this.whole[2];
    this.show(this.clamp([x - w / 2, y - h / 2, w, h]));
  }

  clamp([left, top, width, height]) {
    const [l, t, w, h] = this.whole;
    return [
      Math.min(Math.max(left, l), l + w - width),
      Math.min(Math.max(top, t), t + h - height),
      width,
      height,
    ];
  }

  grab(event) {
    if (!this.zoomed) return;
    this.grip = { x: event.clientX, y: event.clientY, box: this.box };
    this.svg.setPointerCapture(event.pointerId);
  }

  drag(event) {
    if (!this.grip) return;
    const { width, height } = this.svg.getBoundingClientRect();
    const [left, top, w, h] = this.grip.box;
    const scale = Math.max(w / width, h / height);
    const dx = (event.clientX - this.grip.x) * scale;
    const dy = (event.clientY - this.grip.y) * scale;
    this.show(this.clamp([left - dx, top - dy, w, h]));
  }
}
