// The editor of one draft: what is drawn, what is selected, which tool is at hand, and what goes to
// the server.

import { byId, el, say, set } from "./dom.js";
import { Canvas } from "./editor_canvas.js";
import * as edits from "./editor_edits.js";
import { History } from "./editor_history.js";
import { SelectedPanel, showFeatures, showLevels, showProblems, showVersions } from "./editor_panels.js";
import { sure } from "./editor_publishing.js";
import { Remote } from "./editor_remote.js";
import { Saving } from "./editor_saving.js";
import { ScaleTool } from "./editor_scale.js";
import { away, boxOf, extentOf, pointsOf, same, snap, wallsOf } from "./editor_shapes.js";
import { DoorTool, RectangleTool, RoomTool, SelectTool, SplitTool } from "./editor_tools.js";
import { wire } from "./editor_wiring.js";

const TOOLS = [
  ["select", "V", "Select"], ["scale", "S", "Scale, north"], ["rectangle", "R", "Rectangle"],
  ["room", "P", "Room"], ["door", "D", "Door"], ["entrance", "E", "Entrance"],
  ["split", "K", "Cut"], ["fixture", "F", "Furniture"],
];
const KEY_REACH_M = 0.06; // of the keyboard's crosshair, which is put exactly

export class Editor {
  constructor(draft, site) {
    this.site = site;
    this.closed = false;
    this.options = { width_m: 1, straight: true };
    this.selected = null;
    this.checked = null;
    this.crosshair = null;
    this.canvas = new Canvas(byId("canvas"), byId("overlay"), byId("bar"));
    this.saving = new Saving(draft, (state, text) => this.showSaved(state, text));
    this.history = new History(null);
    this.panel = new SelectedPanel(this);
    this.remote = new Remote(this);
    this.tools = {
      select: new SelectTool(this), room: new RoomTool(this),
      rectangle: new RectangleTool(this, "unit"), fixture: new RectangleTool(this, "fixture"),
      door: new DoorTool(this, "opening"), entrance: new DoorTool(this, "entrance"),
      split: new SplitTool(this), scale: new ScaleTool(this, (measured) => this.remote.setScale(measured)),
    };
    this.tool = this.tools.select;
    this.takeDraft(draft);
    this.showTools();
    wire(this, TOOLS);
    this.use("select");
    this.showSaved("saved", `Saved, version ${draft.version}`);
    requestAnimationFrame(() => this.fit());
    this.remote.checkSoon();
  }

  get draft() {
    return this.saving.draft;
  }

  get doc() {
    return this.history.doc;
  }

  /** Take a draft as the server has it: after loading it, after a picture, a scale, an import. */
  takeDraft(draft) {
    this.saving.wanted = null;
    this.history.clear({ levels: draft.levels, features: draft.features });
    if (!draft.levels.some((l) => l.id === this.level)) {
      this.level = [...draft.levels].sort((a, b) => Math.abs(a.ordinal) - Math.abs(b.ordinal))[0].id;
    }
    byId("notes").replaceChildren(...draft.notes.map((note) => el("li", {}, note)));
    set(byId("compass").firstElementChild, { transform: `rotate(${(90 - draft.anchor.x_axis_bearing_deg).toFixed(2)})` });
    this.refresh();
  }

  refresh() {
    this.showDoc(this.doc);
    showLevels(this);
    showFeatures(this);
    this.panel.show();
    this.showPicture();
    showProblems(this, this.checked);
    const { before, after } = this.history;
    byId("undo").disabled = !before.length;
    byId("redo").disabled = !after.length;
  }

  showDoc(doc) {
    this.shownDoc = doc;
    this.canvas.show(doc, this.level, this.selected, this.checked?.problems ?? []);
  }

  /** Show a document that is not taken yet, while something is dragged. */
  showOnly(doc) {
    this.showDoc(doc);
  }

  takeShown(told) {
    this.apply(this.shownDoc, told);
  }

  /** Take the next document. */
  apply(doc, told) {
    if (doc === this.doc) {
      this.refresh();
      return;
    }
    this.history.take(doc, told);
    this.changed();
    this.say(told);
  }

  changed() {
    if (this.selected && !edits.find(this.doc, this.selected.id)) this.selected = null;
    if (!this.doc.levels.some((l) => l.id === this.level)) this.level = this.doc.levels[0].id;
    this.complain("");
    this.refresh();
    this.saving.later(this.doc);
    this.remote.checkSoon();
  }

