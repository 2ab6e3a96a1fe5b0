import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Command } from '../../core/command.js';
import { InterlockError } from '../../core/errors.js';
import type { ProcessRecord } from '../../core/process.js';
import { hasHeeded, steer, type Asked } from '../../dispatch/steer.js';
import type { ApiContext } from '../context.js';
import { waitOf } from '../http/prefer.js';

/** Requests that wait at a time: each looks at all workers four times a second. */
const MAX_WAITING = 20;
const LOOK_MS = 250;

export interface Answers {
  asked: number;
  answered: number;
  silent: string[];
}

/** Asks workers, waits for them as long as the request wants, and tells who has done it. */
export class Asking {
  readonly #context: ApiContext;
  #waiting = 0;

  constructor(context: ApiContext) {
    this.#context = context;
  }

  /** Throws OVERLOADED before anything is asked, and what `steer` throws. */
  async ask(names: readonly string[], command: Command, request: FastifyRequest, reply: FastifyReply): Promise<Answers> {
    const { store, broker, runtime, log } = this.#context;
    const seconds = waitOf(request.headers.prefer) ?? 0;
    if (seconds > 0 && this.#waiting >= MAX_WAITING)
      throw new InterlockError(
        'OVERLOADED',
        `${MAX_WAITING} requests wait for workers already. Ask without "Prefer: wait", or later.`,
      );
    const asked = await steer({ processes: store.processes, broker, newId: () => runtime.random.uuid() }, names, command);
    log.info(`${command.action} is asked of ${names.length} workers.`, {
      workers: names.slice(0, 20),
      command,
      requestId: request.id,
    });
    reply.code(202);
    if (request.headers.prefer !== undefined && waitOf(request.headers.prefer) !== undefined)
      reply.header('preference-applied', `wait=${seconds}`);
    const silent = await this.#silentAfter(asked, seconds * 1_000, reply);
    return { asked: asked.length, answered: asked.length - silent.length, silent };
  }

  async #silentAfter(asked: readonly Asked[], ms: number, reply: FastifyReply): Promise<string[]> {
    const { runtime, draining } = this.#context;
    const untilMs = runtime.clock.monotonicMs() + ms;
    this.#waiting += 1;
    try {
      for (;;) {
        const silent = await this.#silent(asked);
        const over = runtime.clock.monotonicMs() >= untilMs || draining() || reply.raw.destroyed;
        if (silent.length === 0 || over) return silent;
        await runtime.timers.sleep(Math.min(LOOK_MS, Math.max(1, untilMs - runtime.clock.monotonicMs())));
      }
    } finally {
      this.#waiting -= 1;
    }
  }

  async #silent(asked: readonly Asked[]): Promise<string[]> {
    const { processes } = this.#context.store;
    const [only] = asked;
    const records = asked.length === 1 && only ? [await processes.get(only.name)] : await processes.list();
    const byName = new Map(records.flatMap((record): [string, ProcessRecord][] => (record ? [[record.name, record]] : [])));
    return asked.filter(each => !hasHeeded(each, byName.get(each.name))).map(({ name }) => name);
  }
}
