// The walk test: places that somebody walks between, and how far beside the line they are put.

import { byId, el, keyed, say } from "./dom.js";
import * as remote from "./calibrate_remote.js";
import { inWords } from "./requests.js";

const AGAIN_MS = 400;
const OVER = new Set(["done", "failed", "stopped"]);
const letter = (k) => String.fromCharCode(65 + k);

export class Walk {
  /** `on`: `changed(places, result)`; `unsaved()` is the body of a fit that is not saved, or null. */
  constructor(on, unsaved) {
    this.on = on;
    this.unsaved = unsaved;
    this.places = [];
    this.result = null;
    this.running = null;
    this.where = null;
    byId("walk").addEventListener("click", () => (this.running ? this.stop() : this.begin()));
  }

  reset(site, camera) {
    this.where = [site, camera.id];
    this.places = [];
    this.result = null;
    this.running = null;
    const drill = camera.recording !== null;
    byId("walk-from-field").hidden = !drill;
    byId("walk-for").max = Math.floor(drill ? 600 : camera.longest_s);
    say(byId("walk-told"), "");
    this.show();
  }

  add(place) {
    if (this.places.length >= 12) return;
    this.places.push(place);
    this.result = null;
    this.show();
  }

  show() {
    keyed(byId("places"), this.places.map((at, k) => ({ at, k })), ({ k }) => k,
      ({ k }) => {
        const gone = el("button", { type: "button", class: "small quiet", "aria-label": `Remove place ${letter(k)}` }, "Remove");
        gone.addEventListener("click", () => { this.places.splice(k, 1); this.result = null; this.show(); });
        return el("li", {}, el("span", {}), gone);
      },
      (element, { at, k }) => say(element.firstElementChild, `${letter(k)}: ${at[0].toFixed(2)}, ${at[1].toFixed(2)} m`));
    byId("walk").disabled = this.places.length < 2;
    say(byId("walk"), this.running ? "Stop" : "Begin");
    this.on.changed(this.places, this.result);
  }

  async begin() {
    const body = {
      places: this.places,
      from_s: byId("walk-from-field").hidden ? 0 : byId("walk-from").valueAsNumber || 0,
      seconds: byId("walk-for").valueAsNumber || 20,
      by: this.unsaved(),
    };
    this.result = null;
    say(byId("walk-told"), "Starting…");
    try {
      const told = await remote.beginWalk(...this.where, body);
      this.running = told.id;
      this.show();
      this.follow(told.id);
    } catch (error) {
      say(byId("walk-told"), inWords(error));
    }
  }

  async stop() {
    try {
      await remote.stopWalk(...this.where, this.running);
    } catch (error) {
      say(byId("walk-told"), inWords(error));
    }
  }

  async follow(id) {
    while (this.running === id) {
      try {
        const told = await remote.walk(...this.where, id);
        if (this.running !== id) return;
        this.tell(told);
        if (OVER.has(told.state)) {
          this.running = null;
          this.result = told.result;
          this.show();
          return;
        }
      } catch (error) {
        say(byId("walk-told"), `${inWords(error)} Trying again…`);
      }
      await new Promise((wake) => setTimeout(wake, AGAIN_MS));
    }
  }

  tell(told) {
    const { state, result } = told;
    say(byId("walk-told"), result
      ? `${result.text} Worst ${result.worst_m.toFixed(2)} m at ${result.worst_at_m.map((v) => v.toFixed(1)).join(", ")} m (marked ×).${shifted(result)}`
      : state === "failed" ? `No result: ${told.problem}.`
      : state === "starting" ? "Connecting…"
      : `Watching: ${told.watched_s.toFixed(0)} of ${told.seconds.toFixed(0)} s, ${told.people} ${told.people === 1 ? "person" : "people"} seen. Walk now.`);
  }
}

/** That everything is put too far to one side, where that explains most of it. */
function shifted({ shift_m: [x, y], median_m: median }) {
  const by = Math.hypot(x, y);
  return by > 0.1 && by > 0.6 * median
    ? ` On the whole they were put ${by.toFixed(2)} m to one side (${x.toFixed(2)}, ${y.toFixed(2)} m).` : "";
}
