// What a fit says, in words that an installer can act on.

import { byId, el, keyed, say } from "./dom.js";

const GOOD_M = 0.1;
const USABLE_M = 0.3;
const metres = (value) => `${value.toFixed(2)} m`;

/** "good", "usable", "poor" or "unknown", by the error of points that were left out. */
export const gradeOf = (fit) =>
  !fit.measured ? "unknown" : fit.left_out_m <= GOOD_M ? "good" : fit.left_out_m <= USABLE_M ? "usable" : "poor";

const VERDICTS = {
  good: (fit) => `Good: ${metres(fit.left_out_m)} off where a point is left out.`,
  usable: (fit) => `Usable: ${metres(fit.left_out_m)} off where a point is left out. 0.10 m would be good.`,
  poor: (fit) => `Poor: ${metres(fit.left_out_m)} off where a point is left out. Look at the points that are marked, and add some.`,
  unknown: () => "Not measured yet: add points.",
};

/** Show a fit, or that there is none yet and why. */
export function showResult(answer, used) {
  const fit = answer?.fit ?? null;
  const refusal = used > 0 ? answer?.refusal ?? "" : "";
  say(byId("refusal"), refusal ? capital(refusal) : "");
  const grade = fit ? gradeOf(fit) : "none";
  byId("result").dataset.grade = grade;
  say(byId("verdict"), fit ? VERDICTS[grade](fit)
    : used < 4 ? `${used} of at least 4 points.` : "These points fix no camera.");
  const away = fit?.moved;
  say(byId("moved"), away
    ? `Against the calibration in use the floor moves by ${metres(away.median_m)} (median), 95 % of it by ${metres(away.p95_m)} at most.` : "");
  keyed(byId("advice"), fit?.advice ?? [], (text) => text, (text) => el("li", {}, text), () => {});
  const bands = fit?.bands ?? [];
  byId("bands").hidden = !bands.length;
  keyed(byId("band-rows"), bands, (band) => band.from_m,
    () => el("tr", {}, el("th", { scope: "row" }), el("td", {}), el("td", {})),
    (row, band) => {
      say(row.children[0], `${band.from_m} to ${band.to_m} m`);
      say(row.children[1], metres(band.median_m));
      say(row.children[2], metres(band.worst_m));
      row.dataset.poor = band.worst_m > 0.5 ? "yes" : "no";
    });
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
