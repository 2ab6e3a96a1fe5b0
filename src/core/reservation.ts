import { overlap } from './subtree.js';

export type Mode = 'exclusive' | 'shared' | 'counted';

/** Some of a resource of which there are several units. */
export interface Counted {
  name: string;
  units: number;
  /** How many there are, where it is the claim that says so (a limit); else the resource's own declaration does. */
  capacity?: number;
}

/** One wish for one resource, or with a pattern for all that it covers. `units` is 1 for exclusive and shared. */
export interface Claim {
  resource: string;
  mode: Mode;
  units: number;
  capacity?: number;
}

export interface Reservation {
  exclusive: readonly string[];
  shared: readonly string[];
  /** Absent where there is none: most tasks have none, and are stored by the hundred thousand. */
  counted?: readonly Counted[];
}

export const MAX_RESOURCES = 64;
export const MAX_RESOURCE_BYTES = 255;

/**
 * Whether two tasks with these claims may never run at the same time. Counted claims of one name do not oppose each other: as many run as there are
 * units, in order of number, and who does not fit stops those behind it.
 */
export function conflicts(a: Claim, b: Claim): boolean {
  return (a.mode !== b.mode || a.mode === 'exclusive') && overlap(a.resource, b.resource);
}

export function claimsOf({ exclusive, shared, counted }: Reservation): Claim[] {
  const claims = [
    ...exclusive.map((resource): Claim => ({ resource, mode: 'exclusive', units: 1 })),
    ...shared.map((resource): Claim => ({ resource, mode: 'shared', units: 1 })),
  ];
  for (const { name, ...rest } of counted ?? []) claims.push({ resource: name, mode: 'counted', ...rest });
  return claims;
}
