// What is being worked on: the points, how they are used, and the way back. It survives a reload.

const MOST_STEPS = 200;
const JOINED_MS = 700; // nudges of one point that follow each other this fast are one step

const fresh = () => ({ points: [], way: "pose", refine: false, lens: {} });
const copy = (value) => JSON.parse(JSON.stringify(value));

export class Work {
  /** `changed()` is called after each change, with whether it is worth a new fit. */
  constructor(changed) {
    this.changed = changed;
    this.now = fresh();
    this.saved = JSON.stringify(this.now);
    this.past = [];
    this.future = [];
    this.key = null;
    this.basedOn = null;
    this.joined = { what: null, at: 0 };
  }

  get points() { return this.now.points; }
  get used() { return this.points.filter((point) => point.used); }
  get dirty() { return JSON.stringify(this.now) !== this.saved; }

  /**
   * Begin with a camera's own points, or with what was left unsaved: "" for the former, "unsaved",
   * or "older" where the camera was calibrated anew since.
   */
  begin(key, camera) {
    this.key = key;
    this.basedOn = camera.version;
    this.past = [];
    this.future = [];
    this.now = { ...fresh(), points: copy(camera.points), way: camera.way };
    this.saved = JSON.stringify(this.now);
    const left = this.read();
    const kept = left?.now && JSON.stringify(left.now) !== this.saved;
    if (kept) this.now = left.now;
    this.keep();
    this.changed(true);
    return !kept ? "" : left.basedOn === camera.version ? "unsaved" : "older";
  }

  read() {
    try {
      return JSON.parse(sessionStorage.getItem(this.key));
    } catch {
      return null;
    }
  }

  keep() {
    try {
      if (this.dirty) {
        const left = { now: this.now, basedOn: this.basedOn };
        sessionStorage.setItem(this.key, JSON.stringify(left));
      } else sessionStorage.removeItem(this.key);
    } catch { /* storage may be switched off; then only leaving asks */ }
  }

  forget() {
    try { sessionStorage.removeItem(this.key); } catch { /* as above */ }
  }

  /** Change it by `edit(now)`; what follows fast with the same `what` is the same step. */
  edit(edit, what = null) {
    const joins = what !== null && this.joined.what === what
      && performance.now() - this.joined.at < JOINED_MS;
    if (!joins) {
      this.past.push(copy(this.now));
      if (this.past.length > MOST_STEPS) this.past.shift();
    }
    this.joined = { what, at: performance.now() };
    this.future = [];
    edit(this.now);
    this.keep();
    this.changed(true);
  }

  step(from, to) {
    if (!from.length) return false;
    to.push(copy(this.now));
    this.now = from.pop();
    this.joined = { what: null, at: 0 };
    this.keep();
    this.changed(true);
    return true;
  }

  undo() { return this.step(this.past, this.future); }
  redo() { return this.step(this.future, this.past); }

  /** What is worked on is the camera's calibration now. */
  wasSaved(version) {
    this.basedOn = version;
    this.saved = JSON.stringify(this.now);
    this.forget();
    this.changed(false);
  }

  /** As a fit is asked for. */
  body() {
    const { points, way, refine, lens } = this.now;
    return { points, way, refine_lens: refine && way === "pose", lens };
  }
}

export const round = (value, digits) => Number(value.toFixed(digits));
