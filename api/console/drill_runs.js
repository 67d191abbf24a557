// The runs of one drill: a table in which two are ticked to be compared.

import { el, keyed, say, set } from "./dom.js";
import { FIGURES, pace, when } from "./drill_words.js";

const path = (run) => `/v1/drills/${encodeURIComponent(run.drill)}/runs/${encodeURIComponent(run.run)}`;
const HEADINGS = ["Compare", "When", "Open", "Who", "Pace", ...FIGURES.map(([, name]) => name), "Machine", "Kept until", "Delete"];
const NUMBERS_FROM = 5;

/** The part of a drill's card that holds its runs; `remove` is asked with a run to be deleted. */
export class RunsTable {
  constructor(drill, remove) {
    this.drill = drill;
    this.remove = remove;
    this.ticked = new Set();
    this.body = el("tbody");
    this.count = el("h3");
    this.link = el("a", { class: "button", target: "_blank", rel: "noopener" }, "Compare");
    const head = el("tr", {}, ...HEADINGS.map((name, at) =>
      el("th", { scope: "col", class: at >= NUMBERS_FROM && at < NUMBERS_FROM + FIGURES.length ? "n" : null }, name)));
    this.table = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Runs of ${drill.name}` },
      el("table", { class: "runs" }, el("thead", {}, head), this.body));
    this.element = el("section", { class: "runs-part", "aria-label": `Runs of ${drill.name}` },
      el("div", { class: "runs-head" }, this.count, this.link), this.table);
  }

  show(runs) {
    this.runs = runs;
    say(this.count, runs.length ? `${runs.length} ${runs.length === 1 ? "run" : "runs"}` : "Not played yet");
    this.table.hidden = !runs.length;
    this.link.hidden = runs.length < 2;
    for (const run of [...this.ticked]) if (!runs.some((one) => one.run === run)) this.ticked.delete(run);
    keyed(this.body, runs, (run) => run.run, (run) => this.row(run), () => {});
    this.showTicked();
  }

  row(run) {
    const named = `the run of ${when(run.began_at)}`;
    const tick = el("input", { type: "checkbox", "aria-label": `Compare ${named}` });
    tick.addEventListener("change", () => {
      if (tick.checked) this.ticked.add(run.run);
      else this.ticked.delete(run.run);
      if (this.ticked.size > 2) this.ticked.delete([...this.ticked][0]);
      this.showTicked();
    });
    const remove = el("button", { type: "button", "aria-label": `Delete ${named}` }, "Delete");
    remove.addEventListener("click", () => this.remove(run));
    const figures = FIGURES.map(([key, , written]) => el("td", { class: "n" }, written(run.figures[key])));
    return el("tr", { "data-run": run.run },
      el("td", {}, el("label", { class: "tick" }, tick)),
      el("th", { scope: "row", class: "when" }, when(run.began_at)),
      el("td", {}, el("span", { class: "links" },
        el("a", { href: `${path(run)}/report`, target: "_blank", rel: "noopener", "aria-label": `Report of ${named}` }, "Report"),
        el("a", { href: `${path(run)}/report?download=true`, download: "", "aria-label": `Save the report of ${named}` }, "Save"),
        el("a", { href: `${path(run)}/figures`, download: "", "aria-label": `Figures of ${named} as JSON` }, "JSON"))),
      el("td", {}, run.by || "command line"),
      el("td", {}, pace(run.speed)),
      ...figures,
      el("td", { class: "machine" }, [run.processor, run.detector, run.version && `lastseen ${run.version}`].filter(Boolean).join(", ")),
      el("td", {}, when(run.purge_at)),
      el("td", {}, remove));
  }

  /** The older of the two ticked runs is the one to be measured by. */
  showTicked() {
    const pair = this.runs.filter((run) => this.ticked.has(run.run)).reverse();
    const ready = pair.length === 2;
    const query = ready ? new URLSearchParams({ a: pair[0].run, b: pair[1].run }) : null;
    set(this.link, {
      href: ready ? `/v1/drills/${encodeURIComponent(this.drill.id)}/comparison?${query}` : null,
      "aria-disabled": ready ? null : "true",
      role: ready ? null : "link",
      tabindex: ready ? null : "0",
    });
    say(this.link, ready ? "Compare the two ticked runs" : `Tick two runs to compare (${this.ticked.size} of 2)`);
    for (const row of this.body.rows) row.querySelector("input").checked = this.ticked.has(row.dataset.run);
  }
}
