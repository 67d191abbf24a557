// Figures and terms as people say them.

/** "0.4 s", "12 s", "2 min 05 s". */
export function seconds(value) {
  const positive = Math.max(0, value);
  if (positive < 9.95) return `${positive.toFixed(1)} s`;
  if (positive < 59.5) return `${Math.round(positive)} s`;
  const whole = Math.round(positive);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** "11 h 58 min", "9:58 min", "0:07 min": a time that runs down. */
export function countdown(value) {
  const whole = Math.max(0, Math.ceil(value));
  const minutes = Math.floor(whole / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${minutes}:${String(whole % 60).padStart(2, "0")} min`;
}

/** From this probability on the page marks a subject as the likely intruder. */
export const isSuspect = (subject) => subject.probability >= 0.5;

/** "15 m". */
export const metres = (value) => `${Math.round(value)} m`;

/** "94 %"; a probability that is not quite certain is never shown as 0 or 100. */
export function percent(probability) {
  const value = Math.round(probability * 100);
  if (value >= 100 && probability < 1) return ">99 %";
  if (value <= 0 && probability > 0) return "<1 %";
  return `${value} %`;
}

/** "14:03:22", local time. */
export const clockTime = (iso) => new Date(iso).toLocaleTimeString([], { hour12: false });

/** What each kind of incident is called: in capitals, in a sentence, and what it means. */
export const KINDS = {
  exercise: { title: "EXERCISE", name: "exercise", means: "not a real incident" },
  real: { title: "REAL EMERGENCY", name: "real emergency", means: "not an exercise" },
  standing: { title: "STANDING ACCESS", name: "standing access", means: "no emergency" },
};

/** How a request came in. */
export const CHANNELS = {
  911: "911 call",
  cad: "dispatch system",
  hotline: "hotline call",
  "panic-app": "panic app",
  administrator: "an administrator's word",
  "break-glass": "break-glass, a dispatcher's own decision",
  console: "at this console",
};

/** The clause that would allow something if a second person confirmed it. */
export function awaitedClause(because) {
  const [, id, text] = /(?:^|; )clause (\S+) \((.+)\) would, but /.exec(because) ?? [];
  return id ? `Clause ${id}: ${text}` : because;
}
