import { expect } from 'chai';

import { RawAmqp } from '../support/amqp.js';
import type { Deployment } from '../support/deployment.js';
import type { TestServers } from '../support/servers.js';
import { until } from '../support/wait.js';

export interface BacklogPlan {
  tasks: number;
  /** Every second task reserves one of so many, so that all but a few of them are blocked. */
  resources: number;
  slots: number;
  timeoutMs: number;
}

interface Sample {
  phase: string;
  /** Messages that are ready, in all queues together. What workers hold is bounded by their slots. */
  messages: number;
  /** Tasks that wait for a worker or run; the larger of the counts before and after. */
  runnable: number;
}

const BATCH = 1_000;
/** A sample counts all that is runnable: four of them a second kept the emulated server from everything else (140,000 keys read a second). */
const EVERY_MS = 1_000;
/** A beat sweeps once a second and hints again after 2 s, at a fifth of the real timings. */
const SAMPLES = 12;
/**
 * What does not grow with the backlog: 20 messages of each process to a resource manager that is away, and the tickets that workers
 * hold or have just given back.
 */
const SLACK = 6 * 20 + 2 * 16;

/**
 * A backlog in every situation that could make hints multiply: nobody who grants, nobody who runs, a queue that was emptied under two
 * beats, and then workers that use it up. Watches all the while that the queues hold no more than two messages for each runnable task.
 */
export class Backlog {
  readonly samples: Sample[] = [];
  readonly #deployment: Deployment;
  readonly #plan: BacklogPlan;
  readonly #raw: RawAmqp;
  readonly #report: (line: string) => void;
  #phase = 'start';
  #watching: Promise<void> | undefined;
  #stopped = false;

  private constructor(deployment: Deployment, plan: BacklogPlan, raw: RawAmqp, report: (line: string) => void) {
    this.#deployment = deployment;
    this.#plan = plan;
    this.#raw = raw;
    this.#report = report;
  }

  static async open(
    deployment: Deployment,
    plan: BacklogPlan,
    servers: TestServers,
    report: (line: string) => void = () => undefined,
  ): Promise<Backlog> {
    return new Backlog(deployment, plan, await RawAmqp.connect(servers.amqpUrl), report);
  }

  async run(): Promise<void> {
    const start = (role: string, ...args: string[]): unknown => this.#deployment.start(role, args);
    start('api');
    start('beat');
    start('beat');
    await until('the api answers', async () => (await this.#deployment.request('GET', '/api/v1/status')).status === 200);
    this.#watching = this.#watch();
    await this.#during('no resource manager, no worker', () => this.#submit());
    await this.#during('two resource managers, no worker', async () => {
      start('resource-manager');
      start('resource-manager');
      await until('all that can be granted is', async () => (await this.#granted()) === this.#plan.resources, this.#patience);
      await this.#lookOn();
    });
    await this.#during('the queue emptied', async () => {
      await this.#raw.on(channel => channel.purgeQueue(this.#named('work.default')));
      await until(
        'hints are there again',
        async () => (await this.#messages()) >= Math.min(500, this.#plan.tasks / 2),
        this.#patience,
      );
      await this.#lookOn();
    });
    await this.#during('two workers', async () => {
      for (const name of ['w1', 'w2']) start('worker', '-n', name, '-c', String(this.#plan.slots));
      await until('all have ended', () => this.#allEnded(), this.#patience);
      expect(await this.#deployment.db.collection('tasks').countDocuments({ state: 'completed' })).to.equal(this.#plan.tasks);
    });
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await this.#watching;
    await this.#raw.close();
  }

  /** Samples in which the queues held more than they may. */
  get floods(): Sample[] {
    return this.samples.filter(({ messages, runnable }) => messages > 2 * runnable + SLACK);
  }

  get #patience() {
    return { timeoutMs: this.#plan.timeoutMs, everyMs: 500 };
  }

  async #during(phase: string, work: () => Promise<void>): Promise<void> {
    const from = this.samples.length;
    const begunAt = performance.now();
    this.#phase = phase;
    await work();
    const own = this.samples.slice(from);
    const most = own.toSorted((a, b) => b.messages - a.messages)[0];
    const worst = own.toSorted((a, b) => b.messages - 2 * b.runnable - (a.messages - 2 * a.runnable))[0];
    const show = (sample: Sample | undefined): string =>
      sample ? `${sample.messages} messages for ${sample.runnable} runnable` : 'none';
    const seconds = ((performance.now() - begunAt) / 1_000).toFixed(0);
    this.#report(`${phase}: ${seconds} s, ${own.length} samples, most ${show(most)}, tightest ${show(worst)}`);
  }

  async #submit(): Promise<void> {
    for (let from = 0; from < this.#plan.tasks; from += BATCH) {
      const tasks = Array.from({ length: Math.min(BATCH, this.#plan.tasks - from) }, (_, index) => {
        const n = from + index;
        const exclusive = n % 2 === 0 ? [] : [`r-${((n - 1) / 2) % this.#plan.resources}`];
        return { name: 'basic.add', args: [n, 1], exclusive };
      });
      const answer = await this.#deployment.request('POST', '/api/v1/tasks/batch', { tasks });
      expect(answer.status).to.equal(202);
    }
  }

  async #watch(): Promise<void> {
    const sample = async (): Promise<boolean> => {
      const phase = this.#phase;
      const before = await this.#runnable();
      const messages = await this.#messages();
      const runnable = Math.max(before, await this.#runnable());
      this.samples.push({ phase, messages, runnable });
      return this.#stopped;
    };
    await until('the watch is over', sample, { timeoutMs: 4 * this.#plan.timeoutMs, everyMs: EVERY_MS });
  }

  async #messages(): Promise<number> {
    const depths = await Promise.all(
      ['resource-manager', 'work.default', 'worker.w1', 'worker.w2'].map(queue => this.#raw.depth(this.#named(queue))),
    );
    return depths.reduce((sum, depth) => sum + (depth?.messages ?? 0), 0);
  }

  /** Two counts by index: one `$or` would read records. */
  async #runnable(): Promise<number> {
    const tasks = this.#deployment.db.collection('tasks');
    const counts = await Promise.all([
      tasks.countDocuments({ waitingFor: 'worker' }),
      tasks.countDocuments({ state: 'running' }),
    ]);
    return counts[0] + counts[1];
  }

  #granted(): Promise<number> {
    return this.#deployment.db.collection('tasks').countDocuments({ 'grant.fence': { $gt: 0 } });
  }

  /** One entry of an index is looked at while there are any. */
  async #allEnded(): Promise<boolean> {
    return (await this.#deployment.db.collection('tasks').findOne({ state: { $in: ['waiting', 'running'] } })) === null;
  }

  /** For as long as several sweeps of each beat take. */
  async #lookOn(): Promise<void> {
    const from = this.samples.length;
    await until('enough samples were taken', () => this.samples.length >= from + SAMPLES, this.#patience);
  }

  #named(queue: string): string {
    return `${this.#deployment.env.INTERLOCK_AMQP_PREFIX ?? ''}${queue}`;
  }
}
