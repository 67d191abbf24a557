// The screen of one incident: listens to its events and shows them.

import { byId, el, keyed, say, set } from "./dom.js";
import { judge } from "./freshness.js";
import { Grant } from "./grant.js";
import { may } from "./me.js";
import * as panels from "./panels.js";
import { Plan } from "./plan.js";
import * as requests from "./requests.js";
import { follow } from "./stream.js";
import { clockTime, seconds } from "./words.js";

const TICK_MS = 250;
const LOOK_MS = 4000;
const SPEAK_EVERY_MS = 4000; // a screen reader cannot follow ten answers a second

let plan = null;

/**
 * Show an incident; `gone(refusal)` is called when it cannot be followed, and nothing is shown
 * where it is not `wanted()` any more. Returns how to leave.
 */
export async function showIncident(id, { me, gone, wanted }) {
  const about = await requests.incident(id);
  await requests.lastSeen(id); // refused where it is not for this person
  const [drawing, sites] = await Promise.all([requests.plan(about.target.id), requests.sites()]);
  if (!wanted()) return () => {};
  byId("incident").hidden = false;
  plan ??= preparePlan();
  plan.load(drawing);
  const site = sites.find((one) => one.id === about.target.id);
  byId("agency-names").replaceChildren(
    ...(site?.agreement?.agencies ?? []).map((name) => el("option", { value: name })));
  const screen = new Screen(plan, about, me, { camerasTold: site?.cameras !== null });
  const stopFollowing = follow(id, {
    hear: (name, message) => screen.hear(name, message),
    link: (state) => screen.setLink(state),
    gone,
  });
  const timer = setInterval(() => screen.tick(), TICK_MS);
  const stopLooking = lookForRequests(me);
  return () => {
    stopFollowing();
    clearInterval(timer);
    stopLooking();
    document.body.dataset.fresh = "";
    if (byId("confirm").open) byId("confirm").close();
  };
}

/** Say beside the way to the sites that a request waits there for a second person. */
function lookForRequests(me) {
  const link = byId("to-sites");
  const show = (count) => {
    say(link, count ? `${count} waiting for a second person` : "All sites");
    set(link, { "data-waiting": count || null });
  };
  show(0);
  if (!may(me, "open")) return () => {};
  const timer = setInterval(() => {
    requests.waiting().then((waiting) => show(waiting.length), () => {});
  }, LOOK_MS);
  return () => clearInterval(timer);
}

function preparePlan() {
  const made = new Plan(byId("plan"));
  byId("zoom-in").onclick = () => made.view.zoom(true);
  byId("zoom-out").onclick = () => made.view.zoom(false);
  byId("zoom-all").onclick = () => made.view.all();
  return made;
}

class Screen {
  constructor(shown, about, me, { camerasTold }) {
    this.plan = shown;
    this.about = null;
    this.grant = new Grant(me, (changed) => this.showAbout(changed));
    this.answer = null;
    this.answerAt = null; // performance.now() when it came
    this.cameras = [];
    this.link = "connecting";
    this.closed = false;
    this.chosenLevel = null;
    this.spokenAt = -Infinity;
    this.pick(this.plan.levels[0]?.id);
    this.showLevels();
    this.showAbout(about);
    this.showAnswer({ subjects: [], entrances: [], text: "Waiting for the first pictures…" });
    panels.showCameras({ cameras: [], problems: [] });
    byId("cameras-untold").hidden = camerasTold;
    byId("legend-cameras").hidden = !camerasTold;
    set(byId("plan"), {
      "aria-label": `Floor plan with subjects${camerasTold ? ", doors and cameras" : " and doors"}`,
    });
    this.tick();
  }

  hear(name, message) {
    this.grant.clock.hear(message.published_at);
    if (name === "snapshot") {
      this.showAbout(message.about);
      this.takeCameras(message.cameras);
      if (message.last_seen.at) this.takeAnswer(message.last_seen);
    } else if (name === "last-seen") this.takeAnswer(message);
    else if (name === "cameras") this.takeCameras(message);
    else if (name === "incident" || name === "closed") this.showAbout(message);
    this.tick();
  }

