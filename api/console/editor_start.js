// The first screen of the floor-plan page: the sites whose plan may be drawn, and their drafts.

import { byId, el, say } from "./dom.js";
import { may } from "./me.js";
import * as requests from "./requests.js";
import * as saving from "./editor_saving.js";

const when = (text) => new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

/** Show the list; `chosen(site, draft)` is called with the draft that is to be drawn in. */
export async function showStart({ me, chosen, complain, sure }) {
  const place = byId("sites");
  place.replaceChildren();
  byId("choose").hidden = false;
  if (!may(me, "survey")) {
    say(byId("choose-empty"), `Floor plans are drawn by installers; your role is ${me.role}.`);
    return;
  }
  const sites = (await requests.sites()).filter((site) => site.kind === "site");
  say(byId("choose-empty"), sites.length ? "" : "This server has no site of yours. Drills keep their plan.");
  for (const site of sites) place.append(await card(site, { chosen, complain, sure }));
}

async function card(site, { chosen, complain, sure }) {
  const list = el("ul", { class: "drafts" });
  const made = el("li", { class: "panel card" }, el("h2", {}, site.name), el("p", { class: "about" }, site.address || site.id), list);
  const act = async (task) => {
    try {
      await task();
    } catch (error) {
      complain(requests.inWords(error));
    }
  };
  const fill = async () => {
    const drafts = await saving.drafts(site.id);
    list.replaceChildren(...drafts.map((draft) => row(draft)));
    if (!drafts.length) list.append(el("li", { class: "empty" }, "No drafts yet."));
  };
  const row = (draft) => {
    const go = el("button", { type: "button" }, "Go on");
    go.onclick = () => chosen(site, draft.draft);
    const gone = el("button", { type: "button", class: "quiet", "aria-label": `Delete the draft of ${when(draft.saved_at)}` }, "Delete");
    gone.onclick = () => act(async () => {
      if (!await sure("Delete this draft?", "Its versions and pictures go with it. What was published stays.", "Delete")) return;
      await saving.discard(site.id, draft.draft);
      await fill();
    });
    const told = `${draft.features} things drawn, version ${draft.version}, saved ${when(draft.saved_at)} by ${draft.saved_by}`
      + (draft.published_at ? `, published ${when(draft.published_at)}` : "");
    return el("li", {}, el("span", { class: "told" }, told), go, gone);
  };
  const button = (text, how, name) => {
    const one = el("button", { type: "button", class: name }, text);
    one.onclick = () => act(async () => chosen(site, (await saving.begin(site.id, how)).draft));
    return one;
  };
  made.append(el("div", { class: "row" },
    button("Change the present plan", "plan", "primary"), button("Begin an empty plan", "empty", "")));
  await act(fill);
  return made;
}
