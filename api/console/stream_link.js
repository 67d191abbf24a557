// The WebSocket of one camera's video: it is opened again by itself when it breaks, sooner when the
// network comes back, and closed when it says nothing, because a dead connection does not say so.

const RETRY_MS = [250, 500, 1000, 2000, 4000]; // growing pauses; a picture sets them back
const SILENT_MS = 3000; // the server says something at least once a second
const OPENING_MS = 8000;

export class StreamLink {
  /**
   * `hear(message)` gets what is said, `take(bytes)` what is shown, and `link(state)` "connecting",
   * "open" or "lost". Nothing is called any more after `stop`.
   */
  constructor(path, { hear, take, link }) {
    this.url = new URL(path, location.href);
    this.url.protocol = this.url.protocol === "https:" ? "wss:" : "ws:";
    this.hear = hear;
    this.take = take;
    this.link = link;
    this.socket = null;
    this.failures = 0;
    this.heardAt = 0;
    this.stopped = false;
    this.timer = null;
    this.online = () => this.again(0);
    this.offline = () => this.drop();
    window.addEventListener("online", this.online);
    window.addEventListener("offline", this.offline);
    this.watch = setInterval(() => this.look(), 250);
    this.connect();
  }

  /** Milliseconds since the server said something. */
  get silentMs() {
    return performance.now() - this.heardAt;
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.stopped || this.socket) return;
    if (navigator.onLine === false) return; // "online" brings it back
    this.link("connecting");
    this.openedAt = performance.now();
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (socket !== this.socket) return;
      this.heardAt = performance.now();
      this.link("open");
    };
    socket.onmessage = ({ data }) => {
      if (socket !== this.socket) return;
      this.heardAt = performance.now();
      if (typeof data === "string") this.hear(JSON.parse(data));
      else {
        this.failures = 0;
        this.take(data);
      }
    };
    socket.onclose = () => {
      if (socket === this.socket) this.drop();
    };
    this.socket = socket;
  }

  look() {
    if (!this.socket) return;
    const opening = this.socket.readyState === WebSocket.CONNECTING;
    const late = opening
      ? performance.now() - this.openedAt > OPENING_MS
      : this.silentMs > SILENT_MS;
    if (late) this.drop();
  }

  /** Give up this connection and try again after a while. */
  drop() {
    this.detach();
    if (this.stopped) return;
    this.link("lost");
    this.again(RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]);
    this.failures += 1;
  }

  /** Connect after a while, unless that is done already; a little apart from all others. */
  again(afterMs) {
    if (this.stopped || this.socket) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), afterMs * (1 + Math.random() / 4));
  }

  detach() {
    const { socket } = this;
    this.socket = null;
    // A browser complains of a socket that is closed while it opens.
    if (socket?.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
    else socket?.close();
  }

  stop() {
    this.stopped = true;
    clearInterval(this.watch);
    clearTimeout(this.timer);
    window.removeEventListener("online", this.online);
    window.removeEventListener("offline", this.offline);
    this.detach();
  }
}
