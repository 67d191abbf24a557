// The calibration page: a still of a camera beside the floor plan, points that both show, and at
// once what the fit says. "#/site/camera" is the camera that is worked on.

import { capital, showResult } from "./calibrate_result.js";
import { Picture } from "./calibrate_picture.js";
import { Stills } from "./calibrate_stills.js";
import { Plan } from "./calibrate_plan.js";
import * as remote from "./calibrate_remote.js";
import { stateOf } from "./calibrate_marks.js";
import { showTable } from "./calibrate_table.js";
import { Versions } from "./calibrate_versions.js";
import { Walk } from "./calibrate_walk.js";
import { round, Work } from "./calibrate_work.js";
import { byId, el, say } from "./dom.js";
import { may } from "./me.js";
import { showPages } from "./pages.js";
import * as requests from "./requests.js";

const FIT_AFTER_MS = 120;

let camera = null; // as GET /v1/sites/{site}/cameras/{camera} has it
let answer = null; // the newest fit
let picked = null; // index of the point that is chosen
let pending = null; // { pixel, metres, name }: a point of which one half is known
let comparison = null;
let marking = false; // whether clicks on the plan mark places of a walk
let fitting = false;
let fitTimer = null;
let turn = 0;

const work = new Work((again) => { if (again) fitSoon(); render(); });
const picture = new Picture({
  point: (place) => half({ pixel: pixelOf(place) }),
  pick, remove,
  placing: () => Boolean(pending?.metres),
  move: (index, place) => moved(index, place, (point, at) => { point.pixel = pixelOf(at); }),
  cross: (place) => say(byId("picture-at"), place ? `${place.map((v) => v.toFixed(1)).join(", ")} px` : ""),
});
const plan = new Plan({
  point: (place, name) => (marking ? walk.add(place.map((v) => round(v, 3))) : half({ metres: place, name })),
  pick, remove,
  placing: () => marking || Boolean(pending?.pixel),
  move: (index, place) => moved(index, place, (point, at) => {
    point.metres = [round(at[0], 3), round(at[1], 3), point.metres[2] ?? 0];
  }),
});
const stills = new Stills(picture);
const versions = new Versions({ compared: (told) => { comparison = told; draw(); }, restored: saved, sure });
const walk = new Walk(
  { changed: (places, result) => plan.showWalk(places, result) },
  () => (work.dirty && answer?.fit ? work.body() : null));

function complain(text) {
  say(byId("notice"), text);
  byId("notice").hidden = !text;
}

const pixelOf = (place) => place.map((value) => round(value, 1));
const heightNow = () => Math.max(0, byId("height").valueAsNumber || 0);

function pick(index) {
  if (pending && index === null) pending = null;
  picked = index;
  if (index !== null) {
    picture.surface.reveal(work.points[index].pixel);
    const [x, y] = work.points[index].metres;
    plan.surface.reveal([x, -y]);
  }
  render();
}

function remove(index) {
  picked = null;
  work.edit((now) => now.points.splice(index, 1));
}

function moved(index, place, put) {
  if (place === null) return;
  picked = index;
  work.edit((now) => put(now.points[index], place), `move${index}`);
}

/** One half of a new point is known; with both, it is one. */
function half(part) {
  pending = { ...pending, ...part };
  picked = null;
  if (pending.pixel && pending.metres) {
    const [x, y] = pending.metres.map((value) => round(value, 3));
    const height = heightNow();
    const above = height > 0 ? `, ${height.toFixed(2)} m up` : "";
    const point = {
      pixel: pending.pixel, metres: [x, y, height],
      name: (pending.name ? pending.name + above : "").slice(0, 80), used: true,
    };
    pending = null;
    byId("height").value = 0; // so that none is forgotten there
    work.edit((now) => now.points.push(point));
    return;
  }
  render();
}

function fitSoon() {
  clearTimeout(fitTimer);
  fitTimer = setTimeout(fit, FIT_AFTER_MS);
}

