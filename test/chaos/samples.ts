import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { connect } from 'amqplib';

import { QUEUES, names } from './cast.js';
import type { Stage } from './stage.js';

/** What is measured of one thing at one moment: `worker-1 heap` in MiB, `worker-1 descriptors`, `queue work.default`, `collection tasks`. */
export interface Sample {
  /** Seconds since the first one. */
  at: number;
  values: Record<string, number>;
}

const EVERY_MS = 10_000;
const ANSWER_MS = 3_000;
const MIB = 1_048_576;

/** Every 10 s what could grow: memory and descriptors of every process, queues, collections. What does not answer is left out. */
export class Samples {
  readonly all: Sample[] = [];
  readonly #stage: Stage;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Takes a last one first. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  write(file: string): void {
    writeFileSync(file, this.all.map(sample => `${JSON.stringify(sample)}\n`).join(''));
  }

  async #run(): Promise<void> {
    const began = performance.now();
    for (;;) {
      const last = this.#stopping.signal.aborted;
      const at = Math.round((performance.now() - began) / 1_000);
      this.all.push({ at, values: { ...this.#ofProcesses(), ...(await this.#ofQueues()), ...(await this.#ofCollections()) } });
      if (last) return;
      await sleep(EVERY_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  #ofProcesses(): Record<string, number> {
    const values: Record<string, number> = {};
    for (const { name, pid } of this.#stage.players.values()) {
      if (pid === undefined) continue;
      const memory = latestMemory(join(this.#stage.folder, `${name}.memory.jsonl`));
      if (memory?.pid === pid) {
        values[`${name} heap MiB`] = Math.round((memory.heapUsed / MIB) * 10) / 10;
        values[`${name} resident MiB`] = Math.round(memory.rss / MIB);
      }
      values[`${name} descriptors`] = descriptorsOf(pid);
    }
    return values;
  }

  /** By a connection of its own each time: rabbitmqctl would take a second of a core. */
  async #ofQueues(): Promise<Record<string, number>> {
    const queues = ['resource-manager', 'interlock.dead', ...QUEUES.map(each => `work.${each}`)];
    const values: Record<string, number> = {};
    const ask = async (): Promise<void> => {
      const model = await connect(this.#stage.rabbit.url, { timeout: ANSWER_MS });
      model.on('error', () => undefined);
      const channel = await model.createChannel();
      channel.on('error', () => undefined); // a queue that is not there closes it
      for (const queue of [...queues, ...names('worker').map(each => `worker.${each}`)]) {
        values[`queue ${queue}`] = (await channel.checkQueue(queue)).messageCount;
      }
      await model.close();
    };
    await answered(ask());
    return values;
  }

  async #ofCollections(): Promise<Record<string, number>> {
    const values: Record<string, number> = {};
    const db = this.#stage.direct.db();
    const ask = async (): Promise<void> => {
      for (const { name } of await db.listCollections().toArray()) {
        values[`collection ${name}`] = await db.collection(name).estimatedDocumentCount({ maxTimeMS: ANSWER_MS });
      }
    };
    await answered(ask());
    return values;
  }
}

/** A server that is under a fault does not answer: what is known by then will do. */
async function answered(asking: Promise<void>): Promise<void> {
  asking.catch(() => undefined);
  await Promise.race([asking, sleep(ANSWER_MS)]).catch(() => undefined);
}

function latestMemory(file: string): { pid: number; heapUsed: number; rss: number } | undefined {
  if (!existsSync(file)) return undefined;
  const last = readFileSync(file, 'utf8').trimEnd().split('\n').at(-1);
  return last ? (JSON.parse(last) as { pid: number; heapUsed: number; rss: number }) : undefined;
}

function descriptorsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

export interface Trend {
  what: string;
  /** Medians of the first and of the last third. */
  first: number;
  last: number;
  levels: boolean;
}

/** A fifth more is noise, and so is a handful: see I19. */
const GROWTH = 1.2;
const HANDFUL = 8;

/** Whether what was measured levels off. Collections hold what was done, and may grow. */
export function trends(samples: readonly Sample[]): Trend[] {
  const third = Math.floor(samples.length / 3);
  if (third === 0) return [];
  const whats = [...new Set(samples.flatMap(sample => Object.keys(sample.values)))].sort();
  return whats.flatMap(what => {
    const of = (part: readonly Sample[]): number[] => part.flatMap(sample => sample.values[what] ?? []);
    const [before, after] = [of(samples.slice(0, third)), of(samples.slice(-third))];
    if (before.length === 0 || after.length === 0) return [];
    const [first, last] = [median(before), median(after)];
    return [{ what, first, last, levels: what.startsWith('collection') || last <= first * GROWTH + HANDFUL }];
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
