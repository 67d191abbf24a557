// Drills that this server was started with: play one, follow it, open its reports.

import { byId, el, keyed, say, set } from "./dom.js";
import { planPicture } from "./drill_plan.js";
import { RunsTable } from "./drill_runs.js";
import { FIGURES, lasting, when } from "./drill_words.js";
import { may } from "./me.js";
import { showPages } from "./pages.js";
import { ask, inWords, me, plan } from "./requests.js";

const WHILE_PLAYING_MS = 1000;
const OTHERWISE_MS = 10_000;
const IN_A_CARD = FIGURES.filter(([key]) => key !== "position_error_p95_m" && key !== "identity_switches");

const cards = new Map(); // by id of the drill
let playing = null;
let timer = 0;

function notice(text) {
  const place = byId("notice");
  say(place, text);
  place.hidden = !text;
}

/** Do what somebody asked for, and say so where it was refused. */
async function tried(what, button) {
  notice("");
  if (button) button.disabled = true;
  try {
    await what();
  } catch (error) {
    notice(inWords(error));
  } finally {
    if (button) button.disabled = false;
    await refresh();
  }
}

class Card {
  constructor(drill) {
    this.drill = drill;
    this.facts = el("p", { class: "facts-line" });
    this.figures = el("dl", { class: "figures" });
    this.failed = el("p", { class: "failed" });
    this.picture = el("div");
    this.buttons = [["max", "Play at full speed", "primary"], ["realtime", "Play in real time", null]].map(([speed, name, cls]) => {
      const button = el("button", { type: "button", class: cls, "aria-label": `${name}: ${drill.name}` }, name);
      button.addEventListener("click", () => tried(() => start(drill, speed), button));
      return button;
    });
    this.runs = new RunsTable(drill, askToDelete);
    this.element = el("li", {},
      el("div", { class: "drill-head" }, this.picture, el("div", {},
        el("h2", {}, drill.name), el("p", {}, drill.description), this.facts, this.figures, this.failed,
        el("div", { class: "actions" }, ...this.buttons))),
      this.runs.element);
    this.shown = null;
    plan(drill.id).then((found) => this.picture.replaceChildren(planPicture(found, drill.name)),
      () => this.picture.replaceChildren(el("p", { class: "empty" }, "No floor plan")));
  }

  async show(drill) {
    this.drill = drill;
    const truth = drill.truth ? "what really happened is known" : "nobody wrote down what really happened";
    say(this.facts, `${drill.site} · ${lasting(drill.duration_s)} · ${drill.cameras} ${drill.cameras === 1 ? "camera" : "cameras"} · ${truth}`);
    const told = drill.last ? IN_A_CARD.filter(([key]) => drill.last.figures[key] !== null) : [];
    keyed(this.figures, told, ([key]) => key, ([, name]) => el("div", {}, el("dt", {}, name), el("dd")),
      (part, [key, , written]) => say(part.querySelector("dd"), written(drill.last.figures[key])));
    say(this.failed, drill.failed ? `The run of ${when(drill.failed.began_at)} came to nothing: ${drill.failed.why}.` : "");
    for (const button of this.buttons) button.disabled = playing !== null;
    const newest = `${drill.runs} ${drill.last?.run}`;
    if (newest !== this.shown) {
      this.runs.show((await ask("GET", `/v1/drills/${encodeURIComponent(drill.id)}/runs`)).runs);
      this.shown = newest;
    }
  }
}

async function start(drill, speed) {
  await ask("POST", `/v1/drills/${encodeURIComponent(drill.id)}/runs`, { speed });
  say(byId("spoken"), `${drill.name} is being played.`);
}

function askToDelete(run) {
  say(byId("sure-text"), `The run of ${when(run.began_at)} with its report and pictures. It cannot be brought back.`);
  const dialog = byId("sure");
  byId("sure-yes").onclick = () => {
    dialog.close();
    tried(() => ask("DELETE", `/v1/drills/${encodeURIComponent(run.drill)}/runs/${encodeURIComponent(run.run)}`));
  };
  byId("sure-no").onclick = () => dialog.close();
  dialog.showModal();
}

function showPlaying(drills) {
  byId("playing").hidden = playing === null;
  if (playing === null) return;
  const drill = drills.find((one) => one.id === playing.drill);
  say(byId("playing-what"), `${drill?.name ?? playing.drill}, ${playing.speed === "max" ? "at full speed" : "in real time"}, started by ${playing.by} on ${when(playing.began_at)}`);
  set(byId("playing-bar"), { value: playing.state === "writing" ? 1 : Math.min(playing.t_s / playing.duration_s, 1).toFixed(3) });
  const starting = playing.t_s === 0 && !playing.text;
  say(byId("playing-text"), playing.state === "writing" ? "All is played; the report is being written."
    : starting ? "Starting: the detector is being loaded."
      : `${playing.t_s.toFixed(0)} of ${playing.duration_s.toFixed(0)} s. ${playing.text}`);
  keyed(byId("playing-problems"), playing.problems, (text) => text, (text) => el("li", {}, text), () => {});
}

/** Ask for everything anew; a run that has ended is told to screen readers. */
async function refresh() {
  clearTimeout(timer);
  try {
    const told = await ask("GET", "/v1/drills");
    const before = playing;
    playing = told.playing;
    if (before && !playing) {
      const drill = told.drills.find((one) => one.id === before.drill);
      const failed = drill?.failed?.run === before.run;
      say(byId("spoken"), failed ? `The run came to nothing: ${drill.failed.why}.` : `The run of ${drill?.name} is over; its report is there.`);
    }
    showPlaying(told.drills);
    say(byId("empty"), told.drills.length ? "" : "This server was started without a drill that you may ask about.");
    keyed(byId("drills"), told.drills, (drill) => drill.id, (drill) => {
      const card = new Card(drill);
      cards.set(drill.id, card);
      return card.element;
    }, () => {});
    await Promise.all(told.drills.map((drill) => cards.get(drill.id).show(drill)));
  } catch (error) {
    notice(inWords(error));
  }
  timer = setTimeout(refresh, playing ? WHILE_PLAYING_MS : OTHERWISE_MS);
}

byId("cancel").addEventListener("click", () => {
  const run = playing;
  if (run) tried(() => ask("DELETE", `/v1/drills/${encodeURIComponent(run.drill)}/runs/${encodeURIComponent(run.run)}`), byId("cancel"));
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

try {
  const mine = await me();
  showPages(byId("pages"), mine);
  if (may(mine, "exercise")) refresh();
  else say(byId("empty"), "Drills are for those who may ask for exercises.");
} catch (error) {
  notice(inWords(error));
}