async function fit() {
  if (!camera) return;
  if (fitting) { // the newest points are fitted when this is over
    fitSoon();
    return;
  }
  const mine = turn;
  const asked = JSON.stringify(work.now);
  fitting = true;
  try {
    const told = await remote.fit(camera.site, camera.id, work.body());
    if (mine !== turn) return;
    answer = told;
    answer.of = asked;
  } catch (error) {
    if (mine !== turn) return;
    answer = { refusal: requests.inWords(error), fit: null, of: asked };
  } finally {
    fitting = false;
  }
  render();
}

function render() {
  if (!camera) return;
  const told = answer?.fit && answer.fit.points.length === work.points.length ? answer.fit.points : null;
  showTable(work.points, told, picked, {
    edit: (index, change, what) => work.edit((now) => change(now.points[index]), what), pick, remove,
  });
  showResult(answer, work.used.length);
  showSettings();
  byId("undo").disabled = !work.past.length;
  byId("redo").disabled = !work.future.length;
  byId("cancel").disabled = !pending;
  byId("save").disabled = !answer?.fit || answer.of !== JSON.stringify(work.now);
  say(byId("step"), stepNow());
  draw();
}

const above = () => (heightNow() > 0 ? ` It is ${heightNow().toFixed(2)} m above the floor.` : "");
const stepNow = () => (marking ? "Click the places of the walk on the plan, in their order."
  : pending?.pixel ? `Now click the same place on the plan.${above()}`
  : pending?.metres ? `Now click the same place in the picture.${above()}`
  : picked !== null ? `Point ${picked + 1} is chosen: drag it, or move it with the arrow keys.`
  : work.points.length ? "Click the next place in the picture or on the plan."
  : "Click something in the picture that the plan shows, too.");

function draw() {
  if (!camera) return;
  const told = answer?.fit?.points.length === work.points.length ? answer.fit.points : [];
  const marks = work.points.map((point, id) => ({
    id, pixel: point.pixel, metres: point.metres, label: String(id + 1),
    state: stateOf(point, told[id]), seen: told[id]?.seen_px,
  }));
  const fresh = { id: "new", label: "new", state: "pending" };
  picture.showPoints([...marks, ...(pending?.pixel ? [{ ...fresh, pixel: pending.pixel }] : [])], picked);
  plan.showPoints([...marks, ...(pending?.metres ? [{ ...fresh, metres: pending.metres }] : [])], picked);
  const overlay = comparison ? comparison.second_overlay
    : answer?.fit?.overlay ?? (work.points.length ? null : camera.overlay);
  picture.showLines(overlay, comparison?.first_overlay);
  plan.showFloor(overlay, comparison?.first_overlay);
  plan.showMoved(comparison?.moved ?? null);
}

function showSettings() {
  const { lens, refine, way } = work.now;
  const fx = lens.fx ?? camera.lens.fx;
  const [width] = camera.size_px;
  const put = (id, value) => {
    if (document.activeElement !== byId(id)) byId(id).value = value;
  };
  put("fov", round((2 * Math.atan(width / 2 / fx) * 180) / Math.PI, 1));
  put("k1", lens.k1 ?? camera.lens.k1);
  byId("fov").disabled = camera.lens_model === "fisheye";
  byId("refine").checked = refine;
  byId("refine").disabled = byId("flat").checked = way === "homography";
  const now = answer?.fit?.lens ?? camera.lens;
  say(byId("lens-told"), `${camera.lens_model === "fisheye" ? "Fisheye" : "Pinhole"}, ${camera.size_px.join(" × ")} pixels: fx ${now.fx.toFixed(1)}, fy ${now.fy.toFixed(1)}, k1 ${now.k1.toFixed(4)}.`);
}

/** Ask before something that cannot be undone here. */
function sure(title, text, yes) {
  const dialog = byId("sure");
  say(byId("sure-title"), title);
  say(byId("sure-text"), text);
  say(byId("sure-yes"), yes);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true });
  });
}