  /** Take what a tool has drawn, and select it. */
  add({ doc, id }, told) {
    this.selected = { id, corner: null };
    this.apply(doc, told);
  }

  undo() {
    const told = this.history.undo();
    if (told === null) this.say("Nothing to undo");
    else this.changed();
    if (told !== null) this.say(`Undone: ${told}`);
  }

  redo() {
    const told = this.history.redo();
    if (told === null) this.say("Nothing to do again");
    else this.changed();
    if (told !== null) this.say(`Done again: ${told}`);
  }

  select(id, corner = null) {
    this.selected = id === null ? null : { id, corner };
    this.showDoc(this.shownDoc ?? this.doc);
    this.panel.show();
    showFeatures(this);
  }

  /** Select a feature and bring it into view, on its level. */
  goTo(id) {
    const feature = edits.find(this.doc, id);
    if (!feature) return;
    this.use("select");
    this.showLevel(edits.levelOf(feature));
    this.select(id);
    const [left, bottom, right, top] = extentOf(feature);
    this.canvas.reveal([(left + right) / 2, (bottom + top) / 2]);
  }

  goToProblem(problem) {
    if (problem.feature) this.goTo(problem.feature);
    else if (problem.level) this.showLevel(problem.level);
    if (problem.at_m) this.canvas.reveal(problem.at_m, true);
    this.canvas.root.focus();
  }

  removeSelected() {
    if (!this.selected) return;
    const feature = edits.find(this.doc, this.selected.id);
    if (this.selected.corner && feature.geometry.type === "Polygon") {
      this.removeCorner(this.selected.corner);
      return;
    }
    this.selected = null;
    this.apply(edits.remove(this.doc, feature.id), `${edits.nameOf(feature)} deleted`);
  }

  removeCorner(at) {
    const doc = edits.removeCorner(this.doc, this.level, at);
    if (!doc) this.complain("A room keeps three corners at least.");
    else {
      this.selected = { ...this.selected, corner: null };
      this.apply(doc, "corner removed");
    }
  }

  showLevel(level) {
    if (this.level === level) return;
    this.tool.cancel();
    this.level = level;
    this.selected = null;
    this.refresh();
    this.say(`Level ${this.doc.levels.find((l) => l.id === level).name}`);
  }

  async removeLevel(id) {
    const level = this.doc.levels.find((l) => l.id === id);
    const count = edits.on(this.doc, id).length;
    const text = count ? `${count} things are drawn on it; they go with it. Undo brings them back.` : "Nothing is drawn on it.";
    if (await sure(`Delete ${level.name}?`, text, "Delete")) this.apply(edits.removeLevel(this.doc, id), `${level.name} deleted`);
  }

  /** Where a point comes to lie; see `snap`. */
  snapped(at, { reach_m, from = null, more = [], free = false, without = null }) {
    const doc = this.doc;
    const shapes = edits.on(doc, this.level, "unit", "level");
    const kept = (p) => !without || !same(p, without);
    const corners = [...shapes.flatMap(pointsOf), ...more].filter(kept);
    const edges = shapes.flatMap(wallsOf).filter(([a, b]) => kept(a) && kept(b));
    const grid_m = this.canvas.gridShown && reach_m > KEY_REACH_M ? Math.min(this.canvas.grid_m, 0.1) : 0;
    return snap(at, { corners, edges, reach_m, grid_m, from, straight: this.options.straight !== free });
  }

  newRoom() {
    const count = edits.on(this.doc, this.level, "unit").length;
    return { name: `Room ${count + 1}` };
  }

  use(name, byKey = false) {
    if (name === "scale" && !this.picture()) {
      this.complain("There is no picture under this level: bring one first.");
      return;
    }
    this.tool.cancel();
    this.tool.stop?.();
    this.tool = this.tools[name];
    this.toolName = name;
    this.canvas.root.dataset.tool = name;
    this.tool.start?.();
    say(byId("hint"), this.tool.hint);
    this.complain("");
    for (const button of byId("tools").children) set(button, { "aria-pressed": button.dataset.tool === name });
    if (byKey) {
      this.say(TOOLS.find(([id]) => id === name)[2]);
      this.canvas.root.focus();
    }
  }

