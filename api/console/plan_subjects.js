// The people on the plan: marks, trails and the areas that hold them. A mark says by its shape what
// is known: diamond the likely intruder, circle somebody else, shield a responder, struck circle
// who was ruled out; corners around it: confirmed; a ring with ticks: followed on request.

import { keyed, set, svg } from "./dom.js";
import { ellipse95 } from "./geometry.js";
import { flip, path } from "./paths.js";
import { isSuspect } from "./words.js";

/** What a subject is on the plan: "suspect", "other", "responder" or "rejected". */
export const kindOf = (s) => (s.status !== "ranked" ? s.status : isSuspect(s) ? "suspect" : "other");

/** Whether a mark of that kind stands. */
export const marked = (s, mark) => s.marks.some((one) => one.mark === mark);

const KIND_WORDS = {
  suspect: "likely intruder", other: "other person", responder: "responder", rejected: "ruled out",
};

/** What a mark says in words, without its age. */
export function subjectWords(s) {
  const kind = marked(s, "confirm") && s.status === "ranked" ? "confirmed intruder" : KIND_WORDS[kindOf(s)];
  const where = [s.space?.name ?? "outside all rooms", s.grid].filter(Boolean).join(", ");
  return [
    `${s.id}, ${kind}`, s.unit && `unit ${s.unit}`, marked(s, "designate") && "followed on request",
    s.look_again && "seen with a weapon since it was ruled out", where,
  ].filter(Boolean).join(", ");
}

const MARKS = {
  diamond: "M0-13 13 0 0 13-13 0Z",
  shield: "M-8-9H8V1C8 6 3 9 0 11C-3 9-8 6-8 1Z",
  slash: "M-5 5 5-5",
  corners: "M-17-11V-17H-11M11-17H17V-11M17 11V17H11M-11 17H-17V11",
  ticks: "M0-17V-24M0 17V24M-17 0H-24M17 0H24",
};

/** Draw the marks; `chosen` is the id of the subject that somebody chose. */
export function drawMarks(layer, subjects, { chosen, focusable }) {
  keyed(layer, [...subjects].reverse(), (s) => s.id, newMark, (element, s) => {
    const [x, y] = flip(s.position.site_m.coordinates);
    const words = subjectWords(s);
    set(element, {
      transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`,
      "data-kind": kindOf(s), "data-suspect": kindOf(s) === "suspect" || null,
      "data-seen": s.visibility === "in view", "data-first": s.rank === 1 || null,
      "data-confirmed": marked(s, "confirm") || null,
      "data-designated": marked(s, "designate") || null,
      "data-again": s.look_again || null,
      "aria-pressed": s.id === chosen, "aria-label": words,
      tabindex: s.id === focusable ? 0 : -1,
    });
    const { rank, title } = element.parts;
    const inside = s.status === "ranked" ? String(s.rank) : s.status === "responder" ? "R" : "";
    if (rank.textContent !== inside) rank.textContent = inside;
    if (title.textContent !== words) title.textContent = words;
  });
}

function newMark(s) {
  const part = (name) => svg("path", { class: name, d: MARKS[name] });
  const rank = svg("text", { class: "rank", y: 0.5 });
  const age = svg("text", { class: "age", x: 20, y: 0.5 });
  const title = svg("title", {});
  const made = svg("g", { class: "subject", role: "button", "data-subject": s.id },
    title,
    svg("g", { class: "symbol" },
      svg("circle", { class: "hit" }), svg("circle", { class: "halo", r: 21 }),
      svg("circle", { class: "followed", r: 17 }), part("ticks"), part("corners"), part("diamond"), part("shield"),
      svg("circle", { class: "disc", r: 7 }), part("slash"), rank, age));
  made.parts = { rank, age, title };
  return made;
}

/** Write the age of each subject beside its mark: pairs of id and text. */
export function writeAges(layer, ages) {
  const texts = new Map(ages);
  for (const mark of layer.children) {
    const { age } = mark.parts;
    const text = texts.get(mark.dataset.subject) ?? "";
    if (age.textContent !== text) age.textContent = text;
  }
}

/** Whose area and trail are drawn among many: of all others in view the trail only. */
const told = (s, chosen) => isTold(s) || s.id === chosen || (s.status === "ranked" && s.visibility === "in view");
const isTold = (s) => kindOf(s) === "suspect" || s.rank === 1 || marked(s, "confirm") || marked(s, "designate");

/** Draw the 95 % areas; `mapped` is whose search map is drawn instead. */
export function drawRings(layer, subjects, { chosen, mapped }) {
  // The areas of everybody unseen would cover the plan: only those of likely intruders, of the
  // first, of who was chosen or marked, and of people in view are drawn.
  const shown = subjects.filter((s) => told(s, chosen) && s.id !== mapped);
  keyed(layer, shown.reverse(), (s) => s.id, () => svg("ellipse", { class: "ring" }),
    (element, s) => {
      const [x, y] = flip(s.position.site_m.coordinates);
      const { a, b, turn } = ellipse95(s.uncertainty.cov_m2);
      set(element, {
        cx: x.toFixed(2), cy: y.toFixed(2), rx: a.toFixed(2), ry: b.toFixed(2),
        transform: `rotate(${(-turn).toFixed(1)} ${x.toFixed(2)} ${y.toFixed(2)})`,
        "data-suspect": kindOf(s) === "suspect" || null, "data-subject": s.id,
        "data-seen": s.visibility === "in view",
      });
    });
}

/** Draw where people came from. */
export function drawTrails(layer, subjects) {
  const shown = subjects.filter((s) => s.trail && s.status === "ranked");
  keyed(layer, shown.reverse(), (s) => s.id, () => svg("path", { class: "trail" }),
    (element, s) => set(element, {
      d: path(s.trail.site_m.coordinates), "data-suspect": kindOf(s) === "suspect" || null,
    }));
}