async function save() {
  byId("save").disabled = true;
  say(byId("save-told"), "Saving, and taking it into use…");
  try {
    saved(await remote.save(camera.site, camera.id, {
      ...work.body(), note: byId("note").value.trim(), based_on: work.basedOn,
      recognise: byId("recognise").checked,
    }));
  } catch (error) {
    say(byId("save-told"), requests.inWords(error));
    render();
  }
}

/** A version was saved or restored: what is in the file is worked on now. */
async function saved(told) {
  const again = told.version.restored_from !== null;
  const use = told.use === "in-use" ? "The next incident uses it."
    : "An incident is open: it goes on with the old calibration, and the new one is used once it is over.";
  work.wasSaved(told.version.number);
  if (again) work.forget();
  await openCamera(camera.site, camera.id, { keepPicture: true });
  byId("note").value = "";
  say(byId("save-told"), `${again ? `Version ${told.version.restored_from} is used again, as` : "Saved as"} version ${told.version.number}. ${use}${told.comments_kept ? "" : " The comments in the camera's file are gone."}`);
}

async function openCamera(site, id, { keepPicture = false } = {}) {
  const mine = ++turn;
  const same = camera?.site === site && camera?.id === id;
  const [told, drawn] = await Promise.all([remote.camera(site, id), requests.plan(site)]);
  if (mine !== turn) return;
  camera = told;
  answer = null;
  picked = pending = comparison = null;
  setMarking(false);
  byId("work").hidden = false;
  if (!(same && keepPicture)) plan.show(drawn.features, camera.level);
  stills.of(camera, { keep: same && keepPicture });
  say(byId("lead"), "");
  say(byId("save-told"), camera.put_off ? "An incident is open: the newest calibration is used once it is over." : "");
  const left = work.begin(`calibrate:${site}:${id}`, camera);
  if (left) {
    say(byId("save-told"), left === "unsaved" ? "What you had not saved is here again."
      : "What you had not saved is here again. The camera was calibrated anew since: compare before you save.");
  }
  walk.reset(site, camera);
  if (!(same && keepPicture)) toFloor();
  document.title = `${camera.name} - calibration - lastseen`;
  await versions.load(site, id, camera.version);
  if (!(same && keepPicture) && camera.recording?.pictures) await stills.take();
}

function toFloor() {
  const floor = (answer?.fit?.overlay ?? camera.overlay).floor_m.flat(2);
  if (!floor.length) return;
  const [xs, ys] = [floor.map((p) => p[0]), floor.map((p) => p[1])];
  plan.zoomTo([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]);
}

function setMarking(on) {
  marking = on;
  byId("mark-places").setAttribute("aria-pressed", String(on));
  if (camera) render();
}

async function listCameras(site, chosen) {
  const all = await remote.cameras(site);
  byId("camera").replaceChildren(...all.map((one) =>
    el("option", { value: one.id }, `${one.name} (${one.id}), ±${one.floor_error_m.toFixed(2)} m`)));
  if (!all.length) {
    say(byId("lead"), "This site has no camera yet: add cameras/<id>.toml to its folder.");
    return null;
  }
  return all.some((one) => one.id === chosen) ? chosen : all[0].id;
}

/** Go to the camera that the address names, or the first one. */
async function follow() {
  const [, site, id] = /^#\/([^/]+)(?:\/(.+))?$/.exec(location.hash)?.map(decodeURIComponent) ?? [];
  const sites = [...byId("site").options].map((option) => option.value);
  const here = sites.includes(site) ? site : sites[0];
  if (!here) return;
  byId("site").value = here;
  try {
    complain("");
    const chosen = await listCameras(here, id);
    if (chosen === null) return;
    byId("camera").value = chosen;
    await openCamera(here, chosen);
  } catch (error) {
    byId("work").hidden = true;
    complain(requests.inWords(error));
  }
}

