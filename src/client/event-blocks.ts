/** One block of a stream of server-sent events; `event` and `data` are empty in one that only says where the stream is. */
export interface Block {
  id?: string;
  event: string;
  data: string;
  /** Milliseconds until a client should come back. */
  retry?: number;
}

/** Nothing that Interlock sends is a hundredth of this long. */
const MAX_CHARS = 1_048_576;

/** Cuts a stream into blocks, wherever its pieces are cut. */
export class Blocks {
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** Throws RangeError for what is no stream of events, as it has no end of a block anywhere. */
  take(bytes: Uint8Array): Block[] {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    const parts = text.replaceAll('\r\n', '\n').split('\n\n');
    this.#rest = parts.pop() ?? '';
    if (this.#rest.length > MAX_CHARS) throw new RangeError('That is no stream of events.');
    return parts.map(blockOf);
  }
}

function blockOf(text: string): Block {
  const block: Block = { event: '', data: '' };
  const data: string[] = [];
  for (const line of text.split('\n')) {
    const at = line.indexOf(':');
    if (at === 0) continue; // a comment
    const [field, value] = at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1).replace(/^ /, '')];
    if (field === 'id') block.id = value;
    else if (field === 'event') block.event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) block.retry = Number(value);
  }
  return { ...block, data: data.join('\n') };
}
