// The live pictures of the cameras that matter now: those that see the first subject and those that
// it can walk into next, each with its name, why it is shown, and the age of its picture.

import { el, keyed, say, set } from "./dom.js";
import { arrange } from "./places.js";
import { Player } from "./player.js";
import * as requests from "./requests.js";
import { percent, seconds } from "./words.js";

const MOST = 4;
const NARROW_PX = 620; // a panel narrower than this shows two
const ARRANGE_MS = 1000;
const LEARN_MS = 3000; // cameras that are not known yet are asked for so often
const VIDEO_AGAIN_MS = 60_000; // after a link was too slow for video
const CHOOSE = "No camera sees the first subject yet. Choose one to watch.";

/** Why a camera is shown, for a glance. */
function inShort({ sight, soonest_s: soonestS, chance }) {
  if (sight === "sees") return "Sees the person now";
  if (sight === "covers") return "Shows the place";
  const when = soonestS > 0 ? `In ${Math.max(1, Math.round(soonestS))} s at a run` : "Any moment";
  return `${when}, ${percent(chance)}`;
}

export class Pictures {
  /** Fills `root`, a section. `clock` knows the server's time. */
  constructor(root, { clock = requests.clock } = {}) {
    this.root = root;
    this.clock = clock;
    this.incident = null;
    this.learntAt = -Infinity;
    this.wanted = [];
    this.phases = new Map();
    this.names = new Map();
    this.paths = new Map();
    this.places = [];
    this.chosen = null; // subject id, where somebody chose one
    this.tiles = new Map(); // by camera id
    this.enlarged = null;
    this.timer = null;
    this.build();
    this.sight = () => this.seen(document.visibilityState === "visible");
  }

  build() {
    this.chooser = el("select", { "aria-label": "Watch another camera" });
    this.chooser.onchange = () => {
      if (this.chooser.value) this.watch(this.chooser.value);
      this.chooser.value = "";
    };
    this.list = el("ul", { class: "picture-list" });
    this.empty = el("p", { class: "empty" }, CHOOSE);
    this.large = el("dialog", { class: "picture-large", "aria-label": "Enlarged picture" });
    this.largeName = el("h2");
    this.largeWhy = el("p", { class: "picture-why" });
    this.holder = el("div", { class: "picture-holder" });
    const button = (words, does, label) => {
      const made = el("button", { type: "button", "aria-label": label ?? null }, words);
      made.onclick = does;
      return made;
    };
    this.large.append(
      el("div", { class: "picture-head" }, this.largeName, button("Close", () => this.large.close())),
      this.holder,
      el("div", { class: "picture-head" },
        button("‹", () => this.turn(-1), "Picture before"), this.largeWhy,
        button("›", () => this.turn(1), "Next picture")));
    this.large.onclose = () => this.shrink();
    this.large.onkeydown = (event) => {
      if (event.key === "ArrowLeft") this.turn(-1);
      else if (event.key === "ArrowRight") this.turn(1);
    };
    this.root.replaceChildren(
      el("div", { class: "picture-head" }, el("h2", {}, "Live pictures"), this.chooser),
      this.empty, this.list, this.large);
  }

  /**
   * Show the pictures of an incident; where `camerasTold` is false nothing is shown or fetched.
   * Null stops. `clock` knows the server's time.
   */
  async setIncident(id, { camerasTold = true, clock = this.clock } = {}) {
    this.stop();
    this.clock = clock;
    this.incident = camerasTold ? id : null;
    this.root.hidden = this.incident === null;
    if (this.incident === null) return;
    document.addEventListener("visibilitychange", this.sight);
    this.timer = setInterval(() => {
      this.ask();
      this.arrange();
    }, ARRANGE_MS);
    await this.learn();
  }

  /** Learn which cameras can be watched, and where. */
  async learn() {
    const asked = this.incident;
    this.learntAt = performance.now();
    try {
      const { cameras } = await requests.streams(asked);
      if (asked !== this.incident) return;
      for (const camera of cameras) {
        this.paths.set(camera.camera, camera);
        this.names.set(camera.camera, camera.name || camera.camera);
      }
      this.showChooser();
      say(this.empty, cameras.length ? CHOOSE : "No camera can be watched now.");
    } catch (error) {
      if (asked === this.incident) say(this.empty, `No pictures: ${requests.inWords(error)}`);
    }
    this.arrange();
  }

