// Saying on the plan where officers arrive: by a click, or with the arrow keys and Enter.

import { byId, say, set, svg } from "./dom.js";
import { may } from "./me.js";
import * as requests from "./requests.js";

const STEP_PX = 20;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class ArrivalPicker {
  /**
   * `changed()` is called once the server has taken a place, or taken it back; `aiming(on)` when
   * somebody begins to aim, and when they are done.
   */
  constructor(plan, { changed, aiming }) {
    this.plan = plan;
    this.changed = changed;
    this.aiming = aiming;
    this.incident = null;
    this.on = false;
    this.aim = null; // place of the cross in the SVG
    this.cross = svg("g", { class: "aim" },
      svg("g", { class: "symbol still" },
        svg("circle", { r: 12 }), svg("path", { d: "M0-20V20M-20 0H20" })));
    byId("arrive").onclick = () => this.switch(!this.on);
    byId("arrive-undo").onclick = () => this.send(null);
    // Before all others: while it is asked for, a click on a mark is a place, too.
    plan.root.addEventListener("click", (event) => this.click(event), true);
    plan.root.addEventListener("keydown", (event) => this.key(event), true);
  }

  begin(incident, me) {
    this.incident = incident;
    this.allowed = may(me, "mark");
    byId("arrive").hidden = byId("arrive-undo").hidden = !this.allowed;
    this.show(null);
    say(byId("plan-refusal"), "");
    this.switch(false);
  }

  close() {
    this.allowed = false;
    byId("arrive").hidden = true;
    byId("arrive-undo").hidden = true;
    this.switch(false);
  }

  show(arrival) {
    this.told = Boolean(arrival);
    byId("arrive-undo").disabled = !this.told;
  }

  switch(on) {
    const was = this.on;
    this.on = on && this.allowed;
    if (was !== this.on) this.aiming(this.on);
    set(byId("arrive"), { "aria-pressed": this.on });
    this.plan.root.classList.toggle("aiming", this.on);
    say(byId("plan-asks"), this.on
      ? "Click where officers arrive, or move the cross with the arrow keys and press Enter. Escape leaves."
      : "");
    if (!this.on) {
      this.cross.remove();
      return;
    }
    say(byId("plan-refusal"), "");
    const [left, top, right, bottom] = this.plan.view.visible();
    this.aimAt([(left + right) / 2, (top + bottom) / 2]);
    this.plan.root.append(this.cross);
    this.plan.root.focus();
  }

  aimAt([x, y]) {
    const [left, top, right, bottom] = this.plan.view.visible();
    this.aim = [Math.min(Math.max(x, left), right), Math.min(Math.max(y, top), bottom)];
    set(this.cross, { transform: `translate(${this.aim[0].toFixed(2)} ${this.aim[1].toFixed(2)})` });
  }

  click(event) {
    if (!this.on || this.plan.view.dragged) return;
    event.stopPropagation();
    this.aimAt(this.plan.view.under(event.clientX, event.clientY));
    this.send(this.plan.siteOf(this.aim));
  }

  key(event) {
    if (!this.on || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = KEYS[event.key];
    if (event.key === "Escape") {
      this.switch(false);
      byId("arrive").focus();
    } else if (event.key === "Enter") this.send(this.plan.siteOf(this.aim));
    else if (step) {
      const { scale } = this.plan.view;
      this.aimAt([this.aim[0] + step[0] * STEP_PX * scale, this.aim[1] + step[1] * STEP_PX * scale]);
    } else return;
    event.stopPropagation();
    event.preventDefault();
  }

  /** Tell the server the place in site metres; null takes it back. */
  async send(place) {
    const { incident } = this;
    const refusal = byId("plan-refusal");
    byId("arrive").disabled = byId("arrive-undo").disabled = true;
    say(refusal, "");
    try {
      if (place) await requests.setArrival(incident, place);
      else await requests.clearArrival(incident);
      if (incident !== this.incident) return;
      this.switch(false);
      say(byId("plan-asks"), place ? "Taken: doors are ranked for officers who come from there."
        : "Taken back: only the ways inside count.");
      this.changed();
    } catch (error) {
      if (incident !== this.incident) return;
      say(refusal, `Where officers arrive was not taken. ${requests.inWords(error)}`);
      refusal.focus();
    } finally {
      byId("arrive").disabled = false;
      byId("arrive-undo").disabled = !this.told;
    }
  }
}
