// Requests of the calibration page.

import { ask, Refused, Unreachable } from "./requests.js";

const PATIENCE_MS = 30_000;

const at = (site, camera) =>
  `/v1/sites/${encodeURIComponent(site)}/cameras/${encodeURIComponent(camera)}`;

export const cameras = async (site) =>
  (await ask("GET", `/v1/sites/${encodeURIComponent(site)}/cameras`)).cameras;
export const camera = (site, id) => ask("GET", at(site, id));
export const fit = (site, id, body) => ask("POST", `${at(site, id)}/fit`, body);
export const versions = async (site, id) => (await ask("GET", `${at(site, id)}/versions`)).versions;
export const save = (site, id, body) => ask("POST", `${at(site, id)}/versions`, body);
export const restore = (site, id, number, basedOn) =>
  ask("POST", `${at(site, id)}/versions/${number}/restoration`, { based_on: basedOn });
export const compare = (site, id, first, second) =>
  ask("GET", `${at(site, id)}/versions/${first}/comparison?with=${second}`);
export const beginWalk = (site, id, body) => ask("POST", `${at(site, id)}/walk-tests`, body);
export const walk = (site, id, test) => ask("GET", `${at(site, id)}/walk-tests/${test}`);
export const stopWalk = (site, id, test) => ask("DELETE", `${at(site, id)}/walk-tests/${test}`);

/** A still of a camera as a bitmap; of a drill that of a moment, seconds. */
export async function still(site, id, atS) {
  let response;
  try {
    response = await fetch(`${at(site, id)}/still`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ at_s: atS }),
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Unreachable("The server cannot be reached.");
  }
  if (!response.ok) {
    const told = await response.json().catch(() => null);
    throw new Refused(response.status, told?.title ?? "No picture", told?.detail ?? "");
  }
  return {
    bitmap: await createImageBitmap(await response.blob()),
    capturedAt: Number(response.headers.get("Captured-At")),
  };
}
