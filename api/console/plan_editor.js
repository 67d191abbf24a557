// The floor-plan page: a draft of a site's plan, drawn over a picture, checked and published.

import { byId, say } from "./dom.js";
import { Editor } from "./editor.js";
import { sure } from "./editor_publishing.js";
import { load } from "./editor_saving.js";
import { showStart } from "./editor_start.js";
import { showPages } from "./pages.js";
import * as requests from "./requests.js";

async function begin() {
  const complain = (text) => {
    byId("notice").hidden = !text;
    say(byId("notice"), text);
  };
  try {
    const me = await requests.me();
    showPages(byId("pages"), me);
    const asked = new URLSearchParams(window.location.search);
    const open = async (site, id) => {
      const draft = await load(site.id, id);
      byId("choose").hidden = true;
      byId("editor").hidden = false;
      document.body.classList.add("drawing");
      say(byId("where"), `Floor plan of ${site.name}`);
      window.history.replaceState(null, "", `?site=${encodeURIComponent(site.id)}&draft=${id}`);
      complain(draft.outdated ? "The site's plan was changed since this draft was begun." : "");
      return new Editor(draft, site);
    };
    if (asked.get("draft")) {
      const site = (await requests.sites()).find((one) => one.id === asked.get("site"));
      if (site) {
        await open(site, asked.get("draft"));
        return;
      }
    }
    await showStart({ me, chosen: (site, id) => open(site, id).catch((e) => complain(requests.inWords(e))), complain, sure });
  } catch (error) {
    complain(requests.inWords(error));
  }
}

begin();
