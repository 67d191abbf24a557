// The live picture of one camera: video over a WebSocket where the browser can, else HLS, else a
// picture a second. It always says how old what it shows is, and never shows an old one as live.

import { el, say, set } from "./dom.js";
import { canPlay, LiveMedia } from "./live_media.js";
import { clock as serverClock } from "./requests.js";
import { Stills } from "./stills.js";
import { StreamLink } from "./stream_link.js";
import { seconds } from "./words.js";

const STALE_S = 2; // an older picture is grey
const SLOWER_S = 2; // stills and HLS are so much behind by their nature
const BLACK_S = 5; // after so long without a connection nothing is shown: the grant may be over
const LATE_S = 1.5; // pictures that come later than this do not come live
const LATE_MS = 4000; // for so long, and the link is too slow for video
const TICK_MS = 100;
const PHASES = {
  connecting: "the camera is being connected",
  live: "its pictures come late",
  stalled: "the camera sends nothing",
  refused: "the camera does not let us in",
  stopped: "the camera is off",
};
const HLS = "application/vnd.apple.mpegurl";

/**
 * What is said of a picture. `state` is "connecting", "live", "stale", "waiting", "lost", "blocked",
 * "paused", "closed" or "refused"; of the last two there is no way back.
 */
export class Player {
  /**
   * Fills `screen`, an element. `paths` are those of `GET …/streams` for one camera: `live`, `hls`,
   * `still`. `name` is the camera's, for those who hear the page.
   *
   * `onstate(state, words)` when it changes; `onage(seconds | null)` ten times a second: the age of
   * the picture that is shown, null without one; `onslow()` once, where the link is too slow for
   * video; `stills` shows pictures instead of video, `budget` is theirs; `clock` knows the
   * server's time.
   */
  constructor(screen, paths, {
    name, onstate, onage, onslow, clock = serverClock, stills = false, budget = null,
  } = {}) {
    this.screen = screen;
    this.paths = paths;
    this.onstate = onstate ?? (() => {});
    this.onage = onage ?? (() => {});
    this.onslow = onslow ?? (() => {});
    this.clock = clock;
    this.budget = budget;
    this.state = "";
    this.video = el("video", { "aria-label": `Live picture of ${name}`, tabindex: -1 });
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.disablePictureInPicture = true;
    this.canvas = el("canvas", { role: "img", "aria-label": `Picture of ${name}` });
    this.note = el("p", { class: "screen-note" });
    screen.replaceChildren(this.video, this.canvas, this.note);
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.begin(stills ? "stills" : "video");
  }

  begin(way) {
    this.end();
    Object.assign(this, {
      way, capturedMs: null, link: "connecting", lostAt: performance.now(), waiting: null, over: null,
      blocked: false, lateSince: null, told: false,
    });
    this.video.hidden = way === "stills";
    this.canvas.hidden = way !== "stills";
    if (way === "stills") this.beginStills();
    else if (way === "hls") this.beginHls();
    else this.beginVideo();
    this.tick();
  }

  /** Show pictures instead of video, or video again. */
  useStills(wanted) {
    if (this.over || wanted === (this.way === "stills")) return;
    this.begin(wanted ? "stills" : "video");
  }

  beginVideo() {
    let head = null;
    this.socket = new StreamLink(this.paths.live, {
      link: (state) => this.linked(state),
      take: (data) => {
        if (head) {
          this.takeHead(head.codec, data);
          head = null;
        } else this.takeFragment(data);
      },
      hear: (message) => {
        if (message.type === "head") head = message;
        else this.hear(message);
      },
    });
  }

  linked(state) {
    if (state === "lost" && this.link === "open") this.lostAt = performance.now();
    if (state !== "connecting" || this.link !== "lost") this.link = state;
    if (state === "connecting") this.waiting = null;
    this.tick();
  }

  takeHead(codec, init) {
    if (!canPlay(codec)) {
      this.fallBack();
      return;
    }
    this.media ??= new LiveMedia(this.video, {
      onpicture: (capturedMs) => this.shown(capturedMs),
      onblocked: () => {
        this.blocked = true;
        this.tick();
      },
      onfail: () => this.again(),
    });
    this.media.head(codec, init);
  }

  takeFragment(data) {
    const capturedMs = this.media?.add(data) ?? null;
    const lateS = capturedMs === null ? 0 : -this.clock.left(new Date(capturedMs).toISOString());
    const waits = this.waiting !== null; // then it is the camera that is late
    this.judgeLink(lateS > LATE_S && !waits);
  }

  /** The link is too slow where pictures come late for seconds. */
  judgeLink(late) {
    const now = performance.now();
    if (!late) this.lateSince = null;
    else {
      this.lateSince ??= now;
      if (now - this.lateSince > LATE_MS && !this.told) {
        this.told = true;
        this.onslow();
      }
    }
  }

  hear(message) {
    if (message.type === "waiting") this.waiting = message.reason || PHASES[message.phase];
    else if (message.type === "live") this.waiting = null;
    else if (message.type === "skipped") {
      this.media?.skip();
      this.judgeLink(true);
    } else if (message.type === "end") this.ended(message);
    this.tick();
  }

