import type { TaskStore } from '../../store/store.js';
import { atOnce } from './at-once.js';
import type { SimulatedDatabase } from './database.js';
import { byIdempotencyKey, insert, insertAll, takeNumbers } from './tasks-accept.js';
import { cancel, cancelAssigned, due, expire, promote, resume } from './tasks-cancel.js';
import { finish, giveBack, supersede } from './tasks-finish.js';
import {
  byIds,
  byNumbers,
  countInLines,
  endedWithin,
  holders,
  line,
  range,
  readyFor,
  voidNumbers,
  waitingForResources,
} from './tasks-lines.js';
import { active, activeOfTheDead, claimable, namedBy, report, start, startBest } from './tasks-start.js';
import { backlog, count, countByState, get, ids, list, listEnded, queues, remove, runsOf } from './tasks-views.js';

export function simulatedTasks(db: SimulatedDatabase): TaskStore {
  return atOnce<TaskStore>({
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
    holderFences: (afterFence, limit) => holders(db, afterFence, limit).map(task => task.grant?.fence ?? 0),
    waitingForResources: (seq, limit) => waitingForResources(db, seq, limit),
    waitingNumbers: (seq, limit) => waitingForResources(db, seq, limit).map(task => task.seq),
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

    quarantine: () => [], // nobody spoils a record here
  });
}
