// The doors: the one to take, large, and why not the others.

import { byId, el, keyed, say, set } from "./dom.js";
import { isSuspect, metres } from "./words.js";

/** Show the best door large, the others in a list with the reason why not. */
export function showDoors(entrances, first) {
  const suspect = !first || isSuspect(first);
  say(byId("door-title"), suspect ? "Take this door" : `Closest to ${first.id}, not seen armed`);
  const best = bestOf(entrances);
  say(byId("door-number"), best ? best.door_number || "–" : "–");
  const none = entrances.length ? "No usable door leads there" : "No position yet";
  say(byId("door-name"), best ? best.name || `Door ${best.door_number}` : none);
  say(byId("door-walk"), best ? `${metres(best.expected_m ?? best.walk_m)} on foot` : "");
  say(byId("door-facts"), best ? facts(best).join(" · ") : "");
  lines(byId("door-warnings"), best ? warnings(best) : []);
  lines(byId("steps"), best?.steps ?? []);
  const others = entrances.filter((e) => e !== best);
  byId("doors-panel").hidden = others.length === 0;
  keyed(byId("doors"), others, (e) => e.door_number + e.name,
    () => el("li", {},
      el("span", { class: "chip" }), el("span", { class: "walk" }), el("span", { class: "why" }),
      el("span", { class: "facts" })),
    (item, e) => {
      const [chip, walk, why, more] = item.children;
      const way = e.expected_m ?? e.walk_m;
      say(chip, e.door_number || "–");
      say(walk, way === null ? "no way" : metres(way));
      say(why, [e.name, e.why_not].filter(Boolean).join(": "));
      say(more, [...(way === null ? [] : facts(e)), ...warnings(e)].join(" · "));
      set(item, { "data-usable": e.usable });
    });
}

/** The best door that can be used; undefined where there is none. */
export const bestOf = (entrances) => entrances.find((e) => e.usable && e.walk_m !== null);

/** What else is known of the way: how far it may get, and how far it is to the door. */
function facts(e) {
  return [
    e.worst_m === null || e.worst_m === undefined ? "" : `at worst ${metres(e.worst_m)}`,
    e.approach_m === null || e.approach_m === undefined
      ? "" : `${metres(e.approach_m)} outside, from where officers arrive`,
  ].filter(Boolean);
}

function warnings(e) {
  return [
    e.locked ? "Kept locked: bring a key or a tool" : "",
    e.in_sight ? "They probably see this door" : "",
  ].filter(Boolean);
}

function lines(parent, texts) {
  keyed(parent, texts.map((text, i) => ({ text, i })), ({ i }) => i,
    () => el("li"), (item, { text }) => say(item, text));
}
