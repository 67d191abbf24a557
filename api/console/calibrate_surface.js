// A drawing that is zoomed, panned and pointed at, with mouse, fingers and keys: the picture and the
// plan. Its coordinates are those of the SVG: pixels of the picture, or site metres with y down.

import { set, svg } from "./dom.js";

const STEP = 1.5;
const HELD_PX = 4; // a press that moves less is a click
const REACH_PX = 14; // a mark is hit within this
const COARSE_REACH_PX = 24;
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * `keys` are how far the arrow keys go: [alone, with Shift, with Control]. `on` has what to call:
 * `point(place)` a place was chosen, `pick(id)` a mark was, `move(id, place, done)` a mark is being
 * moved, `cross(place)` the crosshair moved, `remove(id)`, `view()` something else is shown;
 * `placing()` says whether a click means a place and no mark.
 */
export class Surface {
  constructor(root, { keys, nearest, on }) {
    this.root = root;
    this.keys = keys;
    this.nearest = nearest;
    this.on = on;
    this.whole = [0, 0, 1, 1];
    this.box = this.whole;
    this.scale = 1;
    this.marks = []; // { id, at }
    this.picked = null;
    this.cross = null;
    this.fingers = new Map();
    this.held = null;
    this.ground = svg("g", { class: "ground" });
    this.over = svg("g", { class: "over" });
    this.crosshair = svg("g", { class: "crosshair", hidden: "", "aria-hidden": "true" },
      svg("g", { class: "symbol" },
        svg("path", { class: "casing", d: "M-18 0H-4M4 0H18M0-18V-4M0 4V18" }),
        svg("path", { d: "M-18 0H-4M4 0H18M0-18V-4M0 4V18" })));
    root.append(this.ground, this.over, this.crosshair);
    root.addEventListener("pointerdown", (event) => this.press(event));
    root.addEventListener("pointermove", (event) => this.moved(event));
    root.addEventListener("pointerup", (event) => this.release(event, true));
    root.addEventListener("pointercancel", (event) => this.release(event, false));
    root.addEventListener("pointerleave", () => this.on.hover?.(null));
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 400), this.at(event));
    }, { passive: false });
    new ResizeObserver(() => this.show(this.box)).observe(root);
  }

  setWhole(box) {
    this.whole = box;
    this.cross = null;
    this.show(box);
  }

  show([left, top, width, height]) {
    this.box = [left, top, width, height];
    set(this.root, { viewBox: this.box.map((value) => value.toFixed(4)).join(" ") });
    const seen = this.root.getBoundingClientRect();
    this.scale = seen.width && seen.height
      ? Math.max(width / seen.width, height / seen.height) : 1;
    this.root.style.setProperty("--u", this.scale.toFixed(6));
    // A finger scrolls the page past a drawing of which all is shown, and moves a part of it.
    this.root.classList.toggle("zoomed", width < this.whole[2] * 0.999);
    this.on.view?.();
  }

  all() { this.show(this.whole); }

  /** Zoom by a factor around a place, the middle of what is shown unless given. */
  zoom(factor, centre) {
    const [left, top, width, height] = this.box;
    const [x, y] = centre ?? this.cross ?? [left + width / 2, top + height / 2];
    const w = Math.min(Math.max(width / factor, this.nearest), this.whole[2]);
    const h = (w * this.whole[3]) / this.whole[2];
    const [a, b] = [(x - left) / width, (y - top) / height];
    this.show(this.clamp([x - a * w, y - b * h, w, h]));
  }

  clamp([left, top, width, height]) {
    const [l, t, w, h] = this.whole;
    return [
      Math.min(Math.max(left, l), l + w - width), Math.min(Math.max(top, t), t + h - height),
      width, height,
    ];
  }

  /** The place under a pointer. */
  at(event) {
    const matrix = this.root.getScreenCTM();
    if (!matrix) return [0, 0];
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    return [x, y];
  }

  /** Show a place, moving what is seen only if it is not in it. */
  reveal([x, y]) {
    const [left, top, width, height] = this.box;
    const inside = x > left && x < left + width && y > top && y < top + height;
    if (!inside) this.show(this.clamp([x - width / 2, y - height / 2, width, height]));
  }

  hit(event) {
    if (this.on.placing?.()) return null; // what is clicked now is a place, also upon a mark
    const reach = (event.pointerType === "touch" ? COARSE_REACH_PX : REACH_PX) * this.scale;
    const [x, y] = this.at(event);
    const away = ({ at }) => Math.hypot(at[0] - x, at[1] - y);
    const near = this.marks.filter((mark) => away(mark) <= reach);
    return near.sort((a, b) => away(a) - away(b))[0] ?? null;
  }

  press(event) {
    if (event.button > 0) return;
    this.root.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.fingers.size > 1) {
      this.held = null;
      return;
    }
    const mark = this.hit(event);
    this.held = {
      x: event.clientX, y: event.clientY, box: this.box, mark, dragged: false, from: this.at(event),
    };
  }

  moved(event) {
    this.on.hover?.(this.at(event));
    if (!this.fingers.has(event.pointerId)) return;
    if (this.fingers.size === 2) {
      this.pinch(event);
      return;
    }
    const held = this.held;
    if (!held) return;
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.dragged && Math.hypot(dx, dy) < HELD_PX) return;
    held.dragged = true;
    if (held.mark) {
      const place = this.at(event);
      const by = [place[0] - held.from[0], place[1] - held.from[1]];
      this.on.move(held.mark.id, [held.mark.at[0] + by[0], held.mark.at[1] + by[1]], false);
    } else {
      const [left, top, width, height] = held.box;
      this.show(this.clamp([left - dx * this.scale, top - dy * this.scale, width, height]));
    }
  }

  pinch(event) {
    const before = [...this.fingers.values()];
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    const after = [...this.fingers.values()];
    const apart = ([[ax, ay], [bx, by]]) => Math.hypot(ax - bx, ay - by);
    const [[ax, ay], [bx, by]] = after;
    const middle = this.at({ clientX: (ax + bx) / 2, clientY: (ay + by) / 2 });
    if (apart(before) > 0) this.zoom(apart(after) / apart(before), middle);
  }

  release(event, counts) {
    const alone = this.fingers.size === 1;
    this.fingers.delete(event.pointerId);
    const held = this.held;
    this.held = null;
    if (!held || !alone || !counts) return;
    if (held.mark && held.dragged) {
      this.on.move(held.mark.id, null, true);
    } else if (held.mark) this.on.pick(held.mark.id);
    else if (!held.dragged) this.on.point(this.at(event));
  }

  /** Where the keyboard points; the middle of what is shown at first. */
  aim() {
    const [left, top, width, height] = this.box;
    return this.cross ?? [left + width / 2, top + height / 2];
  }

  setCross(place) {
    this.cross = place;
    this.crosshair.toggleAttribute("hidden", place === null);
    if (place) {
      const [x, y] = place;
      set(this.crosshair, { transform: `translate(${x.toFixed(3)} ${y.toFixed(3)})` });
      this.reveal(place);
    }
    this.on.cross?.(place);
  }

  key(event) {
    if (event.altKey || event.metaKey) return;
    const way = WAYS[event.key];
    const [usual, fine, coarse] = this.keys;
    if (way) {
      const step = event.shiftKey ? fine : event.ctrlKey ? coarse : usual;
      const mark = this.marks.find(({ id }) => id === this.picked);
      const from = mark?.at ?? this.aim();
      const to = [from[0] + way[0] * step, from[1] + way[1] * step];
      if (mark) {
        this.on.move(mark.id, to, true, "keys");
        this.reveal(to);
      } else this.setCross(this.within(to));
    } else if (event.ctrlKey) return;
    else if (event.key === "Enter" || event.key === " ") {
      if (this.picked === null) this.on.point(this.aim(), "keys");
    } else if (event.key === "Escape") this.on.pick(null);
    else if (event.key === "Delete" || event.key === "Backspace") {
      if (this.picked === null) return;
      this.on.remove(this.picked);
    } else if (event.key === "+" || event.key === "=") this.zoom(STEP);
    else if (event.key === "-") this.zoom(1 / STEP);
    else if (event.key === "0") this.all();
    else if (this.on.other?.(event.key) !== true) return;
    event.preventDefault();
  }

  within([x, y]) {
    const [left, top, width, height] = this.whole;
    return [Math.min(Math.max(x, left), left + width), Math.min(Math.max(y, top), top + height)];
  }
}
