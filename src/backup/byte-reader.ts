import { damaged } from './damaged.js';

/** Takes exact numbers of bytes from chunks of any size; keeps no more than one chunk and what was asked for. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Undefined when nothing at all is left. Throws InterlockError when it ends in between. */
  async take(bytes: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let missing = bytes;
    while (missing > 0) {
      const part = await this.#some(missing);
      if (!part) break;
      parts.push(part);
      missing -= part.length;
    }
    if (missing === bytes && bytes > 0) return undefined;
    if (missing > 0) throw damaged(`it ends ${missing} bytes too early`);
    return Buffer.concat(parts);
  }

  /** The next `bytes`, as they come. Throws InterlockError when there are fewer. */
  async *stream(bytes: number): AsyncGenerator<Buffer> {
    for (let missing = bytes; missing > 0;) {
      const part = await this.#some(missing);
      if (!part) throw damaged(`it ends ${missing} bytes too early`);
      missing -= part.length;
      yield part;
    }
  }

  /** What the chunks come from is let go. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#chunks.return?.();
  }

  async #some(most: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0 && !this.#ended) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#ended = true;
      else this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    if (this.#rest.length === 0) return undefined;
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }
}
