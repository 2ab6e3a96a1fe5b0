import type { Chance } from './chance.js';

export type Fault = { atMs: number } & (
  | { kind: 'kill'; target: string; restartMs: number }
  | { kind: 'restart'; target: string; restartMs: number }
  | { kind: 'pause'; target: string; ms: number; children: boolean }
  | { kind: 'freeze-children'; target: string; ms: number }
  | { kind: 'kill-children'; target: string }
  | { kind: 'cut'; target: string; ms: number; requests: boolean; replies: boolean }
  | { kind: 'outage'; ms: number }
  | { kind: 'election'; ms: number; clockMs: number }
  | { kind: 'clock-jump'; ms: number }
  | { kind: 'broker-down'; ms: number }
  | { kind: 'broker-wiped' }
  | { kind: 'queue-purged' }
  | { kind: 'queue-deleted' }
  | { kind: 'hints-lost'; ms: number }
);

export function drawFaults(chance: Chance, names: readonly string[], calmFromMs: number): Fault[] {
  const count = chance.pick([0, 1, 2, 3, 4, 6]);
  return Array.from({ length: count }, () => drawFault(chance, names, calmFromMs)).sort((a, b) => a.atMs - b.atMs);
}

function drawFault(chance: Chance, names: readonly string[], calmFromMs: number): Fault {
  const atMs = chance.between(0, calmFromMs);
  const target = chance.happens(0.4) ? chance.pick(names.filter(name => /worker|dedicated/.test(name))) : chance.pick(names);
  const restartMs = chance.happens(0.5) ? chance.between(100, 3_000) : chance.between(0, 40_000);
  const ms = chance.happens(0.5) ? chance.between(100, 8_000) : chance.between(5_000, 60_000);
  const draws: (() => Fault)[] = [
    () => ({ atMs, kind: 'kill', target, restartMs }),
    () => ({ atMs, kind: 'kill', target, restartMs }),
    () => ({ atMs, kind: 'restart', target, restartMs }),
    () => ({ atMs, kind: 'pause', target, ms, children: chance.happens(0.3) }),
    () => ({ atMs, kind: 'pause', target, ms, children: false }),
    () => ({ atMs, kind: 'freeze-children', target, ms }),
    () => ({ atMs, kind: 'kill-children', target }),
    () => ({ atMs, kind: 'cut', target, ms, requests: true, replies: true }),
    () => ({ atMs, kind: 'cut', target, ms, requests: false, replies: true }),
    () => ({ atMs, kind: 'cut', target, ms, requests: true, replies: false }),
    () => ({ atMs, kind: 'outage', ms: Math.min(ms, 30_000) }),
    () => ({ atMs, kind: 'election', ms: chance.between(3_000, 11_000), clockMs: chance.between(-10_000, 10_000) }),
    () => ({ atMs, kind: 'clock-jump', ms: chance.between(1_000, 60_000) }),
    () => ({ atMs, kind: 'clock-jump', ms: -chance.between(1_000, 60_000) }),
    () => ({ atMs, kind: 'broker-down', ms }),
    () => ({ atMs, kind: 'broker-wiped' }),
    () => ({ atMs, kind: 'queue-purged' }),
    () => ({ atMs, kind: 'queue-deleted' }),
    () => ({ atMs, kind: 'hints-lost', ms }),
  ];
  return chance.pick(draws)();
}

/** By how much the server's clock is set back in all. Steps forward need not be told. */
export function setBackMs(faults: readonly Fault[]): number {
  const steps = faults.map(fault => (fault.kind === 'clock-jump' ? fault.ms : fault.kind === 'election' ? fault.clockMs : 0));
  return steps.reduce((sum, ms) => sum + Math.max(0, -ms), 0);
}
