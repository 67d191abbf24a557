// How old what is on the screen is, in one state that the whole page shows.

import { seconds } from "./words.js";

const SILENT_S = 2; // without a message for so long, the screen is stale
const OLD_PICTURE_S = 4; // answers keep coming, but the newest picture is older than this

/**
 * Judge the screen. `state` is "waiting", "live", "stale" or "closed".
 * Ages are seconds: since the last answer came, and from its newest picture to its publication.
 */
export function judge({ closed, link, silentS, pictureS }) {
  if (closed) return { state: "closed", text: "Closed: this is history" };
  if (link === "lost") {
    const since = silentS === null ? "" : ` Data is ${seconds(silentS)} old.`;
    return { state: "stale", text: `STALE: connection lost, reconnecting.${since}` };
  }
  if (silentS === null) {
    return { state: "waiting", text: link === "open" ? "Cameras are starting…" : "Connecting…" };
  }
  if (silentS > SILENT_S) {
    return { state: "stale", text: `STALE: no new data for ${seconds(silentS)}` };
  }
  if (pictureS === null) return { state: "waiting", text: "Waiting for the first pictures…" };
  const age = pictureS + silentS;
  if (age > OLD_PICTURE_S) {
    return { state: "stale", text: `STALE: newest picture is ${seconds(age)} old` };
  }
  return { state: "live", text: `Live, pictures ${seconds(pictureS)} old` };
}
