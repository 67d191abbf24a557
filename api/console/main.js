// Which screen is shown: "#/" lists the sites, "#/incidents/<id>" follows an exercise.

import { byId, say } from "./dom.js";
import { showIncident } from "./incident.js";
import * as requests from "./requests.js";
import { showStart } from "./start.js";

let leave = null;
let turn = 0; // counts changes of screen, so that a slow one does not overtake a later one

function complain(text) {
  say(byId("notice"), text);
  byId("notice").hidden = !text;
}

const followed = () => decodeURIComponent(/^#\/incidents\/(.+)$/.exec(location.hash)?.[1] ?? "");
const open = (id) => { location.hash = `#/incidents/${encodeURIComponent(id)}`; };

async function show() {
  const mine = ++turn;
  leave?.();
  leave = null;
  const id = followed();
  byId("start").hidden = Boolean(id);
  byId("incident").hidden = !id;
  byId("to-sites").hidden = !id;
  byId("exercise").hidden = true;
  byId("close").hidden = true;
  say(byId("where"), "");
  try {
    if (id) complain("");
    const left = id
      ? await showIncident(id, { gone: backToStart })
      : await showStart({ opened: open, complain });
    if (mine === turn) leave = left;
    else left();
  } catch (error) {
    if (error instanceof requests.Refused && error.status === 404) backToStart(error.message);
    else complain(`The server cannot be reached: ${error.message}`);
  }
}

function backToStart(text) {
  complain(text);
  location.hash = "#/";
}

async function begin() {
  byId("sign-out").onclick = async () => {
    await requests.signOut();
    location.replace("/");
  };
  window.addEventListener("hashchange", show);
  if (!location.hash) {
    try {
      const running = (await requests.incidents()).find((i) => i.state === "open");
      if (running) history.replaceState(null, "", `#/incidents/${running.incident}`);
    } catch (error) {
      complain(`The server cannot be reached: ${error.message}`);
    }
  }
  await show();
}

begin();
