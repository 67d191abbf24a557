// What happened, newest first. The server makes the entries; what is missed while nothing is heard
// is fetched with the next snapshot.

import { byId, el, keyed, say, set } from "./dom.js";
import * as requests from "./requests.js";
import { clockTime } from "./words.js";

const EVERY_MS = 2000; // a reader that gets one snapshot after the other asks no oftener

export class Timeline {
  constructor(incident) {
    this.incident = incident;
    this.entries = new Map(); // by number
    this.left = false;
    this.timer = null;
    this.fetchedAt = -Infinity;
    byId("timeline").replaceChildren();
  }

  /** Take entries that a message brings. */
  hear({ entries }) {
    for (const entry of entries) this.entries.set(entry.number, entry);
    this.draw();
  }

  /** Fetch all: the first time, after a snapshot, and at the end. Not more often than needed. */
  fetch() {
    if (this.timer !== null) return;
    const wait = Math.max(0, this.fetchedAt + EVERY_MS - performance.now());
    this.timer = setTimeout(() => this.fetchNow(), wait);
  }

  async fetchNow() {
    this.fetchedAt = performance.now();
    this.timer = null;
    try {
      const told = await requests.timeline(this.incident);
      if (!this.left) this.hear(told);
    } catch {
      if (!this.left) this.fetch();
    }
  }

  draw() {
    const newest = [...this.entries.values()].sort((a, b) => b.number - a.number);
    keyed(byId("timeline"), newest, (entry) => entry.number,
      (entry) => el("li", { "data-kind": entry.kind },
        el("time", { datetime: entry.at }, clockTime(entry.at)), el("span")),
      (item, entry) => {
        set(item, { "data-number": entry.number });
        const by = entry.role && entry.kind !== "opened" ? ` (${entry.role})` : "";
        say(item.lastElementChild, entry.text.charAt(0).toUpperCase() + entry.text.slice(1) + by);
      });
  }

  leave() {
    this.left = true;
    clearTimeout(this.timer);
  }
}
