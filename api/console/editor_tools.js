// The tools of the floor-plan page. Each is told where somebody points (`move`), where they press
// and let go, and draws what would come of it. Places are site metres; `how` has `reach_m`, how near
// is near, and `free`, whether lines may run askew.

import * as edits from "./editor_edits.js";
import { areaOf, away, between, extentOf, meets, onSegment, pointsOf, ringsOf, rounded, same, wallsOf, within } from "./editor_shapes.js";

const HELD_PX = 4;
const LINE_REACH = 0.7; // doors are narrow, but the rooms beside them must be met, too
const metres = (m) => `${m.toFixed(2)} m`;

/** Selects, moves corners and doors. */
export class SelectTool {
  constructor(ed) {
    this.ed = ed;
    this.hint = "Click a room or a door. Drag its corners; arrow keys move it, Delete removes it.";
  }

  move(at, how) {
    if (this.held) this.drag(at, how);
    else this.ed.canvas.root.classList.toggle("over", this.under(at, how) !== null);
  }

  press(at, how) {
    const { ed } = this;
    const corner = this.cornerAt(at, how.reach_m);
    if (corner) {
      ed.select(ed.selected.id, corner.at);
      this.held = { kind: "corner", from: corner.at, start: at, doc: ed.doc, added: corner.added };
      return true;
    }
    const found = this.under(at, how);
    ed.select(found?.id ?? null);
    if (!found) return false;
    const moves = { opening: "door", entrance: "door", fixture: "whole" }[found.feature_type];
    if (moves) this.held = { kind: moves, id: found.id, start: at, doc: ed.doc };
    return true;
  }

  drag(at, { reach_m, free }) {
    const { ed, held } = this;
    if (!held.moved && away(at, held.start) < HELD_PX * ed.canvas.scale) return;
    held.moved = true;
    if (held.kind === "corner") {
      const base = held.added ? edits.addCorner(held.doc, ed.level, held.from) : held.doc;
      const to = this.cornerTo(base, held.from, at, reach_m, free);
      ed.select(ed.selected.id, to);
      ed.showOnly(edits.moveCorners(base, ed.level, [[held.from, to]]));
    } else if (held.kind === "door") {
      ed.showOnly(edits.slideDoor(held.doc, held.id, at, Math.max(reach_m, 0.5)));
    } else {
      const step = [at[0] - held.start[0], at[1] - held.start[1]];
      ed.showOnly(edits.moveFeature(held.doc, held.id, step));
    }
  }

  release() {
    const { ed, held } = this;
    this.held = null;
    if (held?.moved) ed.takeShown(held.kind === "corner" ? "corner moved" : held.kind === "door" ? "door moved" : "fixture moved");
  }

  cancel() {
    if (this.held) {
      this.held = null;
      this.ed.showOnly(this.ed.doc);
    } else this.ed.select(null);
  }

  /** Where a corner comes to lie: on others, on walls, or level with the corners beside it. */
  cornerTo(doc, from, at, reach_m, free) {
    const { ed } = this;
    const touching = edits.on(doc, ed.level, "unit").flatMap(wallsOf).filter(([a, b]) => same(a, from) || same(b, from));
    const beside = touching.flat().filter((p) => !same(p, from));
    const { at: to, on } = ed.snapped(at, { reach_m, without: from });
    if (on === "corner" || on === "wall" || free) return rounded(to);
    return rounded([0, 1].map((i) => beside.map((p) => p[i]).find((v) => Math.abs(v - at[i]) <= reach_m) ?? to[i]));
  }

  cornerAt(at, reach_m) {
    const { ed } = this;
    const feature = ed.selected && edits.find(ed.doc, ed.selected.id);
    if (!feature || feature.geometry.type !== "Polygon") return null;
    const corner = pointsOf(feature).find((p) => away(p, at) <= reach_m);
    if (corner) return { at: corner, added: false };
    const middle = wallsOf(feature).filter(([a, b]) => away(a, b) > 30 * ed.canvas.scale)
      .map(([a, b]) => between(a, b, 0.5)).find((p) => away(p, at) <= reach_m);
    return middle ? { at: rounded(middle), added: true } : null;
  }

