import { invalid } from './errors.js';
import { pointerTo } from './pointer.js';
import { MAX_RESOURCE_BYTES, MAX_RESOURCES, type Counted } from './reservation.js';
import { ALL_BENEATH, covers, isPattern, MAX_LEVELS, topOf } from './subtree.js';

/** Resources as they are asked for. */
export interface ResourceWish {
  exclusive: readonly string[];
  shared: readonly string[];
  /** Units by name. */
  counted?: Readonly<Record<string, number>>;
}

interface Canonical {
  exclusive: string[];
  shared: string[];
  counted?: Counted[];
}

/** Far from where a sum of units would not be exact any more. */
export const MAX_UNITS = 1_000_000;
/** What limits are kept under: nobody can reserve such a name by accident, and `GET /resources` shows them like any other. */
const LIMIT_PREFIX = 'concurrency:';

/**
 * The canonical sets of a task: NFC, sorted, without repetition; what is asked both ways is exclusive, and what a pattern of the same task covers
 * is left out. Throws VALIDATION_FAILED naming the first bad one.
 */
export function canonicalResources(wish: ResourceWish): Canonical {
  const exclusive = uncovered(canonicalSet(wish.exclusive, '/exclusive'), []);
  const shared = uncovered(canonicalSet(wish.shared, '/shared'), exclusive);
  const units = Object.entries(wish.counted ?? {}).map(([name, count]) => countedOf(name, count));
  const counted = units.filter(({ name }) => !exclusive.some(pattern => covers(pattern, name)));
  counted.sort((a, b) => (a.name < b.name ? -1 : 1));
  const twice = counted.find(
    ({ name }, at) => counted[at + 1]?.name === name || exclusive.includes(name) || shared.includes(name),
  );
  if (twice)
    throw invalid(pointerTo('counted', twice.name), 'the same name is asked for in another way, too: choose one', 'ambiguous');
  if (exclusive.length + shared.length + counted.length > MAX_RESOURCES) {
    const detail = `a task may reserve at most ${MAX_RESOURCES} resources, exclusive, shared and counted together`;
    throw invalid('/exclusive', detail, 'too_many');
  }
  return { exclusive, shared, ...(counted.length > 0 && { counted }) };
}

/** How a limit of so many tasks at a time stands in the record of each of them. Throws VALIDATION_FAILED for a bad key. */
export function limitOf(key: string, max: number): Counted {
  return { name: printable(LIMIT_PREFIX + key, '/concurrency/key'), units: 1, capacity: max };
}

/** The key of a limit; undefined for a resource. */
export function limitKeyOf(name: string): string | undefined {
  return name.startsWith(LIMIT_PREFIX) ? name.slice(LIMIT_PREFIX.length) : undefined;
}

/** The name of one counted resource as it is kept. Throws VALIDATION_FAILED with this pointer. */
export function countedName(name: string, pointer: string): string {
  const canonical = canonicalName(name, pointer);
  if (isPattern(canonical))
    throw invalid(pointer, 'a name that ends in /** has no units: count a single resource', 'bad_resource');
  return canonical;
}

function countedOf(name: string, units: number): Counted {
  const pointer = pointerTo('counted', name);
  if (!Number.isInteger(units) || units < 1 || units > MAX_UNITS)
    throw invalid(pointer, `must be a whole number of units from 1 to ${MAX_UNITS}`, 'bad_units');
  return { name: countedName(name, pointer), units };
}

function canonicalSet(names: readonly string[], pointer: string): string[] {
  const canonical = names.map((name, index) => canonicalName(name, `${pointer}/${index}`));
  return [...new Set(canonical)].sort();
}

/** Names that none of `others` is or covers, nor another one of their own. */
function uncovered(names: readonly string[], others: readonly string[]): string[] {
  const patterns = [...names, ...others].filter(isPattern);
  const free = names.filter(name => !others.includes(name));
  return patterns.length === 0 ? free : free.filter(name => !patterns.some(pattern => pattern !== name && covers(pattern, name)));
}

function canonicalName(name: string, pointer: string): string {
  const canonical = printable(name, pointer);
  if (canonical.startsWith(LIMIT_PREFIX)) {
    const detail = `names that begin with ${LIMIT_PREFIX} stand for limits: set one with \`concurrency\``;
    throw invalid(pointer, detail, 'bad_resource');
  }
  checkPattern(canonical, pointer);
  return canonical;
}

/** Throws VALIDATION_FAILED where a name looks like a pattern and is none. */
function checkPattern(name: string, pointer: string): void {
  const rest = isPattern(name) ? topOf(name) : name;
  if (rest.split('/').includes('**')) {
    const detail = 'two asterisks stand for everything beneath only at the end of a name, after a slash: repo/a/**';
    throw invalid(pointer, detail, 'bad_resource');
  }
  if (isPattern(name) && rest.split('/').length > MAX_LEVELS)
    throw invalid(pointer, `a name that ends in ${ALL_BENEATH} has at most ${MAX_LEVELS} levels`, 'bad_resource');
}

function printable(name: string, pointer: string): string {
  const canonical = name.normalize('NFC');
  const bytes = new TextEncoder().encode(canonical).length;
  if (bytes < 1 || bytes > MAX_RESOURCE_BYTES)
    throw invalid(pointer, `a resource name has 1 to ${MAX_RESOURCE_BYTES} bytes, not ${bytes}`, 'bad_resource');
  if (!isPrintable(canonical)) {
    throw invalid(
      pointer,
      'a resource name holds printable characters only, and neither begins nor ends with a space',
      'bad_resource',
    );
  }
  return canonical;
}

// Control, format (bidi), unassigned and lone surrogates would let two names look alike or collapse into one in BSON.
function isPrintable(name: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/u.test(name) && name.trim() === name;
}
