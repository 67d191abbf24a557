// What part of the plan is shown: zoom and pan by moving the SVG's viewBox, with mouse, fingers and
// keys.

const NEAREST = 12; // times closer than the whole plan
const STEP = 1.5;
const HELD_PX = 5; // a press that moves less is a click
const KEY_PX = 60;
const USUAL_PX = 16; // of the page's type; a wall of screens has larger type, and larger marks

/** Makes `svg` show `box` (left, top, width, height), zoomable within it. */
export class View {
  constructor(svg) {
    this.svg = svg;
    this.whole = [0, 0, 1, 1];
    this.box = this.whole;
    this.size = { width: 0, height: 0 };
    this.scale = 0.05;
    this.enlarged = 1;
    this.fingers = new Map(); // pointer id: [x, y] on the screen
    this.dragged = false;
    svg.addEventListener("pointerdown", (event) => this.press(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      svg.addEventListener(end, (event) => this.fingers.delete(event.pointerId));
    }
    // The click that ends a drag is none.
    svg.addEventListener("click", (event) => {
      if (this.dragged) event.stopPropagation();
      this.dragged = false;
    }, true);
    svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    svg.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.measure()).observe(svg);
    this.measure();
  }

  measure() {
    const { width, height } = this.svg.getBoundingClientRect();
    this.size = { width, height };
    this.enlarged = parseFloat(getComputedStyle(document.documentElement).fontSize) / USUAL_PX;
    this.show(this.box);
  }

  /** Set the whole plan; shows all of it, or what was shown where `keep`. */
  setWhole(box, { keep = false } = {}) {
    this.whole = box;
    this.show(keep ? this.clamp(this.box) : box);
  }

  get zoomed() {
    return this.box[2] < this.whole[2] * 0.999;
  }

  show(box) {
    this.box = box;
    this.svg.setAttribute("viewBox", box.map((value) => value.toFixed(3)).join(" "));
    const { width, height } = this.size;
    // Metres per CSS pixel: lets the style sheet size text and symbols in pixels.
    this.scale = width && height ? Math.max(box[2] / width, box[3] / height) : 0.05;
    this.unit = this.scale * this.enlarged;
    this.svg.style.setProperty("--u", this.unit.toFixed(5));
    this.svg.classList.toggle("zoomed", this.zoomed);
    this.onview?.();
  }

  /** What the whole SVG shows, also beside the box: [left, top, right, bottom]. */
  visible() {
    const [left, top, w, h] = this.box;
    const width = (this.size.width * this.scale) / 2;
    const height = (this.size.height * this.scale) / 2;
    return [left + w / 2 - width, top + h / 2 - height, left + w / 2 + width, top + h / 2 + height];
  }

  /** The place in the SVG under a place of the screen. */
  under(clientX, clientY) {
    const { left, top } = this.svg.getBoundingClientRect();
    const [x, y] = this.visible();
    return [x + (clientX - left) * this.scale, y + (clientY - top) * this.scale];
  }

  all() {
    this.show(this.whole);
  }

  /** Zoom in or out by a step; the place `about` stays where it is on the screen. */
  zoom(closer, about) {
    this.scaleBy(closer ? STEP : 1 / STEP, about);
  }

  scaleBy(factor, about) {
    const [left, top, width, height] = this.box;
    const [x, y] = about ?? [left + width / 2, top + height / 2];
    const w = Math.min(Math.max(width / factor, this.whole[2] / NEAREST), this.whole[2]);
    const h = (w * this.whole[3]) / this.whole[2];
    const kept = w / width;
    this.show(this.clamp([x - (x - left) * kept, y - (y - top) * kept, w, h]));
  }

  /** Move what is shown by pixels of the screen. */
  pan(dx, dy) {
    const [left, top, w, h] = this.box;
    this.show(this.clamp([left + dx * this.scale, top + dy * this.scale, w, h]));
  }

  clamp([left, top, width, height]) {
    const [l, t, w, h] = this.whole;
    const [shownW, shownH] = [Math.min(width, w), Math.min(height, h)];
    return [
      Math.min(Math.max(left, l), l + w - shownW),
      Math.min(Math.max(top, t), t + h - shownH),
      shownW,
      shownH,
    ];
  }

  press(event) {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    this.dragged = false;
    this.held = [event.clientX, event.clientY];
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    if (this.fingers.size === 2) {
      const [other] = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      const away = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
      this.dragged = true;
      this.fingers.set(event.pointerId, now);
      this.scaleBy(away(now) / away(before), this.under((now[0] + other[0]) / 2, (now[1] + other[1]) / 2));
      return;
    }
    if (!this.zoomed) return;
    if (!this.dragged) {
      if (Math.hypot(now[0] - this.held[0], now[1] - this.held[1]) < HELD_PX) return;
      this.dragged = true;
      // Only from here on: a click without a drag goes to what was clicked.
      this.svg.setPointerCapture(event.pointerId);
    }
    this.fingers.set(event.pointerId, now);
    this.pan(before[0] - now[0], before[1] - now[1]);
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // the wheel alone scrolls the page
    event.preventDefault();
    this.scaleBy(Math.exp(-event.deltaY / 200), this.under(event.clientX, event.clientY));
  }

  key(event) {
    if (event.target !== this.svg || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (key === "+" || key === "=") this.zoom(true);
    else if (key === "-") this.zoom(false);
    else if (key === "0") this.all();
    else if (steps[key] && this.zoomed) this.pan(steps[key][0] * KEY_PX, steps[key][1] * KEY_PX);
    else return;
    event.preventDefault();
  }
}
