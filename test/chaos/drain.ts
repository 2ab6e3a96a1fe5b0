import { setTimeout as sleep } from 'node:timers/promises';

import type { Role } from '../../src/core/process.js';
import type { Schedule } from '../../src/core/schedule.js';
import { names } from './cast.js';
import { resumed } from './faults/steering.js';
import type { Stage } from './stage.js';

/** `nextAt`: no slot from there on was created when its schedule was deleted. */
export type EndedSchedule = Pick<
  Schedule,
  'id' | 'name' | 'misfire' | 'overlap' | 'rule' | 'nextAt' | 'pending' | 'remainingRuns'
>;

export interface Drained {
  /** Milliseconds until every process was back, and until nothing was open any more; undefined: that never came. */
  healthyMs: number | undefined;
  quietMs: number | undefined;
  open: number;
  schedules: EndedSchedule[];
}

const HEALTHY_MS = 60_000;
/** A slow machine takes long and still gets on; one that does not has nothing left to end, or cannot end it. */
const STUCK_MS = 90_000;
const DRAIN_MS = 1_800_000;
const LOOK_MS = 20_000;
const EVERY_MS = 500;
const OPEN = { state: { $in: ['waiting', 'running', 'canceling'] } };

/** Whatever a fault could not undo itself. Safe where nothing is broken. */
export async function healAll(stage: Stage): Promise<void> {
  const { links, mongo, rabbit, players, direct, journal } = stage;
  for (const link of links.values()) {
    link.set('pass');
    link.dropReplies(0, 0);
  }
  await whole(mongo);
  await whole(rabbit);
  await direct.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' });
  await rabbit.ctl(['set_vm_memory_high_watermark', 'absolute', '1GB']);
  for (const player of players.values()) {
    player.signal('SIGCONT');
    player.start();
  }
  // A pause outlives its worker, and the fault that could not undo it.
  await Promise.all(names('worker').map(worker => resumed(stage, worker)));
  journal.note('all is healed');
}

async function whole(server: Stage['mongo'] | Stage['rabbit']): Promise<void> {
  if (server.ended() === undefined) server.signal('SIGCONT');
  else await server.start();
}

/** Both APIs call the deployment healthy. False after `timeoutMs`. */
export async function healthy(stage: Stage, timeoutMs = HEALTHY_MS): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (performance.now() < end) {
    const answers = await Promise.all(stage.apis.map(api => isHealthy(api)));
    if (answers.every(Boolean)) return true;
    await sleep(EVERY_MS);
  }
  return false;
}

/** Waits until every task is final, as long as their number falls; `look` is called now and then while it takes long. */
export async function drain(stage: Stage, look: () => Promise<void>): Promise<Drained> {
  const began = performance.now();
  let lookedAt = began;
  let [least, fellAt] = [Infinity, began];
  const since = (): number => Math.round(performance.now() - began);
  const healthyMs = (await healthy(stage)) ? since() : undefined;
  const schedules = await endSchedules(stage);
  for (;;) {
    const open = await stage.direct.db().collection('tasks').countDocuments(OPEN);
    if (open === 0) return { healthyMs, quietMs: since(), open, schedules };
    const now = performance.now();
    if (open < least) [least, fellAt] = [open, now];
    if (now - fellAt > STUCK_MS || now - began > DRAIN_MS) return { healthyMs, quietMs: undefined, open, schedules };
    if (now - lookedAt > LOOK_MS) {
      await look();
      lookedAt = performance.now();
    }
    await sleep(EVERY_MS);
  }
}

/** When every slot of the past has its task: what was missed meanwhile is made up first. */
async function endSchedules({ apis, direct }: Stage): Promise<EndedSchedule[]> {
  const schedules = direct.db().collection<Omit<EndedSchedule, 'id'> & { _id: string }>('schedules');
  const end = performance.now() + HEALTHY_MS;
  while (performance.now() < end) {
    const late = await schedules.countDocuments({ $expr: { $lt: ['$nextAt', '$$NOW'] } });
    if (late === 0) break;
    await sleep(EVERY_MS / 2);
  }
  const found = await schedules.find().toArray();
  for (const { _id } of found) {
    await fetch(`${apis[0]}/api/v1/schedules/${_id}`, { method: 'DELETE', signal: AbortSignal.timeout(10_000) });
  }
  return found.map(({ _id, ...rest }) => ({ id: _id, ...rest }));
}

interface Seen {
  online: boolean;
}
interface Status {
  healthy: boolean;
  workers: Seen[];
  resourceManagers: Seen[];
  beats: Seen[];
}

async function isHealthy(api: string): Promise<boolean> {
  try {
    const response = await fetch(`${api}/api/v1/status`, { signal: AbortSignal.timeout(5_000) });
    const status = (await response.json()) as Status;
    const all = (role: Role, seen: Seen[]): boolean => seen.filter(each => each.online).length === names(role).length;
    return (
      status.healthy &&
      all('worker', status.workers) &&
      all('resource-manager', status.resourceManagers) &&
      all('beat', status.beats)
    );
  } catch {
    return false;
  }
}
