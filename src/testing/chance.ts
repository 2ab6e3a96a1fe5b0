import type { Random } from '../process/runtime.js';

/** No chance at all: ids count up, so that the same program gives the same ids, and delays with a jitter are at their longest. */
export function noChance(now: () => Date): Random {
  let count = 0;
  const counted = (): string => (count += 1).toString(16).padStart(12, '0');
  return {
    uniform: () => 1 - Number.EPSILON / 2,
    uuid: () => `00000000-0000-4000-8000-${counted()}`,
    id() {
      const ms = now().getTime().toString(16).padStart(12, '0');
      return `${ms.slice(0, 8)}-${ms.slice(8)}-7000-8000-${counted()}`;
    },
  };
}