  /** Move the crosshair of the keyboard, or what is selected. */
  step([dx, dy], free) {
    if (this.toolName === "select" && this.selected) {
      const { id, corner } = this.selected;
      const feature = edits.find(this.doc, id);
      if (corner && feature.geometry.type === "Polygon") {
        const to = [corner[0] + dx, corner[1] + dy];
        this.selected = { id, corner: to };
        this.apply(edits.moveCorners(this.doc, this.level, [[corner, to]]), "corner moved");
      } else this.apply(edits.moveFeature(this.doc, id, [dx, dy]), `${edits.nameOf(feature)} moved`);
      return;
    }
    const from = this.crosshair ?? this.canvas.centre.map((v) => Math.round(v * 10) / 10);
    this.crosshair = [from[0] + dx, from[1] + dy].map((v) => Math.round(v * 100) / 100);
    this.canvas.reveal(this.crosshair);
    this.tool.move(this.crosshair, { reach_m: KEY_REACH_M, free });
    this.canvas.showCrosshair(this.crosshair);
    this.say(this.crosshair.map((v) => v.toFixed(2)).join(", "));
  }

  clickAtCrosshair() {
    if (!this.crosshair) this.step([0, 0], true);
    this.tool.click(this.crosshair, { reach_m: KEY_REACH_M, free: true });
  }

  clickAt(at) {
    this.crosshair = at;
    this.canvas.reveal(at);
    this.tool.click(at, { reach_m: KEY_REACH_M, free: true });
  }

  escape() {
    if (this.toolName !== "select" && !this.busyDrawing()) this.use("select");
    else this.tool.cancel();
    this.complain("");
  }

  busyDrawing() {
    const { points, first, from } = this.tool;
    return Boolean(points?.length || first || from);
  }

  back() {
    if (this.tool.back) this.tool.back();
  }

  fit() {
    const points = edits.on(this.doc, this.level).flatMap(pointsOf);
    const picture = this.picture();
    const [[a, c, e], [b, d, f]] = picture?.to_site ?? [[0, 0, 0], [0, 0, 0]];
    const [w, h] = picture?.size_px ?? [0, 0];
    const sheet = picture ? [[0, 0], [w, 0], [w, h], [0, h]].map(([x, y]) => [a * x + c * y + e, b * x + d * y + f]) : [];
    const all = [...points, ...sheet];
    this.canvas.fit(all.length ? boxOf(all) : [0, 0, 60, 40]);
  }

  toggleGrid() {
    this.canvas.gridShown = !this.canvas.gridShown;
    byId("grid").checked = this.canvas.gridShown;
    this.canvas.place();
  }

  picture() {
    return this.draft.pictures.find((p) => p.level === this.level) ?? null;
  }

  showPicture() {
    const picture = this.picture();
    const href = picture && `${this.saving.path}/levels/${encodeURIComponent(this.level)}/picture?name=${picture.name}`;
    this.canvas.showPicture(picture, href, Number(byId("opacity").value) / 100);
    byId("opacity-field").hidden = byId("picture-away").hidden = !picture;
    byId("page-field").hidden = !(picture?.pages > 1);
    byId("page").max = picture?.pages ?? 1;
    const state = byId("picture-state");
    state.dataset.measured = picture?.measured ?? true;
    say(state, !picture ? "None. Draw over a picture, or without one."
      : picture.measured ? `${picture.pages > 1 ? `Page ${picture.page} of ${picture.pages}. ` : ""}One pixel is ${(picture.placement.metres_per_pixel * 100).toFixed(1)} cm.`
        : "Its scale is a guess: set scale and north (S) before you draw.");
  }

  say(text) {
    say(byId("said"), text);
  }

  sayPlace(at, from, note = "") {
    const place = `x ${at[0].toFixed(2)} m, y ${at[1].toFixed(2)} m`;
    const line = from ? `, ${away(from, at).toFixed(2)} m from the last point` : "";
    say(byId("place"), note ? `${place}: ${note}` : place + line);
  }

  complain(text) {
    byId("complaint").hidden = !text;
    say(byId("complaint"), text);
  }

  showSaved(state, text) {
    if (state === "conflict" && byId("saved").dataset.state !== state) this.remote.settle(text);
    if (state === "saved") showVersions(this);
    byId("saved").dataset.state = state;
    say(byId("saved"), text);
  }

  showTools() {
    byId("tools").replaceChildren(...TOOLS.map(([id, key, name]) => {
      const button = el("button", { type: "button", "data-tool": id, "aria-keyshortcuts": key, "aria-pressed": "false" },
        el("span", {}, name), el("kbd", { "aria-hidden": "true" }, key));
      button.onclick = () => this.use(id);
      return button;
    }));
  }
}
