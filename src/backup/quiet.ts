import type { ProcessRecord } from '../core/process.js';
import type { Timing } from '../core/timing.js';
import type { Runtime } from '../process/runtime.js';
import type { ProcessStore } from '../store/store.js';
import { refused } from './damaged.js';
import type { Note } from './progress.js';

export interface QuietDeps {
  processes: Pick<ProcessStore, 'list'>;
  timing: Pick<Timing, 'heartbeatMs' | 'watchMs' | 'ttlMs'>;
  runtime: Pick<Runtime, 'clock' | 'timers'>;
  note: Note;
  signal: AbortSignal;
  /** What to do again when everything is stopped. */
  what?: string;
}

/** Processes whose records say that they live, and which have been watched to be dead, by incarnation. */
export type Dead = ReadonlySet<string>;

/**
 * Resolves when nobody lives. Whoever said goodbye is gone; whoever did not is watched, as a beat would: a heartbeat that moves is life, and one that has
 * stood still for longer than a lease lasts is none, and its children are dead by then. Throws InterlockError that names who lives.
 */
export async function untilQuiet(deps: QuietDeps): Promise<Dead> {
  const { runtime, timing, note, signal } = deps;
  const watched = new Map((await live(deps)).map(each => [each.incarnation, each]));
  if (watched.size === 0) return new Set();
  const waitMs = Math.max(timing.watchMs, timing.ttlMs) + timing.heartbeatMs / 5;
  note(
    `${told([...watched.values()])} did not say goodbye: watching for up to ${Math.ceil(waitMs / 1_000)} s whether a heart beats …`,
  );
  const untilMs = runtime.clock.monotonicMs() + waitMs;
  while (runtime.clock.monotonicMs() < untilMs) {
    await runtime.timers.sleep(timing.heartbeatMs / 5, signal);
    signal.throwIfAborted();
    const now = await live(deps);
    const alive = now.filter(each => watched.get(each.incarnation)?.beat !== each.beat);
    if (alive.length > 0) throw alivenessOf(alive, deps.what);
    if (now.length === 0) break;
  }
  return new Set(watched.keys());
}

/** Once more: whoever came meanwhile. Throws InterlockError. */
export async function refuseNewcomers(deps: QuietDeps, dead: Dead): Promise<void> {
  const alive = (await live(deps)).filter(each => !dead.has(each.incarnation));
  if (alive.length > 0) throw alivenessOf(alive, deps.what);
}

async function live({ processes }: QuietDeps): Promise<ProcessRecord[]> {
  return (await processes.list()).filter(({ state }) => state === 'live');
}

function alivenessOf(alive: readonly ProcessRecord[], what = 'restore'): Error {
  return refused(
    `Roles of this deployment live: ${told(alive)}. Stop every one of them on every machine (systemctl stop interlock.target), then ${what} again. Nothing was changed.`,
  );
}

function told(processes: readonly ProcessRecord[]): string {
  const some = processes.slice(0, 5).map(({ name, role, host, pid }) => `${name} (${role}, host ${host}, pid ${pid})`);
  return some.join(', ') + (processes.length > 5 ? ` and ${processes.length - 5} more` : '');
}
