// What the plan shows, in words: for who hears the page, for who reads it out, for who copies it.

import { kindOf, marked, subjectWords } from "./plan_subjects.js";
import { percent, seconds } from "./words.js";

const MOST_ROOMS = 6;
const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

const TURN_WORDS = {
  drawn: "as drawn", north: "turned so that true north is up",
  arriving: "turned so that the side where officers arrive is at the bottom",
};

/** The whole plan of a level in one text. */
export function planWords({ level, way, subjects, door, doors, cameras, blind }) {
  const here = subjects.filter((s) => s.level.id === level.id);
  const told = here.filter((s) => isTold(s));
  const others = here.length - told.length;
  const live = cameras.filter((c) => c.phase === "live").length;
  return [
    `Floor plan of ${level.name}, ${TURN_WORDS[way]}`,
    ...told.map((s) => `${subjectWords(s)}, ${ageWords(s)}`),
    others ? count(others, told.length ? "other person" : "person", told.length ? "other people" : "people") : told.length ? "" : "nobody on this level",
    ...subjects.filter((s) => isTold(s) && s.level.id !== level.id).map((s) => `${s.id} is on ${s.level.name}`),
    door ? `take door ${door.door_number}` : "",
    count(doors, "entrance"),
    cameras.length ? `${count(cameras.length, "camera")}, ${live} live` : "",
    blind ? `no live camera looks at ${percent(blind)} of this level` : "",
  ].filter(Boolean).map((text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`).join(" ");
}

/** Who is named wherever there is little room: the first, likely intruders, and who was marked. */
export const isTold = (s) => s.status === "ranked"
  && (s.rank === 1 || kindOf(s) === "suspect" || marked(s, "confirm") || marked(s, "designate"));

const ageWords = (s) => (s.visibility === "in view" ? "in view now" : `last seen ${seconds(s.age_s)} ago`);

/** "S1 in D7, Library, Door 4": what to hand to officers who hold the same grid. */
export function placeLine(s, { door, levels, grown = 0, live, clock }) {
  if (!s) return "";
  const where = [s.grid ? `in ${s.grid}` : "outside the grid", s.space?.name, levels > 1 && s.level.name];
  const seen = s.visibility === "out of view" || grown >= 2 ? `seen ${seconds(s.age_s + grown)} ago` : "";
  const line = [
    `${s.id} ${where.filter(Boolean).join(", ")}`, door && `Door ${door.door_number}`, seen,
  ].filter(Boolean).join(", ");
  return live ? line : `Not live, as of ${clock}: ${line}`;
}

/** Where a subject that no camera sees can be, room by room; `names` are those of the levels. */
export function searchWords(s, names) {
  const { spaces, left_building: left, area50_m2: half, area95_m2: most } = s.search;
  const rooms = spaces.filter((one) => one.probability >= 0.005).slice(0, MOST_ROOMS)
    .map((one) => {
      const level = one.level && one.level !== s.level.id ? ` (${names.get(one.level) ?? one.level})` : "";
      return `${one.space?.name ?? "between rooms"}${level} ${percent(one.probability)}`;
    });
  const rest = spaces.slice(rooms.length).reduce((sum, one) => sum + one.probability, 0);
  if (rest >= 0.005) rooms.push(`other rooms ${percent(rest)}`);
  if (left >= 0.005) rooms.push(`left the building ${percent(left)}`);
  return {
    rooms, areas: `50 % within ${Math.round(half)} m², 95 % within ${Math.round(most)} m²`,
  };
}

/** What stands on the button of a level, and what it says: who is there. */
export function levelBadge(level, subjects, sought) {
  const told = subjects.filter((s) => isTold(s) && s.level.id === level.id && s.id !== sought?.id);
  const share = sought?.search?.levels.find((one) => one.level.id === level.id)?.probability ?? 0;
  const parts = told.slice(0, 2).map((s) => s.id);
  const words = told.map((s) => `${s.id} is here`);
  if (told.length > 2) parts.push(`+${told.length - 2}`);
  if (sought?.search) {
    if (share >= 0.005) {
      parts.unshift(`${sought.id} ${percent(share)}`);
      words.unshift(`${sought.id} is here with ${percent(share)}`);
    }
  } else if (sought?.level.id === level.id) {
    parts.unshift(sought.id);
    words.unshift(`${sought.id} was last seen here`);
  }
  return { text: parts.join(" · "), words: [level.name, ...words].join(", ") };
}

const STEPS_M = [200, 100, 50, 20, 10, 5, 2, 1];
const LONGEST_PX = 130;

/** The length of a scale bar: metres, and pixels at so many metres a pixel; longer on large screens. */
export function scaleBar(scale, enlarged = 1) {
  const metres = STEPS_M.find((length) => length / scale <= LONGEST_PX * enlarged) ?? 0.5;
  return { metres, px: metres / scale };
}
