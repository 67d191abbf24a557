// Requests to the location API, and what its problem documents say.

import { ServerClock } from "./clock.js";

const PATIENCE_MS = 20_000;

/** The server's clock, by the Date of its answers: what lapses, lapses by it. */
export const clock = new ServerClock();

/** What the server refused, in its own words. */
export class Refused extends Error {
  constructor(status, title, detail) {
    super(detail || title);
    this.status = status;
    this.title = title;
  }
}

/** No answer came: it is not known whether what was asked for has happened. */
export class Unreachable extends Error {}

/** The JSON answer to a request. Without a session the page goes back to the sign-in form. */
export async function ask(method, path, body) {
  const response = await sent(method, path, body);
  clock.hear(response.headers.get("Date"));
  if (response.status === 401) {
    window.location.replace("/");
    throw new Refused(401, "Signed out", "Your session has ended; sign in again.");
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (!response.ok) {
    const title = answer?.title ?? `The server answered ${response.status}`;
    throw new Refused(response.status, title, answer?.detail ?? "It did not say why.");
  }
  if (answer === null) throw new Unreachable("The server's answer cannot be read.");
  return answer;
}

async function sent(method, path, body) {
  try {
    return await fetch(path, {
      method,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body ? JSON.stringify(body) : undefined,
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (error) {
    throw new Unreachable(error.name === "TimeoutError"
      ? `The server did not answer within ${PATIENCE_MS / 1000} s.`
      : "The server cannot be reached.");
  }
}

/** What went wrong, in a sentence for whoever pressed the button. */
export function inWords(error) {
  const full = error instanceof Refused && (error.status === 429 || error.status >= 500);
  const said = full ? `${error.title}: ${error.message}` : error.message;
  return said.charAt(0).toUpperCase() + said.slice(1);
}

const incidentPath = (id) => `/v1/incidents/${encodeURIComponent(id)}`;

export const me = () => ask("GET", "/v1/me");
export const sites = async () => (await ask("GET", "/v1/sites")).sites;
export const plan = (site) => ask("GET", `/v1/sites/${encodeURIComponent(site)}/plan`);
export const incidents = async () => (await ask("GET", "/v1/incidents")).incidents;
export const incident = (id) => ask("GET", incidentPath(id));
export const lastSeen = (id) => ask("GET", `${incidentPath(id)}/last-seen`);
export const open = (request) => ask("POST", "/v1/incidents", request);
export const explain = (request) => ask("POST", "/v1/explanations", request);
export const waiting = async () => (await ask("GET", "/v1/requests")).requests;
export const confirm = (request) =>
  ask("POST", `/v1/requests/${encodeURIComponent(request)}/confirmation`);
export const extend = (id) => ask("POST", `${incidentPath(id)}/extension`);
export const agency = (id, name, state) =>
  ask("PUT", `${incidentPath(id)}/agencies/${encodeURIComponent(name)}`, { state });
export const close = (id, reason) =>
  ask("DELETE", `${incidentPath(id)}?reason=${encodeURIComponent(reason)}`);
export const searchMap = (id, subject) =>
  ask("GET", `${incidentPath(id)}/search/${encodeURIComponent(subject)}`);
export const setArrival = (id, place) => ask("PUT", `${incidentPath(id)}/arrival`,
  { site_m: { type: "Point", coordinates: place } });
export const clearArrival = (id) => ask("DELETE", `${incidentPath(id)}/arrival`);
export const signOut = () => ask("DELETE", "/session");
export const marks = (id) => ask("GET", `${incidentPath(id)}/marks`);
export const mark = (id, subject, kind) =>
  ask("POST", `${incidentPath(id)}/subjects/${encodeURIComponent(subject)}/marks`, { mark: kind });
export const unmark = (id, subject, number) =>
  ask("DELETE", `${incidentPath(id)}/subjects/${encodeURIComponent(subject)}/marks?number=${number}`);
export const subjectCameras = (id, subject) =>
  ask("GET", `${incidentPath(id)}/subjects/${encodeURIComponent(subject)}/cameras`);
export const streams = (id) => ask("GET", `${incidentPath(id)}/streams`);
export const brief = (id) => ask("GET", `${incidentPath(id)}/last-seen?brief=true`);
export const timeline = (id) => ask("GET", `${incidentPath(id)}/timeline`);
