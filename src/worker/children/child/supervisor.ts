import { Socket } from 'node:net';

import { InterlockError, type ErrorCode, ERROR_STATUS } from '../../../core/errors.js';
import type { Json } from '../../../core/json.js';
import { deferred, type Deferred } from '../deferred.js';
import { FrameReader } from '../frames.js';
import type { FromChild } from '../from-child.js';
import { REQUEST_DEADLINE_MS, type ToChild } from '../ipc.js';
import { Outbox } from '../outbox.js';

/** A submit body or a reply is small; a job carries at most its input (1 MiB, a batch 16 MiB). */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

export type Request =
  | { kind: 'spawn'; run: number; body: Record<string, unknown>; awaited?: true; underParent?: true }
  | { kind: 'service'; run: number; name: string; input: Record<string, unknown> }
  | { kind: 'directory'; run: number };
type Order = Exclude<ToChild, { kind: 'reply' | 'refusal' }>;

/** Far more than the watchdog takes to find what this process has started. */
const WATCHDOG_MS = 10_000;

/** The watchdog hears of it, too, and kills what this process has started, then this process. An exit before that would cut it short. */
function endWithSupervisor(): never {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WATCHDOG_MS); // nothing more runs here
  process.exit(1);
}

/** The child's end of the pipe to its supervisor (fd 3). */
export class Supervisor {
  readonly #pipe = new Socket({ fd: 3, readable: true, writable: true });
  readonly #outbox = new Outbox<FromChild>(this.#pipe);
  readonly #reader = new FrameReader(MAX_FRAME_BYTES);
  readonly #open = new Map<number, Deferred<Json>>();
  #lastId = 0;

  constructor(onOrder: (order: Order) => void) {
    this.#pipe.on('data', (chunk: Buffer) => {
      for (const { message } of this.#reader.push(chunk)) {
        const order = message as ToChild;
        if (order.kind === 'reply' || order.kind === 'refusal') this.#settle(order);
        else onOrder(order);
      }
    });
    this.#pipe.on('end', endWithSupervisor);
    this.#pipe.on('error', endWithSupervisor);
    process.on('exit', () => this.flush()); // what was said in the turn in which somebody exits
  }

  send(message: FromChild): void {
    this.#outbox.send(message);
  }

  /** For what must be known even if the body dies in this turn of the event loop, or never ends it. */
  sendNow(message: FromChild): void {
    this.send(message);
    this.flush();
  }

  flush(): void {
    this.#outbox.flush();
  }

  /** Rejects with InterlockError: what the supervisor refused, or STORE_UNAVAILABLE after 30 s. */
  async ask(request: Request): Promise<Json> {
    const id = (this.#lastId += 1);
    const answer = deferred<Json>();
    this.#open.set(id, answer);
    this.send({ ...request, id });
    const timer = setTimeout(() => answer.reject(late(request.kind)), REQUEST_DEADLINE_MS);
    try {
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#open.delete(id);
    }
  }

  /** Asks for the end of a task, however long that takes. `leave`: the answer is not waited for any more, and never comes. */
  outcomeOf(run: number, task: string): { answer: Promise<Json>; leave: () => void } {
    const id = (this.#lastId += 1);
    const answer = deferred<Json>();
    this.#open.set(id, answer);
    this.send({ kind: 'await', run, id, task });
    const leave = (): void => {
      if (this.#open.delete(id)) this.send({ kind: 'leave', run, id });
    };
    return { answer: answer.promise, leave };
  }

  #settle(answer: Exclude<ToChild, Order>): void {
    const waiting = this.#open.get(answer.id);
    this.#open.delete(answer.id);
    if (answer.kind === 'reply') return waiting?.resolve(answer.value);
    const code: ErrorCode = answer.code in ERROR_STATUS ? (answer.code as ErrorCode) : 'INTERNAL_ERROR';
    waiting?.reject(new InterlockError(code, answer.message, { errors: answer.errors }));
  }
}

function late(what: string): InterlockError {
  const message = `The worker did not answer within ${REQUEST_DEADLINE_MS / 1_000} s (${what}); it may still have been done.`;
  return new InterlockError('STORE_UNAVAILABLE', message);
}
