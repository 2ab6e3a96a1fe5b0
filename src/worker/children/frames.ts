/** Four bytes of length, little-endian, then that much JSON in UTF-8. */
const HEADER = 4;

export class FrameError extends Error {}

/** One frame for each text of JSON, in one buffer. */
export function encodeFrames(texts: readonly string[]): Buffer {
  const sizes = texts.map(text => Buffer.byteLength(text));
  const frames = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + HEADER + size, 0));
  let at = 0;
  for (const [index, text] of texts.entries()) {
    at = frames.writeUInt32LE(sizes[index] ?? 0, at);
    at += frames.write(text, at);
  }
  return frames;
}

/** Takes a stream apart. What it holds at most is one frame of `maxBytes`: a longer one is refused by its header. */
export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #held = 0;
  /** Before there is so much, there is no whole frame. */
  #needed = HEADER;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The messages that `chunk` completes, with their sizes. Throws FrameError for what is no frame, or is too long. */
  *push(chunk: Buffer): Generator<{ message: unknown; bytes: number }> {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#needed) return;
    // Joined only when a whole frame (or a header) is there, so that a long one is not copied with every chunk.
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    let at = 0;
    for (let end = this.#endOf(all, at); end !== undefined; end = this.#endOf(all, at)) {
      yield { message: parse(all.toString('utf8', at + HEADER, end)), bytes: end - at - HEADER };
      at = end;
    }
    this.#chunks = at < all.length ? [all.subarray(at)] : [];
    this.#held = all.length - at;
  }

  /** Where the frame that begins at `at` ends; undefined: not all of it is there. */
  #endOf(all: Buffer, at: number): number | undefined {
    this.#needed = HEADER;
    if (all.length - at < HEADER) return undefined;
    const length = all.readUInt32LE(at);
    if (length > this.#maxBytes)
      throw new FrameError(`a message of ${length} bytes is longer than the ${this.#maxBytes} allowed`);
    this.#needed = HEADER + length;
    return all.length - at < this.#needed ? undefined : at + this.#needed;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FrameError('a message is no JSON');
  }
}
