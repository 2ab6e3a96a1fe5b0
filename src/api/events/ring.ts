import type { TaskEvent } from '../../core/event.js';
import { frameOf, resyncFrame, type ResyncReason } from './frame.js';
import type { EventLimits } from './limits.js';

/** One thing that was told; a resync has no event, and is for everybody. */
export interface Entry {
  readonly number: number;
  readonly event?: TaskEvent;
  readonly bytes: Buffer;
}

/** The last things that were told, for readers that come back. Bounded by count and bytes, oldest out first. */
export class Ring {
  /** Of this ring alone, so that an id of another process is known to be foreign. */
  readonly #name: string;
  readonly #limits: Pick<EventLimits, 'ringEvents' | 'ringBytes'>;
  readonly #entries: Entry[] = [];
  #last = 0;
  bytes = 0;

  /** `name` of letters and digits. */
  constructor(name: string, limits: Pick<EventLimits, 'ringEvents' | 'ringBytes'>) {
    this.#name = name;
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Id of the last entry. */
  get position(): string {
    return this.#idOf(this.#last);
  }

  add(event: TaskEvent): Entry {
    const number = ++this.#last;
    return this.#push({ number, event, bytes: frameOf(this.#idOf(number), event) });
  }

  resync(reason: ResyncReason): Entry {
    const number = ++this.#last;
    return this.#push({ number, bytes: resyncFrame(this.#idOf(number), reason) });
  }

  /** What was told after this id; undefined for one that is too old, or none of ours. */
  after(id: string): Entry[] | undefined {
    const [name, digits = ''] = id.split('-', 2);
    const number = Number(digits);
    if (name !== this.#name || !/^\d{1,15}$/.test(digits) || id !== this.#idOf(number)) return undefined;
    const oldest = this.#last - this.#entries.length;
    if (number < oldest || number > this.#last) return undefined;
    return this.#entries.slice(number - oldest);
  }

  #idOf(number: number): string {
    return `${this.#name}-${number}`;
  }

  #push(entry: Entry): Entry {
    this.#entries.push(entry);
    this.bytes += entry.bytes.length;
    while (this.#entries.length > this.#limits.ringEvents || this.bytes > this.#limits.ringBytes)
      this.bytes -= this.#entries.shift()?.bytes.length ?? 0;
    return entry;
  }
}
