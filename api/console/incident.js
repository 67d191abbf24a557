// The screen of one incident: listens to its events and shows them.

import { byId, el, keyed, say, set } from "./dom.js";
import { judge } from "./freshness.js";
import * as panels from "./panels.js";
import { Plan } from "./plan.js";
import * as requests from "./requests.js";
import { follow } from "./stream.js";
import { clockTime, seconds } from "./words.js";

const TICK_MS = 250;
const SPEAK_EVERY_MS = 4000; // a screen reader cannot follow ten answers a second

let plan = null;

/** Show an incident; `gone(text)` is called when it cannot be followed. Returns how to leave. */
export async function showIncident(id, { gone }) {
  const about = await requests.incident(id);
  plan ??= preparePlan();
  plan.load(await requests.plan(about.target.id));
  const screen = new Screen(plan, about);
  const stopFollowing = follow(id, {
    hear: (name, message) => screen.hear(name, message),
    link: (state) => screen.setLink(state),
    gone: () => gone("This exercise is not on the server any more."),
  });
  const timer = setInterval(() => screen.tick(), TICK_MS);
  byId("close").onclick = () => confirmClose(id);
  return () => {
    stopFollowing();
    clearInterval(timer);
    document.body.dataset.fresh = "";
  };
}

function preparePlan() {
  const made = new Plan(byId("plan"));
  byId("zoom-in").onclick = () => made.view.zoom(true);
  byId("zoom-out").onclick = () => made.view.zoom(false);
  byId("zoom-all").onclick = () => made.view.all();
  return made;
}

function confirmClose(id) {
  const dialog = byId("confirm");
  dialog.returnValue = "keep";
  dialog.onclose = async () => {
    if (dialog.returnValue !== "close") return;
    try {
      await requests.close(id);
    } catch (error) {
      say(byId("notice"), error.message);
      byId("notice").hidden = false;
    }
  };
  dialog.showModal();
}

class Screen {
  constructor(shown, about) {
    this.plan = shown;
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
    this.tick();
  }

  hear(name, message) {
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
    this.closed = about.state === "closed";
    byId("exercise").hidden = !about.exercise;
    byId("close").hidden = this.closed;
    byId("closed").hidden = !this.closed;
    say(byId("where"), `${about.target.name}, since ${clockTime(about.opened_at)}`);
    if (this.closed) {
      say(byId("closed"),
        `Closed at ${clockTime(about.closed_at)}: ${about.closing_reason}. `
        + "All cameras are off. What you see is the last answer.");
    }
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
