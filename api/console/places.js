// Which cameras have a place on the screen. Pictures must not jump about while somebody looks at
// them: one stays where it is until it has had its time and another is clearly worth more.

export const HOLD_MS = 5000;
const CLEARLY = 0.15;
const SIGHTS = { sees: 3, covers: 2 };
const DOWN = new Set(["stalled", "refused", "stopped"]);

/** What a camera is worth now; of one that is down at most what it may show when it comes back. */
export function worth(camera, phase) {
  if (!camera) return 0;
  const value = SIGHTS[camera.sight] ?? camera.chance;
  return DOWN.has(phase) ? value - 2 : value;
}

/**
 * The cameras on each place.
 *
 * `shown` are the places as they are: null, or `{id, sinceMs, pinned}`. `wanted` are cameras by
 * importance, as `cameras_now` has them; `phases` the states of feeds by camera. Returns as many
 * places as `count`; those that stay are the same objects.
 */
export function arrange(shown, wanted, { count, nowMs, phases = new Map() }) {
  const known = new Map(wanted.map((camera) => [camera.id, camera]));
  const value = (id) => worth(known.get(id), phases.get(id));
  const places = fitted(shown, count, value);
  const there = new Set(places.flatMap((place) => (place ? [place.id] : [])));
  const missing = wanted
    .filter(({ id }) => !there.has(id) && value(id) > 0)
    .sort((a, b) => value(b.id) - value(a.id));
  for (const { id } of missing) {
    const at = placeFor(places, value(id), value, nowMs);
    if (at < 0) break;
    places[at] = { id, sinceMs: nowMs, pinned: false };
  }
  return places;
}

/** An empty place, else that of the least worth that may go; -1 where all stay. */
function placeFor(places, worthOfNew, value, nowMs) {
  const empty = places.indexOf(null);
  if (empty >= 0) return empty;
  let at = -1;
  for (const [i, { id, pinned, sinceMs }] of places.entries()) {
    if (pinned || nowMs - sinceMs < HOLD_MS || worthOfNew <= value(id) + CLEARLY) continue;
    if (at < 0 || value(id) < value(places[at].id)) at = i;
  }
  return at;
}

/** As many places as `count`: where there are too many, those of least worth go, pinned ones last. */
function fitted(shown, count, value) {
  const places = [...shown];
  while (places.length < count) places.push(null);
  while (places.length > count) {
    const rank = (place) => (place === null ? -3 : place.pinned ? 9 : value(place.id));
    const least = places.reduce((a, place, i) => (rank(place) <= rank(places[a]) ? i : a), 0);
    places.splice(least, 1);
  }
  return places;
}
