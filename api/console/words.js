// Figures as people say them.

/** "0.4 s", "12 s", "2 min 05 s". */
export function seconds(value) {
  const positive = Math.max(0, value);
  if (positive < 9.95) return `${positive.toFixed(1)} s`;
  if (positive < 59.5) return `${Math.round(positive)} s`;
  const whole = Math.round(positive);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
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
