// Scale and north of a picture: two of its points and what was measured of them.

import { byId, say } from "./dom.js";
import { away, between } from "./editor_shapes.js";

const NAMES = ["A", "B", "foot of the north arrow", "tip of the north arrow"];

export class ScaleTool {
  /** `ask(measured)` sends what was measured; it returns whether the server took it. */
  constructor(ed, ask) {
    this.ed = ed;
    this.ask = ask;
    this.points = []; // of the picture, pixels: A, B, and foot and tip of the north arrow
    this.hint = "Click two points of the picture whose distance you know, as far apart as can be found in the building.";
    this.form = byId("scale-form");
    const { elements } = this.form;
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.send();
    };
    this.form.onchange = () => this.arrange();
    byId("scale-cancel").onclick = () => ed.use("select");
    byId("scale-again").onclick = () => this.begin();
    byId("scale-north").onclick = () => {
      this.points = this.points.slice(0, 2);
      this.show();
      ed.say("Click the foot of the north arrow, then its tip.");
      ed.canvas.root.focus();
    };
    for (const [i, name] of ["ax", "ay", "bx", "by"].entries()) {
      elements[name].oninput = () => {
        const value = Number(elements[name].value);
        const at = i < 2 ? 0 : 1;
        const kept = this.points[at] ?? [0, 0];
        this.points[at] = i % 2 ? [kept[0], value] : [value, kept[1]];
        this.draw();
      };
    }
  }

  get picture() {
    return this.ed.picture();
  }

  start() {
    const fresh = this.ed.draft.cameras === 0 && this.ed.doc.features.length === 0;
    this.form.elements.axes.value = fresh ? "picture" : "site";
    this.form.elements.carry.checked = !this.picture.measured;
    this.begin();
  }

  begin() {
    this.points = [];
    this.form.hidden = false;
    say(byId("scale-refusal"), "");
    this.arrange();
    this.show();
  }

  stop() {
    this.form.hidden = true;
    this.cancel();
  }

  cancel() {
    this.points = [];
    this.ed.canvas.preview();
    this.ed.canvas.showCrosshair(null);
    this.show();
  }

  back() {
    this.points.pop();
    this.show();
  }

  /** A place of the plan in pixels of the picture, and back. */
  toPixels([x, y]) {
    const [[a, c, e], [b, d, f]] = this.picture.to_site;
    const det = a * d - b * c;
    return [(d * (x - e) - c * (y - f)) / det, (a * (y - f) - b * (x - e)) / det];
  }

  toSite([x, y]) {
    const [[a, c, e], [b, d, f]] = this.picture.to_site;
    return [a * x + c * y + e, b * x + d * y + f];
  }


  move(at) {
    this.ed.canvas.showCrosshair(at);
    this.draw(at);
    this.ed.sayPlace(at, this.points.length % 2 ? this.toSite(this.points.at(-1)) : null);
  }

  click(at) {
    const north = this.form.elements.direction.value === "arrow";
    if (this.points.length >= (north ? 4 : 2)) return;
    const px = this.toPixels(at).map((v) => Math.round(v * 10) / 10);
    this.points.push(px);
    this.ed.say(`Point ${NAMES[this.points.length - 1]} at pixel ${px.join(", ")}`);
    this.show();
    if (this.points.length === 2) this.focusNext();
  }

  focusNext() {
    const { how } = this.form.elements;
    this.form.elements[{ distance: "distance", metres: "m1x", earth: "lon1" }[how.value]].focus();
  }

  show() {
    const { elements } = this.form;
    for (const [i, name] of ["ax", "ay", "bx", "by"].entries()) {
      const point = this.points[Math.floor(i / 2)];
      elements[name].value = point ? point[i % 2] : "";
    }
    const north = this.points.length === 4 ? "Both points of the arrow are set."
      : this.points.length === 3 ? "Now its tip." : "Click its foot, then its tip.";
    say(byId("scale-arrow"), this.points.length < 2 ? "First the two points A and B." : north);
    this.draw();
  }

  draw(at = null) {
    const points = this.points.map((p) => this.toSite(p));
    const lines = [];
    if (points.length >= 2) lines.push(points.slice(0, 2));
    else if (points.length === 1 && at) lines.push([points[0], at]);
    if (points.length === 4) lines.push(points.slice(2));
    else if (points.length === 3 && at) lines.push([points[2], at]);
    const tips = points.map((p, i) => ({ at: p, text: ["A", "B", "foot", "N"][i] }));
    if (points.length === 2) tips.push({ at: between(...points, 0.5), text: `${away(...points).toFixed(2)} m so far` });
    this.ed.canvas.preview({ points, lines, tips });
  }

  /** Show the fields of what is chosen. */
  arrange() {
    const how = this.form.elements.how.value;
    for (const part of this.form.querySelectorAll("[data-how]")) {
      const shown = part.dataset.how === how;
      part.hidden = !shown;
      part.disabled = !shown;
    }
    const direction = this.form.elements.direction.value;
    byId("scale-bearing").hidden = direction !== "bearing";
    byId("scale-arrow-line").hidden = direction !== "arrow";
  }

  measured() {
    const { elements } = this.form;
    const number = (name) => Number(elements[name].value);
    const [a, b, foot, tip] = this.points;
    const body = { points_px: [a, b], axes: elements.axes.value, carry: elements.carry.checked };
    const how = elements.how.value;
    if (how === "metres") body.places_m = [[number("m1x"), number("m1y")], [number("m2x"), number("m2y")]];
    else if (how === "earth") body.places_deg = [[number("lon1"), number("lat1")], [number("lon2"), number("lat2")]];
    else {
      body.distance_m = number("distance");
      if (elements.direction.value === "bearing") body.bearing_deg = number("bearing");
      if (elements.direction.value === "arrow") body.north_px = [foot, tip];
    }
    return body;
  }

  async send() {
    const refusal = byId("scale-refusal");
    const arrow = this.form.elements.direction.value === "arrow" && this.form.elements.how.value === "distance";
    if (this.points.length < 2 || (arrow && this.points.length < 4)) {
      say(refusal, arrow ? "Set A, B, and foot and tip of the north arrow first." : "Set the two points A and B first.");
      refusal.focus();
      return;
    }
    say(refusal, "");
    const trouble = await this.ask(this.measured());
    if (trouble) {
      say(refusal, trouble);
      refusal.focus();
    }
  }
}
