
"use strict";
(() => {
const SVG = "http://www.w3.org/2000/svg";
const data = JSON.parse(document.getElementById("data").textContent);
const runs = data.runs;
const whole = Math.max(1e-3, ...runs.map((run) => run.duration_s));
const MOST_TRACKS = 10;
let from = 0, until = whole, at = 0, everyTrack = false;

const svg = (tag, attributes, text) => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
};
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const seconds = (t) => `${t.toFixed(1)} s`;

/** Text at a moment of a list of [first moment, text]. */
function textAt(pieces, moment) {
  let low = 0, high = pieces.length - 1, found = "";
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (pieces[middle][0] <= moment) { found = pieces[middle][1]; low = middle + 1; } else high = middle - 1;
  }
  return found;
}

/** Stretches of equal text and equal flag, in seconds; those without text are left out. */
function stretches(run, pieces, flags, named) {
  const { moments, step_s: step } = run.timeline;
  const made = [];
  pieces.forEach(([first, text], index) => {
    const last = index + 1 < pieces.length ? pieces[index + 1][0] : moments;
    if (text === "") return;
    let begin = first;
    for (let moment = first + 1; moment <= last; moment += 1) {
      if (moment === last || (flags && flags[moment] !== flags[begin])) {
        made.push({ from: begin * step, until: moment * step, text: named(text), flag: flags ? flags[begin] : null });
        begin = moment;
      }
    }
  });
  return made;
}

function flagStretches(run, flags) {
  const pieces = [];
  flags.forEach((flag, moment) => {
    const text = flag ? "visible" : "";
    if (!pieces.length || pieces[pieces.length - 1][1] !== text) pieces.push([moment, text]);
  });
  return stretches(run, pieces, null, (text) => text);
}

/** The rows of one run, from top to bottom. */
function rowsOf(run) {
  const line = run.timeline, truth = line.truth, rows = [];
  const room = (id) => line.spaces[id] ?? id, door = (number) => `Door ${number}`;
  if (run.name) rows.push({ kind: "title", label: run.name, high: 26 });
  if (truth) {
    rows.push({ kind: "bars", label: "Visible to a camera", high: 12, parts: flagStretches(run, truth.visible), cls: "seen" });
    rows.push({ kind: "bands", label: "Room, truth", high: 24, parts: stretches(run, truth.space, null, room) });
  }
  rows.push({ kind: "bands", label: "Room, answer", high: 24, parts: stretches(run, line.space, truth?.room_right, room) });
  if (truth?.door) rows.push({ kind: "bands", label: "Door, truth", high: 24, parts: stretches(run, truth.door, null, door) });
  if (line.door.some(([, number]) => number)) {
    rows.push({ kind: "bands", label: "Door, answer", high: 24, parts: stretches(run, line.door, truth?.door_right, door) });
  }
  if (truth) rows.push({ kind: "error", label: "Error, m", high: 58 });
  if (line.people) rows.push({ kind: "counts", label: "Missed, too many", high: 34 });
  if (run.alarms.length) rows.push({ kind: "alerts", label: "Armed alerts", high: 24 });
  const tracks = everyTrack ? line.tracks : line.tracks.slice(0, MOST_TRACKS);
  for (const track of tracks) rows.push({ kind: "track", label: track.subject, high: 13, track });
  if (run.gaps.length) rows.push({ kind: "outages", label: "Answers out", high: 16, outages: run.gaps });
  for (const [camera, outages] of Object.entries(run.outages)) {
    rows.push({ kind: "outages", label: `${camera} out`, high: 16, outages });
  }
  return rows;
}

const box = document.getElementById("time-line");
const readout = document.getElementById("readout");
const drawing = svg("svg", { "aria-hidden": "true" });
box.append(drawing);
let width = 0, gutter = 0, cursor = null;
const place = (t) => gutter + ((t - from) / (until - from)) * (width - gutter);

function bar(part, y, high, cls) {
  const left = Math.max(place(part.from), gutter), right = Math.min(place(part.until), width);
  if (right <= left) return null;
  return svg("rect", { class: cls, x: left, y, width: Math.max(right - left, 1), height: high });
}

