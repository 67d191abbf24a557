// What people say of a person on the floor: the intruder, not the intruder, a responder; or: follow
// this one. Each mark can be taken back, and those that take somebody out of the ranking are asked
// about first where that person matters.

import { byId, el, keyed, say, set } from "./dom.js";
import * as requests from "./requests.js";
import { clockTime, isSuspect } from "./words.js";

const SETTLE_MS = 700; // a button that has moved under the pointer takes no click for so long
const AGAIN_MS = 3000;
const MARKS = {
  confirm: {
    key: "c", label: ["", "C", "onfirm"], means: "is the intruder",
    done: "confirmed as the intruder", held: "Confirmed",
  },
  reject: {
    key: "r", label: ["", "R", "ule out"], means: "is not the intruder",
    done: "ruled out", held: "Ruled out",
  },
  responder: {
    key: "p", label: ["Res", "p", "onder"], means: "is police",
    done: "marked as a responder", held: "Responder",
  },
  designate: {
    key: "f", label: ["", "F", "ollow"], means: "is to be followed now",
    done: "to be followed", held: "To be followed",
  },
};
const LEAVES = new Set(["reject", "responder"]); // these take somebody out of the ranking
const ASKED = { reject: (id) => `Rule out ${id}?`, responder: (id) => `Is ${id} police?` };

/** "Confirmed by Ivy (dispatcher), 14:03:22". */
function heldWords(held, by) {
  const role = by && held.role ? ` (${held.role})` : "";
  const who = by || held.role ? ` by ${by || held.role}${role}` : "";
  return `${MARKS[held.mark].held}${who}, ${clockTime(held.at)}`;
}

export class Marks {
  /** Marks of one incident; `may` tells whether whoever is signed in gives any. */
  constructor(incident, may) {
    this.incident = incident;
    this.may = may;
    this.open = true;
    this.by = new Map(); // names of who gave a mark, by its number
    this.known = "";
    this.learnAfter = 0;
    this.movedAt = new Map(); // when a person's place in the list changed
    this.again = null;
    byId("marked").hidden = true;
    byId("undo").onclick = () => this.again?.();
  }

  /** Note whose place in the list has changed. */
  moved(before, after) {
    const old = before.split(",");
    after.split(",").forEach((id, i) => {
      if (before && old[i] !== id) this.movedAt.set(id, performance.now());
    });
  }

