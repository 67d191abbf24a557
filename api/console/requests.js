// Requests to the location API, and what its problem documents say.

/** What the server refused, in its own words. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** The JSON answer to a request. Without a session the page goes back to the sign-in form. */
export async function ask(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
    cache: "no-store",
  });
  if (response.status === 401) {
    window.location.replace("/");
    throw new Refused(401, "Your session has ended.");
  }
  if (response.status === 204) return null;
  const answer = await response.json();
  if (!response.ok) throw new Refused(response.status, answer.detail ?? response.statusText);
  return answer;
}

export const sites = async () => (await ask("GET", "/v1/sites")).sites;
export const incidents = async () => (await ask("GET", "/v1/incidents")).incidents;
export const incident = (id) => ask("GET", `/v1/incidents/${encodeURIComponent(id)}`);
export const plan = (site) => ask("GET", `/v1/sites/${encodeURIComponent(site)}/plan`);
export const open = (request) => ask("POST", "/v1/incidents", request);
export const close = (id) =>
  ask("DELETE", `/v1/incidents/${encodeURIComponent(id)}?closed_by=console`);
export const signOut = () => ask("DELETE", "/session");
