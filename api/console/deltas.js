// A full message from the one before it and what changed. The rules are those of api/deltas.py,
// and in the reference of the API. Nothing that is handed in is changed, and parts that stayed the
// same are the same objects.

const ENVELOPE = ["schema_version", "sequence", "incident", "exercise", "published_at"];

/** What changed was told of another message than the one here: begin anew with a snapshot. */
export class Gap extends Error {}

/** The full message that `told` makes of the one `before`, which may be undefined. */
export function messageAfter(before, told) {
  if (before?.sequence !== told.base) {
    throw new Gap(`${told.sequence} changes ${told.base}, and here is ${before?.sequence}`);
  }
  const envelope = Object.fromEntries(ENVELOPE.map((name) => [name, told[name]]));
  return { ...applied(before, told.patch), ...envelope };
}

/** What a patch makes of a value. */
export function applied(before, patch) {
  if (!isObject(patch) || before === null || typeof before !== "object") return patch;
  if (Array.isArray(before)) return appliedToList(before, patch);
  const after = { ...before };
  for (const [name, part] of Object.entries(patch)) after[name] = applied(before[name], part);
  return after;
}

function appliedToList(before, patch) {
  if (patch.keep) {
    const [start, end] = patch.keep;
    if (end > before.length) throw new Gap("a longer list was kept");
    return [...before.slice(start, end), ...patch.add];
  }
  if (!patch.changed) throw new Gap("not a patch of a list");
  const keys = patch.by ? before.map((item) => item[patch.by]) : before.map((_, i) => String(i));
  const items = new Map(keys.map((key, i) => [key, before[i]]));
  for (const [key, part] of Object.entries(patch.changed)) {
    if (!patch.by && !items.has(key)) throw new Gap(`nothing in place ${key}`);
    items.set(key, applied(items.get(key), part));
  }
  return (patch.order ?? keys).map((key) => {
    if (!items.has(key)) throw new Gap(`nobody is called ${key}`);
    return items.get(key);
  });
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
