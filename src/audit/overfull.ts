interface Counting {
  owner: number;
  units: number;
  start: number;
  end: number;
}

/** Those that had more units together than there are, each time that one too many began: in order of start, that one last. */
export function* overfull<T extends Counting>(inOrder: readonly T[], capacity: number, toleranceMs: number): Generator<T[]> {
  let active: T[] = [];
  for (const each of inOrder) {
    // One that was set back by the clock may seem to last longer than it did.
    active = active.filter(({ end, owner }) => end > each.start + toleranceMs && owner !== each.owner);
    active.push(each);
    const units = active.reduce((sum, { units }) => sum + units, 0);
    if (units > capacity) yield [...active];
  }
}
