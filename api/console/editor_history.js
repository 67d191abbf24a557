// The documents before and after: what is undone can be done again.

const MOST = 200;

export class History {
  constructor(doc) {
    this.clear(doc);
  }

  /** Begin anew from a document. */
  clear(doc) {
    this.before = [];
    this.after = [];
    this.doc = doc;
    this.told = "";
  }

  /** Take the next document; `told` says in words what was done. */
  take(doc, told) {
    if (doc === this.doc) return;
    this.before = [...this.before, { doc: this.doc, told }].slice(-MOST);
    this.after = [];
    this.doc = doc;
  }

  /** Go back; returns what was undone, in words, or null. */
  undo() {
    const last = this.before.at(-1);
    if (!last) return null;
    this.before = this.before.slice(0, -1);
    this.after = [...this.after, { doc: this.doc, told: last.told }];
    this.doc = last.doc;
    return last.told;
  }

  /** Go forth again; returns what was done again, in words, or null. */
  redo() {
    const next = this.after.at(-1);
    if (!next) return null;
    this.after = this.after.slice(0, -1);
    this.before = [...this.before, { doc: this.doc, told: next.told }];
    this.doc = next.doc;
    return next.told;
  }
}
