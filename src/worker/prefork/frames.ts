/** Four bytes of length, little-endian, then that much JSON in UTF-8. */
const HEADER = 4;

export class FrameError extends Error {}

export function encodeFrame(message: unknown): Buffer {
  const text = JSON.stringify(message);
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(HEADER + length);
  frame.writeUInt32LE(length, 0);
  frame.write(text, HEADER);
  return frame;
}

/** Takes a stream apart. What it holds at most is one frame of `maxBytes`: a longer one is refused by its header. */
export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The messages that `chunk` completes, with their sizes. Throws FrameError for what is no frame, or is too long. */
  *push(chunk: Buffer): Generator<{ message: unknown; bytes: number }> {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    for (let frame = this.#next(); frame; frame = this.#next()) {
      try {
        yield { message: JSON.parse(frame.toString()), bytes: frame.length };
      } catch (error) {
        if (error instanceof SyntaxError) throw new FrameError('a message is no JSON');
        throw error;
      }
    }
  }

  // Joins the chunks only when a whole frame is there, so that a long one is copied once and not with every chunk.
  #next(): Buffer | undefined {
    if (this.#held < HEADER) return undefined;
    const first = this.#chunks[0];
    if (first && first.length < HEADER) this.#chunks = [Buffer.concat(this.#chunks)];
    const length = this.#chunks[0]?.readUInt32LE(0) ?? 0;
    if (length > this.#maxBytes)
      throw new FrameError(`a message of ${length} bytes is longer than the ${this.#maxBytes} allowed`);
    if (this.#held < HEADER + length) return undefined;
    const all = this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks);
    const rest = all.subarray(HEADER + length);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#held = rest.length;
    return all.subarray(HEADER, HEADER + length);
  }
}
