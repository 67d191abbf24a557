// How old what is on the screen is, in one state that the whole page shows.

import { seconds } from "./words.js";

const SILENT_S = 1.6; // without a message for so long, the screen is stale: seen within 2 s
const LATE_PICTURE_S = 2; // answers keep coming, but the newest picture is older than this
const OLD_PICTURE_S = 4;

/** What is said of a state that the screen has come to. */
export const SPOKEN = {
  live: "Live again",
  late: "Pictures are late",
  stale: "Attention: what is shown is not live",
  closed: "Closed",
};

/**
 * Judge the screen. `state` is "waiting", "live", "late", "stale" or "closed".
 * Ages are seconds: since the connection was lost, since the last answer came, and from its newest
 * picture to its publication.
 */
export function judge({ closed, link, lostS = null, silentS, pictureS }) {
  if (closed) return { state: "closed", text: "Closed: this is history" };
  if (link === "lost") {
    const since = lostS === null ? "" : ` ${seconds(lostS)} ago`;
    const data = silentS === null ? "" : ` Data is ${seconds(silentS)} old.`;
    return { state: "stale", text: `STALE: connection lost${since}, reconnecting.${data}` };
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
  if (age > LATE_PICTURE_S) return { state: "late", text: `LATE: pictures are ${seconds(age)} old` };
  return { state: "live", text: `Live, pictures ${seconds(pictureS)} old` };
}