  ended({ reason, detail, again }) {
    if (again) {
      this.waiting = detail;
      return; // the socket closes now, and is opened again
    }
    this.finish(reason === "closed" ? "closed" : "refused", detail);
  }

  /** The video cannot be decoded any more: begin with a fresh one, and not at once. */
  again() {
    this.media?.close();
    this.media = null;
    this.socket?.drop();
  }

  fallBack() {
    // A browser that does not say when what it plays was filmed cannot be honest about its age.
    this.begin(this.video.canPlayType(HLS) && this.video.getStartDate ? "hls" : "stills");
  }

  beginHls() {
    this.link = "open";
    this.video.src = this.paths.hls;
    this.video.onerror = () => this.begin("stills");
    this.video.play().catch(() => {
      this.blocked = true;
    });
    this.hlsAt = 0;
    this.poll = setInterval(() => {
      const started = this.video.getStartDate?.().getTime();
      const atS = this.video.currentTime;
      if (started && this.video.readyState >= 2 && atS !== this.hlsAt) this.shown(started + 1000 * atS);
      this.hlsAt = atS;
    }, TICK_MS);
  }

  beginStills() {
    this.stillsOn = new Stills(this.canvas, this.paths.still, {
      budget: this.budget,
      onpicture: (capturedMs) => {
        this.link = "open";
        this.waiting = null;
        this.shown(capturedMs ?? Date.now());
      },
      onwait: (words) => {
        this.waiting = words;
        this.tick();
      },
      onend: (words) => this.finish("refused", words),
    });
  }

  shown(capturedMs) {
    this.capturedMs = capturedMs;
    this.tick();
  }

  /** Age of the picture that is shown, seconds; null without one. */
  get ageS() {
    if (this.capturedMs === null) return null;
    return Math.max(0, -this.clock.left(new Date(this.capturedMs).toISOString()));
  }

  tick() {
    if (!this.over) this.tell(...this.judged());
    this.onage(this.ageS);
  }

  /** The state and what is said of it. */
  judged() {
    if (this.blocked) return ["blocked", "Tap to see the picture"];
    const { ageS } = this;
    const lostS = this.link === "open" ? 0 : (performance.now() - this.lostAt) / 1000;
    if (this.link === "lost" || (this.link === "connecting" && lostS > STALE_S)) {
      const old = ageS === null ? "" : `, picture ${seconds(ageS)} old`;
      return ["lost", `No connection${old}. Trying again…`];
    }
    const limitS = this.way === "video" ? STALE_S : STALE_S + SLOWER_S;
    if (ageS !== null && ageS <= limitS) return ["live", ""];
    if (this.waiting !== null) {
      const old = ageS === null ? "" : ` Last picture ${seconds(ageS)} old.`;
      return ["waiting", `No new picture: ${this.waiting}.${old}`];
    }
    if (ageS !== null) return ["stale", `OLD: ${seconds(ageS)} ago`];
    return ["connecting", "Connecting…"];
  }

  tell(state, words) {
    const { screen } = this;
    const lostS = (performance.now() - this.lostAt) / 1000;
    const black = ["closed", "refused", "paused", "connecting"].includes(state)
      || (state === "lost" && lostS > BLACK_S) || this.capturedMs === null;
    set(screen, { "data-picture": state, "data-black": black || null });
    if (black && state === "lost" && this.media) this.forget();
    say(this.note, words);
    if (this.said === state + words) return;
    this.said = state + words;
    this.state = state;
    this.onstate(state, words);
  }

  /** The picture must not stay on the screen for ever where nobody can say that it may. */
  forget() {
    this.media.close();
    this.media = null;
    this.capturedMs = null;
  }

  /** Show nothing any more, for good: `words` says why. */
  finish(state, words) {
    // Who hears that a stream may not be shown any more may hear later that all is closed.
    if (this.over && this.over !== "paused" && !(this.over === "refused" && state === "closed")) return;
    this.end();
    this.capturedMs = null;
    const why = words ? `${words.charAt(0).toUpperCase()}${words.slice(1)}` : "";
    this.tell(state, state === "closed" ? `Closed. ${why}` : `Not shown. ${why}`);
    this.over = state;
    this.onage(null);
  }

  /** Show nothing and fetch nothing until `resume`, as in the background. */
  pause() {
    if (this.over || this.state === "paused") return;
    this.end();
    this.capturedMs = null;
    this.tell("paused", "Paused");
    this.over = "paused";
  }

  resume() {
    if (this.over !== "paused") return;
    this.begin(this.way);
  }

  /** After a tap, where the browser wanted one. */
  tapped() {
    this.blocked = false;
    if (this.media) this.media.tapped();
    else this.video.play().catch(() => { this.blocked = true; });
  }

  end() {
    this.socket?.stop();
    this.media?.close();
    this.stillsOn?.stop();
    clearInterval(this.poll);
    if (this.way === "hls") {
      this.video.onerror = null;
      this.video.removeAttribute("src");
      this.video.load();
    }
    this.socket = this.media = this.stillsOn = null;
  }

  /** Leave: nothing is fetched and called any more. */
  stop() {
    this.end();
    clearInterval(this.timer);
    this.onstate = this.onage = this.onslow = () => {};
    this.over ??= "stopped";
    this.screen.replaceChildren();
  }
}
