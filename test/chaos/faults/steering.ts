import { setTimeout as sleep } from 'node:timers/promises';

import type { Stage } from '../stage.js';
import type { Inject } from './injection.js';

const ASK_MS = 3_000;
const TRY_MS = 60_000;
const AGAIN_MS = 500;

/** Whoever has the name is paused, also after a restart, until it is healed. */
export const paused: Inject = async (stage, { target }) => {
  await ask(stage, target, 'pause', {});
  return () => resumed(stage, target);
};

export const drained: Inject = async (stage, { target }) => {
  await ask(stage, target, 'drain', {});
  return () => resumed(stage, target);
};

export const resized: Inject = async (stage, { target, pick }) => {
  await ask(stage, target, 'pool', { slots: 1 + (pick % 6) });
  return undefined;
};

/** It is started again, as by a service manager. */
export const shutDown: Inject = async (stage, { target, pick }) => {
  await ask(stage, target, 'shutdown', { stage: ['warm', 'soft', 'cold'][pick % 3] });
  return undefined;
};

/** Until it was live to be asked; what is wanted then stands in its record. */
export async function resumed(stage: Stage, worker: string): Promise<void> {
  const end = performance.now() + TRY_MS;
  while (performance.now() < end) {
    if (await asked(stage, worker, 'resume', {})) return;
    await sleep(AGAIN_MS);
  }
  stage.journal.say(`${worker} could not be resumed within ${TRY_MS / 1_000} s`);
}

/** Throws where no API takes it: the fault cannot be done now. */
async function ask(stage: Stage, worker: string, what: string, body: object): Promise<void> {
  if (!(await asked(stage, worker, what, body))) throw new Error(`nobody took "${what}" for ${worker}`);
}

async function asked(stage: Stage, worker: string, what: string, body: object): Promise<boolean> {
  for (const api of stage.apis) {
    try {
      const response = await fetch(`${api}/api/v1/workers/${encodeURIComponent(worker)}/${what}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(ASK_MS),
      });
      await response.arrayBuffer();
      if (response.status === 202) return true;
    } catch {
      // This API is under a fault itself; the other one may not be.
    }
  }
  return false;
}
