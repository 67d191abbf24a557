// The numbered marks of points, on the picture and on the plan. Their state is told by shape.

import { keyed, set, svg } from "./dom.js";

/** How a point stands: "pending", "aside", "suspect", "good" or "open" (nothing is known yet). */
export const stateOf = (point, told) =>
  !point.used ? "aside" : !told ? "open" : told.suspect ? "suspect" : "good";

/** Show marks: `{ id, at, label, state, picked, to }`; `to` is where the fit puts it, if known. */
export function showMarks(layer, marks) {
  keyed(layer, marks, (mark) => mark.id,
    () => svg("g", { class: "mark" },
      svg("path", { class: "residual-casing" }),
      svg("path", { class: "residual" }),
      svg("g", {}, svg("g", { class: "symbol" },
        svg("circle", { class: "halo", r: 15 }),
        svg("circle", { class: "casing", r: 8 }),
        svg("circle", { class: "ring", r: 8 }),
        svg("path", { class: "warn casing", d: "M0-12 11 8H-11Z" }),
        svg("path", { class: "warn", d: "M0-12 11 8H-11Z" }),
        svg("path", { class: "hair casing", d: "M-4 0H4M0-4V4" }),
        svg("path", { class: "hair", d: "M-4 0H4M0-4V4" }),
        svg("text", { x: 12, y: -9 }))),
    ),
    (element, { at, label, state, picked, to }) => {
      const [x, y] = at;
      set(element, { "data-state": state, "data-picked": picked ? "yes" : null });
      const line = to ? `M${x} ${y}L${to[0]} ${to[1]}` : null;
      set(element.children[0], { d: line });
      set(element.children[1], { d: line });
      set(element.children[2], { transform: `translate(${x} ${y})` });
      const text = element.querySelector("text");
      if (text.textContent !== label) text.textContent = label;
    });
}
