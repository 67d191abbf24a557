// What time it is by the server's clock. This machine's own may be wrong, and a dispatcher must
// not be told a wrong time left.

export class ServerClock {
  constructor() {
    this.aheadMs = -Infinity; // of performance.now()
  }

  /** Hear a moment that the server named. A late message only ever names one that is too early. */
  hear(moment) {
    const aheadMs = Date.parse(moment ?? "") - performance.now();
    if (aheadMs > this.aheadMs) this.aheadMs = aheadMs;
  }

  /** Milliseconds since the epoch by the server's clock; null before it named a moment. */
  now() {
    return this.aheadMs === -Infinity ? null : performance.now() + this.aheadMs;
  }

  /** Seconds from now to a moment; negative once it is over. */
  left(moment) {
    const nowMs = this.now() ?? Date.now();
    return (Date.parse(moment) - nowMs) / 1000;
  }
}
