// What the server does for the editor: reads files, sets scales, checks and publishes.

import { byId, say } from "./dom.js";
import { showProblems } from "./editor_panels.js";
import { askToPublish, sure } from "./editor_publishing.js";
import * as requests from "./requests.js";

const CHECK_AFTER_MS = 2500;
const QUICK_MS = 2000; // a check that takes longer is made when it is asked for

export class Remote {
  constructor(ed) {
    this.ed = ed;
    this.file = null; // the PDF whose pages can be chosen
    this.checking = null;
    this.checkedDoc = null;
    this.took_ms = 0;
  }

  /** Do something on the server that gives another draft; returns "" or what went wrong. */
  async onServer(told, task) {
    document.body.classList.add("busy");
    this.ed.say(`${told}…`);
    try {
      const draft = await task();
      this.ed.takeDraft(draft);
      this.ed.say(`${told}: done`);
      this.checkSoon();
      return "";
    } catch (error) {
      return requests.inWords(error);
    } finally {
      document.body.classList.remove("busy");
    }
  }

  async setScale(measured) {
    const trouble = await this.onServer("Setting the scale", () => this.ed.saving.scale(this.ed.level, measured));
    if (!trouble) {
      this.ed.use("select");
      this.ed.fit();
    }
    return trouble;
  }

  async upload(file, page = 1) {
    const trouble = await this.onServer(`Reading ${file.name}`, () => this.ed.saving.upload(this.ed.level, file, page));
    if (trouble) this.ed.complain(trouble);
    else {
      this.file = file;
      byId("page").value = page;
      this.ed.fit();
      if (this.ed.picture()?.measured === false) this.ed.use("scale");
    }
  }

  async bring(file) {
    const count = this.ed.doc.features.length;
    if (count && !await sure("Replace what is drawn?", `${count} things are drawn in this draft. The version before is kept on the server.`, "Replace")) return;
    const trouble = await this.onServer(`Reading ${file.name}`, () => this.ed.saving.bring(file, Number(byId("storey").value)));
    if (trouble) this.ed.complain(trouble);
    else {
      this.ed.selected = null;
      this.ed.refresh();
      this.ed.fit();
    }
  }

  checkSoon() {
    clearTimeout(this.checking);
    showProblems(this.ed, this.ed.checked);
    if (this.took_ms < QUICK_MS) this.checking = setTimeout(() => this.check(true), CHECK_AFTER_MS);
  }

  async check(quiet = false) {
    clearTimeout(this.checking);
    if (!quiet) say(byId("check-state"), "Checking…");
    try {
      await this.ed.saving.flush();
      const { doc } = this.ed;
      const begun_ms = performance.now();
      this.ed.checked = await this.ed.saving.check();
      this.took_ms = performance.now() - begun_ms;
      this.checkedDoc = doc;
      this.ed.showDoc(this.ed.shownDoc);
      showProblems(this.ed, this.ed.checked);
      return this.ed.checked;
    } catch (error) {
      if (!quiet) say(byId("check-state"), requests.inWords(error));
      return null;
    }
  }

  changedSince() {
    return this.checkedDoc !== this.ed.doc;
  }

  async publish() {
    const done = await askToPublish(this.ed);
    if (!done) return;
    const waits = done.in_use === "put-off" ? " An incident is open here: the plan is used from its end on." : " The next incident uses it.";
    this.ed.say(`Published.${waits}`);
    this.ed.showSaved("published", `Published, version ${done.version}.${waits}`);
    this.checkSoon();
  }

  /** Somebody else has saved the draft: ask whose stays. */
  async settle(text) {
    if (!await sure("Somebody else saved this draft", `${text} Theirs stays as an earlier version.`, "Save mine over it")) return;
    try {
      await this.ed.saving.overwrite();
    } catch (error) {
      this.ed.complain(requests.inWords(error));
    }
  }

  /** Take what was drawn in an earlier version; it can be undone. */
  async goBack(version) {
    try {
      const { levels, features } = await this.ed.saving.earlier(version);
      this.ed.apply({ levels, features }, `as in version ${version}`);
    } catch (error) {
      this.ed.complain(requests.inWords(error));
    }
  }

  otherPage(page) {
    if (this.file) this.upload(this.file, page);
    else this.ed.complain("Choose the PDF again, then its page.");
  }
}
