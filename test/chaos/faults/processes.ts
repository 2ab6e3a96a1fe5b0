import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LeaseName } from '../../../src/store/store.js';
import { names } from '../cast.js';
import type { Kept } from '../kept.js';
import type { Fault } from '../plan-faults.js';
import type { Stage } from '../stage.js';
import type { Inject } from './injection.js';

const LEADER_MS = 1_000;
const BUSY_WITHIN_MS = 5_000;
const LOOK_MS = 25;

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
  process.kill(await childOf(stage.player(fault.target), fault.pick), 'SIGKILL');
  return undefined;
};

export const childFrozen: Inject = async (stage, fault) => {
  const player = stage.player(fault.target);
  return player.freeze([await childOf(player, fault.pick)]);
};

/** The supervisor first, so that it starts nobody in between; who wakes up first is drawn. */
export const treeFrozen: Inject = async (stage, fault) => {
  const player = stage.player(fault.target);
  await busyChildren(player);
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
  await busyChildren(player);
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

/** One that runs a task, if any does. */
async function childOf(player: Kept, pick: number): Promise<number> {
  const busy = await busyChildren(player);
  const from = busy.length > 0 ? busy : player.children();
  const child = from[pick % from.length];
  if (child === undefined) throw new Error(`${player.name} has no children`);
  return child;
}

/** Waits a while for there to be one: what is done to an idle child teaches nothing. */
async function busyChildren(player: Kept): Promise<number[]> {
  const end = performance.now() + BUSY_WITHIN_MS;
  for (;;) {
    const busy = player.children().filter(isBusy);
    if (busy.length > 0 || performance.now() > end) return busy;
    await sleep(LOOK_MS);
  }
}

/** A child runs a task in a folder that bears the task's id. */
function isBusy(pid: number): boolean {
  try {
    return /^[0-9a-f-]{36}$/.test(basename(readlinkSync(`/proc/${pid}/cwd`)));
  } catch {
    return false; // it has just ended
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
