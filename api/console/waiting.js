// Requests that a second person must confirm: mine, with their time left, and those of others.

import { byId, el, keyed, say } from "./dom.js";
import * as requests from "./requests.js";
import { awaitedClause, countdown, KINDS } from "./words.js";

const MISSED = 3; // refreshes without a request before it is taken to have lapsed

export class Waiting {
  constructor(me, opened) {
    this.me = me;
    this.opened = opened;
    this.shown = [];
    this.mine = new Map(); // own requests that waited lately, and how often they were missed since
    this.names = new Map(); // of sites
  }

  /** Note a request that was sent just now. */
  sent(request) {
    say(byId("waiting-note"), "");
    this.mine.set(request.request, { request, missed: 0 });
    this.draw([...this.shown.filter((r) => r.request !== request.request), request]);
    byId("waiting").focus();
  }

  /** Whether it is this person's own, which somebody else must confirm. */
  own(request) {
    return request.asked_by === this.me.name;
  }

  /** Show what waits; goes on to the incident where what was asked for here is confirmed. */
  show(waiting, sites, open) {
    this.names = new Map(sites.map((site) => [site.id, site.name]));
    for (const request of waiting) {
      if (this.own(request)) this.mine.set(request.request, { request, missed: 0 });
    }
    for (const [id, mine] of this.mine) {
      if (waiting.some((r) => r.request === id)) continue;
      const { kind, target, opened_by: by } = mine.request;
      const running = open.get(target);
      if (running?.kind === kind && running.opened_by === by) {
        this.opened(running.incident);
        return;
      }
      mine.missed += 1;
      if (mine.missed < MISSED) continue; // it may be starting
      this.mine.delete(id);
      say(byId("waiting-note"),
        "Your request lapsed, or could not be opened. If it is still needed, ask again.");
    }
    this.draw(waiting);
  }

  draw(waiting) {
    const count = waiting.length;
    if (count !== this.shown.length) {
      say(byId("waiting-spoken"), count ? `Waiting for a second person: ${count}` : "");
    }
    this.shown = waiting;
    byId("waiting").hidden = count === 0 && byId("waiting-note").textContent === "";
    document.title = `${count ? `(${count}) ` : ""}lastseen console`;
    keyed(byId("requests"), waiting, (r) => r.request, item, (line, request) => {
      const own = this.own(request);
      line.dataset.kind = request.kind;
      const [what, asks, because] = line.querySelectorAll("p");
      const site = this.names.get(request.target) ?? request.target;
      say(what, [`${KINDS[request.kind].title} at ${site}`, request.emergency].filter(Boolean).join(": "));
      say(asks, `${own ? "You ask" : `${request.opened_by} asks`}: “${request.reason}”`);
      say(because, awaitedClause(request.because));
      line.querySelector("button").hidden = own;
      line.querySelector(".another").hidden = !own;
      line.querySelector("button").onclick = () => this.confirm(line, request);
    });
    this.tick();
  }

  async confirm(item, request) {
    const button = item.querySelector("button");
    const refusal = item.querySelector(".refusal");
    say(refusal, "");
    button.disabled = true;
    try {
      this.opened((await requests.confirm(request.request)).incident);
    } catch (error) {
      say(refusal, requests.inWords(error));
      refusal.focus();
    } finally {
      button.disabled = false;
    }
  }

  /** What changes without a message: the time left. */
  tick() {
    const items = byId("requests").children;
    this.shown.forEach((request, i) => {
      say(items[i].querySelector(".lapses"),
        `lapses in ${roughly(requests.clock.left(request.until))}`);
    });
  }
}

/** The server's clock is known to two seconds only: minutes as long as there are some. */
const roughly = (leftS) => (leftS > 90 ? `${Math.round(leftS / 60)} min` : countdown(leftS));

function item() {
  return el("li", { class: "panel request" },
    el("p", { class: "what" }), el("p", { class: "asks" }), el("p", { class: "because" }),
    el("div", { class: "request-actions" },
      el("button", { type: "button", class: "danger" }, "Confirm and open"),
      el("strong", { class: "another" }, "Another person must confirm."),
      el("span", { class: "lapses" })),
    el("p", { class: "refusal", role: "alert", tabindex: "-1" }));
}
