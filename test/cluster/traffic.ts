import { expect } from 'chai';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Deployment, Role } from '../support/deployment.js';
import { overlaps, overtakings, readSpans, type Asked } from '../support/evidence.js';
import { until } from '../support/wait.js';

/** So many tasks may be open: enough to keep every slot busy, and a line on each resource. */
const OPEN_AT_MOST = 60;
const RESOURCES = 8;
/** Longer than any outage of these tests. */
const PATIENCE_MS = 120_000;

const FINAL = new Set(['completed', 'failed', 'canceled', 'skipped']);

interface RecordedTask {
  _id: string;
  state: string;
  attempt: number;
  kwargs: string;
}

/**
 * A client that goes on submitting a mix of tasks, whatever happens to the servers: plain ones, reserved ones (exclusive and shared), and
 * ones that may run again after a lost worker. One request after another, so that the order of acceptance is known, each by the next API
 * process, and repeated under its key until it is answered.
 */
export class Traffic {
  readonly asked: Asked[] = [];
  readonly #deployment: Deployment;
  readonly #apis: string[];
  readonly #pauseMs: number;
  readonly #file: string;
  #running: Promise<void> | undefined;
  #stopped = false;

  /** @param pauseMs between two requests: over a long time fewer tasks tell as much */
  constructor(deployment: Deployment, apis: string[], pauseMs = 0) {
    this.#deployment = deployment;
    this.#apis = apis;
    this.#pauseMs = pauseMs;
    this.#file = join(deployment.directory, 'evidence');
  }

  start(): void {
    this.#running = this.#run();
    this.#running.catch(() => undefined); // `drained` tells
  }

  /** Waits until `count` tasks that are accepted from now on have ended. */
  async goesOn(count: number): Promise<void> {
    const known = new Set(this.asked.map(({ label }) => label));
    await until(
      `${count} tasks after the ${known.size} until now have ended`,
      () => this.#spans().filter(span => span.ended && !known.has(span.label)).length >= count,
      { timeoutMs: PATIENCE_MS, everyMs: 200 },
    );
  }

  /** Submits no more, and waits until everything is final. */
  async drained(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await until('every task is final', async () => (await this.#records()).every(({ state }) => FINAL.has(state)), {
      timeoutMs: PATIENCE_MS,
      everyMs: 500,
    });
  }

  /** By what the bodies wrote: each ran once and in order, and none beside one that it conflicts with. */
  async judge(): Promise<{ tasks: number; completed: number; ended: number }> {
    const spans = this.#spans();
    const records = await this.#records();
    expect(records, 'accepted tasks').to.have.length(this.asked.length);
    expect(overlaps(spans, this.asked)).to.deep.equal([]);
    expect(overtakings(spans, this.asked)).to.deep.equal([]);
    const starts = new Map<string, number>();
    for (const { label } of spans) starts.set(label, (starts.get(label) ?? 0) + 1);
    const ended = new Set(spans.filter(span => span.ended).map(span => `${span.label}/${span.attempt}`));
    for (const record of records) {
      const { label } = JSON.parse(record.kwargs) as { label: string };
      expect(starts.get(label) ?? 0, `starts of ${label}`).to.be.at.most(record.attempt);
      if (record.state === 'completed') expect(ended.has(`${label}/${record.attempt}`), `${label} ran to its end`).to.equal(true);
      else expect(record.state, label).to.equal('canceled');
    }
    return {
      tasks: records.length,
      completed: records.filter(({ state }) => state === 'completed').length,
      ended: ended.size,
    };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await until('few enough tasks are open', () => this.#stopped || this.#open() < OPEN_AT_MOST, { timeoutMs: PATIENCE_MS });
      await this.#submit(this.asked.length);
      await sleep(this.#pauseMs);
    }
  }

  async #submit(n: number): Promise<void> {
    const label = `t${n}`;
    const wish = wishOf(n);
    const name = n % 4 === 3 ? 'test.again' : 'test.evidence';
    const body = { name, ...wish, kwargs: { file: this.#file, label, ms: 10 + (n % 7) * 10 } };
    let tries = n;
    await until(`${label} is accepted`, () => this.#post(this.#apis[tries++ % this.#apis.length] ?? '', label, body), {
      timeoutMs: PATIENCE_MS,
      everyMs: 200,
    });
    this.asked.push({ label, ...wish });
  }

  async #post(api: string, key: string, body: unknown): Promise<boolean> {
    const answer = await fetch(`${api}/api/v1/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    if (answer.status === 202) return true;
    throw new Error(`${answer.status}: ${await answer.text()}`);
  }

  #open(): number {
    return this.asked.length - this.#spans().filter(span => span.ended).length;
  }

  #spans(): ReturnType<typeof readSpans> {
    return readSpans(this.#file);
  }

  /** Without the voids, which close numbers, and the tasks of schedules, which nobody asked for here. */
  #records(): Promise<RecordedTask[]> {
    return this.#deployment.db
      .collection<RecordedTask>('tasks')
      .find({ state: { $exists: true }, schedule: { $exists: false } })
      .toArray();
  }
}

function wishOf(n: number): { exclusive: string[]; shared: string[] } {
  const one = `r-${n % RESOURCES}`;
  const other = `r-${(n + 3) % RESOURCES}`;
  return (
    [
      { exclusive: [], shared: [] },
      { exclusive: [one], shared: [] },
      { exclusive: [one], shared: [other] },
      { exclusive: [], shared: [other] },
    ][n % 4] ?? { exclusive: [], shared: [] }
  );
}

/** The roles of a deployment that has two of each. */
export async function startTwoOfEach(deployment: Deployment, apiPorts: number[]): Promise<Role[]> {
  const roles = apiPorts.map(port => deployment.start('api', [], { INTERLOCK_API_PORT: String(port) }));
  for (const role of ['resource-manager', 'beat']) roles.push(deployment.start(role), deployment.start(role));
  for (const name of ['w1', 'w2']) roles.push(deployment.start('worker', ['-n', name, '-c', '2']));
  await deployment.healthy();
  return roles;
}
