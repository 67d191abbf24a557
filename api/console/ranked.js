// Who it may be: the ranked people, and those who are set aside, each with what was said of them.

import { byId, el, keyed, say, set, svg } from "./dom.js";
import { clockTime, isSuspect, percent } from "./words.js";

export class Ranked {
  /** `choose(id)` is called with whoever is chosen; `marks` makes and updates the buttons. */
  constructor(marks, choose) {
    this.marks = marks;
    this.choose = choose;
    this.chosen = null;
    this.order = "";
    byId("ranked").replaceChildren();
    byId("aside-list").replaceChildren();
    const panel = byId("ranked").closest(".panel");
    panel.onkeydown = (event) => this.press(event);
    byId("keys-button").onclick = () => byId("keys").showModal();
    byId("keys-close").onclick = () => byId("keys").close();
    for (const row of byId("keys").querySelectorAll(".marking")) row.hidden = !marks.may;
  }

  /** Show all subjects of an answer. */
  show(subjects) {
    const ranked = subjects.filter((s) => s.status === "ranked");
    const aside = subjects.filter((s) => s.status !== "ranked");
    byId("ranked-empty").hidden = subjects.length > 0;
    const order = ranked.map((s) => s.id).join();
    if (order !== this.order) this.marks.moved(this.order, order);
    this.order = order;
    keyed(byId("ranked"), ranked, (s) => s.id,
      (s) => this.item(s), (item, s) => this.fill(item, s));
    this.showAside(aside);
    this.showAgain(this.marks.open ? aside.filter((s) => s.look_again) : []);
    this.showChosen();
  }

  item(s) {
    const details = el("details", {}, el("summary", {}, "Why"),
      el("figure", { class: "evidence", hidden: true },
        el("div", { class: "frame" },
          el("img", { alt: "The clearest look at what may be a weapon", width: 128, height: 128 }),
          svg("svg", { viewBox: "0 0 1 1", "aria-hidden": "true" }, svg("rect"))),
        el("figcaption")),
      el("ul", { class: "reasons" }));
    details.open = s.rank === 1;
    const item = el("li", {},
      el("button", { type: "button", class: "choose" },
        el("span", { class: "chip" }),
        el("span", { class: "who-name" },
          el("span", { class: "name" }), " ", el("span", { class: "id" })),
        el("span", { class: "likely" })),
      el("meter", { min: 0, max: 1, "aria-label": `Probability that ${s.id} is the intruder` }),
      el("p", { class: "facts" },
        el("span", { class: "age" }), el("span", { class: "armed" }),
        el("span", { class: "within" }), el("span", { class: "unit" })),
      el("ul", { class: "held", "aria-label": `Marks of ${s.id}` }));
    this.marks.equip(item, s.id);
    item.append(details);
    item.querySelector(".choose").onclick = () => this.choose(s.id);
    return item;
  }

  fill(item, s) {
    set(item, { "data-suspect": isSuspect(s) || null, "data-subject": s.id });
    say(item.querySelector(".chip"), String(s.rank));
    say(item.querySelector(".name"), s.space?.name ?? "Outside all rooms");
    say(item.querySelector(".id"), s.id);
    say(item.querySelector(".likely"), percent(s.probability));
    item.querySelector("meter").value = s.probability;
    say(item.querySelector(".armed"), `armed ${percent(s.armed_probability)}`);
    say(item.querySelector(".within"), `within ${s.uncertainty.ce95_m.toFixed(1)} m`);
    say(item.querySelector(".unit"), s.unit ? `${s.unit} by its device` : "");
    set(item.querySelector(".choose"), {
      "aria-label": `${s.rank}. ${s.space?.name ?? "Outside all rooms"}, ${s.id}, `
        + `${percent(s.probability)} the intruder`,
    });
    this.marks.update(item, s);
    showEvidence(item.querySelector(".evidence"), s.evidence);
    keyed(item.querySelector(".reasons"), s.reasons.map((text, i) => ({ text, i })),
      ({ i }) => i, () => el("li"), (line, { text }) => say(line, text));
  }