function band(part, y, high) {
  const judged = part.flag === 1 ? " right" : part.flag === 0 ? " wrong" : "";
  const shape = bar(part, y, high, `band${judged}`);
  if (!shape) return;
  const words = part.flag === 1 ? `${part.text}: right` : part.flag === 0 ? `${part.text}: wrong` : part.text;
  shape.append(svg("title", {}, `${words}, ${seconds(part.from)} to ${seconds(part.until)}`));
  drawing.append(shape);
  const left = Number(shape.getAttribute("x")), wide = Number(shape.getAttribute("width"));
  if (part.flag === 0) {
    for (let x = left + 4; x + 6 < left + wide; x += 12) drawing.append(svg("path", { class: "cross", d: `M${x} ${y + high - 3}L${x + 6} ${y + 3}` }));
  }
  if (wide > part.text.length * 7.4 + 8) drawing.append(svg("text", { x: left + wide / 2, y: y + high / 2 + 4.5, "text-anchor": "middle" }, part.text));
}

function errorLine(run, y, high) {
  const { step_s: step, truth, ce95_m: radius } = run.timeline;
  const known = truth.error_m.filter((value) => value !== null).sort((a, b) => a - b);
  const top = Math.max(1, (known[Math.floor(known.length * 0.98)] ?? 0) * 1.15);
  for (const [values, cls] of [[radius, "radius-line"], [truth.error_m, "error"]]) {
    let d = "", pen = "M";
    values.forEach((value, moment) => {
      const t = moment * step;
      if (value === null || t < from - step || t > until + step) { pen = "M"; return; }
      d += `${pen}${clamp(place(t), gutter, width).toFixed(1)} ${(y + high * (1 - Math.min(value / top, 1))).toFixed(1)}`;
      pen = "L";
    });
    if (d) drawing.append(svg("path", { class: cls, d }));
  }
  drawing.append(svg("path", { class: "axis-line", d: `M${gutter} ${y + high}H${width}` }));
  drawing.append(svg("text", { class: "axis", x: width - 2, y: y + 11, "text-anchor": "end" }, `${top.toFixed(1)} m`));
}

function counts(run, y, high) {
  const { step_s: step, people } = run.timeline;
  const top = Math.max(2, ...people.missed, ...people.false);
  for (const [values, cls] of [[people.false, "too-many"], [people.missed, "missed"]]) {
    let d = "";
    values.forEach((value, moment) => {
      const t = moment * step;
      if (t < from - step || t > until + step) return;
      const x = clamp(place(t), gutter, width).toFixed(1), level = (y + high * (1 - value / top)).toFixed(1);
      d += d ? `H${x}V${level}` : `M${x} ${level}`;
    });
    if (d) drawing.append(svg("path", { class: cls, d }));
  }
  drawing.append(svg("path", { class: "axis-line", d: `M${gutter} ${y + high}H${width}` }));
  drawing.append(svg("text", { class: "axis", x: width - 2, y: y + 11, "text-anchor": "end" }, String(top)));
}

function alerts(run, y, high) {
  for (const alarm of run.alarms) {
    if (alarm.t_s < from || alarm.t_s > until) continue;
    const x = place(alarm.t_s), m = y + high / 2;
    const d = alarm.false ? `M${x - 6} ${m - 6}L${x + 6} ${m + 6}M${x + 6} ${m - 6}L${x - 6} ${m + 6}` : `M${x} ${m - 8}L${x + 8} ${m + 7}H${x - 8}Z`;
    const mark = svg("path", { class: alarm.false ? "alert false" : "alert", d });
    mark.append(svg("title", {}, `${alarm.subject} called armed at ${seconds(alarm.t_s)}${alarm.false ? ", falsely" : ""}`));
    drawing.append(mark);
  }
}

function axis(y) {
  const span = until - from, rough = span / Math.max(2, (width - gutter) / 90);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  for (let t = Math.ceil(from / step) * step; t <= until + 1e-9; t += step) {
    const x = place(t);
    drawing.append(svg("path", { class: "axis-line", d: `M${x} 0V${y}` }));
    const anchor = x < gutter + 16 ? "start" : x > width - 24 ? "end" : "middle";
    drawing.append(svg("text", { class: "axis", x, y: y + 16, "text-anchor": anchor }, `${Number(t.toFixed(3))} s`));
  }
}

