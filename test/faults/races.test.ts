import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Deployment } from '../support/deployment.js';
import { seeded } from '../support/random.js';
import { until } from '../support/wait.js';

const SEED = Number(process.env.INTERLOCK_TEST_SEED ?? Math.floor(Math.random() * 1e9));
const CANCELS = 500;
const AT_ONCE = 25;
/** Of a time of the database, which it cuts off to milliseconds, and of two looks at the clocks of this machine. */
const CLOCKS_MS = 5;

interface Ended {
  _id: string;
  state: string;
  reason?: string;
  attempt: number;
  finishedAt: Date;
  kwargs: string;
}

describe(`races (INTERLOCK_TEST_SEED=${SEED})`, function () {
  this.timeout(300_000);
  const random = seeded(SEED);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.create();
    await deployment.startAll([
      ['-n', 'w1', '-c', '3'],
      ['-n', 'w2', '-c', '3'],
    ]);
  });
  after(() => deployment.destroy());

  const file = (): string => join(deployment.directory, 'evidence');
  /** By label: when its body wrote its first and its last line, by the clock of this machine. */
  function bodies(): Map<string, { begin: number; last: number }> {
    const offset = Date.now() - Number(process.hrtime.bigint()) / 1e6;
    const found = new Map<string, { begin: number; last: number }>();
    for (const text of readFileSync(file(), 'utf8').trim().split('\n')) {
      const { label, at } = JSON.parse(text) as { label: string; at: number };
      const last = at / 1e3 + offset;
      found.set(label, { begin: found.get(label)?.begin ?? last, last });
    }
    return found;
  }

  it(`of ${CANCELS} cancels with starts and ends: what never started never does, what started is dead before it is canceled`, async () => {
    const answers = new Map<string, { status: number; state: string; at: number }>();
    const one = async (n: number): Promise<void> => {
      const kwargs = { file: file(), label: `c${n}`, ms: 60 };
      const exclusive = n % 5 === 0 ? [`r${n % 50}`] : [];
      const { id } = await deployment.submit({ name: 'test.evidence', exclusive, kwargs });
      await sleep(random.below(600));
      const { status, body } = await deployment.request('POST', `/api/v1/tasks/${id}/cancel`, {});
      answers.set(id, { status, state: String(body.state ?? body.code), at: Date.now() });
    };
    for (let from = 0; from < CANCELS; from += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => one(from + n)));
    const tasks = await until('all are final', async () => {
      const found = await deployment.db.collection<Ended>('tasks').find({ name: 'test.evidence' }).toArray();
      return found.length === CANCELS && found.every(task => 'finishedAt' in task) ? found : undefined;
    });

    const ran = bodies();
    const kinds = new Map<string, number>();
    for (const { _id, state, reason, attempt, finishedAt, kwargs } of tasks) {
      const { label } = JSON.parse(kwargs) as { label: string };
      const answer = answers.get(_id)!;
      const body = ran.get(label);
      const kind = `${answer.status} ${answer.state}: ${state}, ${attempt} starts`;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      if (state === 'completed')
        expect(answer, label).to.satisfy(({ status, state: said }: typeof answer) =>
          status === 409 ? said === 'TASK_FINAL' : said === 'canceling',
        );
      else expect({ state, reason }, label).to.deep.equal({ state: 'canceled', reason: 'user' });
      if (answer.state === 'canceled') expect(body, `${label} was canceled before it started`).to.equal(undefined);
      if (body) expect(body.last, `${label} wrote after its end`).to.be.at.most(finishedAt.getTime() + CLOCKS_MS);
    }
    process.stdout.write(`      ${[...kinds].map(([kind, count]) => `${count} × ${kind}`).join('; ')}\n`);
    expect(
      [...kinds.keys()].filter(kind => kind.startsWith('202 canceled')),
      'the race was won',
    ).to.not.deep.equal([]);
    expect(
      [...kinds.keys()].filter(kind => kind.startsWith('202 canceling')),
      'and lost',
    ).to.not.deep.equal([]);
  });

  it('of changes with the slots of schedules: one task a slot, and none after a pause or a deletion was answered', async () => {
    const schedule = async (name: string): Promise<string> => {
      const task = { name: 'test.evidence', kwargs: { file: file(), label: name, ms: 0 }, tags: ['before'] };
      const made = await deployment.request<{ id: string }>('POST', '/api/v1/schedules', {
        name,
        interval: 1,
        misfire: 'all',
        task,
      });
      expect(made.status).to.equal(201);
      return made.body.id;
    };
    const slotsOf = async (id: string): Promise<{ slot: number; tag: string }[]> => {
      const found = deployment.db.collection<{ schedule: { slot: Date }; tags: string[] }>('tasks').find({ 'schedule.id': id });
      return (await found.sort({ 'schedule.slot': 1 }).toArray()).map(({ schedule: { slot }, tags }) => ({
        slot: slot.getTime(),
        tag: tags[0]!,
      }));
    };
    const changes: Record<string, (id: string) => Promise<{ status: number }>> = {
      edit: id => {
        const task = { name: 'test.evidence', kwargs: { file: file(), label: id, ms: 0 }, tags: ['after'] };
        return deployment.request('PATCH', `/api/v1/schedules/${id}`, { task });
      },
      pause: id => deployment.request('POST', `/api/v1/schedules/${id}/pause`),
      remove: id => deployment.request('DELETE', `/api/v1/schedules/${id}`),
    };
    const witness = await schedule('witness');
    const rounds = Array.from({ length: 12 }, (_, n) => ({ name: `race-${n}`, kind: Object.keys(changes)[n % 3]! }));
    const done = await Promise.all(
      rounds.map(async ({ name, kind }) => {
        const id = await schedule(name);
        const first = await until(`${name} has two slots`, async () => (await slotsOf(id))[1], { timeoutMs: 60_000 });
        const edge = first.slot + 1_000 * Math.ceil((Date.now() - first.slot) / 1_000 + 1);
        await sleep(edge - Date.now() - 60 + random.below(160));
        const { status } = await changes[kind]!(id);
        return { id, name, kind, status, answeredAt: Date.now() };
      }),
    );
    const watched = [witness, ...done.filter(({ kind }) => kind === 'edit').map(({ id }) => id)];
    const past = Math.max(...done.map(({ answeredAt }) => answeredAt)) + 3_000;
    const beyond = async (id: string): Promise<boolean> => ((await slotsOf(id)).at(-1)?.slot ?? 0) > past;
    await until(
      'slots have their task that lie behind all changes',
      async () => (await Promise.all(watched.map(beyond))).every(Boolean),
      {
        timeoutMs: 120_000,
        everyMs: 500,
      },
    );

    for (const { id, name, kind, status, answeredAt } of done) {
      expect(status, `${kind} ${name}`).to.be.oneOf([200, 202, 204]);
      const slots = await slotsOf(id);
      const gaps = slots.slice(1).map(({ slot }, n) => slot - slots[n]!.slot);
      expect(new Set(gaps), `${kind} ${name}: each slot once`).to.deep.equal(new Set([1_000]));
      const later = slots.filter(({ slot }) => slot > answeredAt + CLOCKS_MS);
      if (kind !== 'edit') expect(later, `${kind} ${name}: slots after it`).to.deep.equal([]);
      else {
        expect(new Set(later.map(({ tag }) => tag)), `${name}: what is due after the change`).to.deep.equal(new Set(['after']));
        expect(slots.map(({ tag }) => tag).join(' '), `${name}: changed once`).to.match(/^(before )+(after ?)+$/);
      }
    }
  });
});
