import { setTimeout as sleep } from 'node:timers/promises';

import type { Db } from 'mongodb';
import { Pool } from 'undici';

import { openTasks } from './watch.js';

const CLIENTS = 16;
/** Enough that no worker ever waits for the next task, and few enough that counting them costs nothing. */
const [FEW, MANY] = [200, 400];
const LOOK_MS = 250;

export interface Measuring {
  url: string;
  db: Db;
  headers: Record<string, string>;
  bodyOf: (client: number) => string;
}

/** Tasks a second that a deployment both accepts and ends, while there always are some to start: clients submit as fast as it goes until enough are open. */
export async function measureCapacity(at: Measuring, seconds: { warmUp: number; measured: number }): Promise<number> {
  const over = new AbortController();
  const submitting = submitAhead(at, over.signal);
  await Promise.race([submitting, sleep(seconds.warmUp * 1_000)]);
  const [from, begun] = [await completed(at.db), performance.now()];
  await Promise.race([submitting, sleep(seconds.measured * 1_000)]);
  const [to, ended] = [await completed(at.db), performance.now()];
  over.abort();
  await submitting;
  return ((to - from) / (ended - begun)) * 1_000;
}

async function submitAhead({ url, db, headers, bodyOf }: Measuring, over: AbortSignal): Promise<void> {
  const pool = new Pool(url, { connections: CLIENTS, pipelining: 1 });
  let paused = false;
  const gate = async (): Promise<void> => {
    while (!over.aborted) {
      const open = await openTasks(db);
      paused = open > (paused ? FEW : MANY);
      await sleep(LOOK_MS);
    }
  };
  const client = async (index: number): Promise<void> => {
    while (!over.aborted) {
      if (paused) await sleep(LOOK_MS / 5);
      else await submit(pool, headers, bodyOf(index));
    }
  };
  await Promise.all([gate(), ...Array.from({ length: CLIENTS }, (_, index) => client(index))]);
  await pool.close();
}

/** Throws unless it is accepted: nothing is too much here. */
async function submit(pool: Pool, headers: Record<string, string>, body: string): Promise<void> {
  const answer = await pool.request({ method: 'POST', path: '/api/v1/tasks', headers, body });
  const text = await answer.body.text();
  if (answer.statusCode !== 202) throw new Error(`POST /api/v1/tasks: ${answer.statusCode} ${text.slice(0, 300)}`);
}

function completed(db: Db): Promise<number> {
  return db.collection('tasks').countDocuments({ state: 'completed' }, { hint: 'state' });
}
