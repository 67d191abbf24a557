// One picture after the other, as JPEGs, for slow links and for browsers that play no stream.

const LEAST_MS = 1000;
const SLOWEST_MS = 5000;
const PATIENCE_MS = 8000;
const HEADERS_BYTES = 900; // of a request and its answer, about
const FINAL = new Set([401, 403, 404]);

export class Stills {
  /**
   * Draws into a canvas. `onpicture(capturedMs)` for each; `onwait(words)` where there is none;
   * `onend(words)` once when there will be none. `budget` is asked how long to wait after so many
   * bytes, see `Budget`.
   */
  constructor(canvas, path, { onpicture, onwait, onend, budget }) {
    this.canvas = canvas;
    this.path = path;
    this.onpicture = onpicture;
    this.onwait = onwait;
    this.onend = onend;
    this.budget = budget ?? new Budget();
    this.stopping = new AbortController();
    this.failures = 0;
    this.run();
  }

  async run() {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const begunAt = performance.now();
      let bytes = HEADERS_BYTES;
      try {
        const response = await fetch(this.path, {
          cache: "no-store", signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
        });
        if (response.ok) bytes += await this.show(response);
        else {
          const said = await response.json().catch(() => null);
          if (signal.aborted) return;
          if (FINAL.has(response.status)) return this.onend(said?.detail ?? "it may not be shown");
          this.onwait(said?.detail ?? "no picture");
        }
        this.failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.failures += 1;
        this.onwait(error.name === "TimeoutError" ? "no answer" : "the server cannot be reached");
      }
      const pauseMs = Math.max(
        LEAST_MS, this.budget.spend(bytes), Math.min(LEAST_MS * this.failures, SLOWEST_MS));
      await sleep(pauseMs - (performance.now() - begunAt), signal);
    }
  }

  async show(response) {
    const capturedMs = Date.parse(response.headers.get("Lastseen-Captured-At") ?? "");
    const picture = await response.blob();
    const image = await createImageBitmap(picture);
    if (this.stopping.signal.aborted) return 0;
    const { canvas } = this;
    if (canvas.width !== image.width) canvas.width = image.width;
    if (canvas.height !== image.height) canvas.height = image.height;
    canvas.getContext("2d").drawImage(image, 0, 0);
    image.close();
    this.onpicture(Number.isNaN(capturedMs) ? null : capturedMs);
    return picture.size;
  }

  stop() {
    this.stopping.abort();
    this.canvas.width = 0; // forgets the picture
  }
}

/** Bytes that may be spent: what is asked for waits so long that the rate is not exceeded. */
export class Budget {
  /** `bitsPerS` of all that shares it together. */
  constructor(bitsPerS = 96_000) {
    this.msPerByte = 8000 / bitsPerS;
    this.freeAt = 0;
    this.spent = 0; // bytes so far
  }

  /** Note that so many bytes came just now; milliseconds until more should be asked for. */
  spend(bytes) {
    const now = performance.now();
    this.spent += bytes;
    this.freeAt = Math.max(this.freeAt, now - 1000) + bytes * this.msPerByte;
    return Math.max(0, this.freeAt - now);
  }
}

function sleep(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(ms, 0));
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
