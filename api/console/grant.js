// The grant of an incident: what kind it is, who opened it, on which clause, how long it lasts, who
// responds, and the buttons that extend and close it.

import { ServerClock } from "./clock.js";
import { byId, el, keyed, say } from "./dom.js";
import { may } from "./me.js";
import * as requests from "./requests.js";
import { CHANNELS, clockTime, countdown, KINDS } from "./words.js";

const ICON = "/console/icon.svg";
const ICONS = { real: "/console/icon-real.svg", exercise: "/console/icon-exercise.svg" };
const SHORT_S = 300; // with less time left the page warns

export class Grant {
  /** `changed(about)` is called with the incident as the server has it after an action. */
  constructor(me, changed) {
    this.mayEnd = may(me, "end");
    this.changed = changed;
    this.clock = new ServerClock();
    this.about = null;
    this.warned = "";
    say(byId("grant-refusal"), "");
    say(byId("agency-refusal"), "");
    say(byId("grant-said"), "");
    byId("extend").onclick = () => this.act(byId("extend"), byId("grant-refusal"), async () => {
      const about = await requests.extend(this.about.incident);
      say(byId("grant-said"), `Extended until ${clockTime(about.until)}`);
      return about;
    });
    byId("close").onclick = () => this.askToClose();
    byId("close-no").onclick = () => byId("confirm").close();
    byId("close-form").onsubmit = (event) => {
      event.preventDefault();
      this.close();
    };
    byId("agency-form").onsubmit = (event) => {
      event.preventDefault();
      const name = byId("agency").value.trim();
      this.respond(event.submitter ?? byId("responds"), name, "responding", () => {
        byId("agency").value = "";
      });
    };
  }

  /** Do something that a button asks for; what is refused is said beside it. */
  async act(button, refusal, action) {
    say(refusal, "");
    button.disabled = true;
    try {
      this.changed(await action());
      return true;
    } catch (error) {
      say(refusal, requests.inWords(error));
      refusal.focus();
      return false;
    } finally {
      button.disabled = false;
    }
  }

  respond(button, name, state, done) {
    return this.act(button, byId("agency-refusal"), async () => {
      const about = await requests.agency(this.about.incident, name, state);
      done?.();
      return about;
    });
  }

  askToClose() {
    say(byId("close-refusal"), "");
    byId("close-reason").value = "";
    byId("confirm").showModal();
    byId("close-reason").focus();
  }

  async close() {
    const reason = byId("close-reason").value.trim();
    const closed = await this.act(byId("close-yes"), byId("close-refusal"),
      () => requests.close(this.about.incident, reason));
    if (closed) byId("confirm").close();
  }

  show(about) {
    this.about = about;
    const { title, name, means } = KINDS[about.kind];
    const closed = about.state === "closed";
    byId("icon").href = closed ? ICON : ICONS[about.kind] ?? ICON;
    document.documentElement.dataset.kind = closed ? "" : about.kind;
    byId("kind").hidden = false;
    byId("kind").dataset.kind = about.kind;
    say(byId("kind-title"), title);
    say(byId("kind-means"), about.emergency ? `${about.emergency}, ${means}` : means);
    say(byId("where"), `${about.target.name}, since ${clockTime(about.opened_at)}`);
    say(byId("opener"), openerWords(about));
    const { clause } = about;
    say(byId("clause"), clause
      ? `Clause ${clause.id} of ${clause.agreement}, version ${clause.version}`
      : "No agreement binds this site: an exercise");
    say(byId("because"), about.because);
    const actions = this.mayEnd && !closed;
    byId("extend").hidden = !actions || !clause;
    byId("close").hidden = !actions;
    say(byId("close-what"), name);
    say(byId("close-yes"), `Close ${name}`);
    say(byId("confirm-title"), `Close this ${name}?`);
    if (closed) {
      if (byId("confirm").open) byId("confirm").close();
      for (const refusal of ["grant-refusal", "agency-refusal"]) say(byId(refusal), "");
    }
    this.showAgencies(about, actions);
    this.tick();
  }

  showAgencies({ agencies }, actions) {
    byId("agency-form").hidden = !actions;
    byId("agencies-empty").hidden = agencies.length > 0;
    byId("agencies-panel").hidden = !actions && agencies.length === 0;
    const there = agencies.filter((agency) => agency.left_at === null);
    byId("last-agency").hidden = !actions || there.length !== 1 || !this.about.clause;
    keyed(byId("agencies"), agencies, (agency) => agency.name,
      () => el("li", {}, el("span", { class: "name" }), el("span", { class: "state" }),
        el("button", { type: "button" })),
      (item, agency) => {
        const [name, state, button] = item.children;
        const left = agency.left_at !== null;
        item.dataset.left = left;
        say(name, agency.name);
        say(state, left ? `left at ${clockTime(agency.left_at)}` : "responds");
        say(button, "Has left");
        button.setAttribute("aria-label", `${agency.name} has left`);
        button.hidden = left || !actions;
        button.onclick = () => this.respond(button, agency.name, "left");
      });
  }

  /** What changes without a message: the time left, the clock, and whether the page is live. */
  tick(fresh = "") {
    const { about } = this;
    if (about === null) return;
    const closed = about.state === "closed";
    const { title } = KINDS[about.kind];
    const stale = fresh === "stale" ? " (STALE)" : "";
    const named = `${closed ? "Closed" : title}${stale} · ${about.target.name} · lastseen`;
    if (document.title !== named) document.title = named;
    const leftS = this.clock.left(about.until);
    const extended = about.extensions
      ? `, extended ${about.extensions === 1 ? "once" : `${about.extensions} times`}` : "";
    const level = closed ? "closed" : leftS < SHORT_S ? "short" : "long";
    byId("left").dataset.left = level;
    say(byId("left-time"), closed ? "Closed" : leftS <= 0 ? "Time is over" : `${countdown(leftS)} left`);
    say(byId("left-until"), closed
      ? `at ${clockTime(about.closed_at)}` : `until ${clockTime(about.until)}${extended}`);
    // A screen reader is told once that time runs short, not every second.
    if (level === "short" && this.warned !== about.until) {
      this.warned = about.until;
      say(byId("grant-said"), `Less than 5 minutes left, until ${clockTime(about.until)}`);
    }
  }
}

function openerWords(about) {
  const role = about.role ? `, ${about.role}` : "";
  const by = about.channel === "console" ? "" : ` (${CHANNELS[about.channel] ?? about.channel})`;
  const second = about.confirmed_by ? `, confirmed by ${about.confirmed_by}` : "";
  return `Opened by ${about.opened_by}${role}${by}${second}: “${about.reason}”`;
}