  under(at, { reach_m }) {
    const { ed } = this;
    const lines = edits.on(ed.doc, ed.level, "entrance", "opening", "wall");
    const line = lines.find((f) => onSegment(at, f.geometry.coordinates[0], f.geometry.coordinates.at(-1)).off <= reach_m * LINE_REACH);
    const here = [...at, ...at];
    const area = (type) => edits.on(ed.doc, ed.level, type).find((f) => meets(extentOf(f), here) && within(at, ringsOf(f)));
    return line ?? area("fixture") ?? area("unit") ?? null;
  }

  click(at, how) { // by the keyboard
    const found = this.under(at, how);
    this.ed.select(found?.id ?? null);
    this.ed.say(found ? `${edits.nameOf(found)} selected` : "Nothing here.");
  }
}

/** Draws a room corner by corner. */
export class RoomTool {
  constructor(ed) {
    this.ed = ed;
    this.points = [];
    this.hint = "Click the corners one after the other; on the first one, or with C, the room is closed. Backspace takes the last one back.";
  }

  place(at, how) {
    const from = this.points.at(-1) ?? null;
    return this.ed.snapped(at, { ...how, from, more: this.points });
  }

  move(at, how) {
    const { at: to, on } = this.place(at, how);
    const last = this.points.at(-1);
    const ring = [...this.points, to];
    this.ed.canvas.showCrosshair(to, on);
    const tips = last ? [{ at: between(last, to, 0.5), text: metres(away(last, to)) }] : [];
    if (ring.length > 2) tips.push({ at: to, text: `${areaOf(ring).toFixed(1)} m²` });
    this.ed.canvas.preview({ lines: last ? [ring] : [], areas: ring.length > 2 ? [ring] : [], points: this.points, tips });
    this.ed.sayPlace(to, last);
  }

  click(at, how) {
    const to = rounded(this.place(at, how).at);
    if (this.points.length && same(to, this.points[0])) {
      this.finish();
      return;
    }
    if (this.points.some((p) => same(p, to))) return;
    this.points.push(to);
    this.ed.say(`Corner ${this.points.length} at ${to.map((v) => v.toFixed(2)).join(", ")}`);
    this.move(at, how);
  }

  back() {
    this.points.pop();
    this.ed.canvas.preview({ lines: [this.points], points: this.points });
    this.ed.say(this.points.length ? "Last corner taken back" : "No corner left");
  }

  finish() {
    const trouble = edits.ringTrouble(this.points);
    if (trouble) {
      this.ed.complain(trouble);
      return;
    }
    const ring = this.points;
    this.cancel();
    this.ed.add(edits.addUnit(this.ed.doc, this.ed.level, ring, this.ed.newRoom()), "room drawn");
  }

  cancel() {
    this.points = [];
    this.ed.canvas.preview();
    this.ed.canvas.showCrosshair(null);
  }
}

/** Draws a rectangle by two opposite corners: a room, or a fixture. */
export class RectangleTool {
  constructor(ed, kind) {
    this.ed = ed;
    this.kind = kind;
    this.first = null;
    const what = kind === "fixture" ? "furniture that stands on the floor" : "a rectangular room";
    this.hint = `Click two opposite corners of ${what}.`;
  }

  ring(to) {
    const [a, b] = [this.first, to];
    return [a, [b[0], a[1]], b, [a[0], b[1]]].map(rounded);
  }

  move(at, how) {
    const { at: to, on } = this.ed.snapped(at, how);
    this.ed.canvas.showCrosshair(to, on);
    if (this.first) {
      const size = [0, 1].map((i) => Math.abs(to[i] - this.first[i]));
      const tips = [{ at: to, text: `${metres(size[0])} × ${metres(size[1])}, ${(size[0] * size[1]).toFixed(1)} m²` }];
      this.ed.canvas.preview({ areas: [this.ring(to)], points: [this.first], tips });
    }
    this.ed.sayPlace(to, this.first);
  }

