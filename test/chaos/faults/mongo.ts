import type { Document } from 'mongodb';

import { CAST } from '../cast.js';
import type { Inject } from './injection.js';

export const killed: Inject = async ({ mongo }) => {
  await mongo.kill9();
  return () => mongo.start();
};

export const frozen: Inject = ({ mongo }) => {
  mongo.signal('SIGSTOP');
  return Promise.resolve(() => mongo.signal('SIGCONT'));
};

/** The only member elects itself again when its time is over; all writes fail until then, and open transactions are gone. */
export const steppedDown: Inject = async (stage, fault) => {
  const admin = stage.direct.db('admin');
  await admin.command({ replSetStepDown: Math.ceil(fault.forMs / 1_000), force: true });
  return async () => {
    await admin.command({ replSetFreeze: 0 }).catch(() => undefined); // elected already
  };
};

interface Failpoint {
  failCommands: string[];
  /** What happens to them. */
  data: Document;
  /** For all processes a few times; else for one, every time while it lasts. */
  times?: number;
}

const NOT_WRITABLE = { errorCode: 10_107, errorLabels: [] };
const FAILPOINTS: readonly Failpoint[] = [
  { failCommands: ['update'], data: { errorCode: 11_600 } },
  { failCommands: ['update', 'insert', 'findAndModify'], data: { errorCode: 91 } },
  { failCommands: ['update', 'insert', 'findAndModify', 'commitTransaction'], data: NOT_WRITABLE },
  // Applied all the same: what a failover may take back.
  {
    failCommands: ['update', 'findAndModify'],
    data: { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } },
  },
  { failCommands: ['insert'], data: { writeConcernError: { code: 91, errmsg: 'shutdown in progress' } } },
  { failCommands: ['commitTransaction'], data: { closeConnection: true } },
  { failCommands: ['commitTransaction'], data: { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } } },
  { failCommands: ['find', 'aggregate', 'getMore'], data: { blockConnection: true, blockTimeMS: 3_000 } },
  { failCommands: ['update'], data: { blockConnection: true, blockTimeMS: 5_000 } },
  { failCommands: ['update', 'insert', 'find', 'commitTransaction'], data: { closeConnection: true }, times: 15 },
  { failCommands: ['update', 'insert', 'find'], data: NOT_WRITABLE, times: 15 },
  { failCommands: ['find'], data: { errorCode: 189 }, times: 15 },
];

export const failpoint: Inject = async (stage, fault) => {
  const point = FAILPOINTS[fault.pick % FAILPOINTS.length];
  const victim = CAST[fault.pick % CAST.length];
  if (!point || !victim) throw new Error('nothing to choose from');
  const admin = stage.direct.db('admin');
  const appName = point.times === undefined ? { appName: victim.name } : {};
  stage.journal.note('failpoint', { ...point, ...appName });
  await admin.command({
    configureFailPoint: 'failCommand',
    mode: point.times === undefined ? 'alwaysOn' : { times: point.times },
    data: { failCommands: point.failCommands, ...point.data, ...appName },
  });
  return async () => {
    await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });
  };
};
