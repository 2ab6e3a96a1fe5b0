import { DEFAULT_TIMING } from '../../src/core/timing.js';
import type { SeededRandom } from '../support/random.js';
import { TIMING_SCALE, names } from './cast.js';
import { DECK, type FaultKind, type Lasts } from './fault-kinds.js';

/** One fault: from `at`, in milliseconds of the load, for `forMs`; then it is healed (a killed process is started again). */
export interface Fault {
  at: number;
  kind: FaultKind;
  /** A process, `<process>><server>`, a server, or `leading`, `standby` where only the run can tell who that is. */
  target: string;
  forMs: number;
  /** For what needs a choice more: which child, which failpoint, which queue, how many answers. */
  pick: number;
}

/** One fault each three and a half seconds: 80 in five minutes, of which about two are at work at a time. */
const EVERY_MS = 3_500;
const QUIET_MS = 2_000;
/** A server gets this long after a fault before the next one: else it would be away all the time, and nothing would be loaded. */
export const SERVER_REST_MS = 12_000;
const PROCESS_REST_MS = 4_000;
const START_MS = 6_000;

/**
 * Kinds are dealt like cards: all of them come before one comes twice. A kind whose targets are all under another fault goes to the
 * end of the deck.
 */
export function planFaults(random: SeededRandom, lengthMs: number): Fault[] {
  const faults: Fault[] = [];
  const freeAt = new Map<string, number>();
  const deck: FaultKind[] = [];
  for (let at = QUIET_MS; at < lengthMs - QUIET_MS; at += EVERY_MS / 2 + random.below(EVERY_MS)) {
    if (deck.length < DECK.length / 2) deck.push(...random.sample(DECK, DECK.length).map(card => card.kind));
    const dealt = deal(deck, freeAt, at, random);
    if (!dealt) continue;
    const [kind, target] = dealt;
    const forMs = Math.min(lasting(cardOf(kind).lasts, random), lengthMs - at);
    faults.push({ at, kind, target, forMs, pick: random.below(1_000) });
    freeAt.set(laneOf(target), at + forMs + (isServer(target) ? SERVER_REST_MS : PROCESS_REST_MS));
  }
  return faults;
}

function deal(
  deck: FaultKind[],
  freeAt: ReadonlyMap<string, number>,
  at: number,
  random: SeededRandom,
): [FaultKind, string] | undefined {
  for (const [index, kind] of deck.entries()) {
    const free = targetsOf(kind).filter(target => (freeAt.get(laneOf(target)) ?? 0) <= at);
    const [target] = random.sample(free, 1);
    if (target === undefined) continue;
    deck.splice(index, 1);
    return [kind, target];
  }
  return undefined;
}

function cardOf(kind: FaultKind): (typeof DECK)[number] {
  const card = DECK.find(each => each.kind === kind);
  if (!card) throw new Error(`No card is called ${kind}`);
  return card;
}

function targetsOf(kind: FaultKind): string[] {
  const { on } = cardOf(kind);
  switch (on) {
    case 'worker':
    case 'beat':
    case 'api':
      return names(on);
    case 'manager':
      return names('resource-manager');
    case 'leading':
    case 'standby':
      return [on];
    case 'link':
      return (['worker', 'resource-manager', 'beat', 'api'] as const)
        .flatMap(names)
        .flatMap(name => [`${name}>mongo`, `${name}>rabbit`, ...(name.startsWith('api') ? [`client>${name}`] : [])]);
    case 'mongo':
    case 'rabbit':
      return [on];
  }
}

/** What may not be under two faults at a time. Who leads is known to the run alone, so that one manager at a time is touched. */
export function laneOf(target: string): string {
  return target.startsWith('manager-') && !target.includes('>') ? 'leading' : target === 'standby' ? 'leading' : target;
}

export function isServer(target: string): boolean {
  return target === 'mongo' || target === 'rabbit';
}

/** Below the self-fence, with room for a heartbeat that was just due; or so long that every watch and lease is over. */
function lasting(lasts: Lasts, random: SeededRandom): number {
  const fenceMs = DEFAULT_TIMING.selfFenceMs * TIMING_SCALE;
  const ttlMs = DEFAULT_TIMING.ttlMs * TIMING_SCALE;
  const between = (low: number, high: number): number => Math.round(low + random.below(Math.round(high - low)));
  switch (lasts) {
    case 'moment':
      return between(100, 1_000);
    case 'brief':
      return between(500, 0.6 * fenceMs);
    case 'long':
      return between(1.3 * ttlMs, 1.8 * ttlMs);
    case 'either':
      return random.below(2) === 0 ? lasting('brief', random) : lasting('long', random);
    case 'restart':
      return random.below(3) === 0 ? lasting('long', random) : between(200, START_MS);
  }
}
