// The one picture of the tactical page: which camera it shows, and how that changes. While it
// follows, it goes to the camera that matters most, without jumping about; a swipe takes over.

import { say } from "./dom.js";
import { arrange } from "./places.js";
import { Player } from "./player.js";
import { seconds } from "./words.js";

const SWIPE_PX = 48;
const TOUR_MS = 20_000; // after so long the next swipe begins again with the most important

export class Stage {
  /**
   * `parts` are elements: `stage` (takes swipes and keys), `screen`, `name`, `age`, `why`, `spoken`.
   * `onchange(camera, following)` is called when another camera is shown; `onslow()` where the
   * link is too slow for video.
   */
  constructor(parts, { clock, onchange, onslow }) {
    this.parts = parts;
    this.clock = clock;
    this.onchange = onchange;
    this.onslow = onslow;
    this.cameras = new Map(); // what `GET …/streams` says, by id
    this.wanted = [];
    this.phases = new Map();
    this.following = true;
    this.place = null;
    this.tour = [];
    this.touredAt = -Infinity;
    this.player = null;
    this.stills = false;
    this.budget = null;
    this.listen();
  }

  listen() {
    const { stage } = this.parts;
    let grip = null;
    stage.addEventListener("pointerdown", (event) => {
      if (!event.target.closest("button")) grip = { x: event.clientX, y: event.clientY };
    });
    stage.addEventListener("pointerup", (event) => {
      if (!grip) return;
      const [dx, dy] = [event.clientX - grip.x, event.clientY - grip.y];
      grip = null;
      if (Math.abs(dx) > SWIPE_PX && Math.abs(dx) > 1.5 * Math.abs(dy)) this.turn(dx < 0 ? 1 : -1);
      else if (Math.hypot(dx, dy) < 10 && this.player?.state === "blocked") this.player.tapped();
    });
    stage.addEventListener("pointercancel", () => { grip = null; });
    stage.addEventListener("keydown", (event) => {
      if (event.key === "ArrowRight") this.turn(1);
      else if (event.key === "ArrowLeft") this.turn(-1);
    });
  }

  /** Take the cameras that can be watched, as `GET …/streams` has them. */
  setCameras(cameras) {
    this.cameras = new Map(cameras.map((camera) => [camera.camera, camera]));
    this.choose();
  }

  /** Take the cameras that matter now, and the states of feeds. */
  show(wanted) {
    this.wanted = wanted;
    this.choose();
    this.explain();
  }

  showPhases(cameras) {
    this.phases = new Map(cameras.map(({ id, phase }) => [id, phase]));
  }

  follow(on) {
    this.following = on;
    if (on) this.tour = [];
    if (this.place) this.place.pinned = !on;
    if (on && this.place) this.place.sinceMs = -Infinity; // at once
    this.choose();
    this.onchange(this.place?.id ?? null, this.following);
  }

  choose() {
    if (!this.cameras.size) return;
    const there = this.wanted.filter(({ id }) => this.cameras.has(id));
    const wanted = there.length || this.place ? there
      : [{ id: this.cameras.keys().next().value, sight: "next", chance: 0.01 }];
    const [place] = arrange([this.place], wanted, {
      count: 1, nowMs: performance.now(), phases: this.phases,
    });
    if (place && place.id !== this.place?.id) this.go(place.id, false);
  }

  /** Show the next camera (1) or the one before (-1). */
  turn(by) {
    const now = performance.now();
    if (now - this.touredAt > TOUR_MS) this.tour = [];
    this.touredAt = now;
    const here = this.place?.id;
    if (by < 0) {
      const before = this.tour.pop();
      if (before) this.take(before);
      else this.take(this.order().filter((id) => id !== here).at(-1));
      return;
    }
    const seen = new Set([...this.tour, here]);
    let next = this.order().find((id) => !seen.has(id));
    if (!next) { // all were seen: begin again
      this.tour = [];
      next = this.order().find((id) => id !== here);
    }
    if (here && next) this.tour.push(here);
    this.take(next);
  }

  /** All cameras: those that matter by importance, then the others by name. */
  order() {
    const first = this.wanted.map(({ id }) => id).filter((id) => this.cameras.has(id));
    const others = [...this.cameras.values()]
      .filter(({ camera }) => !first.includes(camera))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ camera }) => camera);
    return [...first, ...others];
  }

  take(id) {
    if (!id) return;
    this.following = false;
    this.go(id, true);
  }

  go(id, pinned) {
    const camera = this.cameras.get(id);
    this.place = { id, sinceMs: performance.now(), pinned };
    this.player?.stop();
    const { screen, name, age, spoken } = this.parts;
    say(name, camera.name || id);
    say(spoken, `Picture of ${camera.name || id}`);
    this.player = new Player(screen, camera, {
      name: camera.name || id, clock: this.clock, stills: this.stills, budget: this.budget,
      onage: (ageS) => say(age, ageS === null ? "no picture" : `${seconds(ageS)} old`),
      onslow: () => this.onslow(),
    });
    if (this.hidden) this.player.pause();
    this.explain();
    this.onchange(id, this.following);
  }

  explain() {
    const camera = this.wanted.find(({ id }) => id === this.place?.id);
    const why = camera?.reason ?? (this.wanted.length ? "Not on the way of the person" : "");
    say(this.parts.why, why.charAt(0).toUpperCase() + why.slice(1));
  }

  /** Pictures a second instead of video, within a budget of bytes; or video again. */
  useStills(wanted, budget) {
    this.stills = wanted;
    this.budget = wanted ? budget : null;
    if (this.player) {
      this.player.budget = this.budget;
      this.player.useStills(wanted);
    }
  }

  pause(hidden) {
    this.hidden = hidden;
    if (hidden) this.player?.pause();
    else this.player?.resume();
  }

  close(words) {
    this.player?.finish("closed", words);
  }

  stop() {
    this.player?.stop();
    this.player = null;
    this.place = null;
    this.cameras = new Map();
  }
}
