// The page for a phone: one camera, the line to say, the door and the way. It goes on by itself
// after the network was away, fetches nothing in the background, and gets by on a slow link.

import { stayAwake } from "./awake.js";
import { ServerClock } from "./clock.js";
import { byId, el, keyed, say, set } from "./dom.js";
import { judge } from "./freshness.js";
import { mayWatch } from "./me.js";
import { MiniMap } from "./minimap.js";
import * as requests from "./requests.js";
import { Stage } from "./stage.js";
import { Budget } from "./stills.js";
import { follow } from "./stream.js";
import { clockTime, KINDS, metres } from "./words.js";

const LOOK_MS = 5000;
const TICK_MS = 250;
const BRIEF_MS = 3000;
const LOW_BITS_PER_S = 90_000; // of 100 kbit/s; the rest is for what carries it
const LONG = 100; // letters of a line that is written smaller
const ANSWER_BYTES = 1200; // headers of a request and its answer

let me = null;
let screen = null;

/** The incident that the address names; "" where it names none. */
const named = () => decodeURIComponent(/^#\/incidents\/(.+)$/.exec(location.hash)?.[1] ?? "");

class Screen {
  constructor(about, drawing, cameras) {
    this.about = about;
    this.clock = new ServerClock();
    this.clock.hear(about.published_at);
    this.answer = null;
    this.answerAt = null;
    this.link = "connecting";
    this.closed = false;
    this.hidden = document.visibilityState !== "visible";
    this.low = false;
    this.budget = new Budget(LOW_BITS_PER_S);
    this.map = new MiniMap(byId("map"));
    this.map.load(drawing);
    this.stage = new Stage({
      stage: byId("stage"), screen: byId("screen"), name: byId("camera-name"), age: byId("camera-age"),
      why: byId("camera-why"), spoken: byId("camera-spoken"),
    }, {
      clock: this.clock,
      onchange: (camera, following) => {
        this.map.showCamera(camera);
        set(byId("follow"), { "aria-pressed": following });
      },
      onslow: () => this.offer("The connection is slow: the video comes late."),
    });
    this.stage.hidden = this.hidden;
    this.stage.setCameras(cameras);
    for (const id of ["way", "map-place"]) byId(id).hidden = false;
    for (const id of ["before", "next"]) byId(id).hidden = false;
    for (const id of ["stage", "bar"]) byId(id).hidden = cameras.length === 0;
    byId("choose").hidden = true;
    byId("before").onclick = () => this.stage.turn(-1);
    byId("next").onclick = () => this.stage.turn(1);
    byId("follow").onclick = () => this.stage.follow(!this.stage.following);
    byId("low").onclick = () => this.setLow(!this.low);
    byId("full").onclick = () => this.setFull(byId("full").getAttribute("aria-pressed") !== "true");
    byId("offer-yes").onclick = () => this.setLow(true);
    byId("offer-no").onclick = () => { byId("offer").hidden = true; };
    this.showAbout(about);
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.listen();
    stayAwake(true);
    if (slowAtOnce()) this.offer("This connection is slow or metered.");
    this.tick();
  }

  /** Follow the events, or ask for a short answer now and then where data is dear. */
  listen() {
    this.unfollow?.();
    this.unfollow = null;
    if (this.closed || this.hidden) return;
    if (this.low) this.unfollow = this.ask();
    else {
      this.unfollow = follow(this.about.incident, {
        hear: (name, message) => this.hear(name, message),
        link: (state) => this.linked(state),
        gone: (refusal) => this.gone(refusal),
      });
    }
  }

  ask() {
    let stopped = false;
    let timer = null;
    const next = async () => {
      let bytes = ANSWER_BYTES;
      try {
        const said = await requests.brief(this.about.incident);
        if (stopped) return;
        bytes += JSON.stringify(said).length;
        this.linked("open");
        this.takeAnswer(said);
        // A short answer does not say that the incident was closed.
        if (this.asked++ % 3 === 2) this.showAbout(await requests.incident(this.about.incident));
      } catch (error) {
        if (stopped) return;
        if (error instanceof requests.Refused && [403, 404].includes(error.status)) {
          this.gone(error);
          return;
        }
        this.linked("lost");
      }
      this.budget.spend(bytes);
      if (!stopped) timer = setTimeout(next, BRIEF_MS);
    };
    this.asked = 0;
    next();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }

  hear(name, message) {
    this.clock.hear(message.published_at);
    if (name === "snapshot") {
      this.showAbout(message.about);
      this.stage.showPhases(message.cameras.cameras);
      if (message.last_seen.at) this.takeAnswer(message.last_seen);
    } else if (name === "last-seen") this.takeAnswer(message);
    else if (name === "cameras") this.stage.showPhases(message.cameras);
    else if (name === "incident" || name === "closed") this.showAbout(message);
    this.tick();
  }

  linked(state) {
    if (state === "lost" && this.link !== "lost") this.lostAt = performance.now();
    this.link = state;
    this.tick();
  }

  takeAnswer(message) {
    this.clock.hear(message.published_at);
    this.answer = message;
    this.answerAt = performance.now();
    say(byId("answer"), message.text);
    set(byId("answer"), { "data-long": message.text.length > LONG || null });
    this.stage.show(message.cameras_now ?? []);
    this.map.showAnswer(message);
    const best = message.entrances.find((e) => e.usable && e.walk_m !== null);
    say(byId("door-number"), best ? best.door_number || "–" : "–");
    say(byId("door-name"), best ? best.name || `Door ${best.door_number}`
      : message.entrances.length ? "No usable door leads there" : "No position yet");
    say(byId("door-walk"), best ? `${metres(best.walk_m)} on foot${best.locked ? ", locked" : ""}${best.in_sight ? ", in sight" : ""}` : "");
    keyed(byId("steps"), (best?.steps ?? []).map((text, i) => ({ text, i })), ({ i }) => i,
      () => el("li"), (item, { text }) => say(item, text));
  }

  showAbout(about) {
    if (about.sequence < this.about.sequence) return;
    this.about = about;
    const { title } = KINDS[about.kind];
    document.title = `${title} · ${about.target.name} · tactical`;
    byId("kind").hidden = false;
    byId("kind").dataset.kind = about.kind;
    say(byId("kind-title"), title);
    say(byId("kind-means"), [about.emergency, about.target.name].filter(Boolean).join(", "));
    if (about.state === "closed") {
      this.end(`closed at ${clockTime(about.closed_at)} by ${about.closed_by}`);
    }
  }

  /** It cannot be followed any more. */
  gone(refusal) {
    this.end(requests.inWords(refusal));
  }

  /** Black at once, and say why. */
  end(words) {
    if (this.closed) return;
    this.closed = true;
    this.stage.close(words);
    this.unfollow?.();
    for (const id of ["offer", "bar", "before", "next"]) byId(id).hidden = true;
    stayAwake(false);
    say(byId("answer"), `Closed: ${words}. What stands below is history.`);
    this.tick();
    setTimeout(() => { if (screen === this) look(); }, LOOK_MS);
  }

  offer(words) {
    if (this.low || this.closed || this.offered) return;
    this.offered = true;
    say(byId("offer-text"), `${words} Pictures once a second need little data.`);
    byId("offer").hidden = false;
  }

  setLow(low) {
    this.low = low;
    byId("offer").hidden = true;
    set(byId("low"), { "aria-pressed": low });
    this.stage.useStills(low, this.budget);
    this.listen();
  }

  setFull(full) {
    set(byId("full"), { "aria-pressed": full });
    say(byId("full"), full ? "Show all" : "Only picture");
    document.body.dataset.full = full;
  }

  /** In the background nothing is fetched and shown. */
  see(visible) {
    this.hidden = !visible;
    this.stage.pause(this.hidden);
    this.listen();
    if (visible) this.answerAt = null; // what stands there is of before
    this.tick();
  }

  tick() {
    const silentS = this.answerAt === null ? null : (performance.now() - this.answerAt) / 1000;
    const times = this.answer?.times;
    const pictureS = times ? (Date.parse(times.published) - Date.parse(times.captured)) / 1000 : null;
    const pauseS = this.low ? BRIEF_MS / 1000 : 0; // a short answer comes that seldom
    const { state, text } = judge({
      closed: this.closed, link: this.link, lostS: (performance.now() - (this.lostAt ?? 0)) / 1000,
      silentS: silentS === null ? null : Math.max(0, silentS - pauseS), pictureS,
    });
    document.body.dataset.fresh = state;
    const age = this.low && state === "live" && pictureS !== null
      ? `Low data, answer ${Math.round(silentS + pictureS)} s old` : text;
    say(byId("fresh-text"), age);
  }

  stop() {
    clearInterval(this.timer);
    this.unfollow?.();
    this.stage.stop();
    stayAwake(false);
  }
}

/** Whether the browser knows that the link is slow, or that data is dear. */
function slowAtOnce() {
  const { connection } = navigator;
  return Boolean(connection && (connection.saveData || ["slow-2g", "2g"].includes(connection.effectiveType)));
}

/** Offer the incidents that are open; the only one is opened at once. */
async function look() {
  try {
    me ??= await requests.me();
    const open = (await requests.incidents())
      .filter((incident) => incident.state === "open" && mayWatch(me, incident));
    const wanted = named();
    if (wanted && (!screen || screen.about.incident !== wanted)) await show(wanted);
    else if (open.length === 1 && (!screen || screen.closed)) {
      location.hash = `#/incidents/${encodeURIComponent(open[0].incident)}`;
      return;
    } else if (!screen || screen.closed) showChoice(open);
  } catch (error) {
    if (error instanceof requests.Refused && named()) {
      history.replaceState(null, "", "/tactical");
    }
    say(byId("answer"), requests.inWords(error));
  }
  if (!screen || screen.closed) {
    clearTimeout(look.timer);
    look.timer = setTimeout(look, LOOK_MS);
  }
}

function showChoice(open) {
  byId("choose").hidden = false;
  say(byId("none"), open.length ? "" : "No incident is open that you may watch. This page looks again by itself.");
  if (!screen) say(byId("answer"), open.length ? "Choose an incident" : "Nothing is open");
  say(byId("fresh-text"), "Ready");
  keyed(byId("incidents"), open, (one) => one.incident,
    (one) => el("li", {}, el("a", { class: "t-incident", href: `#/incidents/${encodeURIComponent(one.incident)}` })),
    (item, one) => say(item.firstChild, `${KINDS[one.kind].title} · ${one.target.name} · since ${clockTime(one.opened_at)}`));
}

async function show(id) {
  const about = await requests.incident(id);
  await requests.brief(id); // refused where it is not for this person
  const drawing = await requests.plan(about.target.id);
  const cameras = about.state === "open" ? await camerasOf(id) : [];
  screen?.stop();
  screen = new Screen(about, drawing, cameras);
}

/** The cameras that can be watched; none where they are not for this person. */
async function camerasOf(id) {
  try {
    return (await requests.streams(id)).cameras;
  } catch (error) {
    if (error instanceof requests.Refused && error.status === 403) return [];
    throw error;
  }
}

document.addEventListener("visibilitychange", () => screen?.see(document.visibilityState === "visible"));
window.addEventListener("hashchange", look);
look();