function draw() {
  width = box.clientWidth || 900;
  const narrow = width < 640;
  gutter = narrow ? 0 : 158;
  const rows = runs.map((run) => [run, rowsOf(run)]);
  const high = (row) => row.high + 5 + (narrow && row.kind !== "title" && row.kind !== "track" ? 17 : 0);
  const total = rows.flatMap(([, list]) => list).reduce((sum, row) => sum + high(row), 0);
  drawing.replaceChildren();
  drawing.setAttribute("viewBox", `0 0 ${width} ${total + 24}`);
  drawing.setAttribute("height", total + 24);
  axis(total);
  let y = 0;
  for (const [run, list] of rows) {
    for (const row of list) {
      const top = y + high(row) - row.high - 5;
      if (row.kind === "title") drawing.append(svg("text", { class: "run-label", x: 0, y: y + 18 }, row.label));
      else if (!narrow) drawing.append(svg("text", { class: "row-label", x: gutter - 8, y: top + Math.min(row.high / 2 + 4.5, 30), "text-anchor": "end" }, row.label));
      else if (row.kind !== "track") drawing.append(svg("text", { class: "row-label", x: 0, y: y + 13 }, row.label));
      if (row.kind === "bands") row.parts.forEach((part) => band(part, top, row.high));
      else if (row.kind === "bars") row.parts.forEach((part) => { const shape = bar(part, top, row.high, row.cls); if (shape) drawing.append(shape); });
      else if (row.kind === "error") errorLine(run, top, row.high);
      else if (row.kind === "counts") counts(run, top, row.high);
      else if (row.kind === "alerts") alerts(run, top, row.high);
      else if (row.kind === "track") {
        for (const [begin, end] of row.track.in_view) { const shape = bar({ from: begin, until: end }, top, row.high, "track"); if (shape) drawing.append(shape); }
        for (const [begin, end] of row.track.armed) { const shape = bar({ from: begin, until: end }, top + 1, row.high - 2, "armed"); if (shape) drawing.append(shape); }
      } else if (row.kind === "outages") {
        for (const one of row.outages) {
          const shape = bar({ from: one.from_t_s, until: one.until_t_s }, top, row.high, "out");
          if (shape) { shape.append(svg("title", {}, `${one.why}, ${seconds(one.from_t_s)} to ${seconds(one.until_t_s)}`)); drawing.append(shape); }
        }
      }
      y += high(row);
    }
  }
  cursor = svg("path", { class: "cursor" });
  drawing.append(cursor);
  point(at);
}

/** What stands at a moment, in words. */
function words(run, moment) {
  const line = run.timeline, truth = line.truth, said = [];
  const room = (id) => (id ? line.spaces[id] ?? id : "outside every room");
  const judged = (flag) => (flag === 1 ? " (right)" : flag === 0 ? " (wrong)" : "");
  if (truth) {
    const there = truth.xy_m[moment];
    said.push(`Truth: ${there ? `${room(textAt(truth.space, moment))}, ${truth.visible[moment] ? "visible" : "not visible"}` : "not there"}.`);
  }
  const subject = textAt(line.subject, moment);
  said.push(subject ? `Answer: ${subject}, ${room(textAt(line.space, moment))}${judged(truth?.room_right?.[moment])}.` : "No answer yet.");
  const door = textAt(line.door, moment);
  if (door) said.push(`Door ${door}${judged(truth?.door_right?.[moment])}.`);
  if (typeof truth?.error_m[moment] === "number") said.push(`Error ${truth.error_m[moment].toFixed(2)} m.`);
  if (typeof line.armed_probability[moment] === "number") said.push(`Armed ${Math.round(line.armed_probability[moment] * 100)} %.`);
  if (line.people) {
    const { visible, missed, false: many } = line.people;
    said.push(`${visible[moment]} visible, ${missed[moment]} missed, ${many[moment]} too many.`);
  }
  return said.join(" ");
}

function point(t) {
  at = clamp(t, 0, whole);
  const shown = at >= from && at <= until;
  cursor?.setAttribute("d", shown ? `M${place(at)} 0V${Number(drawing.getAttribute("height")) - 20}` : "");
  const momentOf = (run) => clamp(Math.floor(at / (run.timeline.step_s || 1) + 1e-6), 0, run.timeline.moments - 1);
  const told = runs.map((run) => (run.name ? `${run.name}: ` : "") + (run.timeline.moments ? words(run, momentOf(run)) : "nothing was played"));
  const bold = document.createElement("b");
  bold.textContent = seconds(at);
  readout.replaceChildren(bold, told.join("\u2003"));
  box.setAttribute("aria-valuenow", at.toFixed(1));
  box.setAttribute("aria-valuetext", `${seconds(at)}. ${told.join(" ")}`);
  if (runs.length === 1 && runs[0].timeline.moments) onPlan(runs[0].timeline, momentOf(runs[0]));
}