  showChooser() {
    const items = [["", "Watch another camera…"], ...[...this.names].sort((a, b) => (a[1] < b[1] ? -1 : 1))];
    keyed(this.chooser, items, ([id]) => id, ([id]) => el("option", { value: id }),
      (option, [, name]) => say(option, name));
  }

  /** Take the cameras that matter now, as an answer has them; not while somebody is chosen. */
  show(camerasNow) {
    if (this.chosen === null) this.take(camerasNow);
  }

  /** Show the cameras that matter for a chosen subject; null: for the first again. */
  choose(subject) {
    this.chosen = subject;
    this.ask();
  }

  /** Ask for the cameras of the chosen one; where it is not there any more, the first counts. */
  async ask() {
    const { chosen, incident } = this;
    if (chosen === null || incident === null || this.over) return;
    try {
      const { cameras } = await requests.subjectCameras(incident, chosen);
      if (chosen === this.chosen && incident === this.incident) this.take(cameras);
    } catch (error) {
      const gone = error instanceof requests.Refused && error.status === 404;
      if (gone && chosen === this.chosen) this.chosen = null;
    }
  }

  take(camerasNow) {
    this.wanted = camerasNow;
    if (this.list.childElementCount === 0) this.arrange();
    for (const tile of this.tiles.values()) this.explain(tile);
  }

  /** Take the states of the cameras' feeds. */
  showCameras(cameras) {
    this.phases = new Map(cameras.map(({ id, phase }) => [id, phase]));
    for (const { id, name } of cameras) if (!this.names.has(id)) this.names.set(id, name || id);
  }

  /** Give a camera a place and keep it there. */
  watch(id) {
    if (this.incident === null || this.over) return;
    const at = this.places.findIndex((place) => place?.id === id);
    const place = { id, sinceMs: performance.now(), pinned: true };
    if (at >= 0) this.places[at] = place;
    else {
      const free = this.places.findIndex((one) => one === null || !one.pinned);
      const last = this.places.findLastIndex((one) => one === null || !one.pinned);
      // The first place is that of the camera that sees the subject: it goes last.
      const to = this.places.indexOf(null) >= 0 ? this.places.indexOf(null) : last > free ? last : free;
      this.places[Math.max(to, 0)] = place;
    }
    this.arrange();
    this.tiles.get(id)?.open.focus();
  }

  get count() {
    return this.root.clientWidth < NARROW_PX ? 2 : MOST;
  }

  arrange() {
    if (this.incident === null || this.over) return;
    const unknown = !this.paths.size || this.wanted.some(({ id }) => !this.paths.has(id));
    if (unknown && performance.now() - this.learntAt > LEARN_MS) this.learn();
    this.places = arrange(this.places, this.wanted.filter(({ id }) => this.paths.has(id)), {
      count: this.count, nowMs: performance.now(), phases: this.phases,
    });
    const shown = this.places.filter((place) => place && this.paths.has(place.id));
    const kept = new Set(shown.map(({ id }) => id));
    if (this.enlarged && !kept.has(this.enlarged.id)) kept.add(this.enlarged.id);
    for (const [id, tile] of this.tiles) {
      if (kept.has(id)) continue;
      tile.player.stop();
      tile.item.remove();
      this.tiles.delete(id);
    }
    shown.forEach(({ id, pinned }, i) => {
      const tile = this.tiles.get(id) ?? this.tile(id);
      const there = this.list.children[i];
      if (there !== tile.item) this.list.insertBefore(tile.item, there ?? null);
      set(tile.pin, { "aria-pressed": pinned });
      this.explain(tile);
    });
    this.empty.hidden = shown.length > 0;
  }

