// The ways to the other pages, for those who may use them.

import { el } from "./dom.js";

// `may` names the abilities of which one is enough, null for everybody; the agreement may still
// refuse what is asked there.
const PAGES = [
  { href: "/", name: "Console", may: null },
  { href: "/tactical", name: "Tactical", may: ["watch", "watch-exercise"] },
  { href: "/drills", name: "Drills", may: ["exercise"] },
  { href: "/calibrate", name: "Calibration", may: ["survey"] },
  { href: "/plan-editor", name: "Plan editor", may: ["survey"] },
];

/** Put links into `place`; the page that is shown is named, and a page of one has no links. */
export function showPages(place, me) {
  const shown = PAGES.filter(
    (page) => page.may === null || page.may.some((ability) => me.abilities.includes(ability)));
  place.replaceChildren(...(shown.length < 2 ? [] : shown.map((page) => el("a", {
    href: page.href,
    "aria-current": page.href === location.pathname ? "page" : null,
  }, page.name))));
}
