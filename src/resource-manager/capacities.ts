import type { CapacityStore } from '../store/store.js';
import type { Book } from './book.js';

export interface CapacityDeps {
  capacities: Pick<CapacityStore, 'of'>;
  book: Pick<Book, 'graph' | 'takeCounted'>;
}

/** One command names at most this many. */
const PART = 500;

/**
 * Reads how many units there are of what tasks count: of resources that came up since the last time, which costs nothing where none did, or of all. Until
 * then nothing of them is granted.
 */
export async function readCapacities({ capacities, book }: CapacityDeps, all: boolean): Promise<void> {
  const names = book.takeCounted(all);
  for (let from = 0; from < names.length; from += PART) {
    const part = names.slice(from, from + PART);
    const found = await capacities.of(part);
    for (const name of part) book.graph.setCapacity(name, found.get(name) ?? 0);
  }
}
