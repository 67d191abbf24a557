// The form that opens an incident at one site, and what the server would answer to it.

import { el, say } from "./dom.js";
import { may, nameOf } from "./me.js";
import * as requests from "./requests.js";
import { awaitedClause, CHANNELS, KINDS } from "./words.js";

const EXPLAIN_AFTER_MS = 350; // of quiet
const ASKABLE = ["911", "hotline", "administrator", "break-glass"];
const NO_REASON_YET = "not written yet"; // asks what would be answered; nothing is opened by it
const SUBMITS = {
  exercise: "Open exercise",
  real: "Open REAL EMERGENCY",
  standing: "Open standing access",
};
const TEXT = { required: "", maxlength: 200, pattern: ".*\\S.*", autocomplete: "off" };

const field = (label, input, more = {}) =>
  el("label", { class: "field", ...more }, el("span", {}, label), input);
const option = (value, text) => el("option", { value }, text);

/** A new form; null for who may open nothing at this site. */
export function openingForm(site, me, { opened, asked }) {
  const bound = site.agreement !== null && site.kind === "site" && may(me, "open");
  const kinds = [...(may(me, "exercise") ? ["exercise"] : []), ...(bound ? ["real", "standing"] : [])];
  if (!kinds.length) return null;
  const form = el("form", { class: "asking", "aria-label": `Open at ${site.name}` },
    el("fieldset", { class: "kinds" }, el("legend", {}, "What is it?"),
      ...kinds.map((kind) => el("label", { "data-kind": kind },
        el("input", { type: "radio", name: "kind", value: kind, required: "" }),
        el("span", {}, KINDS[kind].title)))),
    el("div", { class: "rest", hidden: "" },
      bound ? realFields(site.agreement, me, may(me, "relay")) : "",
      field("Reason", el("input", { name: "reason", ...TEXT })),
      el("p", { class: "would", role: "status" }),
      el("p", { class: "refusal", role: "alert", tabindex: "-1" }),
      el("button", { class: "submit" })));
  wire(form, site, { opened, asked });
  return form;
}

function realFields(terms, me, mayRelay) {
  const channels = [...ASKABLE.filter((name) => terms.channels.includes(name)), "console"];
  const classes = (words) => Object.entries(words).map(([id, text]) => option(id, `${id}: ${text}`));
  const never = classes(terms.never);
  return el("fieldset", { class: "real", hidden: "", disabled: "" },
    el("legend", { class: "unseen" }, "The emergency"),
    field("What is happening", el("select", { name: "emergency", required: "" },
      option("", "Choose…"), ...classes(terms.emergencies),
      never.length ? el("optgroup", { label: "Never counts, is refused" }, ...never) : "")),
    field("How the word came", el("select", { name: "channel", required: "" },
      option("", "Choose…"), ...channels.map((name) => option(name, CHANNELS[name])))),
    ...(mayRelay ? callerFields(terms, me) : []),
    el("label", { class: "tick" }, el("input", { type: "checkbox", name: "staff" }),
      el("span", {}, "Staff say that they are handling it")));
}

function callerFields(terms, me) {
  return [
    field("Who asks", el("select", { name: "role" },
      option("", `I do: ${nameOf(me)}, ${me.acts_as}`),
      ...Object.entries(terms.roles).map(([id, words]) => option(id, `${words} (${id}), by my relay`)))),
    field("Their name", el("input", { name: "caller", disabled: "", ...TEXT }), { hidden: "" }),
  ];
}

/** Offer what may be opened beside what is open: a real emergency ends anything else. */
export function offer(form, running) {
  const radios = [...form.querySelectorAll("[name=kind]")];
  for (const radio of radios) {
    const free = running === null || (radio.value === "real" && running.kind !== "real");
    if (!free) radio.checked = false;
    radio.disabled = !free;
    radio.parentElement.hidden = !free;
  }
  const free = radios.filter((radio) => !radio.disabled);
  if (radios.length === 1 && free.length === 1) radios[0].checked = true; // nothing to choose
  form.querySelector(".kinds").hidden = radios.length === 1;
  form.hidden = free.length === 0;
  arrange(form);
}

