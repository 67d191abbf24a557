// The screen of one incident: listens to its events and shows them.

import { byId, el, keyed, say, set } from "./dom.js";
import { bestOf, showDoors } from "./doors.js";
import { judge, SPOKEN } from "./freshness.js";
import { Grant } from "./grant.js";
import { Marks } from "./marks.js";
import { may } from "./me.js";
import { showCameras } from "./panels.js";
import { Pictures } from "./pictures.js";
import { Plan } from "./plan.js";
import { PlanBoard } from "./plan_board.js";
import { Ranked } from "./ranked.js";
import * as requests from "./requests.js";
import { follow } from "./stream.js";
import { Timeline } from "./timeline.js";
import { Voice, written } from "./voice.js";
import { clockTime, seconds } from "./words.js";

const TICK_MS = 250;
const LOOK_MS = 4000;
// A screen reader cannot follow ten answers a second: what is new is told soon, and what only has
// other figures now and then.
const SPEAK_NEW_MS = 4000;
const SPEAK_AGAIN_MS = 20_000;

let board = null;
let pictures = null;

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
  byId("badge").hidden = false;
  board ??= new PlanBoard(new Plan(byId("plan")), written);
  board.plan.load(drawing);
  pictures ??= new Pictures(byId("pictures"));
  const site = sites.find((one) => one.id === about.target.id);
  byId("agency-names").replaceChildren(
    ...(site?.agreement?.agencies ?? []).map((name) => el("option", { value: name })));
  const screen = new Screen(board, about, me, { camerasTold: site?.cameras !== null });
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
    screen.leave();
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

class Screen {
  constructor(shown, about, me, { camerasTold }) {
    this.board = shown;
    this.about = null;
    this.grant = new Grant(me, (changed) => this.showAbout(changed));
    this.voice = new Voice(about);
    this.marks = new Marks(about.incident, may(me, "mark"));
    this.ranked = new Ranked(this.marks, (subject) => this.choose(subject));
    this.timeline = new Timeline(about.incident);
    this.timeline.fetch();
    this.board.plan.oncamera = (camera) => pictures.watch(camera);
    pictures.setIncident(about.state === "closed" ? null : about.incident, {
      camerasTold, clock: this.grant.clock,
    });
    this.board.plan.onchoose = (subject) => this.choose(subject);
    this.answer = null;
    this.answerAt = null; // performance.now() when it came
    this.cameras = [];
    this.link = "connecting";
    this.lostAt = null; // performance.now() when the connection was lost
    this.fresh = "";
    this.closed = false;
    this.spokenAt = -Infinity;
    this.gist = "";
    this.board.begin({ incident: about.incident, me, camerasTold });
    this.showAbout(about);
    this.showAnswer({ subjects: [], entrances: [], text: "Waiting for the first pictures…" });
    showCameras({ cameras: [], problems: [] });
    byId("cameras-untold").hidden = camerasTold;
    this.tick();
  }

  hear(name, message) {
    this.grant.clock.hear(message.published_at);
    if (name === "snapshot") {
      this.showAbout(message.about);
      this.takeCameras(message.cameras);
      if (message.last_seen.at) this.takeAnswer(message.last_seen);
      this.timeline.fetch();
    } else if (name === "last-seen") this.takeAnswer(message);
    else if (name === "cameras") this.takeCameras(message);
    else if (name === "timeline") this.timeline.hear(message);
    else if (name === "incident" || name === "closed") this.showAbout(message);
    this.tick();
  }

  setLink(state) {
    this.link = state;
    if (state !== "lost") this.lostAt = null;
    else this.lostAt ??= performance.now();
    this.tick();
  }

  takeAnswer(message) {
    this.answer = message;
    this.answerAt = performance.now();
    this.showAnswer(message);
  }

  takeCameras(message) {
    this.cameras = message.cameras;
    showCameras(message);
    this.board.showCameras(message.cameras);
    pictures.showCameras(message.cameras);
  }

  showAnswer(message) {
    this.voice.show(message);
    this.board.showAnswer(message);
    this.ranked.show(message.subjects);
    this.marks.learn(message.subjects);
    pictures.show(message.cameras_now ?? []);
    showDoors(message.entrances, message.subjects.find((s) => s.status === "ranked"));
    const now = performance.now();
    const first = message.subjects[0];
    const gist = [
      first?.id, first?.space?.id, first?.level.id, first?.visibility,
      bestOf(message.entrances)?.door_number,
    ].join();
    if (now - this.spokenAt > (gist === this.gist ? SPEAK_AGAIN_MS : SPEAK_NEW_MS)) {
      this.spokenAt = now;
      this.gist = gist;
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
      this.marks.close();
      byId("again").hidden = true;
      pictures.close();
      this.timeline.fetch();
      this.offerNext(about.target.id);
      say(byId("closed-text"),
        `Closed at ${clockTime(about.closed_at)} by ${about.closed_by}: ${about.closing_reason}. `
        + "All cameras are off. What you see is the last answer.");
    }
  }

  /** Choose whom the plan and the pictures follow; chosen again, nobody is. */
  choose(subject) {
    const chosen = subject === this.ranked.chosen ? null : subject;
    this.ranked.chosen = chosen;
    this.ranked.showChosen();
    this.board.choose(chosen);
    pictures.choose(chosen);
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

  /** What changes without a message: ages, and with them how far the screen can be trusted. */
  tick() {
    const silentS = this.answerAt === null ? null : (performance.now() - this.answerAt) / 1000;
    const times = this.answer?.times;
    const pictureS = times ? (Date.parse(this.answer.at) - Date.parse(times.captured)) / 1000 : null;
    const lostS = this.lostAt === null ? null : (performance.now() - this.lostAt) / 1000;
    const { state, text } = judge({ closed: this.closed, link: this.link, lostS, silentS, pictureS });
    document.body.dataset.fresh = state;
    if (state !== this.fresh) {
      // Told once to who hears the page, not with every second that it lasts.
      if (SPOKEN[state] && this.fresh) say(byId("fresh-said"), SPOKEN[state]);
      this.fresh = state;
    }
    this.grant.tick(state);
    this.voice.tick({ state, silentS });
    say(byId("badge-text"), text);
    const subjects = this.answer?.subjects ?? [];
    const words = this.closed ? lastWords : (s) => ageWords(s, silentS ?? 0);
    this.ranked.showAges(subjects.map((s) => [s.id, words(s)]));
    const grown = this.closed ? 0 : silentS ?? 0;
    this.board.tick({ state, grown, ages: subjects.map((s) => [s.id, ageMark(s, grown)]) });
  }

  leave() {
    this.timeline.leave();
    this.board.end();
    this.board.plan.onchoose = this.board.plan.oncamera = null;
    pictures.setIncident(null);
    document.body.dataset.fresh = "";
    byId("badge").hidden = true;
    byId("again").hidden = true;
    for (const id of ["confirm", "keys"]) if (byId(id).open) byId(id).close();
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