  click(at, how) {
    const to = rounded(this.ed.snapped(at, how).at);
    if (!this.first) {
      this.first = to;
      this.ed.say(`First corner at ${to.map((v) => v.toFixed(2)).join(", ")}`);
      return;
    }
    const ring = this.ring(to);
    if (edits.ringTrouble(ring)) {
      this.ed.complain("The two corners must lie apart both ways.");
      return;
    }
    this.cancel();
    const { doc, level } = this.ed;
    if (this.kind === "fixture") this.ed.add(edits.addFixture(doc, level, ring), "fixture drawn");
    else this.ed.add(edits.addUnit(doc, level, ring, this.ed.newRoom()), "room drawn");
  }

  back() {
    this.cancel();
  }

  cancel() {
    this.first = null;
    this.ed.canvas.preview();
    this.ed.canvas.showCrosshair(null);
  }
}

/** Puts a door into a wall: an opening between two rooms, or an entrance from outside. */
export class DoorTool {
  constructor(ed, kind) {
    this.ed = ed;
    this.kind = kind;
    this.hint = kind === "entrance"
      ? "Click an outer wall: an entrance with the next free number. Change its number to what the door says."
      : "Click a wall between two rooms.";
  }

  found(at, { reach_m }) {
    const { doc, level, options } = this.ed;
    return edits.doorAt(doc, level, at, { kind: this.kind, width_m: options.width_m, reach_m: reach_m * 1.5 });
  }

  move(at, how) {
    const { line, refused } = this.found(at, how);
    this.ed.canvas.showCrosshair(at);
    if (!line) {
      this.ed.canvas.preview();
      this.ed.sayPlace(at, null, refused);
      return;
    }
    const tips = [{ at: between(...line, 0.5), text: metres(away(...line)) }];
    this.ed.canvas.preview({ lines: [line], points: line, tips });
    this.ed.sayPlace(between(...line, 0.5), null);
  }

  click(at, how) {
    const { line, rooms, refused } = this.found(at, how);
    if (!line) {
      this.ed.complain(refused);
      return;
    }
    const { doc, level } = this.ed;
    const entrance = this.kind === "entrance";
    const properties = entrance ? { door_number: edits.freeNumber(doc) } : {};
    this.cancel();
    const names = rooms.map(edits.nameOf).join(" and ");
    this.ed.add(edits.addDoor(doc, level, this.kind, line, properties),
      entrance ? `entrance ${properties.door_number} to ${names}` : `door between ${names}`);
  }

  cancel() {
    this.ed.canvas.preview();
    this.ed.canvas.showCrosshair(null);
  }
}

/** Cuts a room in two. */
export class SplitTool {
  constructor(ed) {
    this.ed = ed;
    this.from = null;
    this.hint = "Click two places on the edge of a room; the cut runs between them.";
  }

  move(at, how) {
    const { at: to, on } = this.ed.snapped(at, { ...how, from: this.from });
    this.ed.canvas.showCrosshair(to, on);
    this.ed.canvas.preview(this.from ? { lines: [[this.from, to]], points: [this.from] } : {});
    this.ed.sayPlace(to, this.from);
  }

  click(at, how) {
    const to = rounded(this.ed.snapped(at, { ...how, from: this.from }).at);
    if (!this.from) {
      this.from = to;
      this.ed.say("Cut begun");
      return;
    }
    const { doc, level } = this.ed;
    const middle = between(this.from, to, 0.5);
    const unit = edits.on(doc, level, "unit").find((f) => within(middle, ringsOf(f)));
    const done = unit ? edits.split(doc, unit.id, this.from, to) : { refused: "The cut must run through a room." };
    if (done.refused) this.ed.complain(done.refused);
    else this.ed.add(done, `${edits.nameOf(unit)} cut in two`);
    this.cancel();
  }

  back() {
    this.cancel();
  }

  cancel() {
    this.from = null;
    this.ed.canvas.preview();
    this.ed.canvas.showCrosshair(null);
  }
}
