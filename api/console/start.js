// The first screen: what waits for a second person, and the sites and drills of this server.

import { byId, keyed, say } from "./dom.js";
import { may } from "./me.js";
import * as opening from "./opening.js";
import * as requests from "./requests.js";
import { Waiting } from "./waiting.js";

const REFRESH_MS = 2000; // others may ask, open and close meanwhile

/**
 * Show the list; `opened(incident id)` is called when one is to be followed.
 * Returns how to leave.
 */
export async function showStart({ me, opened, complain, wanted }) {
  const waiting = new Waiting(me, opened);
  const asked = (request) => waiting.sent(request);
  say(byId("nothing"), "");

  async function refresh() {
    const [sites, incidents, requested] = await Promise.all([
      may(me, "sites") ? requests.sites() : [],
      requests.incidents(),
      may(me, "open") ? requests.waiting() : [],
    ]);
    if (!wanted()) return;
    const open = new Map(
      incidents.filter((i) => i.state === "open").map((i) => [i.target.id, i]),
    );
    waiting.show(requested, sites, open);
    // A site that is bound by other terms after a restart gets a new form.
    keyed(byId("sites"), sites, (site) => `${site.id} ${site.agreement?.sha256}`,
      (site) => opening.card(site, { me, opened, asked }),
      (item, site) => opening.update(item, { me, running: open.get(site.id) ?? null, opened }));
    say(byId("nothing"), sites.length ? "" : nothing(may(me, "sites"), me));
  }

  byId("sites").replaceChildren(); // forms begin empty
  await refresh();
  let unreachable = false;
  let busy = false;
  const timer = setInterval(async () => {
    if (busy) return;
    busy = true;
    try {
      await refresh();
      if (unreachable && wanted()) complain("");
      unreachable = false;
    } catch (error) {
      unreachable = true;
      if (wanted()) complain(`${requests.inWords(error)} What is shown may be out of date.`);
    } finally {
      busy = false;
    }
  }, REFRESH_MS);
  const ticking = setInterval(() => waiting.tick(), 500);
  return () => {
    clearInterval(timer);
    clearInterval(ticking);
  };
}

function nothing(maySites, me) {
  return maySites
    ? "No site or drill of this server is yours to see."
    : `Your role (${me.role}) sees no sites here. Records are read with the API or on the server.`;
}
