import { setImmediate as turn } from 'node:timers/promises';

import { expect } from 'chai';

import type { ApiServer } from '../../../src/api/context.js';
import { InterlockError } from '../../../src/core/errors.js';
import { fileRoutes } from '../../../src/plugins/file/routes.js';
import { system } from '../../../src/process/system.js';
import { Guarded } from '../../contract/api/access-fixture.js';
import type { Answer, Asking } from '../../contract/api/fixture.js';
import { accept, delayed, granted, lead, newTask, registration, reserving, startAll } from '../../contract/store/support.js';

const id = (n: number): string => `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`;
/** What stands there at the beginning. */
export const THERE = {
  ...{ waiting: id(1), delayed: id(2), running: id(3), failed: id(4), completed: id(5), parent: id(6) },
  ...{ schedule: id(7), group: id(8), workflow: id(9) },
};
/** It is emptied when so many requests have changed it. */
const KEPT = 200;
const LIMITS = { requestsPerSecond: 1_000_000, burst: 1_000_000, inFlight: 500, bodyMiB: 64, openTasks: 1_000_000 };

/** An API over a database in memory, in which there is something of everything. */
export class Api {
  #guarded = new Guarded();
  #app!: ApiServer;
  #token = '';
  #kept = 0;

  async open(): Promise<this> {
    const guarded = (this.#guarded = new Guarded());
    this.#app = await guarded.open({ limits: LIMITS }, { runtime: { ...system, ...moving(guarded) }, plugins: [files(guarded)] });
    this.#token = (await guarded.token('fuzz', 'admin')).text;
    this.#kept = 0;
    await seed(guarded);
    for (const [path, asking] of SEEDS) expect((await this.#send(path, asking)).status, path).to.be.below(300);
    return this;
  }

  close(): Promise<void> {
    return this.#guarded.close();
  }

  /** What the answer is: a promised one, no failure of ours, and what was refused, or only asked for, has changed nothing and told nobody. */
  async judge(path: string, asking: Asking): Promise<string> {
    if (this.#kept > KEPT) {
      await this.close();
      await this.open();
    }
    const before = this.#records();
    const answer = await this.#send(path, asking);
    const { status, body, headers } = answer;
    if (status >= 500) throw new Error(`${status} ${JSON.stringify(body)}`);
    if (status >= 400) {
      expect(headers['content-type']).to.equal('application/problem+json; charset=utf-8');
      expect(body.status).to.equal(status);
    }
    if (status >= 400 || (asking.method ?? 'GET') === 'GET' || path.includes('dryRun=true')) this.#compare(before);
    else await this.#accepted(path, asking, answer);
    return status < 400 ? String(status) : `${status} ${body.errors[0]?.reason ?? body.code}`;
  }

  async #send(path: string, asking: Asking): Promise<Answer> {
    const answer = await this.#guarded.send(this.#app, path, { ...asking, token: this.#token });
    await turn(); // hints are sent behind the answer
    return answer;
  }

  async #accepted(path: string, asking: Asking, answer: Answer): Promise<void> {
    this.#kept += 1;
    // One that stands for it is another task.
    const { 'unique-conflict': joined, 'idempotency-replayed': replayed } = answer.headers;
    if (path === '/tasks' && asking.method === 'POST' && joined === undefined && replayed === undefined)
      this.#keptToTheLetter(asking, answer);
    if (path === '/maintenance') await this.#send(path, { method: 'POST', body: { on: false } });
  }

  #keptToTheLetter({ text }: Asking, { body }: Answer): void {
    if (text === undefined || typeof text === 'string') return;
    const asked = JSON.parse(new TextDecoder().decode(text)) as { args?: unknown; kwargs?: unknown };
    const { args, kwargs } = this.#guarded.db.tasks.get(body.id) ?? {};
    expect(JSON.stringify([args, kwargs])).to.equal(JSON.stringify([asked.args ?? [], asked.kwargs ?? {}]));
  }

