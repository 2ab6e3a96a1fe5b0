/** A body's files and sockets may take a moment to close. */
const PATIENCE_MS = 100;
const STEP_MS = 5;

export type Resources = ReadonlyMap<string, number>;

/** What keeps the event loop busy, by kind: timers, sockets, child processes, file requests. */
export function activeResources(): Resources {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/**
 * What is busy beyond `before` and `matters`; empty as soon as nothing is. Idle sockets that are unref'd (those of fetch) do not count, nor do unref'd
 * timers. Promises that wait for nothing cannot act by themselves.
 */
export async function leftovers(before: Resources, matters: (kind: string) => boolean): Promise<string[]> {
  for (let waited = 0; ; waited += STEP_MS) {
    await new Promise<void>(resolve => setImmediate(resolve));
    const more = [...activeResources()].filter(([kind, count]) => matters(kind) && count > (before.get(kind) ?? 0));
    const excess = more.map(([kind]) => kind);
    if (excess.length === 0 || waited >= PATIENCE_MS) return excess;
    await new Promise<void>(resolve => setTimeout(resolve, STEP_MS).unref());
  }
}
