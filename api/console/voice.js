// The answer as one line to read out to officers: to copy, and to read slowly with its age, which
// keeps counting. The words are the server's.

import { byId, el, keyed, say, set } from "./dom.js";
import { KINDS } from "./words.js";

const LONG = 90; // letters: a longer answer is set smaller, so that the plan keeps its room
const SPELLED = {
  A: "Alfa", B: "Bravo", C: "Charlie", D: "Delta", E: "Echo", F: "Foxtrot", G: "Golf", H: "Hotel",
  I: "India", J: "Juliett", K: "Kilo", L: "Lima", M: "Mike", N: "November", O: "Oscar", P: "Papa",
  Q: "Quebec", R: "Romeo", S: "Sierra", T: "Tango", U: "Uniform", V: "Victor", W: "Whiskey",
  X: "X-ray", Y: "Yankee", Z: "Zulu",
};

const count = (value, unit) => `${value} ${unit}${value === 1 ? "" : "s"}`;

function spoken(whole) {
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes === 0) return count(rest, "second");
  return `${count(minutes, "minute")}${rest ? ` ${count(rest, "second")}` : ""}`;
}

/** "seen now", "seen 4 seconds ago", "seen 2 minutes 5 seconds ago". */
export function ageSaid(ageS) {
  const whole = Math.floor(ageS);
  return whole < 2 ? "seen now" : `seen ${spoken(whole)} ago`;
}

/** "seen when it ended", "seen 4 seconds before it ended". */
export function ageAtEnd(ageS) {
  const whole = Math.floor(ageS);
  return whole < 2 ? "seen when it ended" : `seen ${spoken(whole)} before it ended`;
}

/** "grid Delta 7". */
export function gridSaid(grid) {
  const [, letters, digits] = /^([A-Z]+)(\d+)$/.exec(grid) ?? [];
  const spelled = [...letters ?? ""].map((one) => SPELLED[one]).join(" ");
  return letters ? `grid ${spelled} ${digits}` : `grid ${grid}`;
}

const sentence = (text) =>
  text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

export class Voice {
  constructor(about) {
    this.kind = about.kind;
    this.message = null;
    this.lines = [];
    byId("copy").onclick = () => this.copy();
    byId("slowly-button").onclick = () => this.slow(byId("slowly").hidden);
    say(byId("copied"), "");
    say(byId("voice-age"), "");
    say(byId("voice-grid"), "");
    this.slow(false);
  }

  slow(on) {
    byId("slowly").hidden = !on;
    set(byId("slowly-button"), { "aria-pressed": on });
  }

  show(message) {
    this.message = message;
    // A figure and its unit stay on one line.
    say(byId("answer"), message.text.replace(/(\d) (m|s|min)\b/g, "$1\u00a0$2"));
    set(byId("answer"), { "data-long": message.text.length > LONG || null });
  }

  /** What changes without a message. `silentS`: seconds since the answer came. */
  tick({ state, silentS }) {
    const first = this.message?.subjects.find((s) => s.status === "ranked");
    const closed = state === "closed";
    const ageS = first ? first.age_s + (closed ? 0 : silentS ?? 0) : null;
    const age = ageS === null ? "" : closed ? ageAtEnd(ageS) : ageSaid(ageS);
    say(byId("voice-age"), age && sentence(age));
    say(byId("voice-grid"), first?.grid ? `Grid ${first.grid}.` : "");
    const title = KINDS[this.kind].name;
    const stale = state === "stale" ? "Attention: this is not live" : closed ? "This is over" : "";
    this.lines = [
      this.kind === "exercise" ? "Exercise, exercise, exercise" : title,
      stale,
      ...(this.message?.text ?? "").split(/(?<=[.;!?])\s+/),
      age,
      first?.grid ? gridSaid(first.grid) : "",
    ].filter(Boolean).map(sentence);
    if (byId("slowly").hidden) return;
    keyed(byId("slowly"), this.lines.map((text, i) => ({ text, i })), ({ i }) => i,
      () => el("li"), (item, { text }) => say(item, text));
  }

  async copy() {
    const text = this.lines.join(" ");
    const copied = await written(text);
    say(byId("copied"), "");
    say(byId("copied"), copied ? "Copied" : "It could not be copied: select the text instead");
    say(byId("copy"), copied ? "Copied" : "Not copied");
    setTimeout(() => say(byId("copy"), "Copy"), 2000);
  }
}

/** Put a text on the clipboard; whether that worked. Without TLS a page has only the old way. */
export async function written(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const box = el("textarea", { "aria-hidden": "true", class: "unseen" });
    const before = document.activeElement;
    box.value = text;
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    before?.focus();
    return done;
  }
}
