// Keeps the screen of a phone on while something is watched, where the browser allows it.

let wanted = false;
let lock = null;

async function take() {
  if (!wanted || lock || document.visibilityState !== "visible") return;
  try {
    const taken = await navigator.wakeLock?.request("screen");
    taken?.addEventListener("release", () => { lock = null; });
    lock = taken ?? null;
    if (!wanted) await lock?.release();
  } catch {
    lock = null; // a battery that runs low may forbid it
  }
}

document.addEventListener("visibilitychange", take);

/** Stay awake from now on, or not any more. */
export function stayAwake(on) {
  wanted = on;
  if (on) take();
  else lock?.release();
}
