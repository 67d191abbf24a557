// Buttons, fields and files of the floor-plan page, each given what it does.

import { byId } from "./dom.js";
import { addLevel } from "./editor_edits.js";
import { listen } from "./editor_keys.js";
import { Pointer } from "./editor_pointer.js";

/** Let the page's controls act on the editor; `tools` are [id, letter, name]. */
export function wire(ed, tools) {
  const click = (id, act) => byId(id).addEventListener("click", act);
  const change = (id, act) => byId(id).addEventListener("change", (event) => act(event.target));
  click("undo", () => ed.undo());
  click("redo", () => ed.redo());
  click("check", () => ed.remote.check());
  click("publish", () => ed.remote.publish());
  click("zoom-in", () => ed.canvas.zoomStep(true));
  click("zoom-out", () => ed.canvas.zoomStep(false));
  click("zoom-all", () => ed.fit());
  click("add-level", () => {
    const { doc, id } = addLevel(ed.doc);
    ed.apply(doc, "level added");
    ed.showLevel(id);
  });
  byId("opacity").addEventListener("input", () => ed.showPicture());
  const files = (id, take) => change(id, (input) => {
    const [file] = input.files;
    input.value = "";
    if (file) take(file);
  });
  files("picture-file", (file) => ed.remote.upload(file));
  files("plan-file", (file) => ed.remote.bring(file));
  change("page", (input) => ed.remote.otherPage(Number(input.value)));
  click("picture-away", () => ed.remote.onServer("Taking the picture away", () => ed.saving.takeAway(ed.level)));
  change("straight", (input) => { ed.options.straight = input.checked; });
  change("grid", () => ed.toggleGrid());
  change("door-width", (input) => { ed.options.width_m = Math.max(Number(input.value) || 1, 0.4); });
  byId("typed").onsubmit = (event) => {
    event.preventDefault();
    const { x, y, relative } = event.target.elements;
    const last = relative.checked ? ed.tool.points?.at(-1) ?? ed.tool.first ?? ed.tool.from ?? [0, 0] : [0, 0];
    ed.clickAt([last[0] + Number(x.value), last[1] + Number(y.value)]);
    x.focus();
    x.select();
  };
  click("typed-close", () => (ed.tool.finish ? ed.tool.finish() : ed.complain("Only a room is closed; choose Room (P).")));
  listen(ed, new Map(tools.map(([id, key]) => [key.toLowerCase(), id])), () => byId("letters").checked);
  new Pointer(ed);
  window.addEventListener("beforeunload", (event) => {
    if (ed.saving.dirty || ed.busyDrawing()) event.preventDefault();
  });
}
