// The states of the cameras, and what is degraded.

import { byId, el, keyed, say, set } from "./dom.js";
import { seconds } from "./words.js";

/** Show camera states and what is degraded. */
export function showCameras({ cameras, problems }) {
  byId("problems-panel").hidden = problems.length === 0;
  keyed(byId("problems"), problems, (text) => text, () => el("li"), (item, text) => say(item, text));
  keyed(byId("cameras"), cameras, (c) => c.id,
    () => el("li", {}, el("span", { class: "phase", "aria-hidden": "true" }),
      el("span", { class: "name" }), el("span", { class: "state" })),
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
    const s = c.starved;
    const short = s ? `, looked at ${s.got_fps.toFixed(1)} of ${s.wanted_fps.toFixed(1)} times/s` : "";
    return `live${rate}${short}`;
  }
  const age = c.last_frame_age_s === null ? "" : `, last picture ${seconds(c.last_frame_age_s)} old`;
  return `${c.phase}${c.reason ? `: ${c.reason}` : age}`;
}
