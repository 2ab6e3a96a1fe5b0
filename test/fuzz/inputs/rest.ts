import { expect } from 'chai';
import fc from 'fast-check';

import type { ApiServer } from '../../../src/api/context.js';
import { Guarded } from '../../contract/api/access-fixture.js';
import type { Answer, Asking } from '../../contract/api/fixture.js';
import { garbled } from './garble.js';
import type { Stage } from './stage.js';

const ID = '01890000-0000-7000-8000-000000000000';
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

/** Where bodies go, with good ones. */
const BODIES: [method: 'POST' | 'PUT', path: string, good: readonly unknown[]][] = [
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
  ['POST', '/workers/w/pool', [{ slots: 3 }]],
  ['PUT', '/resources/gpu', [{ capacity: 4 }]],
];

/** An API over a database in memory, which is emptied now and then. */
class Api {
  #guarded = new Guarded();
  #app!: ApiServer;
  #token = '';
  #kept = 0;

  async open(): Promise<this> {
    this.#guarded = new Guarded();
    this.#app = await this.#guarded.open();
    this.#token = (await this.#guarded.token('fuzz', 'admin')).text;
    this.#kept = 0;
    return this;
  }

  close(): Promise<void> {
    return this.#guarded.close();
  }

  /** What the answer is: a promised one, no failure of ours, and nothing was stored by what was refused. */
  async judge(path: string, asking: Asking): Promise<string> {
    if (this.#kept > 200) {
      await this.close();
      await this.open();
    }
    const before = this.#stored();
    const answer: Answer = await this.#guarded.send(this.#app, path, { ...asking, token: this.#token });
    const { status, body } = answer;
    if (status >= 500) throw new Error(`${status} ${JSON.stringify(body)}`);
    if (status < 400) {
      this.#kept += 1;
      // One that stands for it is another task.
      if (path === '/tasks' && answer.headers['unique-conflict'] === undefined) this.#compare(asking, answer);
      return String(status);
    }
    expect(answer.headers['content-type']).to.equal('application/problem+json; charset=utf-8');
    expect(body.status).to.equal(status);
    expect(this.#stored(), 'what was refused is stored').to.equal(before);
    return `${status} ${body.errors[0]?.reason ?? body.code}`;
  }

  #stored(): string {
    const { tasks, schedules, groups, capacities, tokens, documents } = this.#guarded.db;
    const others = [schedules, groups, capacities, tokens, documents].map(table => [...table.values()].length);
    return [[...tasks.all()].length, ...others].join(' ');
  }

  /** What was taken is kept to the letter. */
  #compare({ text }: Asking, { body }: Answer): void {
    if (text === undefined || typeof text === 'string') return;
    const asked = JSON.parse(new TextDecoder().decode(text)) as { args?: unknown; kwargs?: unknown };
    const { args, kwargs } = this.#guarded.db.tasks.get(body.id) ?? {};
    expect(JSON.stringify([args, kwargs])).to.equal(JSON.stringify([asked.args ?? [], asked.kwargs ?? {}]));
  }
}

interface Sent {
  method: 'POST' | 'PUT';
  path: string;
  text: Buffer;
}

export const bodies: Stage<Sent> = {
  name: 'bodies of requests',
  open: async () => {
    const api = await new Api().open();
    const one = ([method, path, good]: (typeof BODIES)[number]): fc.Arbitrary<Sent> =>
      fc.record({ method: fc.constant(method), path: fc.constant(path), text: garbled(good) });
    // Most submissions come to the first.
    const [first, ...others] = BODIES.map(one);
    return {
      input: fc.oneof({ weight: 5, arbitrary: first! }, ...others.map(arbitrary => ({ weight: 1, arbitrary }))),
      judge: ({ method, path, text }) => api.judge(path, { method, text }),
      close: () => api.close(),
    };
  },
};

/** Lists, each with the parameters that it takes. */
const LISTS: Record<string, string[]> = {
  '/tasks': [
    'state',
    'name',
    'queue',
    'tag',
    'resource',
    'group',
    'createdAfter',
    'finishedBefore',
    'sort',
    'fields',
    'limit',
    'cursor',
    'count',
  ],
  '/tasks/summary': ['by', 'state', 'queue'],
  '/resources': ['limit', 'after'],
  '/schedules': ['limit', 'after'],
  '/task-groups': ['limit', 'before'],
  '/audit': ['who', 'operation', 'target', 'outcome', 'after', 'before', 'limit', 'cursor'],
  '/tokens': ['limit', 'after'],
  '/workers': [],
  '/queues': [],
  '/task-types': [],
  '/status': [],
  '/maintenance': [],
};
const RECORDS = [
  `/tasks/${ID}`,
  `/tasks/${ID}/explain`,
  '/tasks/x',
  '/resources/r',
  `/schedules/${ID}`,
  `/task-groups/${ID}`,
  '/workers/w',
  '/nothing',
];
const ODD_NAMES = [
  'state[$ne]',
  'name~',
  'name[$regex]',
  '__proto__',
  'constructor',
  'toString',
  '',
  'a/b',
  'token',
  'x'.repeat(500),
  '\u202e',
  '%',
  '[',
];
const GOOD = [
  'waiting',
  'completed',
  'anything',
  'r',
  '10',
  '1',
  'true',
  '2026-01-01T00:00:00Z',
  '-createdAt',
  'id,name',
  'state',
  ID,
];
const ODD = [
  '',
  '0',
  '-1',
  '1e9',
  '9007199254740993',
  'NaN',
  '(a+)+$',
  '{"$gt":""}',
  '\0',
  '\ud83d',
  '\u202e',
  'x'.repeat(300),
  '2026-02-30T00:00:00Z',
  'null',
];
const ROUGH = ['%zz', '%00', '%ff', '%ed%a0%80', '%2e%2e%2f', '&&', '=', ';', '+', '%'];

interface Asked {
  path: string;
  parameters: [string, string][];
  rough: string[];
}

export const queries: Stage<Asked> = {
  name: 'paths and parameters',
  open: async () => {
    const api = await new Api().open();
    const encoded = (text: string): string => encodeURIComponent(text.replaceAll(/\p{Cs}/gu, '?'));
    const value = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...GOOD) },
      { weight: 2, arbitrary: fc.constantFrom(...ODD) },
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    const asking = (path: string, names: readonly string[]): fc.Arbitrary<Asked> => {
      const odd = fc.constantFrom(...ODD_NAMES);
      const name = names.length === 0 ? odd : fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...names) }, odd);
      return fc.record({
        path: fc.constant(path),
        parameters: fc.array(fc.tuple(name, value), { maxLength: 3 }),
        rough: fc.oneof(
          { weight: 9, arbitrary: fc.constant<string[]>([]) },
          fc.array(fc.constantFrom(...ROUGH), { maxLength: 2 }),
        ),
      });
    };
    const lists = Object.entries(LISTS).map(([path, names]) => ({ weight: 1 + names.length, arbitrary: asking(path, names) }));
    const records = RECORDS.map(path => ({ weight: 1, arbitrary: asking(path, []) }));
    return {
      input: fc.oneof(...lists, ...records),
      judge: ({ path, parameters, rough }) => {
        const query = [...parameters.map(([name, value]) => `${encoded(name)}=${encoded(value)}`), ...rough].join('&');
        return api.judge(query === '' ? path : `${path}?${query}`, {});
      },
      close: () => api.close(),
    };
  },
};
