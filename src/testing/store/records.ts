type Changes<T> = { [K in keyof T]?: T[K] | undefined };

/**
 * The record with these fields changed; what becomes undefined goes away. Built anew key by key: after a `delete`, every later copy would
 * take ten times as long.
 */
export function changed<T extends object>(record: T, changes: Changes<T>): T {
  const all = { ...record, ...changes };
  const kept: Partial<T> = {};
  for (const field of Object.keys(all) as (keyof T)[]) {
    if (all[field] !== undefined) kept[field] = all[field];
  }
  return kept as T;
}

/** What a user's value becomes on its way through the database: JSON, and nobody else's. */
export function asJson<T>(value: T): T {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? value : (JSON.parse(text) as T);
}

/** For sorting. */
export function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Whether this time is set and not in the future. */
export function hasCome(time: Date | undefined, now: Date): boolean {
  return time !== undefined && time <= now;
}