/** Show the fields of the kind that is chosen, and nobody else's. */
function arrange(form) {
  const kind = kindOf(form);
  if (form.dataset.kind === kind) return;
  form.dataset.kind = kind;
  form.querySelector(".rest").hidden = !kind;
  say(form.querySelector(".submit"), SUBMITS[kind] ?? "");
  say(form.querySelector(".refusal"), "");
  const real = form.querySelector(".real");
  if (real) real.hidden = real.disabled = kind !== "real";
  const reason = form.elements.reason;
  if (kind === "exercise") reason.value ||= "Drill";
  else if (reason.value === "Drill") reason.value = "";
}

const kindOf = (form) => form.querySelector("[name=kind]:checked")?.value ?? "";

/** The request as the form has it. */
function bodyOf(form, site, reason) {
  const kind = kindOf(form);
  const body = { [site.kind]: site.id, kind, reason };
  if (kind !== "real") return body;
  const { emergency, channel, staff, role, caller } = form.elements;
  Object.assign(body, {
    emergency: emergency.value, channel: channel.value, handled_by_staff: staff.checked,
  });
  if (role?.value) body.on_behalf_of = { role: role.value, name: caller.value.trim() };
  return body;
}

function wire(form, site, { opened, asked }) {
  const would = form.querySelector(".would");
  const refusal = form.querySelector(".refusal");
  let timer = null;
  let turn = 0; // an answer to what the form said before is not shown

  function changed() {
    const { role, caller } = form.elements;
    if (role) {
      caller.disabled = caller.parentElement.hidden = !role.value;
    }
    arrange(form);
    say(refusal, "");
    turn += 1;
    clearTimeout(timer);
    timer = setTimeout(explain, EXPLAIN_AFTER_MS);
  }

  async function explain() {
    const mine = turn;
    const body = bodyOf(form, site, form.elements.reason.value.trim() || NO_REASON_YET);
    if (!body.kind || body.emergency === "" || body.channel === "" || body.on_behalf_of?.name === "") {
      showAnswer(would, null);
      return;
    }
    let answer;
    try {
      answer = await requests.explain(body);
    } catch (error) {
      answer = error instanceof requests.Refused && error.status === 403
        ? { allowed: false, because: error.message, lacks: [] }
        : { because: `What would be answered is not known. ${requests.inWords(error)}`, lacks: [] };
    }
    if (mine === turn) showAnswer(would, answer);
  }

  form.addEventListener("focusin", changed, { once: true });
  form.onchange = changed;
  form.oninput = changed;
  form.onsubmit = async (event) => {
    event.preventDefault();
    const button = form.querySelector(".submit");
    say(refusal, "");
    button.disabled = true;
    try {
      const answer = await requests.open(bodyOf(form, site, form.elements.reason.value.trim()));
      if (answer.request) {
        form.reset(); // so that it is not sent twice
        changed();
        asked(answer);
      } else opened(answer.incident);
    } catch (error) {
      say(refusal, error instanceof requests.Unreachable
        ? `${error.message} It may be open all the same: look at this list.`
        : requests.inWords(error));
      refusal.focus();
    } finally {
      button.disabled = false;
    }
  };
}

function showAnswer(line, answer) {
  const second = answer?.needs_second_person;
  const [state, words] = answer === null ? ["", ""]
    : answer.allowed === undefined ? ["unknown", answer.because]
    : answer.allowed ? ["allowed", `Would be opened${longest(answer.longest_min)}: ${allowing(answer)}`]
    : second ? ["second", `A second person must confirm it. ${awaitedClause(answer.because)}`]
    : ["refused", `Would be ${refusing(answer)}`];
  line.dataset.answer = state;
  say(line, words);
}

const allowing = ({ because }) => because.replace(/^allowed: /, "");
const refusing = ({ because }) => (because.startsWith("refused") ? because : `refused: ${because}`);
const longest = (minutes) => (minutes === null ? "" : ` for ${Math.round(minutes)} min`);
