import { InterlockError } from '../core/errors.js';
import type { ProcessRecord, Registration } from '../core/process.js';
import type { Wish } from '../core/wish.js';
import type { Timing } from '../core/timing.js';
import type { ProcessStore } from '../store/store.js';
import type { Log } from './log.js';
import type { Runtime } from './runtime.js';

export interface RegistrationDeps {
  processes: ProcessStore;
  runtime: Runtime;
  log: Log;
  timing: Timing;
  /** Whether the process itself is gone, as far as this machine can prove. False: cannot tell, or it lives. */
  provedGone: (holder: ProcessRecord) => boolean;
  /** Kills what a dead process of this machine left running and resolves when it is seen gone. */
  endChildren: (holder: ProcessRecord) => Promise<void>;
  /** Ends what the dead incarnation was running, and what was bound to it where the settings say so. Repeated until it succeeds. */
  endTasks: (holder: ProcessRecord) => Promise<void>;
}

/** Somebody alive has the name. */
export class NameHeld extends InterlockError {
  readonly holder: ProcessRecord;

  constructor(holder: ProcessRecord) {
    super(
      'CONFLICT',
      `The name "${holder.name}" belongs to a live ${holder.role}: host ${holder.host}, pid ${holder.pid}, started ${holder.startedAt.toISOString()}. ` +
        'Stop that process, or start this one under another name (-n NAME).',
    );
    this.name = 'NameHeld';
    this.holder = holder;
  }
}

/**
 * Step 0 of the protocol. A lease that merely looks lapsed proves nothing: a holder is dead when its pid is gone on this
 * machine and so are its children, or when its heartbeat counter was watched unchanged for `watchMs` (22 s).
 * Then its leftovers are ended before the name is taken: a record that says `missing` gives the name away only when it is settled, whoever
 * declared it. Resolves with what is wanted of whoever has the name. Throws NameHeld, or StoreError when the database does not answer.
 */
export async function register(
  deps: RegistrationDeps,
  registration: Registration,
  signal: AbortSignal,
): Promise<Wish | undefined> {
  for (;;) {
    const verdict = await deps.processes.register(registration, deps.timing.ttlMs);
    if (verdict.kind === 'registered') return verdict.wish;
    if (verdict.by.incarnation === registration.incarnation) throw new NameHeld(verdict.by); // declared missing: never revived
    if (verdict.by.state === 'live') await retire(deps, verdict.by, registration, signal);
    else await settle(deps, verdict.by);
  }
}

/** Makes a dead holder of the name `missing`; throws NameHeld if it is alive. */
async function retire(deps: RegistrationDeps, holder: ProcessRecord, mine: Registration, signal: AbortSignal): Promise<void> {
  const ownFormerSelf = holder.pid === mine.pid && holder.startTicks === mine.startTicks && holder.bootId === mine.bootId;
  const proved = ownFormerSelf || deps.provedGone(holder);
  if (proved) {
    await deps.endChildren(holder);
  } else {
    await watchUnmoved(deps, holder, signal);
  }
  // The counter is named: if it has moved meanwhile, the next try finds a live holder again.
  if (!(await deps.processes.declareMissing(holder, { lapsed: !proved }))) return;
  deps.log.warn(`Took over the name "${holder.name}" from a dead process (host ${holder.host}, pid ${holder.pid}).`, {
    formerIncarnation: holder.incarnation,
  });
}

/** Its children are gone: they were ended before it was declared missing, or died by their own deadline while it was watched. */
async function settle(deps: RegistrationDeps, former: ProcessRecord): Promise<void> {
  await deps.endTasks(former);
  await deps.processes.settle(former.name, former.incarnation);
}

async function watchUnmoved(deps: RegistrationDeps, holder: ProcessRecord, signal: AbortSignal): Promise<void> {
  const { runtime, timing } = deps;
  deps.log.warn(
    `The name "${holder.name}" was last used on host ${holder.host} (pid ${holder.pid}); watching its heartbeat for ${timing.watchMs / 1_000} s.`,
  );
  const since = runtime.clock.monotonicMs();
  // Longer than the watch by one sweep, so that its lease has lapsed by server time too.
  const untilMs = since + Math.max(timing.watchMs, timing.ttlMs) + timing.heartbeatMs / 5;
  while (runtime.clock.monotonicMs() < untilMs) {
    await runtime.timers.sleep(timing.heartbeatMs / 5, signal);
    if (signal.aborted) throw new NameHeld(holder);
    const now = await deps.processes.get(holder.name);
    if (now?.state !== 'live' || now.incarnation !== holder.incarnation) return;
    if (now.beat !== holder.beat) throw new NameHeld(now);
  }
}
