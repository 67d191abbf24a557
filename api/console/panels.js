// The panels beside the plan: the door, who it may be, the other doors, the cameras.

import { byId, el, keyed, say, set, svg } from "./dom.js";
import { clockTime, isSuspect, metres, percent, seconds } from "./words.js";

/** Show the best door large, the others in a list with the reason why not. */
export function showDoors(entrances, first) {
  const suspect = !first || isSuspect(first);
  say(byId("door-title"), suspect ? "Take this door" : `Closest to ${first.id}, not seen armed`);
  const best = entrances.find((e) => e.usable && e.walk_m !== null);
  say(byId("door-number"), best ? best.door_number || "–" : "–");
  const none = entrances.length ? "No usable door leads there" : "No position yet";
  say(byId("door-name"), best ? best.name || `Door ${best.door_number}` : none);
  say(byId("door-walk"), best ? `${metres(best.walk_m)} on foot` : "");
  keyed(byId("steps"), (best?.steps ?? []).map((text, i) => ({ text, i })), ({ i }) => i,
    () => el("li"), (item, { text }) => say(item, text));
  const others = entrances.filter((e) => e !== best);
  byId("doors-panel").hidden = others.length === 0;
  keyed(byId("doors"), others, (e) => e.door_number + e.name,
    () => el("li", {},
      el("span", { class: "chip" }), el("span", { class: "walk" }), el("span", { class: "why" })),
    (item, e) => {
      const [chip, walk, why] = item.children;
      say(chip, e.door_number || "–");
      say(walk, e.walk_m === null ? "no way" : metres(e.walk_m));
      say(why, [e.name, e.why_not].filter(Boolean).join(": "));
      set(item, { "data-usable": e.usable });
    });
}

/** Show the ranked subjects. */
export function showRanked(subjects) {
  byId("ranked-empty").hidden = subjects.length > 0;
  keyed(byId("ranked"), subjects, (s) => s.id, rankedItem, (item, s) => {
    set(item, { "data-suspect": isSuspect(s) || null, "data-subject": s.id });
    say(item.querySelector(".chip"), String(s.rank));
    say(item.querySelector(".name"), s.space?.name ?? "Outside all rooms");
    say(item.querySelector(".id"), s.id);
    say(item.querySelector(".likely"), percent(s.probability));
    item.querySelector("meter").value = s.probability;
    say(item.querySelector(".armed"), `armed ${percent(s.armed_probability)}`);
    say(item.querySelector(".within"), `within ${s.uncertainty.ce95_m.toFixed(1)} m`);
    showEvidence(item.querySelector(".evidence"), s.evidence);
    keyed(item.querySelector(".reasons"), s.reasons.map((text, i) => ({ text, i })),
      ({ i }) => i, () => el("li"), (line, { text }) => say(line, text));
  });
}

/** Show why somebody may be armed: the clearest picture, its weapon framed. */
function showEvidence(figure, evidence) {
  figure.hidden = !evidence;
  if (!evidence) return;
  const image = figure.querySelector("img");
  if (image.getAttribute("src") !== evidence.picture) image.src = evidence.picture;
  const [left, top, right, bottom] = evidence.weapon_box;
  set(figure.querySelector("rect"), { x: left, y: top, width: right - left, height: bottom - top });
  say(figure.querySelector("figcaption"),
    `${evidence.camera}, ${clockTime(evidence.captured_at)}: judge for yourself`);
}

function rankedItem(s) {
  const details = el("details", {},
    el("summary", {},
      el("span", { class: "chip" }),
      el("span", { class: "who" },
        el("span", { class: "name" }), " ", el("span", { class: "id" })),
      el("span", { class: "likely" }),
      el("meter", { min: 0, max: 1, "aria-label": "Probability of being the intruder" }),
      el("span", { class: "facts" },
        el("span", { class: "age" }), el("span", { class: "armed" }),
        el("span", { class: "within" })),
    ),
    el("figure", { class: "evidence", hidden: true },
      el("div", { class: "frame" },
        el("img", { alt: "The clearest look at what may be a weapon", width: 160, height: 160 }),
        svg("svg", { viewBox: "0 0 1 1", "aria-hidden": "true" }, svg("rect"))),
      el("figcaption")),
    el("ul", { class: "reasons" }));
  details.open = s.rank === 1;
  return el("li", {}, details);
}

/** Show how old each subject's sighting is by now: pairs of id and text. */
export function showAges(ages) {
  for (const [id, text] of ages) {
    const age = byId("ranked").querySelector(`[data-subject="${CSS.escape(id)}"] .age`);
    if (age) say(age, text);
  }
}

/** Show camera states and what is degraded. */
export function showCameras({ cameras, problems }) {
  byId("problems-panel").hidden = problems.length === 0;
  keyed(byId("problems"), problems, (text) => text, () => el("li"), (item, text) => say(item, text));
  keyed(byId("cameras"), cameras, (c) => c.id,
    () => el("li", {}, el("span", { class: "phase" }), el("span", { class: "name" }),
      el("span", { class: "state" })),
    (item, c) => {
      set(item, { "data-phase": c.phase });
      const [, name, state] = item.children;
      say(name, c.name || c.id);
      say(state, cameraWords(c));
    });
}

function cameraWords(c) {
  if (c.phase === "live") {
    const rate = c.fps === null ? "" : ` ${c.fps.toFixed(0)} pictures/s`;
    return `live${rate}`;
  }
  const age = c.last_frame_age_s === null ? "" : `, last picture ${seconds(c.last_frame_age_s)} old`;
  return `${c.phase}${c.reason ? `: ${c.reason}` : age}`;
}
