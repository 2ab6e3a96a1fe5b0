/** Replaces one text by another of the same length in a stream of bytes, also where the border of two chunks cuts it. */
export class Substitution {
  readonly #from: Buffer;
  readonly #to: Buffer;
  #held: Buffer = Buffer.alloc(0);

  constructor(from: string, to: string) {
    this.#from = Buffer.from(from, 'latin1');
    this.#to = Buffer.from(to, 'latin1');
    if (this.#from.length !== this.#to.length) throw new Error(`"${from}" and "${to}" differ in length`);
  }

  /** What is the beginning of the text at the end of a chunk is held back until the next one tells. */
  pass(chunk: Buffer): Buffer {
    const all = Buffer.concat([this.#held, chunk]);
    for (let at = all.indexOf(this.#from); at >= 0; at = all.indexOf(this.#from, at)) this.#to.copy(all, at);
    const cut = all.length - this.#begun(all);
    this.#held = all.subarray(cut);
    return all.subarray(0, cut);
  }

  #begun(all: Buffer): number {
    for (let length = Math.min(this.#from.length - 1, all.length); length > 0; length--) {
      if (all.subarray(all.length - length).equals(this.#from.subarray(0, length))) return length;
    }
    return 0;
  }
}