  setLink(state) {
    this.link = state;
    this.tick();
  }

  takeAnswer(message) {
    this.answer = message;
    this.answerAt = performance.now();
    const level = message.subjects[0]?.level.id;
    if (level && !this.chosenLevel) this.pick(level);
    this.showAnswer(message);
  }

  takeCameras(message) {
    this.cameras = message.cameras;
    panels.showCameras(message);
    this.plan.showCameras(message.cameras);
  }

  showAnswer(message) {
    say(byId("answer"), message.text);
    this.plan.showAnswer(message);
    panels.showRanked(message.subjects);
    panels.showDoors(message.entrances, message.subjects[0]);
    const now = performance.now();
    if (now - this.spokenAt > SPEAK_EVERY_MS) {
      this.spokenAt = now;
      say(byId("spoken"), message.text);
    }
  }

  showAbout(about) {
    if (this.about && about.sequence < this.about.sequence) return; // an answer that was overtaken
    this.about = about;
    this.closed = about.state === "closed";
    this.grant.clock.hear(about.published_at);
    this.grant.show(about);
    byId("closed").hidden = !this.closed;
    if (this.closed) {
      this.offerNext(about.target.id);
      say(byId("closed-text"),
        `Closed at ${clockTime(about.closed_at)} by ${about.closed_by}: ${about.closing_reason}. `
        + "All cameras are off. What you see is the last answer.");
    }
  }

  /** Lead on to what was opened in this one's place. */
  async offerNext(site) {
    const next = byId("closed-next");
    next.hidden = true;
    const open = (await requests.sites().catch(() => [])).find((one) => one.id === site)?.open_incident;
    if (!open || open === this.about.incident) return;
    next.href = `#/incidents/${encodeURIComponent(open)}`;
    next.hidden = false;
  }

  pick(level) {
    if (!level) return;
    this.plan.showLevel(level);
    this.plan.showCameras(this.cameras);
    if (this.answer) this.plan.showAnswer(this.answer);
    for (const button of byId("levels").children) {
      set(button, { "aria-pressed": button.dataset.key === level });
    }
  }

  showLevels() {
    const levels = this.plan.levels.length > 1 ? this.plan.levels : [];
    keyed(byId("levels"), levels, (level) => level.id, () => el("button", { type: "button" }),
      (button, level) => {
        say(button, level.name);
        button.onclick = () => {
          this.chosenLevel = level.id;
          this.pick(level.id);
        };
      });
    this.pick(this.plan.level);
  }

  /** What changes without a message: ages, and with them how far the screen can be trusted. */
  tick() {
    const silentS = this.answerAt === null ? null : (performance.now() - this.answerAt) / 1000;
    const times = this.answer?.times;
    const pictureS = times ? (Date.parse(this.answer.at) - Date.parse(times.captured)) / 1000 : null;
    const { state, text } = judge({ closed: this.closed, link: this.link, silentS, pictureS });
    document.body.dataset.fresh = state;
    this.grant.tick();
    say(byId("badge-text"), text);
    const subjects = this.answer?.subjects ?? [];
    const words = this.closed ? lastWords : (s) => ageWords(s, silentS ?? 0);
    panels.showAges(subjects.map((s) => [s.id, words(s)]));
    const grown = this.closed ? 0 : silentS ?? 0;
    this.plan.showAges(subjects.map((s) => [s.id, ageMark(s, grown)]));
  }
}

const seenNow = (s, grown) => s.visibility === "in view" && grown < 2;

function lastWords(s) {
  return s.visibility === "in view" ? "in view at the end" : `lost ${seconds(s.age_s)} before the end`;
}

function ageWords(s, grown) {
  return seenNow(s, grown) ? "in view now" : `last seen ${seconds(s.age_s + grown)} ago`;
}

function ageMark(s, grown) {
  return seenNow(s, grown) ? "" : seconds(s.age_s + grown);
}
