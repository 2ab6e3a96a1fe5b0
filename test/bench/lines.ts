import { setTimeout as sleep } from 'node:timers/promises';

import type { Collection } from 'mongodb';

import { createAmqpBroker } from '../../src/broker/amqp/broker.js';
import { Hints } from '../../src/dispatch/hints.js';
import { silentLog } from '../../src/process/log.js';
import { system } from '../../src/process/system.js';
import { openMongoStore } from '../../src/store/mongo/store.js';
import { accept, reserving } from '../contract/store/support.js';
import type { TestServers } from '../support/servers.js';
import type { Stage } from './stage.js';

const BATCH = 1_000;
const STUCK_MS = 300_000;
/** Wakes the resource manager and names nobody. */
const NOBODY = '00000000-0000-7000-8000-000000000000';

interface GrantRecord {
  _id: string;
  seq: number;
  grant?: { at: Date };
}

/** Puts tasks into waiting lines as the API does, without the API, and watches them get their grants. */
export interface Lines {
  /** Stores `count` tasks with these resources; resolves with the number of the last one. */
  insert(count: number, resources: (index: number) => string[]): Promise<number>;
  wake(): void;
  /** Resolves when the task with this number has its grant. */
  granted(seq: number): Promise<void>;
  /** When the tasks above one number, up to another, got theirs: server time in milliseconds, in order. Throws when one has none. */
  grantTimes(above: number, upTo: number): Promise<number[]>;
  close(): Promise<void>;
}

export async function openLines({ deployment }: Stage, { mongoUrl, amqpUrl }: TestServers): Promise<Lines> {
  const { database, env, db } = deployment;
  const store = await openMongoStore({ url: mongoUrl, database, appName: 'bench', log: silentLog });
  const prefix = env.INTERLOCK_AMQP_PREFIX ?? '';
  const broker = createAmqpBroker({ url: amqpUrl, name: 'bench', prefix, random: Math.random, log: silentLog });
  await broker.start();
  const hints = new Hints(broker, system.clock);
  const tasks: Collection<GrantRecord> = db.collection('tasks');
  return {
    insert: async (count, resources) => {
      let last = 0;
      for (let from = 0; from < count; from += BATCH) {
        const indexes = Array.from({ length: Math.min(BATCH, count - from) }, (_, index) => from + index);
        const stored = await accept(store, ...indexes.map(index => reserving(resources(index))));
        last = stored.at(-1)?.seq ?? last;
      }
      return last;
    },
    wake: () => hints.changed([NOBODY]),
    granted: async seq => {
      const end = performance.now() + STUCK_MS;
      while ((await tasks.findOne({ seq }, { projection: { grant: 1 } }))?.grant === undefined) {
        if (performance.now() > end) throw new Error(`Task number ${seq} has had no grant for ${STUCK_MS / 1_000} s.`);
        await sleep(10);
      }
    },
    grantTimes: async (above, upTo) => {
      const range = { seq: { $gt: above, $lte: upTo } };
      const found = await tasks.find(range, { projection: { grant: 1 } }).toArray();
      const times = found.flatMap(({ grant }) => (grant ? [grant.at.getTime()] : []));
      if (times.length < found.length) throw new Error(`${found.length - times.length} of ${found.length} tasks have no grant.`);
      return times.sort((a, b) => a - b);
    },
    close: async () => {
      await broker.close();
      await store.close();
    },
  };
}
