// Fragments of a live stream into a video element, close to the newest one: a MediaSource, or the
// ManagedMediaSource of browsers that have only that.

import { pictureOf, timescaleOf } from "./mp4.js";

const CLOSE_S = 0.08; // nearer to the newest picture than this, the next may come too late
const FARTHEST_S = 0.25; // the same on a link whose pictures come unevenly
const MORE_S = 0.03; // what each picture that came too late adds to it
const EVEN_MS = 5000; // and what so long without one takes off again
const SPARE_S = 0.15; // so much farther, the picture is older than it must be
const JUMP_S = 0.35; // so much farther still, catching up would take too long
const LANDING_S = 0.02;
const KEPT_S = 4;
const EVICT_S = 12;
const MOST_PICTURES = 400;

const Source = () => globalThis.ManagedMediaSource ?? globalThis.MediaSource ?? null;

/** Whether this browser can be handed fragments of that codec. */
export function canPlay(codec) {
  return Boolean(Source()?.isTypeSupported(`video/mp4; codecs="${codec}"`));
}

export class LiveMedia {
  /**
   * Takes over a video element. `onpicture(capturedMs)` is called for each picture that is shown,
   * `onblocked()` when the browser wants a tap before it plays, `onfail(words)` when it cannot go on.
   */
  constructor(video, { onpicture, onblocked, onfail }) {
    this.video = video;
    this.onpicture = onpicture;
    this.onblocked = onblocked;
    this.onfail = onfail;
    this.queue = [];
    this.buffer = null;
    this.type = "";
    this.offsetS = null; // of the stream's time line; null: the next fragment follows the last
    this.timescale = 90_000;
    this.pictures = []; // {atS, capturedMs} on the element's time line
    this.closed = false;
    this.source = new (Source())();
    this.url = URL.createObjectURL(this.source);
    this.source.addEventListener("sourceopen", () => this.pump(), { once: true });
    video.disableRemotePlayback = true; // without it a ManagedMediaSource does not open
    video.muted = true;
    video.playsInline = true;
    video.src = this.url;
    this.onerror = () => {
      if (!this.closed) this.onfail(video.error?.message || "the video cannot be decoded");
    };
    video.addEventListener("error", this.onerror);
    this.closeS = CLOSE_S;
    this.evenSince = performance.now();
    this.onstall = () => {
      if (video.seeking || !this.pictures.length) return;
      this.closeS = Math.min(this.closeS + MORE_S, FARTHEST_S);
      this.evenSince = performance.now();
    };
    video.addEventListener("waiting", this.onstall);
    this.timer = setInterval(() => this.keepClose(), 100);
    this.frames();
  }

  /** A new encoding begins: its codec and its init segment. */
  head(codec, init) {
    this.timescale = timescaleOf(init) ?? 90_000;
    this.queue.push({ kind: "head", type: `video/mp4; codecs="${codec}"`, data: init });
    this.pump();
  }

  /** Some pictures were left out. */
  skip() {
    this.queue.push({ kind: "skip" });
  }

  /** One fragment; returns when the camera took its picture, null where it does not say. */
  add(data) {
    const picture = pictureOf(data);
    this.queue.push({
      kind: "fragment", data, startS: picture && picture.startTicks / this.timescale,
      capturedMs: picture?.capturedMs,
    });
    this.pump();
    return picture?.capturedMs ?? null;
  }

  get endS() {
    const ranges = this.buffer?.buffered;
    return ranges?.length ? ranges.end(ranges.length - 1) : 0;
  }

  pump() {
    try {
      while (!this.closed && this.source.readyState === "open" && this.queue.length
        && !this.buffer?.updating) this.step();
    } catch (error) {
      if (error.name === "QuotaExceededError") this.evict(KEPT_S / 4);
      else if (!this.closed) this.onfail(error.message);
    }
  }

  step() {
    const [next] = this.queue;
    if (next.kind === "head") this.begin(next);
    else if (next.kind === "skip") {
      this.offsetS = null;
      this.queue.shift();
    } else if (this.buffer) this.append();
    else this.queue.shift(); // no head yet
  }

