// The picture that is clicked in: a still of the camera, a moment of a recording, or a file.

import { byId, say } from "./dom.js";
import * as remote from "./calibrate_remote.js";
import { inWords } from "./requests.js";

export class Stills {
  constructor(picture) {
    this.picture = picture;
    this.camera = null;
    this.turn = 0; // so that a slow answer does not take the place of a later one
    byId("take").addEventListener("click", () => this.take());
    byId("moment").addEventListener("input", () => this.tellMoment());
    byId("moment").addEventListener("change", () => this.take());
    byId("file").addEventListener("change", () => {
      this.bring(byId("file").files[0]);
      byId("file").value = "";
    });
  }

  /** Be ready for a camera; its picture stays where `keep`. */
  of(camera, { keep }) {
    this.camera = camera;
    this.turn += 1;
    const { recording, refusal } = camera;
    byId("of-drill").hidden = !recording?.pictures;
    byId("moment").max = recording?.duration_s ?? 0;
    if (!keep) byId("moment").value = 0;
    this.tellMoment();
    say(byId("take"), recording ? "Show this moment" : "Take a still");
    byId("take").disabled = Boolean(refusal) || recording?.pictures === false;
    say(byId("still-told"), refusal ? `No still: ${refusal.replace(/^refused: /, "")}.`
      : recording?.pictures === false ? "This drill has boxes of this camera, and no pictures." : "");
    if (!keep) this.show(null);
  }

  tellMoment() {
    say(byId("moment-told"), `${Number(byId("moment").value).toFixed(1)} s`);
  }

  async take() {
    const mine = ++this.turn;
    const { site, id, recording } = this.camera;
    say(byId("still-told"), recording ? "Fetching the picture…" : "Connecting to the camera…");
    try {
      const still = await remote.still(site, id, byId("moment").valueAsNumber || 0);
      if (mine !== this.turn) return;
      const at = new Date(still.capturedAt * 1000).toLocaleTimeString();
      say(byId("still-told"), recording ? "" : `Taken at ${at}. That you saw it is in the audit.`);
      this.show(still.bitmap);
    } catch (error) {
      if (mine === this.turn) say(byId("still-told"), inWords(error));
    }
  }

  /** Show a bitmap; null shows that there is none. */
  show(bitmap) {
    const size = this.camera.size_px;
    this.picture.ready(size);
    if (bitmap && !this.picture.fits(bitmap)) {
      say(byId("still-told"), `This picture is ${bitmap.width} × ${bitmap.height}, the lens is of one of ${size.join(" × ")}: other proportions. Take it from the stream that is watched, or correct the lens in the camera's file.`);
      bitmap.close();
      return false;
    }
    this.picture.show(bitmap);
    byId("picture-none").hidden = bitmap !== null;
    return true;
  }

  async bring(file) {
    if (!file) return;
    this.turn += 1;
    try {
      if (!this.show(await createImageBitmap(file))) return;
      byId("recognise").checked = false; // the server has not seen this picture
      say(byId("still-told"), `${file.name}: shown from your machine, and not sent anywhere.`);
    } catch {
      say(byId("still-told"), `${file.name} is no picture that can be read; bring a PNG or JPEG.`);
    }
  }
}
