// The plan of an incident with its tools: levels, turning, what is shown on it, the place of the
// first subject in words, and the search map while somebody is out of view.

import { byId, el, keyed, say, set } from "./dom.js";
import { bounds, outside, points } from "./geometry.js";
import { ArrivalPicker } from "./plan_arrival.js";
import { SearchFollower } from "./plan_search.js";
import { subjectWords } from "./plan_subjects.js";
import { northOf, sideOf, turnOf, TURNS } from "./plan_turn.js";
import { levelBadge, placeLine, planWords, scaleBar, searchWords } from "./plan_words.js";
import { clockTime, seconds } from "./words.js";

const WORDS_EVERY_MS = 2000; // who hears the plan is not told ten times a second
const LAYERS = ["views", "blind", "grid", "picture"];
const USUAL = { way: "drawn", views: true, blind: true, grid: true, picture: false };
const KEPT_AS = "lastseen.plan";

export class PlanBoard {
  constructor(plan, copy) {
    this.plan = plan;
    this.copy = copy;
    this.wanted = { ...USUAL, ...kept() };
    this.arrival = new ArrivalPicker(plan, {
      changed: () => { this.arriving = null; },
      aiming: (on) => this.makeRoom(on),
    });
    byId("zoom-in").onclick = () => plan.view.zoom(true);
    byId("zoom-out").onclick = () => plan.view.zoom(false);
    byId("zoom-all").onclick = () => plan.view.all();
    for (const way of TURNS) byId(`turn-${way}`).onclick = () => this.turn(way);
    for (const name of LAYERS) byId(`show-${name}`).onclick = () => this.toggle(name);
    byId("place-copy").onclick = () => this.copyPlace();
    plan.onview = () => this.showScale();
    for (const [on, off] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
      plan.root.addEventListener(on, (event) => this.point(event.target.closest?.("[role=button]")));
      plan.root.addEventListener(off, () => this.point(null));
    }
    byId("plan-more").onclick = () => this.unfold(byId("plan-options").hidden);
    byId("plan-options").onkeydown = (event) => {
      if (event.key !== "Escape") return;
      this.unfold(false);
      byId("plan-more").focus();
    };
    this.unfold(false);
  }

  /** Show the tools that are not always needed, or fold them away. */
  unfold(open) {
    byId("plan-options").hidden = !open;
    set(byId("plan-more"), { "aria-expanded": open });
  }

  /** Get the tools out of the way while somebody aims at a place, and back afterwards. */
  makeRoom(aiming) {
    if (aiming) this.wasOpen = !byId("plan-options").hidden;
    if (aiming || this.wasOpen) this.unfold(!aiming);
    if (!aiming) this.wasOpen = false;
  }

  /** Take up an incident; the plan holds its site's drawing already. */
  begin({ incident, me, camerasTold }) {
    const { plan } = this;
    this.cameras = [];
    this.message = null;
    this.pinned = null; // a level that somebody chose, other than that of who is followed
    this.state = "waiting";
    this.arriving = null; // the side where officers arrive, as it was when the plan was turned
    this.grown = 0;
    this.saidAt = -Infinity;
    this.follower = new SearchFollower(incident, (map) => plan.showSearch(map));
    this.arrival.begin(incident, me);
    byId("legend-cameras").hidden = !camerasTold;
    byId("legend-blind").hidden = !camerasTold;
    byId("show-views").hidden = byId("show-blind").hidden = !camerasTold;
    byId("show-picture").hidden = !plan.about.underlays?.length;
    byId("show-grid").hidden = !plan.about.grid;
    this.camerasTold = camerasTold;
    for (const name of LAYERS) this.toggle(name, this.wanted[name]);
    plan.showLevel(plan.levels[0]?.id);
    this.turn(this.wanted.way, { keep: false });
    this.showLevels();
    this.showWords();
    this.showPlace();
    this.point(null);
  }

  end() {
    this.follower?.want(null);
    this.follower = null;
    this.arrival.switch(false);
  }

  showCameras(cameras) {
    this.cameras = cameras;
    this.plan.showCameras(cameras);
  }

  showAnswer(message) {
    this.message = message;
    const { plan } = this;
    const followed = this.followed(message);
    // Taken before it is drawn on a level that is drawn anew for it.
    plan.message = message;
    if (followed && !this.pinned && plan.level !== followed.level.id) {
      plan.showLevel(followed.level.id);
      this.showLevels();
    } else plan.showAnswer(message);
    this.follower?.want(plan.sought?.id ?? null);
    this.arrival.show(message.arrival);
    if (this.wanted.way === "arriving" && !this.arriving && this.side()) this.turn("arriving", { keep: true });
    this.showWhichWay();
  }

