import { invalid } from './errors.js';

export type Mode = 'exclusive' | 'shared';

/** One wish for one resource. `units` is 1 for exclusive and shared; counted resources will ask for more. */
export interface Claim {
  resource: string;
  mode: Mode;
  units: number;
}

export const MAX_RESOURCES = 64;
export const MAX_RESOURCE_BYTES = 255;

export function conflicts(a: Claim, b: Claim): boolean {
  return a.resource === b.resource && (a.mode === 'exclusive' || b.mode === 'exclusive');
}

export function claimsOf(task: { exclusive: readonly string[]; shared: readonly string[] }): Claim[] {
  return [
    ...task.exclusive.map((resource): Claim => ({ resource, mode: 'exclusive', units: 1 })),
    ...task.shared.map((resource): Claim => ({ resource, mode: 'shared', units: 1 })),
  ];
}

/**
 * The canonical sets of a task: NFC, sorted, without repetition; what is asked both ways is exclusive.
 * Throws VALIDATION_FAILED naming the first bad one.
 */
export function canonicalResources(wish: { exclusive: readonly string[]; shared: readonly string[] }): {
  exclusive: string[];
  shared: string[];
} {
  const exclusive = canonicalSet(wish.exclusive, '/exclusive');
  const taken = new Set(exclusive);
  const shared = canonicalSet(wish.shared, '/shared').filter(name => !taken.has(name));
  if (exclusive.length + shared.length > MAX_RESOURCES) {
    throw invalid(
      '/exclusive',
      `a task may reserve at most ${MAX_RESOURCES} resources, exclusive and shared together`,
      'too_many',
    );
  }
  return { exclusive, shared };
}

function canonicalSet(names: readonly string[], pointer: string): string[] {
  const canonical = names.map((name, index) => canonicalName(name, `${pointer}/${index}`));
  return [...new Set(canonical)].sort();
}

function canonicalName(name: string, pointer: string): string {
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
