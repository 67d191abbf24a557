// The first screen: the sites and drills of this server, and a button to open an exercise.

import { byId, el, keyed, say } from "./dom.js";
import * as requests from "./requests.js";

const REFRESH_MS = 3000; // others may open and close exercises meanwhile
const NAME_KEY = "lastseen-opened-by";

/**
 * Show the list; `opened(incident id)` is called when one is to be followed.
 * Returns how to leave.
 */
export async function showStart({ opened, complain }) {
  const name = byId("opened-by");
  name.value ||= sessionStorage.getItem(NAME_KEY) ?? "";
  byId("who").onsubmit = (event) => event.preventDefault();
  showSites(await requests.sites(), name, { opened, complain });
  let unreachable = false;
  const timer = setInterval(async () => {
    try {
      showSites(await requests.sites(), name, { opened, complain });
      if (unreachable) complain("");
      unreachable = false;
    } catch (error) {
      unreachable = true;
      complain(`The server cannot be reached: ${error.message}`);
    }
  }, REFRESH_MS);
  return () => clearInterval(timer);
}

function showSites(sites, name, { opened, complain }) {
  keyed(byId("sites"), sites, (site) => site.id, card, (item, site) => {
    const button = item.querySelector("button");
    say(button, site.open_incident ? "Follow open exercise" : "Open exercise");
    button.onclick = async () => {
      if (site.open_incident) {
        opened(site.open_incident);
        return;
      }
      if (!byId("who").reportValidity()) return;
      sessionStorage.setItem(NAME_KEY, name.value);
      button.disabled = true;
      try {
        const incident = await requests.open({
          [site.kind]: site.id,
          kind: "exercise",
          opened_by: name.value,
          reason: byId("reason").value,
        });
        opened(incident.incident);
      } catch (error) {
        complain(error.message);
      } finally {
        button.disabled = false;
      }
    };
  });
}

function card(site) {
  const cameras = `${site.cameras.length} camera${site.cameras.length === 1 ? "" : "s"}`;
  const kind = site.kind === "drill" ? "Recorded drill" : "Site with live cameras";
  return el("li", { class: "panel" },
    el("h2", {}, site.name),
    el("p", { class: "kind" }, [kind, cameras, site.address].filter(Boolean).join(" · ")),
    site.description ? el("p", {}, site.description) : "",
    el("button", { type: "button", class: "primary" }));
}
