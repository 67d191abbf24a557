// The card of one site: what binds it, what is open there, and the form to open something.

import { el, say } from "./dom.js";
import { offer, openingForm } from "./form.js";
import { mayWatch } from "./me.js";
import { clockTime, KINDS } from "./words.js";

/** A new card. `asked(request)` is called with a request that waits for a second person. */
export function card(site, { me, opened, asked }) {
  const terms = site.agreement;
  return el("li", { class: "panel site" },
    el("h2", {}, site.name),
    el("p", { class: "about" }, aboutWords(site)),
    site.description ? el("p", {}, site.description) : "",
    el("p", { class: "binds" }, terms
      ? `Bound by ${terms.title}, version ${terms.version}`
      : "No agreement: exercises only"),
    el("div", { class: "running", hidden: "" },
      el("p", {}), el("button", { type: "button", class: "primary" })),
    openingForm(site, me, { opened, asked })
      ?? el("p", { class: "empty idle" }, "Nothing is open here, and your role opens nothing."));
}

/** Show what is open on a site, and offer what may still be opened. */
export function update(item, { me, running, opened }) {
  const form = item.querySelector("form");
  if (form) offer(form, running);
  const box = item.querySelector(".running");
  box.hidden = running === null;
  if (running !== null) {
    const { title, name } = KINDS[running.kind];
    box.dataset.kind = running.kind;
    const over = form && !form.hidden ? " A real emergency may be opened over it." : "";
    say(box.querySelector("p"), `${title} open since ${clockTime(running.opened_at)}.${over}`);
    say(box.querySelector("button"), `Follow open ${name}`);
    box.querySelector("button").hidden = !mayWatch(me, running);
    box.querySelector("button").onclick = () => opened(running.incident);
  }
  const idle = item.querySelector(".idle");
  if (idle) idle.hidden = running !== null;
}

function aboutWords(site) {
  const cameras = site.cameras === null
    ? "cameras: not shown to your role"
    : `${site.cameras.length} camera${site.cameras.length === 1 ? "" : "s"}`;
  const kind = site.kind === "drill" ? "Recorded drill" : "Site with live cameras";
  return [kind, cameras, site.address].filter(Boolean).join(" · ");
}
