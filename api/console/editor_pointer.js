// Mouse, pen and fingers on the drawing area: what is pressed, dragged and let go.

const REACH_PX = { mouse: 10, pen: 12, touch: 22 };
const HELD_PX = 6;

export class Pointer {
  constructor(ed) {
    this.ed = ed;
    this.fingers = new Map();
    this.pressed = null; // the pointer that draws or pans
    const { root } = ed.canvas;
    root.addEventListener("pointerdown", (event) => this.down(event));
    root.addEventListener("pointermove", (event) => this.move(event));
    root.addEventListener("pointerup", (event) => this.up(event));
    root.addEventListener("pointercancel", (event) => this.end(event));
    root.addEventListener("pointerleave", () => {
      if (!this.pressed && ed.toolName !== "select") ed.canvas.showCrosshair(null);
    });
    root.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  how(event) {
    const { ed } = this;
    return { reach_m: (REACH_PX[event.pointerType] ?? 10) * ed.canvas.scale, free: event.shiftKey };
  }

  down(event) {
    const { ed } = this;
    ed.canvas.root.focus({ preventScroll: true });
    ed.canvas.root.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.fingers.size > 1) { // two fingers zoom and pan; what one began is given up
      this.pressed = null;
      if (ed.toolName === "select") ed.tool.cancel();
      return;
    }
    const pans = event.button === 1 || event.button === 2;
    const held = !pans && ed.tool.press?.(ed.canvas.at(event), this.how(event));
    this.pressed = {
      id: event.pointerId, start: [event.clientX, event.clientY], moved: false,
      pans: pans || (ed.tool.press && !held),
    };
  }

  move(event) {
    const { ed, pressed } = this;
    const before = this.fingers.get(event.pointerId);
    if (before && this.fingers.size === 2) {
      this.pinch(event, before);
      return;
    }
    const now = [event.clientX, event.clientY];
    if (pressed && !pressed.moved) {
      pressed.moved = Math.hypot(now[0] - pressed.start[0], now[1] - pressed.start[1]) > HELD_PX;
    }
    if (before) this.fingers.set(event.pointerId, now);
    if (pressed?.pans) {
      if (pressed.moved) ed.canvas.pan(now[0] - before[0], now[1] - before[1]);
      return;
    }
    ed.tool.move(ed.canvas.at(event), this.how(event));
  }

  pinch(event, before) {
    const { canvas } = this.ed;
    const [other] = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    const now = [event.clientX, event.clientY];
    const wide = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
    const middle = { clientX: (now[0] + other[0]) / 2, clientY: (now[1] + other[1]) / 2 };
    canvas.zoom(wide(now) / wide(before), canvas.at(middle));
    canvas.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    this.fingers.set(event.pointerId, now);
  }

  up(event) {
    const { ed, pressed } = this;
    this.fingers.delete(event.pointerId);
    if (!pressed || pressed.id !== event.pointerId) return;
    this.pressed = null;
    if (ed.tool.release) ed.tool.release();
    else if (!pressed.pans) {
      const at = ed.canvas.at(event);
      ed.crosshair = at.map((v) => Math.round(v * 100) / 100);
      ed.tool.click(at, this.how(event));
    }
  }

  end(event) {
    this.fingers.delete(event.pointerId);
    this.pressed = null;
    this.ed.tool.cancel();
  }
}
