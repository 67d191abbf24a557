// The events of one incident. The browser reconnects by itself and sends Last-Event-ID, so the
// server goes on where it was; what is here watches for the two cases that it does not handle: a
// connection that is dead without having said so, and a server that answers with an error.
//
// What comes is what changed; what is handed on are full messages. Should something between them
// be missing, a new connection begins with a snapshot.

import { Gap, messageAfter } from "./deltas.js";
import { lastSeen, Refused } from "./requests.js";

const DEAD_AFTER_MS = 8000; // four heartbeats
const RETRY_MS = 1500;
const ANEW_MS = 200;
const NAMES = ["snapshot", "last-seen", "cameras", "incident", "timeline", "closed", "heartbeat"];
const CHANGING = ["last-seen", "cameras"]; // of these, what changed may come
const FINAL = new Set([401, 403, 404]); // anything else may pass: a server that starts, or is busy

/**
 * Follow the events of an incident.
 * `hear(name, message)` gets each message, `link(state)` "connecting", "open" or "lost", and
 * `gone(refusal)` is called once when the incident cannot be followed any more.
 * Returns a function that stops.
 */
export function follow(id, { hear, link, gone }) {
  let source = null;
  let heardAt = performance.now();
  let timer = null;
  let stopped = false;
  const newest = new Map(); // the full message of each kind that changes are told of

  function connect() {
    if (stopped) return;
    heardAt = performance.now();
    source = new EventSource(`/v1/incidents/${encodeURIComponent(id)}/events?deltas=true`);
    source.onopen = () => {
      heardAt = performance.now();
      link("open");
    };
    source.onerror = () => {
      if (stopped) return;
      link("lost");
      if (source.readyState === EventSource.CLOSED) again();
    };
    for (const name of NAMES) on(name, (message) => take(name, message));
    for (const name of CHANGING) {
      on(`${name}-delta`, (told) => take(name, messageAfter(newest.get(name), told)));
    }
  }

  function on(name, heard) {
    const here = source;
    here.addEventListener(name, (event) => {
      if (here !== source || here.readyState === EventSource.CLOSED) return;
      heardAt = performance.now();
      try {
        heard(JSON.parse(event.data));
      } catch (error) {
        if (!(error instanceof Gap)) throw error;
        anew();
      }
    });
  }

  function take(name, message) {
    if (name === "snapshot") {
      newest.set("last-seen", message.last_seen);
      newest.set("cameras", message.cameras);
    } else if (CHANGING.includes(name)) newest.set(name, message);
    if (name === "closed") stop();
    hear(name, message);
  }

  /** Begin with a snapshot: a new EventSource has no Last-Event-ID. */
  function anew() {
    source.close();
    setTimeout(connect, ANEW_MS);
  }

  async function again() {
    source.close();
    try {
      await lastSeen(id);
    } catch (error) {
      if (stopped) return;
      if (error instanceof Refused && FINAL.has(error.status)) {
        stop();
        gone(error);
        return;
      }
    }
    setTimeout(connect, RETRY_MS);
  }

  function watch() {
    if (performance.now() - heardAt > DEAD_AFTER_MS && source.readyState === EventSource.OPEN) {
      link("lost");
      source.close();
      connect();
    }
  }

  function stop() {
    stopped = true;
    clearInterval(timer);
    source.close();
  }

  link("connecting");
  connect();
  timer = setInterval(watch, 1000);
  return stop;
}
