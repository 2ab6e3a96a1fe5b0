import type { Role } from '../core/process.js';
import { provedGone } from '../process/identity.js';
import { Presence } from '../process/presence.js';
import type { Parts } from './compose.js';

/** Registration and heartbeat of a role that runs no tasks: it has no children to kill and no tasks to end. */
export function presenceOf(role: Exclude<Role, 'worker'>, parts: Parts): Presence {
  const { store, runtime, logger, config, identity, name, versions } = parts;
  return new Presence({
    processes: store.processes,
    runtime,
    log: logger,
    timing: config.timing,
    provedGone: holder => provedGone(holder, identity),
    endChildren: () => Promise.resolve(),
    endTasks: () => Promise.resolve(),
    identity: { ...identity, name, role, queues: [], dedicated: false, slots: 0, versions },
    tell: parts.tell,
    count: parts.tally.up,
    onBeat: () => undefined,
    onLost: () => Promise.resolve(),
  });
}

/** What a role without children may take to stop: one write that hangs, and both connections. */
export const STOP_MS = 15_000;

/** What a role acts under: undefined while its heartbeat cannot be trusted. */
export function trustedIncarnation(presence: Presence): () => string | undefined {
  return () => (presence.trusted ? presence.incarnation : undefined);
}