  /** Give the item of a person its buttons. */
  equip(item, id) {
    const group = el("div", { class: "mark-buttons", role: "group", "aria-label": `Mark ${id}` });
    for (const [kind, { key, label, means }] of Object.entries(MARKS)) {
      const button = el("button", {
        type: "button", "data-mark": kind, title: `${id} ${means} (${key.toUpperCase()})`,
        "aria-keyshortcuts": key.toUpperCase(),
      }, label[0], el("span", { class: "key" }, label[1]), label[2]);
      button.onclick = (event) => this.click(item, id, kind, event);
      group.append(button);
    }
    const ask = el("div", { class: "ask", role: "group", hidden: true },
      el("p", {}),
      el("div", {},
        el("button", { type: "button", class: "danger small" }),
        el("button", { type: "button", class: "small" }, "Leave it")));
    ask.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.leave(item);
    };
    item.append(group, ask, el("p", { class: "refusal", role: "alert", tabindex: "-1" }));
  }

  /** Show what holds of a person, and who said so. */
  update(item, s) {
    item.subject = s;
    keyed(item.querySelector(".held"), s.marks, (held) => held.number,
      () => el("li", {}, el("span"), el("button", { type: "button", class: "small" }, "Take back")),
      (line, held) => {
        const [text, button] = line.children;
        say(text, heldWords(held, this.by.get(held.number)));
        button.hidden = !this.may || !this.open;
        set(button, { "aria-label": `Take back: ${s.id} ${MARKS[held.mark].done}` });
        button.onclick = () => this.takeBack(item, s.id, held);
      });
    const group = item.querySelector(".mark-buttons");
    if (!group) return;
    group.hidden = !this.may || !this.open;
    for (const button of group.children) {
      set(button, { "aria-pressed": s.marks.some((held) => held.mark === button.dataset.mark) });
    }
  }

  /** Learn who gave the marks that an answer holds: their names are told to those who may mark. */
  async learn(subjects) {
    const numbers = subjects.flatMap((s) => s.marks.map((held) => held.number)).sort().join();
    if (!this.may || numbers === this.known || performance.now() < this.learnAfter) return;
    this.known = numbers;
    try {
      const { marks } = await requests.marks(this.incident);
      this.by = new Map(marks.map((mark) => [mark.number, mark.by]));
    } catch {
      this.known = ""; // asked again after a while; roles are shown meanwhile
      this.learnAfter = performance.now() + AGAIN_MS;
    }
  }

  /** A key that marks; whether it was one. */
  press(item, key) {
    const id = item.dataset.subject;
    if (!this.may || !this.open || !item.subject) return false;
    const kind = Object.keys(MARKS).find((one) => MARKS[one].key === key);
    const newest = item.subject.marks.at(-1);
    if (key === "u" && newest) this.takeBack(item, id, newest);
    else if (kind && item.querySelector(".mark-buttons")) this.want(item, id, kind);
    else return false;
    return true;
  }

  click(item, id, kind, event) {
    const since = performance.now() - (this.movedAt.get(id) ?? -Infinity);
    if (event.detail > 0 && since < SETTLE_MS) {
      this.refuse(item, "The list has just changed. Look, and press again.");
      return;
    }
    this.want(item, id, kind);
  }

  want(item, id, kind) {
    this.refuse(item, "");
    const held = item.subject.marks.find((one) => one.mark === kind);
    if (held) {
      this.takeBack(item, id, held);
      return;
    }
    const { rank, marks } = item.subject;
    const matters = rank === 1 || isSuspect(item.subject) || marks.length > 0;
    if (LEAVES.has(kind) && matters) this.ask(item, id, kind);
    else this.give(item, id, kind);
  }

  /** Ask in place before somebody who matters leaves the ranking. */
  ask(item, id, kind) {
    const box = item.querySelector(".ask");
    const [yes, no] = box.querySelectorAll("button");
    const question = `${ASKED[kind](id)} It leaves the ranking.`;
    say(box.querySelector("p"), question);
    say(yes, kind === "reject" ? `Rule out ${id}` : `${id} is police`);
    set(box, { "aria-label": question });
    yes.onclick = () => {
      box.hidden = true;
      this.give(item, id, kind);
    };
    no.onclick = () => this.leave(item);
    box.hidden = false;
    no.focus(); // Enter pressed once too often leaves everything as it is
  }

  leave(item) {
    item.querySelector(".ask").hidden = true;
    item.querySelector(".choose").focus();
  }

  async give(item, id, kind) {
    const { activeElement } = document;
    const focused = item.contains(activeElement) || activeElement === document.body;
    await this.act(item, async () => {
      const mark = await requests.mark(this.incident, id, kind);
      const left = LEAVES.has(kind) ? ". It leaves the ranking" : "";
      this.tell(`${id} ${MARKS[kind].done}${left}.`, () =>
        this.act(null, async () => {
          await requests.unmark(this.incident, id, mark.number);
          this.tell(`${id}: taken back (${MARKS[kind].done}).`);
          this.focusOn(id);
        }));
      if (focused && LEAVES.has(kind)) byId("undo").focus();
    });
  }

  takeBack(item, id, held) {
    return this.act(item, async () => {
      await requests.unmark(this.incident, id, held.number);
      this.tell(`${id}: taken back (${MARKS[held.mark].done}).`, () =>
        this.act(null, async () => {
          await requests.mark(this.incident, id, held.mark);
          this.tell(`${id} ${MARKS[held.mark].done}.`);
          this.focusOn(id);
        }));
      byId("undo").focus();
    });
  }

  /** Do it; what is refused is said beside the buttons, or where undoing was asked for. */
  async act(item, action) {
    if (this.busy) return;
    this.busy = true;
    try {
      await action();
    } catch (error) {
      const words = requests.inWords(error);
      if (item?.isConnected) this.refuse(item, words);
      else this.tell(words, this.again);
    } finally {
      this.busy = false;
    }
  }

  refuse(item, words) {
    const line = item.querySelector(".refusal");
    if (!line) return;
    say(line, words);
    if (words) line.focus({ preventScroll: true });
  }

  /** Say what happened, with the way back. */
  tell(text, undo = null) {
    this.again = undo;
    byId("marked").hidden = !text;
    say(byId("marked-text"), text);
    byId("undo").hidden = undo === null;
  }

  focusOn(id) {
    const item = document.querySelector(`.who [data-subject="${CSS.escape(id)}"]`);
    (item?.querySelector(".choose") ?? byId("answer")).focus({ preventScroll: true });
  }

  /** Nothing is marked in an incident that is over. */
  close() {
    this.open = false;
    const buttons = document.querySelectorAll(".mark-buttons, .ask, .held button");
    for (const one of buttons) one.hidden = true;
    this.tell("");
  }
}