  begin({ type, data }) {
    if (!this.buffer) {
      this.buffer = this.source.addSourceBuffer(type);
      this.buffer.addEventListener("updateend", () => {
        this.keepClose();
        this.pump();
      });
    } else if (type !== this.type) this.buffer.changeType(type);
    this.type = type;
    this.offsetS = null;
    this.buffer.appendBuffer(data);
    this.queue.shift();
  }

  /** All fragments up to the next head at once: a browser is slow to take many small ones. */
  append() {
    if (this.offsetS === null) {
      this.offsetS = this.endS - (this.queue[0].startS ?? 0);
      this.buffer.timestampOffset = this.offsetS;
    }
    let count = this.queue.findIndex(({ kind }) => kind !== "fragment");
    if (count < 0) count = this.queue.length;
    const parts = this.queue.slice(0, count);
    const bytes = new Uint8Array(parts.reduce((sum, { data }) => sum + data.byteLength, 0));
    let at = 0;
    for (const { data } of parts) {
      bytes.set(new Uint8Array(data), at);
      at += data.byteLength;
    }
    this.buffer.appendBuffer(bytes); // throws where there is no room: then they stay queued
    this.queue.splice(0, count);
    for (const { startS, capturedMs } of parts) {
      if (startS !== null) this.pictures.push({ atS: startS + this.offsetS, capturedMs });
    }
    this.pictures.splice(0, Math.max(0, this.pictures.length - MOST_PICTURES));
  }

  evict(keptS) {
    const { buffered, updating } = this.buffer;
    const until = this.video.currentTime - keptS;
    if (!updating && buffered.length && until > buffered.start(0)) this.buffer.remove(0, until);
  }

  /** Keep near the newest picture: a little faster or slower, or a jump. */
  keepClose() {
    const { video } = this;
    if (this.closed || !this.buffer?.buffered.length) return;
    const behindS = this.endS - video.currentTime;
    const farS = this.closeS + SPARE_S;
    if (performance.now() - this.evenSince > EVEN_MS) {
      this.evenSince = performance.now();
      this.closeS = Math.max(this.closeS - MORE_S, CLOSE_S);
    }
    if (behindS > farS + JUMP_S || behindS < -0.1) {
      video.currentTime = Math.max(this.endS - this.closeS - LANDING_S, 0);
    } else {
      const rate = behindS > farS ? 1 + Math.min(behindS - this.closeS, 0.5) / 2
        : behindS < this.closeS && !video.paused ? 0.95 : 1;
      if (Math.abs(video.playbackRate - rate) > 0.02) video.playbackRate = rate;
    }
    if (video.paused) this.play();
    if (video.currentTime - this.buffer.buffered.start(0) > EVICT_S) this.evict(KEPT_S);
  }

  play() {
    if (this.playing || this.blocked) return;
    this.playing = this.video.play().catch((error) => {
      if (this.closed || error.name !== "NotAllowedError") return;
      this.blocked = true;
      this.onblocked();
    }).finally(() => { this.playing = null; });
  }

  /** Play after a tap. */
  tapped() {
    this.blocked = false;
    this.play();
  }

  frames() {
    const { video } = this;
    const told = (mediaS) => {
      let shown = null;
      for (const picture of this.pictures) if (picture.atS <= mediaS + 0.01) shown = picture;
      if (shown) this.onpicture(shown.capturedMs);
    };
    if (video.requestVideoFrameCallback) {
      const next = (_, { mediaTime }) => {
        if (this.closed) return;
        told(mediaTime);
        video.requestVideoFrameCallback(next);
      };
      video.requestVideoFrameCallback(next);
    } else this.poll = setInterval(() => video.readyState >= 2 && told(video.currentTime), 100);
  }

  /** Show nothing any more; the element is black. */
  close() {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    clearInterval(this.poll);
    this.queue = [];
    this.video.removeEventListener("error", this.onerror);
    this.video.removeEventListener("waiting", this.onstall);
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.url);
  }
}
