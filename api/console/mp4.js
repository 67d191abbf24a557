// What is read from the fragments of a stream (ISO/IEC 14496-12): which moment of the stream's own
// time line each is, and when the camera took its picture.

const NTP_EPOCH_S = 2_208_988_800; // from 1900 to 1970, RFC 5905
const TWO_32 = 2 ** 32;

/** Ticks a second of the stream's time line, from its init segment; null where it does not say. */
export function timescaleOf(init) {
  const view = new DataView(init);
  const media = path(view, ["moov", "trak", "mdia", "mdhd"]);
  if (!media) return null;
  const long = view.getUint8(media.at) === 1; // version 1 has times of 64 bits
  return view.getUint32(media.at + (long ? 20 : 12)) || null;
}

/**
 * Of a fragment: `startTicks` on the stream's time line and `capturedMs`, when the camera took the
 * picture, Unix milliseconds; null where it has no producer reference time (`prft`).
 */
export function pictureOf(fragment) {
  const view = new DataView(fragment);
  const box = path(view, ["prft"]);
  if (!box) return null;
  const long = view.getUint8(box.at) === 1;
  const seconds = view.getUint32(box.at + 8) - NTP_EPOCH_S;
  const capturedMs = 1000 * (seconds + view.getUint32(box.at + 12) / TWO_32);
  const startTicks = long
    ? view.getUint32(box.at + 16) * TWO_32 + view.getUint32(box.at + 20)
    : view.getUint32(box.at + 16);
  return { startTicks, capturedMs };
}

/** Where the contents of a nested box begin and end: the first of each name; null without one. */
function path(view, names) {
  let within = { at: 0, end: view.byteLength };
  for (const name of names) {
    within = child(view, within, name);
    if (!within) return null;
  }
  return within;
}

function child(view, { at, end }, name) {
  while (at + 8 <= end) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > end) return null;
    const kind = String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(at + i)));
    if (kind === name) return { at: at + 8, end: at + size };
    at += size;
  }
  return null;
}
