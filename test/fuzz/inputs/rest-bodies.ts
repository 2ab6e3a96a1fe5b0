import { THERE } from './rest-api.js';

const WHOLE = {
  ...{ name: 'anything', kwargs: { a: [1, { b: 'c' }], 'd.e': null }, exclusive: ['r', 'tree/**'], shared: ['s'] },
  ...{ queue: 'other', priority: 3, countdown: 5, expires: 'PT1H', maxAttempts: 3, onWorkerLoss: 'requeue', tags: ['t'] },
  ...{ retry: { delay: 1, backoff: 'fixed', maxDelay: 60, jitter: true }, softTimeLimit: 5, timeLimit: 'PT1M', stallAfter: 30 },
  ...{
    unique: { key: 'u', while: 'waiting', onConflict: 'reject' },
    rateLimit: '5/s',
    rateKey: 'k',
    concurrency: { key: 'c', max: 2 },
  },
};
const ADD = { name: 'calculator.add', args: [1, 'two', [3, { four: 5 }]] };
const SYNC = { name: 'repository.sync', kwargs: { repository: 'a', depth: 2 } };
const TASK = [WHOLE, ADD, SYNC, { ...ADD, eta: '2030-01-01T00:00:00Z', counted: { gpu: 2 } }];

type Body = [method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, good: readonly unknown[]];
/** Nothing has to be said there. */
const NONE = [{}];

const STEERING: Body[] = [
  ['POST', '/workers/w/pool', [{ slots: 3 }, { grow: 1 }, { shrink: 1 }]],
  ['POST', '/workers/w/shutdown', [{ stage: 'soft' }, {}]],
  ...['pause', 'resume', 'drain'].map((action): Body => ['POST', `/workers/w/${action}`, NONE]),
  [
    'POST',
    '/workers/actions',
    [{ action: 'pause' }, { action: 'pool', names: ['w'], grow: 2 }, { action: 'shutdown', names: ['w', 'v'], stage: 'cold' }],
  ],
  ['POST', '/maintenance', [{ on: true, reason: 'new disks' }, { on: false }]],
  ['POST', '/resources/r/release', NONE],
  ['POST', '/resources/held/release', NONE],
];
const OF_TASKS: Body[] = [
  ...[THERE.waiting, THERE.delayed, THERE.running, THERE.completed].map((id): Body => ['POST', `/tasks/${id}/cancel`, NONE]),
  ['POST', `/tasks/${THERE.parent}/cancel?tree=true`, NONE],
  ...[THERE.failed, THERE.completed, THERE.running].map((id): Body => ['POST', `/tasks/${id}/retry`, NONE]),
  ...[THERE.failed, THERE.waiting].map((id): Body => ['DELETE', `/tasks/${id}`, NONE]),
  ['POST', `/task-groups/${THERE.group}/cancel`, NONE],
];
const OF_SCHEDULES: Body[] = [
  [
    'PATCH',
    `/schedules/${THERE.schedule}`,
    [
      { name: 't', task: ADD, cron: '0 2 * * MON-FRI', timezone: 'Europe/Berlin', overlap: 'skip', failureThreshold: 2 },
      { interval: 'PT1H', anchor: '2026-01-01T00:00:00Z', misfire: 'all', remainingRuns: 3, timezone: null },
    ],
  ],
  ['POST', `/schedules/${THERE.schedule}/pause`, [{ reason: 'holidays' }, {}]],
  ...['resume', 'run'].map((action): Body => ['POST', `/schedules/${THERE.schedule}/${action}`, NONE]),
  ['DELETE', `/schedules/${THERE.schedule}`, NONE],
];
const REPOSITORY = {
  ...{ url: 'https://example.org/a', proxy_url: 'http://proxy', proxy_port: 3_128, proxy_username: 'u', proxy_password: 'p' },
  ...{ connect_timeout: 1.5, read_timeout: 30, ssl_ca_cert: null },
};
const OF_REPOSITORIES: Body[] = [
  ['POST', '/repositories', [{ name: 'more', ...REPOSITORY }, { name: 'least' }]],
  ['PATCH', '/repositories/files', [REPOSITORY, { url: null }]],
  ['POST', '/repositories/files/sync', NONE],
  ['POST', '/repositories/files/publish', [{ version: 1 }, {}]],
  ['DELETE', '/repositories/files', NONE],
];

/** Where bodies go, with good ones. Most are of submissions. */
export const BODIES: Body[] = [
  ['POST', '/tasks', TASK],
  ['POST', '/tasks?dryRun=true', TASK],
  ['POST', '/tasks/batch', [{ tasks: [ADD, SYNC, WHOLE] }]],
  [
    'POST',
    '/workflows',
    [{ name: 'w', tasks: { a: ADD, b: { ...SYNC, after: ['a'], join: 'all-final' }, c: { ...ADD, after: ['a', 'b'] } } }],
  ],
  [
    'POST',
    '/schedules',
    [
      { name: 's', task: ADD, interval: 'PT1H', anchor: '2026-01-01T00:00:00Z', misfire: 'all', remainingRuns: 3 },
      { name: 's', task: SYNC, cron: '0 2 * * MON-FRI', timezone: 'Europe/Berlin', overlap: 'skip', failureThreshold: 2 },
      { name: 's', task: ADD, iso8601: 'R5/2030-01-01T00:00:00Z/PT1H' },
    ],
  ],
  [
    'POST',
    '/tasks/actions',
    [
      {
        action: 'cancel',
        filter: { name: ['anything'], state: ['waiting'], createdAfter: '2026-01-01T00:00:00Z' },
        dryRun: true,
      },
    ],
  ],
  ['POST', '/task-groups', [{ name: 'g' }]],
  ['POST', '/tokens', [{ name: 'ci', role: 'submit', expires: 'P1D' }]],
  ['PUT', '/resources/gpu', [{ capacity: 4 }]],
  ['DELETE', '/resources/gpu', NONE],
  ...STEERING,
  ...OF_TASKS,
  ...OF_SCHEDULES,
  ...OF_REPOSITORIES,
];