  tile(id) {
    const name = this.names.get(id) ?? id;
    const screen = el("div", { class: "screen" });
    const tile = {
      id, name, screen,
      age: el("p", { class: "picture-age" }),
      why: el("p", { class: "picture-why" }),
      open: el("button", { type: "button", class: "picture-open", "aria-label": `Enlarge ${name}` }),
      pin: el("button", {
        type: "button", class: "picture-pin", "aria-label": `Keep ${name} here`, title: "Keep it here",
      }, "Keep"),
      frame: el("div", { class: "picture-frame" }),
    };
    tile.frame.append(screen, tile.open, tile.pin);
    tile.item = el("li", { class: "picture", "data-camera": id }, tile.frame,
      el("div", { class: "picture-words" },
        el("p", { class: "picture-name" }, el("strong", {}, name)), tile.why));
    tile.open.onclick = () => {
      if (tile.player.state === "blocked") tile.player.tapped();
      else this.enlarge(tile);
    };
    tile.pin.onclick = () => {
      const place = this.places.find((one) => one?.id === id);
      if (place) place.pinned = !place.pinned;
      set(tile.pin, { "aria-pressed": Boolean(place?.pinned) });
    };
    tile.player = new Player(screen, this.paths.get(id), {
      name, clock: this.clock,
      onstate: (state) => {
        tile.item.dataset.picture = state;
        if (state === "refused") this.refused(tile);
      },
      onage: (ageS) => say(tile.age, ageS === null ? "no picture" : `${seconds(ageS)} old`),
      onslow: () => this.slow(tile),
    });
    screen.append(tile.age); // it goes where the picture goes
    this.tiles.set(id, tile);
    return tile;
  }

  /** A link that is too slow gets a picture a second, and video again after a while. */
  slow(tile) {
    tile.slow = true;
    tile.player.useStills(true);
    this.explain(tile);
    setTimeout(() => {
      tile.slow = false;
      tile.player.useStills(false);
      this.explain(tile);
    }, VIDEO_AGAIN_MS);
  }

  refused(tile) {
    const place = this.places.find((one) => one?.id === tile.id);
    if (place) place.pinned = false;
  }

  explain(tile) {
    const camera = this.wanted.find(({ id }) => id === tile.id);
    const why = camera ? camera.reason : "chosen by hand, or no longer on the way";
    const slow = tile.slow ? "Slow connection: a picture a second. " : "";
    tile.reason = `${slow}${why.charAt(0).toUpperCase()}${why.slice(1)}`;
    say(tile.why, `${slow}${camera ? inShort(camera) : "Chosen by hand"}`);
    set(tile.why, { title: tile.reason });
    set(tile.item, { "data-sight": camera?.sight ?? null });
    if (this.enlarged === tile) say(this.largeWhy, tile.reason);
  }

  enlarge(tile) {
    if (this.enlarged) this.putBack();
    this.enlarged = tile;
    say(this.largeName, tile.name);
    say(this.largeWhy, tile.reason);
    this.holder.append(tile.screen);
    if (!this.large.open) this.large.showModal();
  }

  /** The picture beside the enlarged one. */
  turn(by) {
    const items = [...this.list.children].map((item) => this.tiles.get(item.dataset.camera));
    const at = items.indexOf(this.enlarged);
    const next = items[(at + by + items.length) % items.length];
    if (next && next !== this.enlarged) this.enlarge(next);
  }

  putBack() {
    const { enlarged } = this;
    this.enlarged = null;
    enlarged.frame.prepend(enlarged.screen);
  }

  shrink() {
    if (!this.enlarged) return;
    const { open } = this.enlarged;
    this.putBack();
    open.focus();
    this.arrange();
  }

  seen(visible) {
    for (const { player } of this.tiles.values()) {
      if (visible) player.resume();
      else player.pause();
    }
  }

  /** The incident is closed: all pictures are black at once and say so. */
  close(words = "the incident is closed") {
    this.over = true;
    clearInterval(this.timer);
    for (const { player } of this.tiles.values()) player.finish("closed", words);
    if (this.large.open) this.large.close();
  }

  /** Leave: nothing is fetched any more. */
  stop() {
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.sight);
    if (this.large.open) this.large.close();
    for (const { player } of this.tiles.values()) player.stop();
    this.tiles.clear();
    this.list.replaceChildren();
    this.places = [];
    this.wanted = [];
    this.paths.clear();
    this.names.clear();
    this.over = false;
    this.chosen = null;
    this.incident = null;
  }
}
