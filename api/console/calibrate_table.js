// The table of points: every number can be typed, and each says how far off it is.

import { byId, el, keyed, say, set } from "./dom.js";

const NUMBERS = [
  { key: "px", name: "pixel x", step: 0.1, get: (p) => p.pixel[0], put: (p, v) => { p.pixel[0] = v; } },
  { key: "py", name: "pixel y", step: 0.1, get: (p) => p.pixel[1], put: (p, v) => { p.pixel[1] = v; } },
  { key: "mx", name: "plan x, metres", step: 0.01, get: (p) => p.metres[0], put: (p, v) => { p.metres[0] = v; } },
  { key: "my", name: "plan y, metres", step: 0.01, get: (p) => p.metres[1], put: (p, v) => { p.metres[1] = v; } },
  { key: "mz", name: "height, metres", step: 0.01, get: (p) => p.metres[2] ?? 0, put: (p, v) => { p.metres[2] = v; } },
];
const metres = (value) => (value === null ? "–" : `${value.toFixed(2)} m`);

/** `on`: `edit(index, change, what)`, `pick(index)`, `remove(index)`. */
export function showTable(points, told, picked, on) {
  byId("no-points").hidden = points.length > 0;
  byId("rows-scroll").hidden = points.length === 0;
  keyed(byId("rows"), points.map((point, index) => ({ point, index })), ({ index }) => index,
    ({ index }) => row(index, on),
    (element, { point, index }) => {
      const error = told?.[index] ?? null;
      set(element, {
        "data-picked": index === picked ? "yes" : null,
        "data-state": !point.used ? "aside" : error?.suspect ? "suspect" : "good",
      });
      for (const input of element.querySelectorAll("input[data-key]")) {
        const number = NUMBERS.find(({ key }) => key === input.dataset.key);
        const value = number ? String(Number(number.get(point).toFixed(3))) : point.name;
        if (document.activeElement !== input && input.value !== value) input.value = value;
      }
      element.querySelector("[type=checkbox]").checked = point.used;
      say(element.querySelector(".off-m"), error === null ? "" : metres(error.off_m));
      say(element.querySelector(".off-px"), error?.off_px == null ? "" : `${error.off_px.toFixed(1)} px`);
      say(element.querySelector(".left-out"), error === null || !point.used ? "" : metres(error.left_out_m));
      const why = !point.used ? "set aside" : error?.suspect ?? "";
      say(element.querySelector(".why"), why);
      element.querySelector(".why").hidden = !why;
    });
}

function row(index, on) {
  const label = index + 1;
  const input = (key, more) => el("input", {
    "data-key": key, "aria-label": `Point ${label}, ${more.name}`, ...more.attributes,
  });
  const number = ({ key, name, step }) => {
    const made = input(key, { name, attributes: { type: "number", step, inputmode: "decimal", class: "number" } });
    made.addEventListener("input", () => {
      const value = made.valueAsNumber;
      if (Number.isFinite(value)) on.edit(index, (point) => put(key, point, value), `${key}${index}`);
    });
    return made;
  };
  const name = input("name", { name: "name", attributes: { type: "text", maxlength: 80, class: "name" } });
  name.addEventListener("input", () => on.edit(index, (point) => { point.name = name.value; }, `name${index}`));
  const used = el("input", { type: "checkbox", "aria-label": `Point ${label} is used` });
  used.addEventListener("change", () => on.edit(index, (point) => { point.used = used.checked; }));
  const gone = el("button", { type: "button", class: "small quiet", "aria-label": `Remove point ${label}`, title: "Remove" }, "×");
  gone.addEventListener("click", () => on.remove(index));
  const choose = el("button", { type: "button", class: "small quiet number-button", "aria-label": `Choose point ${label}` }, String(label));
  choose.addEventListener("click", () => on.pick(index));
  const [px, py, mx, my, mz] = NUMBERS.map(number);
  return el("tr", {},
    el("th", { scope: "row" }, choose),
    el("td", {}, name, el("p", { class: "why", hidden: "" })),
    el("td", { class: "pair" }, px, py),
    el("td", { class: "pair" }, mx, my),
    el("td", {}, mz),
    el("td", { class: "off" }, el("span", { class: "off-m" }), el("span", { class: "off-px" })),
    el("td", { class: "left-out" }),
    el("td", { class: "used" }, el("label", { class: "tick" }, used)),
    el("td", {}, gone));
}

function put(key, point, value) {
  NUMBERS.find((one) => one.key === key).put(point, value);
}