  /** Show that a subject is chosen; null: nobody. Its level is shown. */
  choose(id) {
    this.pinned = null;
    this.plan.choose(id);
    if (this.message) this.showAnswer(this.message);
  }

  followed(message) {
    return message.subjects.find((s) => s.id === this.plan.chosen) ?? this.plan.first
      ?? message.subjects.find((s) => s.status === "ranked");
  }

  /** What changes without a message: `state` of the screen, ages, seconds since the last answer. */
  tick({ state, ages, grown }) {
    this.state = state;
    this.grown = grown;
    this.plan.showAges(ages);
    const live = ["live", "late"].includes(state);
    if (state === "closed") {
      this.arrival.close();
      this.follower?.want(null);
    } else if (live) this.follower?.tick();
    this.plan.setOld(!live || Boolean(this.follower?.old));
    this.showLevels();
    this.showSearch(live);
    this.showPlace();
    if (performance.now() - this.saidAt > WORDS_EVERY_MS) this.showWords();
  }

  showLevels() {
    const { plan } = this;
    const subjects = this.message?.subjects ?? [];
    const levels = plan.levels.length > 1 ? plan.levels : [];
    keyed(byId("levels"), levels, (level) => level.id,
      () => el("button", { type: "button" }, el("span"), el("span", { class: "level-badge" })),
      (button, level) => {
        const { text, words } = levelBadge(level, subjects, plan.sought);
        say(button.firstElementChild, level.name);
        say(button.lastElementChild, text);
        set(button, { "aria-pressed": level.id === plan.level, "aria-label": words });
        button.onclick = () => {
          const followed = this.message && this.followed(this.message);
          this.pinned = followed?.level.id === level.id ? null : level.id;
          plan.showLevel(level.id);
          this.showLevels();
          this.showWords();
        };
      });
  }

  toggle(name, shown = !this.wanted[name]) {
    this.wanted[name] = shown;
    keep(this.wanted);
    set(byId(`show-${name}`), { "aria-pressed": shown });
    this.plan.toggle(name, shown && (this.camerasTold || !["views", "blind"].includes(name)));
    byId("legend-grid").hidden = !this.wanted.grid || !this.plan.about.grid;
    if (this.camerasTold) {
      byId("legend-blind").hidden = !this.wanted.blind;
      byId("legend-cameras").hidden = !this.wanted.views;
    }
  }

  /** Turn the plan. A side is found once, when it is asked for: the plan must not spin by itself. */
  turn(way, { keep: kept = false } = {}) {
    this.wanted.way = way;
    keep(this.wanted);
    this.arriving = way === "arriving" ? this.side() : null;
    const bearing = this.plan.about.bearing_deg ?? 90;
    this.plan.setTurn(turnOf(way, { bearing, arriving: this.arriving }), { keep: kept });
    byId("plan-north").style.setProperty("--north", `${this.plan.turn + northOf(bearing)}deg`);
    for (const one of TURNS) set(byId(`turn-${one}`), { "aria-pressed": one === way });
    this.showWhichWay();
    this.showWords();
  }

  /** The side of the plan where officers arrive, else that of the door to take; null: not known. */
  side() {
    const { plan } = this;
    const box = bounds(plan.of("unit").flatMap((f) => points(f.geometry)));
    const place = this.message?.arrival?.site_m.coordinates;
    if (place) return sideOf(place, box);
    const door = this.message && plan.door
      && plan.of("entrance").find((f) => f.properties.door_number === plan.door.door_number);
    if (!door) return null;
    const line = door.geometry.coordinates;
    const rooms = plan.of("unit", door.properties.level_id).map((f) => f.geometry);
    const [x, y] = outside(line, rooms);
    const [from, to] = [line[0], line.at(-1)];
    return sideOf([x - (from[0] + to[0]) / 2, y - (from[1] + to[1]) / 2], [0, 0, 0, 0]);
  }

  /** The button that turns to the arriving side tells where that is known from. */
  showWhichWay() {
    const known = Boolean(this.side());
    const waits = this.wanted.way === "arriving" && !this.arriving;
    set(byId("turn-arriving"), {
      "aria-disabled": known || waits ? null : "true",
      title: this.message?.arrival ? "The side where officers arrive is at the bottom"
        : known ? "The side of the door to take is at the bottom"
          : "Not known yet: say where officers arrive, or wait for a door",
    });
  }