  showAside(aside) {
    byId("aside").hidden = aside.length === 0;
    const out = aside.filter((s) => s.status === "rejected").length;
    const police = aside.length - out;
    say(byId("aside-title"), `Not ranked: ${[
      out ? `${out} ruled out` : "",
      police ? `${police} responder${police === 1 ? "" : "s"}` : "",
    ].filter(Boolean).join(", ")}`);
    keyed(byId("aside-list"), aside, (s) => s.id,
      (s) => {
        const item = el("li", { tabindex: -1 },
          el("p", {}, el("strong", {}), " ", el("span", { class: "place" })),
          el("p", { class: "loud" }),
          el("p", { class: "facts" }, el("span", { class: "age" }), el("span", { class: "unit" })),
          el("ul", { class: "held", "aria-label": `Marks of ${s.id}` }),
          el("p", { class: "refusal", role: "alert", tabindex: "-1" }));
        return item;
      },
      (item, s) => {
        set(item, { "data-subject": s.id, "data-again": s.look_again || null });
        say(item.querySelector("strong"), s.id);
        const what = s.status === "rejected" ? "ruled out" : "responder";
        say(item.querySelector(".place"), `${s.space?.name ?? "outside all rooms"}, ${what}`);
        const loud = item.querySelector(".loud");
        say(loud, s.look_again ? "Look again: seen since with what looks like a weapon" : "");
        loud.hidden = !s.look_again;
        say(item.querySelector(".unit"), s.unit ? `${s.unit} by its device` : "");
        this.marks.update(item, s);
      });
  }

  /** Whoever was ruled out and looks armed since is shown above everything, once for each. */
  showAgain(subjects) {
    const box = byId("again");
    const names = subjects.map((s) => s.id).join(", ");
    box.hidden = subjects.length === 0;
    if (box.dataset.names === names) return;
    box.dataset.names = names;
    if (!names) {
      box.replaceChildren();
      return;
    }
    const button = el("button", { type: "button" }, `Show ${subjects[0].id}`);
    button.onclick = () => {
      byId("aside").open = true;
      byId("aside-list").querySelector(`[data-subject="${CSS.escape(subjects[0].id)}"]`)?.focus();
    };
    box.replaceChildren(
      el("span", {},
        `LOOK AGAIN: ${names} was ruled out, and was seen since with what looks like a weapon.`),
      button);
  }

  /** Show who is chosen: nobody, or one that the list still has. */
  showChosen() {
    for (const item of byId("ranked").children) {
      const chosen = item.dataset.subject === this.chosen;
      set(item, { "data-chosen": chosen || null });
      set(item.querySelector(".choose"), { "aria-pressed": chosen });
    }
  }

  /** Show how old each subject's sighting is by now: pairs of id and text. */
  showAges(ages) {
    for (const [id, text] of ages) {
      for (const age of document.querySelectorAll(`.who [data-subject="${CSS.escape(id)}"] .age`)) {
        say(age, text);
      }
    }
  }

  /** A key while something in the list has the focus. */
  press(event) {
    const typing = event.target.matches("input, textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "?") {
      event.preventDefault();
      byId("keys").showModal();
      return;
    }
    const item = event.target.closest("li[data-subject]");
    if (!item) return;
    const items = [...byId("ranked").children];
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (step) {
      event.preventDefault();
      items[items.indexOf(item) + step]?.querySelector(".choose").focus();
    } else if (key === "w") {
      const details = item.querySelector("details");
      if (details) details.open = !details.open;
    } else if (this.marks.press(item, key)) event.preventDefault();
  }
}

/** Show why somebody may be armed: the clearest picture, its weapon framed. */
function showEvidence(figure, evidence) {
  figure.hidden = !evidence;
  if (!evidence) return;
  const image = figure.querySelector("img");
  if (image.getAttribute("src") !== evidence.picture) image.src = evidence.picture;
  const [left, top, right, bottom] = evidence.weapon_box;
  set(figure.querySelector("rect"), { x: left, y: top, width: right - left, height: bottom - top });
  say(figure.querySelector("figcaption"),
    `${evidence.camera}, ${clockTime(evidence.captured_at)}: judge for yourself`);
}
