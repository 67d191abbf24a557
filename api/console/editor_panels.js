// What stands beside the drawing: the selected thing, levels, all things of a level, problems.

import { byId, el, keyed, say, set } from "./dom.js";
import * as edits from "./editor_edits.js";
import { areaOf, away, between, pointsOf, ringsOf } from "./editor_shapes.js";

const CATEGORIES = [
  "room", "classroom", "walkway", "lobby", "office", "stairs", "elevator", "ramp", "restroom",
  "library", "auditorium", "fitnessroom", "foodservice", "kitchen", "laboratory", "conferenceroom",
  "storage", "serverroom", "firstaid", "lounge", "nonpublic", "structure", "opentobelow",
  "unspecified",
];
const WORDS = {
  walkway: "corridor", fitnessroom: "gymnasium", foodservice: "cafeteria", firstaid: "nurse",
  conferenceroom: "meeting room", nonpublic: "closed to the public", structure: "solid, no floor",
  opentobelow: "open to below, no floor", serverroom: "server room",
};
const KINDS = { unit: "Room", opening: "Door", entrance: "Entrance", fixture: "Furniture", wall: "Wall", level: "Outline" };
const fixed = (v) => String(Math.round(v * 1000) / 1000);

const field = (label, input, name = "field") => el("label", { class: name }, el("span", {}, label), input);
const option = (value, text) => el("option", { value }, text);

/** The form of the selected feature; built anew only when another is selected. */
export class SelectedPanel {
  constructor(ed) {
    this.ed = ed;
    this.body = byId("selected-body");
    this.shown = undefined; // key of the feature whose form stands there; null for none
  }

  show() {
    const { ed } = this;
    const feature = ed.selected && edits.find(ed.doc, ed.selected.id);
    const key = feature ? `${feature.id} ${pointsOf(feature).length}` : null;
    if (key !== this.shown) {
      this.shown = key;
      this.body.replaceChildren(...(feature ? this.form(feature) : this.nothing()));
    }
    if (feature) this.update(feature);
  }

  nothing() {
    return [el("p", { class: "empty" }, "Nothing. Click a room or a door, or choose one under “All on this level”.")];
  }

  form(feature) {
    const { ed } = this;
    const change = (changed, told) => ed.apply(edits.setProperties(ed.doc, feature.id, changed), told);
    const text = (name, label, more = {}) => {
      const input = el("input", { name, autocomplete: "off", maxlength: 80, ...more });
      input.onchange = () => change({ [name]: input.value.trim() }, `${label.toLowerCase()} changed`);
      return field(label, input);
    };
    const tick = (name, label, inverted = false) => {
      const input = el("input", { type: "checkbox", name });
      input.onchange = () => change({ [name]: input.checked !== inverted }, label.toLowerCase());
      return field(label, input, "tick swapped");
    };
    const parts = [el("p", { class: "what" }, el("strong", {}, KINDS[feature.feature_type]), " ", el("code", {}, feature.id)),
      el("p", { class: "measure" })];
    if (feature.feature_type === "unit") {
      const select = el("select", { name: "category" }, ...[...new Set([...CATEGORIES, feature.properties.category])]
        .map((c) => option(c, WORDS[c] ? `${WORDS[c]} (${c})` : c)));
      select.onchange = () => change({ category: select.value }, "kind of room changed");
      parts.push(text("name", "Name"), field("Kind", select));
    } else if (feature.feature_type === "entrance") {
      parts.push(text("door_number", "Number on the door", { maxlength: 12 }), text("name", "Name"),
        this.width(feature), tick("usable", "Officers can enter here"), tick("locked", "Kept locked"));
    } else if (feature.feature_type === "opening") {
      const select = el("select", { name: "category" }, option("pedestrian", "Door"), option("open", "Passage without a door"));
      select.onchange = () => change({ category: select.value }, "kind of door changed");
      parts.push(field("Kind", select), text("name", "Name"), this.width(feature), tick("locked", "Kept locked"));
    } else if (feature.feature_type === "fixture") {
      const height = el("input", { name: "height_m", type: "number", min: 0.1, max: 10, step: "any" });
      height.onchange = () => change({ height_m: height.value === "" ? null : Number(height.value) }, "height changed");
      parts.push(field("Height, metres", height));
    }
    const gone = el("button", { type: "button" }, "Delete");
    gone.onclick = () => ed.removeSelected();
    parts.push(this.corners(feature), el("div", { class: "row" }, gone));
    return parts;
  }

