import type { FaultKind } from '../fault-kinds.js';
import type { Inject } from './injection.js';
import { link, repliesDropped, reset } from './links.js';
import * as mongo from './mongo.js';
import * as processes from './processes.js';
import * as rabbit from './rabbit.js';
import * as steering from './steering.js';

export type { Heal, Inject } from './injection.js';

export const FAULTS: Readonly<Record<FaultKind, Inject>> = {
  'worker-killed': processes.killed,
  'worker-frozen-briefly': processes.frozen,
  'worker-frozen-long': processes.frozen,
  'worker-restarted': processes.restarted,
  'child-killed': processes.childKilled,
  'child-frozen': processes.childFrozen,
  'tree-frozen-briefly': processes.treeFrozen,
  'tree-frozen-long': processes.treeFrozen,
  'worker-killed-children-frozen': processes.killedWithFrozenChildren,
  'worker-paused': steering.paused,
  'worker-drained': steering.drained,
  'worker-resized': steering.resized,
  'worker-shut-down': steering.shutDown,
  'leading-manager-killed': processes.killed,
  'leading-manager-frozen': processes.frozen,
  'standby-manager-killed': processes.killed,
  'standby-manager-frozen': processes.frozen,
  'manager-restarted': processes.restarted,
  'beat-killed': processes.killed,
  'beat-frozen': processes.frozen,
  'beat-restarted': processes.restarted,
  'api-killed': processes.killed,
  'api-frozen': processes.frozen,
  'api-restarted': processes.restarted,
  'link-blackholed': link('blackhole'),
  'link-blackholed-up': link('blackhole-up'),
  'link-blackholed-down': link('blackhole-down'),
  'link-reset': reset,
  'link-delayed': link('delay'),
  'link-sliced': link('slice'),
  'link-replies-dropped': repliesDropped,
  'link-rejected': link('reject'),
  'mongo-killed': mongo.killed,
  'mongo-killed-long': mongo.killed,
  'mongo-frozen-briefly': mongo.frozen,
  'mongo-frozen-long': mongo.frozen,
  'mongo-stepped-down': mongo.steppedDown,
  'mongo-failpoint': mongo.failpoint,
  'rabbit-killed': rabbit.killed,
  'rabbit-frozen': rabbit.frozen,
  'rabbit-wiped': rabbit.wiped,
  'rabbit-alarmed': rabbit.alarmed,
  'rabbit-connections-closed': rabbit.connectionsClosed,
  'queue-deleted': rabbit.queueDeleted,
  'queue-purged': rabbit.queuePurged,
};
