import type { TaskStore } from '../tasks.js';
import { byIdempotencyKey, insert, takeNumbers } from './accept.js';
import { insertAll } from './accept-all.js';
import { backlog } from './backlog.js';
import { cancel } from './cancel.js';
import { active, claimable, namedBy, report } from './claim.js';
import type { Database } from './database.js';
import { due, expire, promote, resume } from './delays.js';
import { finish, giveBack } from './finish.js';
import {
  byIds,
  byNumbers,
  countInLines,
  endedWithin,
  holderFences,
  holders,
  line,
  range,
  readyFor,
  voidNumbers,
  waitingForResources,
  waitingNumbers,
} from './lines.js';
import { activeOfTheDead, cancelAssigned } from './lost.js';
import { quarantine } from './quarantine.js';
import { start, startBest } from './start.js';
import { supersede } from './supersede.js';
import { count, ids, list, listEnded } from './lists.js';
import { countByState, get, queues, remove, runsOf } from './views.js';

export function mongoTasks(db: Database): TaskStore {
  return {
    takeNumbers: howMany => takeNumbers(db, howMany),
    insert: (tasks, firstSeq) => insert(db, tasks, firstSeq),
    insertAll: (tasks, firstSeq) => insertAll(db, tasks, firstSeq),
    byIdempotencyKey: (principal, key) => byIdempotencyKey(db, principal, key),

    claimable: query => claimable(db, query),
    start: (starts, run) => start(db, starts, run),
    startBest: (queues, run, only) => startBest(db, queues, run, only),
    finish: endings => finish(db, endings),
    supersede: (id, token, late) => supersede(db, { id, token }, late),
    giveBack: (id, token) => giveBack(db, id, token),
    namedBy: incarnation => namedBy(db, incarnation),
    active: (limit, afterId) => active(db, limit, afterId),
    activeOfTheDead: (limit, afterId) => activeOfTheDead(db, limit, afterId),
    report: (id, token, latest) => report(db, { id, token }, latest),

    cancel: (id, by, reason) => cancel(db, id, by, reason),
    cancelAssigned: worker => cancelAssigned(db, worker),
    due: limit => due(db, limit),
    promote: (tasks, firstSeq) => promote(db, tasks, firstSeq),
    resume: tasks => resume(db, tasks),
    expire: limit => expire(db, limit),
    readyFor: (waitingFor, ms, limit) => readyFor(db, waitingFor, ms, limit),

    range: (seq, limit) => range(db, seq, limit),
    byNumbers: numbers => byNumbers(db, numbers),
    voidNumbers: numbers => voidNumbers(db, numbers),
    holders: (afterFence, limit) => holders(db, afterFence, limit),
    holderFences: (afterFence, limit) => holderFences(db, afterFence, limit),
    waitingForResources: (seq, limit) => waitingForResources(db, seq, limit),
    waitingNumbers: (seq, limit) => waitingNumbers(db, seq, limit),
    countInLines: (upToSeq, cap) => countInLines(db, upToSeq, cap),
    byIds: ids => byIds(db, ids),
    endedWithin: ms => endedWithin(db, ms),

    get: id => get(db, id),
    list: (filter, page) => list(db, filter, page),
    listEnded: (filter, page) => listEnded(db, filter, page),
    ids: (filter, limit, afterId) => ids(db, filter, { limit, afterId }),
    count: (filter, cap) => count(db, filter, cap),
    line: (resource, limit) => line(db, resource, limit),
    queues: limit => queues(db, limit),
    countByState: () => countByState(db),
    backlog: cap => backlog(db, cap),
    runsOf: (schedule, after, limit) => runsOf(db, schedule, after, limit),
    remove: id => remove(db, id),

    quarantine: () => quarantine(db),
  };
}