  width(feature) {
    const { ed } = this;
    const input = el("input", { name: "width", type: "number", min: 0.3, max: 20, step: "any" });
    input.onchange = () => {
      const line = edits.find(ed.doc, feature.id).geometry.coordinates;
      ed.apply(edits.slideDoor(ed.doc, feature.id, between(line[0], line.at(-1), 0.5), 0.2, Number(input.value)), "width changed");
    };
    return field("Width, metres", input);
  }

  /** Corners as numbers, so that a room can be put right without a pointer. */
  corners(feature) {
    const { ed } = this;
    const rows = pointsOf(feature).map((_, i) => {
      const inputs = ["x", "y"].map((axis) => el("input", {
        type: "number", step: "any", "aria-label": `${axis} of point ${i + 1}, metres`, "data-axis": axis,
      }));
      for (const input of inputs) {
        input.onchange = () => this.moveCorner(feature.id, i, inputs.map((one) => Number(one.value)));
        input.onfocus = () => ed.select(feature.id, pointsOf(edits.find(ed.doc, feature.id))[i]);
      }
      const away_ = el("button", { type: "button", class: "small", "aria-label": `Remove point ${i + 1}` }, "×");
      away_.onclick = () => ed.removeCorner(pointsOf(edits.find(ed.doc, feature.id))[i]);
      const removable = feature.geometry.type === "Polygon";
      return el("li", {}, el("span", {}, `${i + 1}`), ...inputs, removable ? away_ : "");
    });
    return el("details", { class: "corners" }, el("summary", {}, "Points, x and y in metres"), el("ol", {}, ...rows));
  }

  moveCorner(id, i, to) {
    const { ed } = this;
    const feature = edits.find(ed.doc, id);
    const from = pointsOf(feature)[i];
    if (feature.geometry.type === "Polygon" || feature.feature_type === "wall") {
      ed.select(id, to);
      ed.apply(edits.moveCorners(ed.doc, ed.level, [[from, to]]), "corner moved");
      return;
    }
    const line = feature.geometry.coordinates.map((p, j) => (j === i ? to : p));
    const moved = { ...feature, geometry: { ...feature.geometry, coordinates: line } };
    ed.apply({ ...ed.doc, features: ed.doc.features.map((f) => (f.id === id ? moved : f)) }, "end of door moved");
  }

  update(feature) {
    const { properties } = feature;
    const line = feature.geometry.coordinates;
    const ring = feature.geometry.type === "Polygon" ? ringsOf(feature)[0] : null;
    const size = ring ? `${areaOf(ring).toFixed(1)} m², ${ring.length} corners` : `${away(line[0], line.at(-1)).toFixed(2)} m wide`;
    const ways = feature.feature_type === "opening" || feature.feature_type === "entrance"
      ? `; ${edits.besideLine(this.ed.doc, this.ed.level, [line[0], line.at(-1)]).map(edits.nameOf).join(" and ") || "on no wall"}` : "";
    say(this.body.querySelector(".measure"), size + ways);
    for (const input of this.body.querySelectorAll("[name]")) {
      if (input === document.activeElement && input.type !== "checkbox") continue;
      const value = input.name === "width" ? fixed(away(line[0], line.at(-1))) : properties[input.name];
      if (input.type === "checkbox") input.checked = input.name === "usable" ? (value ?? true) : Boolean(value);
      else input.value = value ?? (input.name === "category" ? "pedestrian" : "");
    }
    const points = pointsOf(feature);
    for (const [i, row] of [...this.body.querySelectorAll(".corners li")].entries()) {
      for (const [j, input] of [...row.querySelectorAll("input")].entries()) {
        if (input !== document.activeElement) input.value = fixed(points[i][j]);
      }
    }
  }

  /** Begin to type the number or the name of what was drawn. */
  focusFirst() {
    this.body.querySelector("input, select")?.focus();
  }
}

/** The buttons that choose the level, and the list where levels are changed. */
export function showLevels(ed) {
  const levels = [...ed.doc.levels].sort((a, b) => b.ordinal - a.ordinal);
  keyed(byId("levels"), [...levels].reverse(), (l) => l.id, (l) => {
    const button = el("button", { type: "button" });
    button.onclick = () => ed.showLevel(l.id);
    return button;
  }, (button, l) => {
    say(button, l.name);
    set(button, { "aria-pressed": l.id === ed.level });
  });
  keyed(byId("level-list"), levels, (l) => l.id, (l) => levelRow(ed, l.id), (row, l) => {
    for (const input of row.querySelectorAll("input")) {
      if (input !== document.activeElement) input.value = l[input.name];
    }
    const [up, down, gone] = row.querySelectorAll("button");
    up.disabled = l.id === levels[0].id;
    down.disabled = l.id === levels.at(-1).id;
    gone.disabled = levels.length === 1;
  });
}

