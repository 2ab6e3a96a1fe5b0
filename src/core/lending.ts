import type { Claim } from './reservation.js';
import { covers } from './subtree.js';
import type { Lender } from './task.js';

/** So long a chain of lenders is followed. */
const MAX_CHAIN = 64;

/** Whether a holder of these lets another one have `claim` beside itself: it has the whole of it, as strongly. Units are not lent. */
export function isLent(claim: Claim, held: readonly Claim[]): boolean {
  if (claim.mode === 'counted') return false;
  return held.some(({ resource, mode }) => {
    const strong = mode === 'exclusive' || (mode === 'shared' && claim.mode === 'shared');
    return strong && (resource === claim.resource || covers(resource, claim.resource));
  });
}

/**
 * The lender of a task, the lender's lender, and so on, as far as each still has the grant that it lent. `find` gives those that hold, with their fence.
 */
export function lenderChain<T extends { fence: number | undefined; under: Lender | undefined }>(
  under: Lender | undefined,
  find: (task: string) => T | undefined,
): T[] {
  const chain: T[] = [];
  for (let next = under; next && chain.length < MAX_CHAIN;) {
    const lender = find(next.task);
    if (!lender || lender.fence !== next.fence) break;
    chain.push(lender);
    next = lender.under;
  }
  return chain;
}
