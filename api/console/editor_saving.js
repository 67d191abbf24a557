// The draft on the server: saved by itself a moment after each change, in order, one at a time.

import { ask, inWords, Refused, Unreachable } from "./requests.js";

const QUIET_MS = 1200;
const AGAIN_MS = 5000;
const PATIENCE_MS = 180_000; // for what takes long

const of = (site) => `/v1/sites/${encodeURIComponent(site)}/plan-drafts`;
export const drafts = async (site) => (await ask("GET", of(site))).drafts;
export const begin = (site, how) => ask("POST", of(site), { begin: how });
export const load = (site, draft) => ask("GET", `${of(site)}/${draft}`);
export const discard = (site, draft) => ask("DELETE", `${of(site)}/${draft}`);

export class Saving {
  /** `heard(state, text)` is told "saved", "waiting", "saving", "failed" or "conflict". */
  constructor(draft, heard) {
    this.take(draft);
    this.heard = heard;
    this.wanted = null; // the newest document that is not on the server
    this.busy = Promise.resolve();
    this.timer = null;
    this.conflict = false;
  }

  take(draft) {
    this.draft = draft;
    this.path = `${of(draft.site)}/${draft.draft}`;
  }

  get dirty() {
    return this.wanted !== null;
  }

  /** A document is to be saved soon. */
  later(doc) {
    this.wanted = doc;
    if (this.conflict) return;
    this.heard("waiting", "Not saved yet…");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush().catch(() => {}), QUIET_MS);
  }

  /** Save what is not saved; returns once the server has it. */
  async flush() {
    clearTimeout(this.timer);
    await this.inTurn(() => this.saveNow());
  }

  async saveNow() {
    while (this.wanted) {
      const doc = this.wanted;
      this.heard("saving", "Saving…");
      try {
        const { levels, features } = doc;
        this.take(await ask("PUT", this.path, { version: this.draft.version, levels, features }));
      } catch (error) {
        this.conflict = error instanceof Refused && error.status === 409;
        const again = error instanceof Unreachable ? " Trying again." : "";
        this.heard(this.conflict ? "conflict" : "failed", `Not saved: ${inWords(error)}${again}`);
        if (error instanceof Unreachable) {
          this.timer = setTimeout(() => this.flush().catch(() => {}), AGAIN_MS);
        }
        throw error;
      }
      if (this.wanted === doc) this.wanted = null;
    }
    this.heard("saved", `Saved, version ${this.draft.version}`);
  }

  /** Save over what somebody else has saved meanwhile; theirs stays as an earlier version. */
  async overwrite() {
    const newest = await load(this.draft.site, this.draft.draft);
    this.conflict = false;
    this.take({ ...this.draft, version: newest.version });
    await this.flush();
  }

  /** An earlier version of the draft. */
  earlier(version) {
    return ask("GET", `${this.path}?version=${version}`);
  }

  /** Do something to the draft that is saved; it returns the draft as it is then. */
  async change(request) {
    return this.inTurn(async () => {
      await this.saveNow();
      const answer = await request(this.draft);
      if (answer?.version) this.take(answer);
      this.heard("saved", `Saved, version ${this.draft.version}`);
      return answer;
    });
  }

  inTurn(task) {
    const turn = this.busy.then(task, task);
    this.busy = turn.catch(() => {});
    return turn;
  }

  upload(level, file, page) {
    return this.change((draft) => send("PUT",
      `${this.path}/levels/${encodeURIComponent(level)}/picture?version=${draft.version}&page=${page}`, file));
  }

  bring(file, storey_m) {
    return this.change((draft) => send("POST",
      `${this.path}/import?version=${draft.version}&storey_m=${storey_m}`, file));
  }

  scale(level, measured) {
    return this.change((draft) => ask("PUT",
      `${this.path}/levels/${encodeURIComponent(level)}/scale`, { version: draft.version, ...measured }));
  }

  takeAway(level) {
    return this.change((draft) => ask("DELETE",
      `${this.path}/levels/${encodeURIComponent(level)}/picture?version=${draft.version}`));
  }

  async check() {
    await this.flush();
    return send("GET", `${this.path}/check`);
  }

  async publish(replace) {
    const done = await this.inTurn(async () => {
      await this.saveNow();
      const wanted = { version: this.draft.version, replace };
      return send("POST", `${this.path}/publication`, JSON.stringify(wanted), "application/json");
    });
    this.take(await load(this.draft.site, this.draft.draft));
    return done;
  }
}

/** Ask for what takes long: files to be read, whole sites to be checked and prepared. */
async function send(method, path, body, type = "application/octet-stream") {
  let response;
  try {
    response = await fetch(path, {
      method, body, headers: body ? { "Content-Type": type } : {},
      cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (error) {
    throw new Unreachable(error.name === "TimeoutError"
      ? `The server did not answer within ${PATIENCE_MS / 1000} s.` : "The server cannot be reached.");
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  throw new Refused(response.status, answer?.title ?? `The server answered ${response.status}`, answer?.detail);
}
