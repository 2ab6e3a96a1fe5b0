import { matches, type EventFilter } from './filter.js';
import type { Reader } from './reader.js';
import type { Entry } from './ring.js';

/** Follows whatever matches a filter. */
export class Follower {
  readonly reader: Reader;
  readonly #filter: EventFilter;

  constructor(reader: Reader, filter: EventFilter) {
    this.reader = reader;
    this.#filter = filter;
  }

  take({ event, bytes }: Entry): void {
    if (!event || matches(event, this.#filter)) this.reader.offer(bytes);
  }
}
