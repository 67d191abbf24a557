// The events of one incident. The browser reconnects by itself and sends Last-Event-ID, so the
// server goes on where it was; what is here watches for the two cases that it does not handle: a
// connection that is dead without having said so, and a server that answers with an error.

import { lastSeen, Refused } from "./requests.js";

const DEAD_AFTER_MS = 8000; // four heartbeats
const RETRY_MS = 1500;
const NAMES = ["snapshot", "last-seen", "cameras", "incident", "closed", "heartbeat"];
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

  function connect() {
    if (stopped) return;
    heardAt = performance.now();
    source = new EventSource(`/v1/incidents/${encodeURIComponent(id)}/events`);
    source.onopen = () => {
      heardAt = performance.now();
      link("open");
    };
    source.onerror = () => {
      if (stopped) return;
      link("lost");
      if (source.readyState === EventSource.CLOSED) again();
    };
    for (const name of NAMES) {
      source.addEventListener(name, (event) => {
        heardAt = performance.now();
        if (name === "closed") stop();
        hear(name, JSON.parse(event.data));
      });
    }
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
