// Which screen is shown: "#/" lists the sites, "#/incidents/<id>" follows an incident.

import { byId, say } from "./dom.js";
import { showIncident } from "./incident.js";
import { mayWatch, nameOf } from "./me.js";
import * as requests from "./requests.js";
import { showPages } from "./pages.js";
import { showStart } from "./start.js";
import { clockTime } from "./words.js";

let me = null;
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
  byId("incident").hidden = true;
  byId("to-sites").hidden = !id;
  say(byId("skip"), id ? "Skip to the answer" : "Skip to the sites");
  byId("kind").hidden = true;
  say(byId("where"), "");
  document.title = "lastseen console";
  byId("icon").href = "/console/icon.svg";
  document.documentElement.dataset.kind = "";
  try {
    if (id) complain("");
    const left = id
      ? await showIncident(id, { me, gone: backToStart, wanted: () => mine === turn })
      : await showStart({ me, opened: open, complain, wanted: () => mine === turn });
    if (mine === turn) leave = left;
    else left();
    // Who hears the page, or has no mouse, is taken along to the other screen.
    if (mine === turn && mine > 1) byId(id ? "kind" : "start").focus();
  } catch (error) {
    if (mine !== turn) return;
    if (id && error instanceof requests.Refused && [403, 404].includes(error.status)) {
      backToStart(error);
    } else {
      complain(`${requests.inWords(error)} Trying again…`);
      setTimeout(() => { if (mine === turn) show(); }, 3000);
    }
  }
}

function backToStart(error) {
  complain(error.status === 404
    ? "This incident is not on the server any more." : requests.inWords(error));
  location.hash = "#/";
}

function showMe() {
  const acting = me.acts_as === me.role ? me.role : `${me.role}, acts as ${me.acts_as}`;
  say(byId("me-name"), nameOf(me));
  say(byId("me-role"), acting);
  byId("me").hidden = false;
  showPages(byId("pages"), me);
}

/** The server's clock: what others write down, they write down by it. */
function showClock() {
  const now = requests.clock.now();
  say(byId("clock"), now === null ? "--:--:--" : clockTime(now));
}

async function begin() {
  byId("skip").onclick = (event) => {
    event.preventDefault(); // the address after # names the screen
    byId(followed() ? "answer" : "start").focus();
  };
  byId("menu").onclick = () => {
    const open = byId("top").toggleAttribute("data-menu");
    byId("menu").setAttribute("aria-expanded", open);
  };
  setInterval(showClock, 500);
  byId("sign-out").onclick = async () => {
    try {
      await requests.signOut();
      location.replace("/");
    } catch (error) {
      complain(`You are still signed in. ${requests.inWords(error)}`);
    }
  };
  try {
    me = await requests.me();
    showMe();
    if (!location.hash) {
      const running = (await requests.incidents())
        .find((incident) => incident.state === "open" && mayWatch(me, incident));
      if (running) history.replaceState(null, "", `#/incidents/${running.incident}`);
    }
  } catch (error) {
    complain(`${requests.inWords(error)} Trying again…`);
    setTimeout(begin, 3000);
    return;
  }
  complain("");
  window.addEventListener("hashchange", show);
  await show();
}

begin();
