/** One page from an index: some 50 ms on a slow server. */
const PAGE = 10_000;
/** Compared even where nothing speaks for a difference: two counts may be equal by chance. */
const SAMPLE = 1_000;

export interface Differences {
  /** Ids that stand here, but not there. */
  gone: string[];
  /** Numbers that stand there, but not here. */
  strange: number[];
}

/** Goes round and round through two ordered sets of numbers, one here and one in the database, and tells where they differ. */
export class Walk {
  readonly #there: (after: number, limit: number) => Promise<number[]>;
  readonly #here: () => Iterable<readonly [number: number, id: string]>;
  #after = 0;

  constructor(
    there: (after: number, limit: number) => Promise<number[]>,
    here: () => Iterable<readonly [number: number, id: string]>,
  ) {
    this.#there = there;
    this.#here = here;
  }

  /** The next so many pages, at most once round; without any, a sample. */
  async next(pages: number): Promise<Differences> {
    const found: Differences = { gone: [], strange: [] };
    if (pages === 0) await this.#compare(SAMPLE, found);
    const begunAt = this.#after;
    let wraps = 0;
    for (let page = 0; page < pages; page++) {
      await this.#compare(PAGE, found);
      if (this.#after === 0) wraps++;
      if (wraps === 2 || (wraps === 1 && this.#after >= begunAt)) break;
    }
    return found;
  }

  async #compare(limit: number, found: Differences): Promise<void> {
    const after = this.#after;
    const page = await this.#there(after, limit);
    const upTo = page.length < limit ? Infinity : (page.at(-1) ?? Infinity);
    const strange = new Set(page);
    for (const [number, id] of this.#here()) {
      if (number <= after || number > upTo) continue;
      if (!strange.delete(number)) found.gone.push(id);
    }
    found.strange.push(...strange);
    this.#after = upTo === Infinity ? 0 : upTo;
  }
}