function onPlan(line, moment) {
  for (const plan of document.querySelectorAll("svg.plan")) {
    const marks = [[".now-true", line.truth?.xy_m[moment], line.truth && textAt(line.truth.level, moment)],
      [".now-told", line.xy_m[moment], textAt(line.level, moment)]];
    for (const [name, xy, level] of marks) {
      const mark = plan.querySelector(name);
      mark.toggleAttribute("hidden", !xy || level !== plan.dataset.level);
      if (xy) mark.setAttribute("transform", `translate(${xy[0]} ${-xy[1]})`);
    }
  }
}

function zoom(factor, around) {
  const span = clamp((until - from) * factor, Math.min(whole, 1), whole);
  const share = (around - from) / (until - from);
  from = clamp(around - span * share, 0, whole - span);
  until = from + span;
  draw();
}
function move(by) {
  const span = until - from;
  from = clamp(from + by, 0, whole - span);
  until = from + span;
  draw();
}
function show(t) {
  if (t < from || t > until) move(t - (from + until) / 2);
  point(t);
}

const span = () => until - from;
const actions = {
  in: () => zoom(0.5, clamp(at, from, until)), out: () => zoom(2, clamp(at, from, until)),
  all: () => { from = 0; until = whole; draw(); }, earlier: () => move(-span() / 2), later: () => move(span() / 2),
};
for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", actions[button.dataset.zoom]);
const every = document.getElementById("every-track");
if (every) {
  every.hidden = runs.every((run) => run.timeline.tracks.length <= MOST_TRACKS);
  every.addEventListener("click", () => { everyTrack = !everyTrack; every.setAttribute("aria-pressed", String(everyTrack)); draw(); });
}
box.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = Math.max(span() / 100, 0.1);
  const moved = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step, PageUp: span() / 10, PageDown: -span() / 10, Home: -whole, End: whole }[event.key];
  if (moved !== undefined) show(clamp(at + moved, 0, whole));
  else if (event.key === "+" || event.key === "=") actions.in();
  else if (event.key === "-") actions.out();
  else if (event.key === "0") actions.all();
  else return;
  event.preventDefault();
});
const timeOf = (event) => from + ((event.clientX - box.getBoundingClientRect().left - gutter) / (width - gutter)) * span();
let held = null;
box.addEventListener("pointerdown", (event) => { held = { x: event.clientX, from }; box.setPointerCapture(event.pointerId); point(clamp(timeOf(event), from, until)); });
box.addEventListener("pointerup", () => { held = null; });
box.addEventListener("pointercancel", () => { held = null; });
box.addEventListener("pointermove", (event) => {
  if (held && span() < whole && Math.abs(event.clientX - held.x) > 3) {
    const to = clamp(held.from - ((event.clientX - held.x) / (width - gutter)) * span(), 0, whole - span());
    until = to + span(); from = to; draw();
  } else point(clamp(timeOf(event), from, until));
});
box.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  zoom(event.deltaY > 0 ? 1.25 : 0.8, clamp(timeOf(event), from, until));
}, { passive: false });
box.setAttribute("aria-valuemax", whole.toFixed(1));

for (const button of document.querySelectorAll("button.time")) {
  button.addEventListener("click", () => { show(Number(button.dataset.t)); box.scrollIntoView({ block: "center" }); box.focus({ preventScroll: true }); });
}

const dialog = document.getElementById("still");
if (dialog) {
  const stills = [...document.querySelectorAll("button.still")];
  const image = dialog.querySelector("img"), frame = dialog.querySelector("rect"), caption = dialog.querySelector("p");
  let shown = 0;
  const open = (index) => {
    shown = (index + stills.length) % stills.length;
    const still = stills[shown];
    image.src = still.querySelector("img").src;
    image.alt = still.querySelector("img").alt;
    for (const name of ["x", "y", "width", "height"]) frame.setAttribute(name, still.querySelector("rect").getAttribute(name));
    caption.textContent = still.closest("li").querySelector("p").textContent.replace(/\s+/g, " ").trim();
    if (!dialog.open) dialog.showModal();
  };
  stills.forEach((still, index) => still.addEventListener("click", () => open(index)));
  const step = { before: -1, after: 1 };
  for (const button of dialog.querySelectorAll("[data-step]")) button.addEventListener("click", () => open(shown + step[button.dataset.step]));
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") open(shown - 1);
    else if (event.key === "ArrowRight") open(shown + 1);
  });
  dialog.addEventListener("close", () => stills[shown]?.focus());
}

let drawn = 0;
new ResizeObserver(() => { if (box.clientWidth !== drawn) { drawn = box.clientWidth; draw(); } }).observe(box);
window.addEventListener("beforeprint", () => { from = 0; until = whole; draw(); });
})();
