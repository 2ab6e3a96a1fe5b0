/** A task as the bound sees it. */
export interface Arrival {
  /** Milliseconds on any clock. */
  acceptedAt: number;
  resources: readonly string[];
}

/**
 * When the last of these tasks could end at the earliest (same clock as `acceptedAt`), if nothing took any time but the bodies. The tasks come in
 * acceptance order; nobody overtakes on a shared resource; `slots` tasks run at a time, `bodyMs` each; of those that may start, the one
 * that was accepted first starts first.
 */
export function strictFifoEnd(tasks: readonly Arrival[], slots: number, bodyMs: number): number {
  const blockers = blockersOf(tasks.map(task => task.resources));
  const endAt = new Array<number>(tasks.length).fill(Infinity);
  const waiting = new Set(tasks.keys());
  const running = new Set<number>();
  let now = Math.min(...tasks.map(task => task.acceptedAt));
  while (waiting.size > 0) {
    for (const index of running) if (endAt[index]! <= now) running.delete(index);
    for (const index of waiting) {
      if (running.size >= slots) break;
      if (tasks[index]!.acceptedAt > now || blockers[index]!.some(blocker => endAt[blocker]! > now)) continue;
      waiting.delete(index);
      running.add(index);
      endAt[index] = now + bodyMs;
    }
    const arrivals = [...waiting].map(index => tasks[index]!.acceptedAt).filter(at => at > now);
    const ends = [...running].map(index => endAt[index]!);
    now = Math.min(...arrivals, ...ends);
  }
  return Math.max(...endAt);
}

/** For each task, in acceptance order, the last earlier one on each of its resources: what it waits for, as those wait for theirs. */
export function blockersOf(resources: readonly (readonly string[])[]): number[][] {
  const last = new Map<string, number>();
  return resources.map((wanted, index) => {
    const blockers = wanted.flatMap(resource => last.get(resource) ?? []);
    for (const resource of wanted) last.set(resource, index);
    return [...new Set(blockers)];
  });
}
