// What is asked before a plan is published, or something is deleted.

import { byId, el, say } from "./dom.js";
import { inWords, Refused } from "./requests.js";

/** Ask; resolves to whether the answer was yes. */
export function sure(title, text, yes) {
  const dialog = byId("sure");
  say(byId("sure-title"), title);
  say(byId("sure-text"), text);
  say(byId("sure-yes"), yes);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Show what would change and publish on a yes; resolves to what was done, or null. */
export async function askToPublish(ed) {
  const dialog = byId("publishing");
  const yes = byId("publish-yes");
  yes.disabled = true;
  say(byId("publish-refusal"), "");
  say(byId("publish-state"), "Checking…");
  byId("changes").replaceChildren();
  byId("replace").checked = false;
  byId("replace-line").hidden = !ed.draft.outdated;
  dialog.showModal();
  const done = new Promise((resolve) => {
    let made = null;
    byId("publish-no").onclick = () => dialog.close();
    dialog.addEventListener("close", () => resolve(made), { once: true });
    byId("publish-form").onsubmit = async (event) => {
      event.preventDefault();
      yes.disabled = true;
      try {
        made = await ed.saving.publish(byId("replace").checked);
        dialog.close();
      } catch (error) {
        if (error instanceof Refused && error.title.includes("changed meanwhile")) byId("replace-line").hidden = false;
        say(byId("publish-refusal"), inWords(error));
        byId("publish-refusal").focus();
        yes.disabled = false;
      }
    };
  });
  const found = await ed.remote.check();
  if (found) {
    showFound(found);
    yes.disabled = !found.ok;
    if (found.ok) yes.focus();
  } else say(byId("publish-state"), byId("check-state").textContent);
  return done;
}

function showFound(found) {
  const errors = found.problems.filter((p) => p.severity === "error").length;
  const warnings = found.problems.length - errors;
  const state = errors ? `It has ${errors} ${errors === 1 ? "error" : "errors"} and cannot be published; “Check” lists them.`
    : warnings ? `Nothing keeps it from being used; ${warnings} ${warnings === 1 ? "warning is" : "warnings are"} left.`
      : "Nothing is wrong with it.";
  say(byId("publish-state"), `${state} ${found.reached} of ${found.spaces} spaces are reached. The plan before is kept.`);
  const lines = found.changes.length ? found.changes : ["Nothing changes."];
  byId("changes").replaceChildren(...lines.map((text) => el("li", {}, text)));
}