  showScale() {
    const { scale, enlarged } = this.plan.view;
    const { metres, px } = scaleBar(scale, enlarged);
    byId("plan-scale").style.setProperty("--bar", `${px.toFixed(1)}px`);
    say(byId("plan-scale-text"), `${metres} m`);
  }

  /** Highlight what the pointer or the focus is on, and tell of it. */
  point(mark) {
    for (const lit of this.plan.root.querySelectorAll("[data-lit]")) set(lit, { "data-lit": null });
    const tip = byId("plan-tip");
    tip.hidden = true;
    if (!mark) return;
    const { camera: id, subject } = mark.dataset;
    set(mark, { "data-lit": true });
    if (id) {
      const view = this.plan.cameras.get(id)?.view;
      if (view) set(view, { "data-lit": true });
      const told = this.cameras.find((c) => c.id === id);
      const state = told ? `: ${told.phase}${told.reason ? `, ${told.reason}` : ""}` : "";
      say(tip, `Camera ${this.plan.nameOf(id)}${state}`);
    } else {
      const one = this.message?.subjects.find((s) => s.id === subject);
      say(tip, one ? subjectWords(one) : subject);
    }
    tip.hidden = false;
  }

  showSearch(live) {
    const sought = this.plan.sought;
    byId("search-note").hidden = !sought?.search;
    byId("legend-search").hidden = !this.follower?.map;
    if (!sought?.search) return;
    const { rooms, areas } = searchWords(sought, this.plan.names);
    say(byId("search-who"), `${sought.id} can be in `);
    const ends = (i) => (i === rooms.length - 1 ? ". " : "; ");
    keyed(byId("search-rooms"), rooms.map((text, i) => ({ text: text + ends(i), i })), ({ i }) => i,
      () => el("li"), (item, { text }) => say(item, text));
    const { follower } = this;
    const age = !follower?.map ? "the map is being fetched"
      : !live || follower.old ? `the map is ${seconds(follower.ageS)} old: not live` : "";
    say(byId("search-areas"), [areas, age].filter(Boolean).join("; "));
    set(byId("search-note"), { "data-old": !live || follower?.old || null });
  }

  showPlace() {
    const { plan, state } = this;
    const first = this.message && this.followed(this.message);
    const live = ["live", "late"].includes(state);
    const door = first && first.id === plan.first?.id ? plan.door : null;
    const clock = this.message?.at ? clockTime(this.message.at) : "";
    const line = placeLine(first, {
      door, levels: plan.levels.length, grown: state === "closed" ? 0 : this.grown, live, clock,
    });
    say(byId("place-line"), line);
    byId("place").hidden = !line;
  }

  async copyPlace() {
    const copied = await this.copy(byId("place-line").textContent);
    say(byId("plan-asks"), copied ? "Copied" : "It could not be copied: select the text instead");
    say(byId("place-copy"), copied ? "Copied" : "Not copied");
    setTimeout(() => {
      say(byId("place-copy"), "Copy place");
      if (!this.arrival.on) say(byId("plan-asks"), "");
    }, 2000);
  }

  showWords() {
    this.saidAt = performance.now();
    const { plan } = this;
    const level = plan.levels.find((one) => one.id === plan.level);
    if (!level) return;
    const here = new Set(plan.of("camera-view", level.id).map((f) => f.properties.camera));
    set(plan.root, {
      "aria-label": planWords({
        level, way: this.wanted.way, subjects: this.message?.subjects ?? [], door: plan.door,
        doors: plan.of("entrance", level.id).length,
        cameras: this.cameras.filter((c) => here.has(c.id)),
        blind: this.wanted.blind && this.camerasTold && this.cameras.length ? plan.blind?.share : null,
      }),
    });
    const share = plan.blind ? ` (${Math.round(plan.blind.share * 100)} % of this level)` : "";
    say(byId("legend-blind-text"), `no live camera looks here${this.cameras.length ? share : ""}`);
  }
}

/** What this screen showed last; nothing where it may not be kept. */
function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT_AS) ?? "{}");
  } catch {
    return {};
  }
}

function keep(wanted) {
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify(wanted));
  } catch {
    // A browser that keeps nothing shows what is usual the next time.
  }
}