async function go(site, id) {
  const stay = camera && work.dirty
    && !await sure("Leave this camera?", "What you changed is kept in this window until you close it, but it is not saved.", "Leave it");
  if (stay) {
    byId("site").value = camera.site;
    byId("camera").value = camera.id;
    return;
  }
  const to = `#/${encodeURIComponent(site)}${id ? `/${encodeURIComponent(id)}` : ""}`;
  if (location.hash === to) follow();
  else location.hash = to;
}

function wire() {
  byId("choose").addEventListener("submit", (event) => event.preventDefault());
  byId("site").addEventListener("change", () => go(byId("site").value));
  byId("camera").addEventListener("change", () => go(byId("site").value, byId("camera").value));
  byId("height").addEventListener("input", render);
  byId("undo").addEventListener("click", () => { picked = null; work.undo(); });
  byId("redo").addEventListener("click", () => { picked = null; work.redo(); });
  byId("cancel").addEventListener("click", () => { pending = null; render(); });
  byId("add-row").addEventListener("click", () => {
    work.edit((now) => now.points.push({ pixel: [0, 0], metres: [0, 0, 0], name: "", used: false }));
    byId("rows").lastElementChild.querySelector("input").focus();
  });
  for (const [name, surface] of [["picture", picture.surface], ["plan", plan.surface]]) {
    byId(`${name}-in`).addEventListener("click", () => surface.zoom(1.5));
    byId(`${name}-out`).addEventListener("click", () => surface.zoom(1 / 1.5));
    byId(`${name}-all`).addEventListener("click", () => surface.all());
  }
  for (const button of document.querySelectorAll("[data-shows]")) {
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      byId("picture").classList.toggle(`no-${button.dataset.shows}`, !shown);
    });
  }
  byId("snap").addEventListener("click", () => {
    plan.snap = !plan.snap;
    byId("snap").setAttribute("aria-pressed", String(plan.snap));
  });
  byId("to-floor").addEventListener("click", toFloor);
  byId("mark-places").addEventListener("click", () => setMarking(!marking));
  byId("refine").addEventListener("change", () => work.edit((now) => { now.refine = byId("refine").checked; }));
  byId("flat").addEventListener("change", () => work.edit((now) => { now.way = byId("flat").checked ? "homography" : "pose"; }));
  byId("fov").addEventListener("input", () => {
    const degrees = byId("fov").valueAsNumber;
    if (!(degrees >= 5 && degrees <= 170)) return;
    const [width, height] = camera.size_px;
    const focal = round(width / 2 / Math.tan((degrees * Math.PI) / 360), 3);
    work.edit((now) => { now.lens = { ...now.lens, fx: focal, fy: focal, cx: (width - 1) / 2, cy: (height - 1) / 2 }; }, "fov");
  });
  byId("k1").addEventListener("input", () => {
    const k1 = byId("k1").valueAsNumber;
    if (Number.isFinite(k1)) work.edit((now) => { now.lens = { ...now.lens, k1 }; }, "k1");
  });
  byId("save-form").addEventListener("submit", (event) => { event.preventDefault(); save(); });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.closest?.("input[type=text]")) return;
    const key = event.key.toLowerCase();
    const undo = key === "z" && !event.shiftKey;
    if (!undo && key !== "y" && key !== "z") return;
    event.preventDefault();
    picked = null;
    if (undo) work.undo();
    else work.redo();
  });
  window.addEventListener("beforeunload", (event) => { if (work.dirty) event.preventDefault(); });
  window.addEventListener("hashchange", follow);
}

async function begin() {
  wire();
  const me = await requests.me();
  showPages(byId("pages"), me);
  if (!may(me, "survey")) {
    byId("choose").hidden = true;
    say(byId("lead"), `Cameras are calibrated by installers; your role is ${me.role}.`);
    return;
  }
  const sites = await requests.sites();
  byId("site").replaceChildren(...sites.map((site) => el("option", { value: site.id }, site.name)));
  say(byId("lead"), sites.length ? "" : "This server has no site of yours.");
  await follow();
}

begin().catch((error) => complain(capital(error.message)));
