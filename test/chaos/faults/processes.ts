import { setTimeout as sleep } from 'node:timers/promises';

import type { LeaseName } from '../../../src/store/store.js';
import { names } from '../cast.js';
import type { Kept } from '../kept.js';
import type { Fault } from '../plan-faults.js';
import type { Stage } from '../stage.js';
import type { Inject } from './injection.js';

const LEADER_MS = 1_000;
const AT_WORK_MS = 8_000;
const LOOK_MS = 10;

export const killed: Inject = async (stage, fault) => {
  const player = await playerOf(stage, fault);
  await player.end('SIGKILL');
  return () => player.start();
};

export const restarted: Inject = async (stage, fault) => {
  const player = await playerOf(stage, fault);
  await player.end('SIGTERM');
  return () => player.start();
};

/** The process alone; what it started runs on. */
export const frozen: Inject = async (stage, fault) => {
  const player = await playerOf(stage, fault);
  return player.freeze(pidOf(player));
};

export const childKilled: Inject = async (stage, fault) => {
  process.kill(await childOf(stage, fault), 'SIGKILL');
  return undefined;
};

export const childFrozen: Inject = async (stage, fault) => {
  const player = stage.player(fault.target);
  return player.freeze([await childOf(stage, fault)]);
};

/** The supervisor first, so that it starts nobody in between; who wakes up first is drawn. */
export const treeFrozen: Inject = async (stage, fault) => {
  const player = stage.player(fault.target);
  await childAtWork(stage, player);
  const wakeSupervisor = await player.freeze(pidOf(player));
  const wakeChildren = await player.freeze(player.children());
  const inOrder = fault.pick % 2 === 0 ? [wakeSupervisor, wakeChildren] : [wakeChildren, wakeSupervisor];
  return () => inOrder.forEach(wake => wake());
};

/**
 * No watchdog runs in these children when their worker dies. Either a successor of its name finds and kills them, or everybody has given
 * their tasks away when they wake up: then they may run for one tick.
 */
export const killedWithFrozenChildren: Inject = async (stage, fault) => {
  const player = stage.player(fault.target);
  await childAtWork(stage, player);
  const children = player.children();
  if (children.length === 0) throw new Error(`${fault.target} has no children`);
  const wakeChildren = await player.freeze(children);
  await player.end('SIGKILL');
  if (fault.pick % 2 === 0) player.start();
  return () => {
    wakeChildren();
    player.start();
  };
};

function pidOf(player: Kept): [number] {
  const { pid } = player;
  if (pid === undefined) throw new Error(`${player.name} does not run`);
  return [pid];
}

/** One that is at work, if any is. */
async function childOf(stage: Stage, { target, pick }: Fault): Promise<number> {
  const player = stage.player(target);
  const children = player.children();
  const child = (await childAtWork(stage, player)) ?? children[pick % children.length];
  if (child === undefined) throw new Error(`${target} has no children`);
  return child;
}

/** Waits a while for one whose body holds something that others wait for: what is done to an idle child teaches nothing. */
async function childAtWork(stage: Stage, player: Kept): Promise<number | undefined> {
  const end = performance.now() + AT_WORK_MS;
  for (;;) {
    const children = player.children();
    const holding = children.find(pid => stage.sink.isHolding(pid));
    if (holding !== undefined) return holding;
    if (performance.now() > end) return children.find(pid => stage.sink.isRunning(pid));
    await sleep(LOOK_MS);
  }
}

async function playerOf(stage: Stage, { target }: Fault): Promise<Kept> {
  if (target !== 'leading' && target !== 'standby') return stage.player(target);
  const managers = names('resource-manager');
  const leader = (await leaderOf(stage, 'resource-manager')) ?? managers[0];
  const name = target === 'leading' ? leader : managers.find(each => each !== leader);
  return stage.player(name ?? '');
}

/** Undefined while nobody leads, or the database does not say. */
async function leaderOf(stage: Stage, lease: LeaseName): Promise<string | undefined> {
  try {
    const leases = stage.direct.db().collection<{ _id: string; holder: string }>('leases');
    const found = await leases.findOne({ _id: lease }, { maxTimeMS: LEADER_MS });
    return found?.holder === '' ? undefined : found?.holder;
  } catch {
    return undefined;
  }
}
