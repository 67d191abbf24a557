// The versions of a camera's calibration: which is in use, how two differ, and going back to one.

import { byId, el, keyed, say } from "./dom.js";
import { longerFor } from "./calibrate_plan.js";
import * as remote from "./calibrate_remote.js";
import { inWords } from "./requests.js";

const when = (text) => new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

export class Versions {
  /** `on`: `compared(comparison or null)`, `restored(answer)`, `sure(title, text, yes)`. */
  constructor(on) {
    this.on = on;
    this.list = [];
    this.first = null;
    this.where = null;
    this.basedOn = null;
  }

  async load(site, camera, basedOn) {
    this.where = [site, camera];
    this.basedOn = basedOn;
    this.stop();
    this.list = await remote.versions(site, camera);
    this.show();
  }

  show() {
    byId("no-versions").hidden = this.list.length > 0;
    keyed(byId("versions"), this.list, (version) => version.number,
      (version) => this.row(version),
      (element, version) => {
        element.dataset.current = version.current ? "yes" : "no";
        say(element.querySelector(".title"), `Version ${version.number}${version.current ? ", in the camera's file" : ""}`);
        say(element.querySelector(".told"), [
          when(version.saved_at),
          version.saved_by ? `by ${version.saved_by}` : "",
          version.points ? `${version.points} points` : "",
          version.floor_error_m === null ? "" : `±${version.floor_error_m.toFixed(2)} m`,
          version.note,
        ].filter(Boolean).join(", "));
        const comparing = element.querySelector(".compare");
        comparing.setAttribute("aria-pressed", String(this.first === version.number));
        say(comparing, this.first === null ? "Compare"
          : this.first === version.number ? "Stop comparing" : `Compare with ${this.first}`);
        comparing.hidden = this.list.length < 2;
        element.querySelector(".restore").hidden = version.current;
      });
  }

  row(version) {
    const compare = el("button", { type: "button", class: "small compare" });
    compare.addEventListener("click", () => this.compare(version.number));
    const restore = el("button", { type: "button", class: "small restore" }, `Use version ${version.number} again`);
    restore.addEventListener("click", () => this.restore(version.number));
    return el("li", {}, el("p", { class: "title" }), el("p", { class: "told" }), el("div", { class: "group" }, compare, restore));
  }

  stop() {
    this.first = null;
    say(byId("compare-told"), "");
    this.on.compared(null);
  }

  async compare(number) {
    if (this.first === number) this.stop();
    else if (this.first === null) {
      this.first = number;
      say(byId("compare-told"), `Version ${number} with which? Choose another.`);
    } else {
      try {
        const told = await remote.compare(...this.where, this.first, number);
        say(byId("compare-told"), told.moved
          ? `From version ${this.first} (dashed) to ${number} the floor moves by ${told.moved.median_m.toFixed(2)} m (median), 95 % of it by ${told.moved.p95_m.toFixed(2)} m at most, the worst by ${told.moved.worst_m.toFixed(2)} m. Arrows are drawn ${longerFor(told.moved)} times as long.`
          : `Versions ${this.first} and ${number} show no floor in common.`);
        this.on.compared(told);
      } catch (error) {
        say(byId("compare-told"), inWords(error));
      }
    }
    this.show();
  }

  async restore(number) {
    if (!await this.on.sure(`Use version ${number} again?`,
      "It becomes the camera's calibration from the next incident on, as a new version. Nothing is lost.",
      "Use it again")) return;
    try {
      this.on.restored(await remote.restore(...this.where, number, this.basedOn));
    } catch (error) {
      say(byId("compare-told"), inWords(error));
    }
  }
}