function levelRow(ed, id) {
  const input = (name, label, more) => {
    const made = el("input", { name, "aria-label": label, ...more });
    made.onchange = () => {
      const value = more.type === "number" ? Number(made.value) : made.value.trim();
      const wrong = more.type === "number" ? made.value === "" || !Number.isFinite(value) : !value;
      if (wrong) ed.refresh();
      else ed.apply(edits.setLevel(ed.doc, id, { [name]: value }), "level changed");
    };
    return made;
  };
  const button = (text, label, act) => {
    const made = el("button", { type: "button", class: "small", "aria-label": label }, text);
    made.onclick = act;
    return made;
  };
  return el("li", {},
    input("name", "Name of the level", { maxlength: 60 }),
    el("label", {}, el("span", {}, "storey"), input("ordinal", "Storey, 0 is the ground floor", { type: "number", step: 1 })),
    el("label", {}, el("span", {}, "height m"), input("elevation_m", "Height of its floor, metres", { type: "number", step: "any" })),
    button("↑", "Move up", () => ed.apply(edits.shiftLevel(ed.doc, id, true), "level moved up")),
    button("↓", "Move down", () => ed.apply(edits.shiftLevel(ed.doc, id, false), "level moved down")),
    button("×", "Delete level", () => ed.removeLevel(id)));
}

/** Everything on the level as buttons that select it. */
export function showFeatures(ed) {
  const order = { unit: 0, entrance: 1, opening: 2, fixture: 3, wall: 4, level: 5 };
  const features = edits.on(ed.doc, ed.level).sort((a, b) => order[a.feature_type] - order[b.feature_type]);
  say(byId("feature-count"), String(features.length));
  keyed(byId("features"), features, (f) => f.id, (f) => {
    const button = el("button", { type: "button" }, el("span", { class: "kind-of" }), el("span", { class: "of" }));
    button.onclick = () => ed.goTo(f.id);
    return el("li", {}, button);
  }, (row, f) => {
    const button = row.firstChild;
    set(button, { "aria-pressed": f.id === ed.selected?.id });
    say(button.firstChild, KINDS[f.feature_type]);
    say(button.lastChild, edits.nameOf(f));
  });
}

/** The earlier versions that are kept; each can be taken again. */
export function showVersions(ed) {
  const when = (text) => new Date(text).toLocaleString([], { dateStyle: "short", timeStyle: "medium" });
  keyed(byId("versions"), ed.draft.history, (saved) => saved.version, (saved) => {
    const button = el("button", { type: "button", class: "small" }, "Take again");
    button.onclick = () => ed.remote.goBack(saved.version);
    return el("li", {}, el("span", {}, `Version ${saved.version}, ${when(saved.saved_at)}, ${saved.saved_by}`), button);
  }, () => {});
}

/** What the check found; each entry leads to its feature. */
export function showProblems(ed, check) {
  const state = byId("check-state");
  if (!check) return;
  const errors = check.problems.filter((p) => p.severity === "error").length;
  const warnings = check.problems.length - errors;
  const count = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
  const reached = check.spaces ? ` ${check.reached} of ${count(check.spaces, "space")} reached.` : "";
  const found = check.problems.length ? `${count(errors, "error")}, ${count(warnings, "warning")}.` : "Nothing is wrong.";
  say(state, `${found}${reached}${ed.remote.changedSince() ? " Changed since; check again." : ""}`);
  state.dataset.found = errors ? "errors" : warnings ? "warnings" : "nothing";
  keyed(byId("problems"), check.problems.map((p, i) => ({ ...p, number: i + 1 })), (p) => `${p.number} ${p.message}`,
    (p) => {
      const told = [
        el("span", { class: "sign", "data-severity": p.severity, "aria-hidden": "true" }, String(p.number)),
        el("span", {}, el("strong", {}, p.severity === "error" ? "Error: " : "Warning: "), subject(ed, p), p.message)];
      const button = el("button", { type: "button" }, ...told);
      button.onclick = () => ed.goToProblem(p);
      return el("li", {}, button);
    }, () => {});
}

function subject(ed, problem) {
  const feature = problem.feature && edits.find(ed.doc, problem.feature);
  if (feature) return `${edits.nameOf(feature)}: `;
  const level = problem.level && !problem.file.startsWith("cameras/") && ed.doc.levels.find((l) => l.id === problem.level);
  return level ? `${level.name}: ` : `${problem.file}: `;
}
