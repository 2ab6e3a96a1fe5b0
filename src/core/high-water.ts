/** How far a database has come: numbers that are given once in its life, under the origin from which they count. */
export interface Water {
  /** When it was made. */
  createdAtMs: number;
  /** One more with each restore of a backup. */
  generation: number;
  /** How often `manage-db` had to begin a counter or a lease anew. */
  renumbered: number;
  seq: number;
  fence: number;
  epoch: number;
}

const ORIGIN = ['createdAtMs', 'generation', 'renumbered'] as const;
const NUMBERS = ['seq', 'fence', 'epoch'] as const;
const NAMES = { seq: 'number', fence: 'fence', epoch: 'epoch', generation: 'generation', renumbered: 'renumbering' } as const;

/** Whether this is an earlier state of the database that was seen, and not a later one, or another database that was made since. */
export function isOlder(found: Water, seen: Water): boolean {
  const origin = compareOrigin(found, seen);
  return origin < 0 || (origin === 0 && NUMBERS.some(name => found[name] < seen[name]));
}

/** The higher of each; of two origins the later one alone counts. */
export function raised(seen: Water, found: Water): Water {
  const origin = compareOrigin(found, seen);
  if (origin !== 0) return origin > 0 ? found : seen;
  const higher = Object.fromEntries(NUMBERS.map(name => [name, Math.max(seen[name], found[name])]));
  return { ...seen, ...higher };
}

/** `number 812 < seen 1,044, fence 3 < seen 9`. */
export function behind(found: Water, seen: Water): string {
  if (found.createdAtMs !== seen.createdAtMs)
    return `made at ${new Date(found.createdAtMs).toISOString()} < seen ${new Date(seen.createdAtMs).toISOString()}`;
  const lower = (['generation', 'renumbered', ...NUMBERS] as const).filter(name => found[name] < seen[name]);
  const text = (n: number): string => n.toLocaleString('en-US');
  return lower.map(name => `${NAMES[name]} ${text(found[name])} < seen ${text(seen[name])}`).join(', ');
}

function compareOrigin(a: Water, b: Water): number {
  for (const name of ORIGIN) if (a[name] !== b[name]) return a[name] - b[name];
  return 0;
}