  /** Every record as text, by its place. Refusals stand in the trail, and the use of a token in its record. */
  #records(): Map<string, string> {
    const { tasks, processes, leases, schedules, documents, groups, rates, capacities, tokens, maintenance } = this.#guarded.db;
    const tables = { processes, leases, schedules, documents, groups, rates, capacities, maintenance };
    const found = Object.entries({ ...tables, tokens, tasks: { values: () => tasks.all() } }).flatMap(([name, table]) =>
      [...table.values()].map((row, n): [string, string] => [`${name} ${n}`, JSON.stringify(row, withoutUse)]),
    );
    const broker = this.#guarded.brokers.at(-1)!;
    return new Map([...found, ['published', `${broker.published}`], ['controls', JSON.stringify(broker.controls)]]);
  }

  #compare(before: ReadonlyMap<string, string>): void {
    const now = this.#records();
    for (const place of new Set([...before.keys(), ...now.keys()]))
      expect(now.get(place), `${place} was changed by what was refused`).to.equal(before.get(place));
  }
}

function withoutUse(key: string, value: unknown): unknown {
  return key === 'lastUsedAt' ? undefined : value;
}

/** Time goes on by as much as somebody sleeps, and nobody waits for it. */
function moving(guarded: Guarded): Pick<typeof system, 'clock' | 'timers'> {
  const sleep = async (ms: number): Promise<void> => {
    await turn();
    guarded.nowMs += ms;
  };
  const clock = { monotonicMs: () => guarded.nowMs, wall: () => new Date(Date.UTC(2026, 0) + guarded.nowMs) };
  return { clock, timers: { sleep } };
}

/** Its tasks are of types that no worker here has. */
function files({ store }: Guarded): ReturnType<typeof fileRoutes> {
  return fileRoutes({
    ...{ documents: store.documents, dataDirectory: 'nowhere', settings: { allowPrivateOrigins: false } },
    submit: () => Promise.reject(new InterlockError('UNKNOWN_TASK_TYPE', 'There is no such type here.')),
  });
}

async function seed({ store, db }: Guarded): Promise<void> {
  const facts = { skipped: 0, countedFrom: db.now(), revision: 1, version: 0, overlap: 'allow', misfire: 'one' } as const;
  await store.groups.create({ id: THERE.group, name: 'g', kind: 'group', correlationId: 'c' });
  await store.groups.create({ id: THERE.workflow, name: 'w', kind: 'workflow', correlationId: 'c' });
  await store.schedules.create({
    ...{ id: THERE.schedule, name: 'there', task: { name: 'calculator.add' }, ...facts },
    rule: { kind: 'interval', intervalMs: 3_600_000, anchor: db.now() },
  });
  await store.processes.register(registration({ name: 'w', queues: ['default', 'other'] }), 3_600_000);
  await accept(store, reserving(['r'], [], { id: THERE.waiting, group: THERE.group }), delayed(db.now(), { id: THERE.delayed }));
  const running = await granted(store, await lead(store), reserving(['held'], [], { id: THERE.running, parent: THERE.parent }));
  await startAll(store, running);
  for (const each of [THERE.failed, THERE.completed, THERE.parent]) {
    const token = await startAll(store, await accept(store, newTask({ id: each, name: 'calculator.add' })));
    const error = { code: 'A', message: 'b', traceback: 'c' };
    const outcome = each === THERE.failed ? ({ kind: 'failed', error } as const) : ({ kind: 'completed', result: 1 } as const);
    await store.tasks.finish([{ id: each, token, outcome }]);
  }
}

/** What only the API itself makes. */
const SEEDS: [path: string, asking: Asking][] = [
  ['/repositories', { method: 'POST', body: { name: 'files', url: 'https://example.org/files' } }],
  ['/resources/gpu', { method: 'PUT', body: { capacity: 2 } }],
];
