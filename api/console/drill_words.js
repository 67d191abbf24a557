// What pages about drills say of figures and moments.

const share = (value) => (value === null ? "–" : `${(value * 100).toFixed(1)} %`);
const metres = (value) => (value === null ? "–" : `${value.toFixed(2)} m`);
const count = (value) => (value === null ? "–" : String(value));
const seconds = (value) => (value === null ? "–" : `${value.toFixed(1)} s`);
const milliseconds = (value) => (value === null ? "–" : `${Math.round(value)} ms`);

/** The main figures of a run: key, name, short name, and how each is written. */
export const FIGURES = [
  ["room_correct", "Room correct", share],
  ["entrance_correct", "Door correct", share],
  ["position_error_median_m", "Error, median", metres],
  ["position_error_p95_m", "Error, p95", metres],
  ["time_to_first_armed_alert_s", "First armed alert", seconds],
  ["false_armed_alerts", "False alerts", count],
  ["identity_switches", "Switches", count],
  ["moda", "MODA", share],
  ["capture_to_published_p95_ms", "Published, p95", milliseconds],
];

/** How a run was played. */
export const pace = (speed) => (speed === "max" ? "full speed" : "real time");

/** A moment as people here write it. */
export const when = (moment) => new Date(moment).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

/** A length of time: 60 s, 4 min 20 s. */
export function lasting(duration) {
  if (duration < 100) return `${Math.round(duration)} s`;
  const minutes = Math.floor(duration / 60), rest = Math.round(duration % 60);
  return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
}
