import type { Duplex } from 'node:stream';

import { Budget } from './budget.js';
import { FrameError, FrameReader } from './frames.js';
import { parseFromChild, type FromChild } from './from-child.js';
import type { ToChild } from './ipc.js';
import { Outbox } from './outbox.js';

/** Room for what surrounds a result or a submit body (1 MiB by default) in its frame. */
const ENVELOPE_BYTES = 512 * 1024;
/** What one task may say of its own accord in a second: so many messages, or 40 MiB; twice that at once. */
const COST_PER_SECOND = 10_000;
/** And what each other task in the same child adds to that: four reports a second, with lists of created resources. */
const COST_FOR_ANOTHER = 20;
const BYTES_FOR_ONE = 4_096;
/** Of these only some may be open at a time, so that no more can come than are answered. */
const REQUESTS: ReadonlySet<string> = new Set<FromChild['kind']>(['spawn', 'service', 'directory', 'await']);

export interface ChannelOptions {
  limitBytes: number;
  tasksAtOnce: number;
  onMessage: (message: FromChild) => void;
  onBreach: (what: string) => void;
}

/**
 * The supervisor's end of the pipe to one child. It believes nothing: garbage, an oversized message or a flood is reported once as
 * `onBreach`, and nothing is read after it. It is an own pipe and not Node's IPC, whose reader buffers whatever length a child claims
 * (200 MB took the parent to 627 MB) and throws inside the parent at garbage.
 */
export class Channel {
  readonly #pipe: Duplex;
  readonly #outbox: Outbox<ToChild>;
  readonly #reader: FrameReader;
  readonly #budget: Budget;
  readonly #onMessage: (message: FromChild) => void;
  readonly #onBreach: (what: string) => void;

  constructor(pipe: Duplex, options: ChannelOptions) {
    const costPerSecond = costPerSecondOf(options.tasksAtOnce);
    this.#budget = new Budget(costPerSecond, 2 * costPerSecond);
    this.#pipe = pipe;
    this.#outbox = new Outbox(pipe);
    this.#reader = new FrameReader(options.limitBytes + ENVELOPE_BYTES);
    this.#onMessage = options.onMessage;
    this.#onBreach = options.onBreach;
    pipe.on('data', this.#onData);
    pipe.on('error', () => undefined); // EPIPE and the like: the child's exit says what happened
  }

  /** More may be said than before; never less, as what runs goes on. */
  allowTasks(atOnce: number): void {
    const costPerSecond = costPerSecondOf(atOnce);
    this.#budget.raise(costPerSecond, 2 * costPerSecond);
  }

  /** To a dead child it goes nowhere. */
  send(message: ToChild): void {
    this.#outbox.send(message);
  }

  close(): void {
    this.#pipe.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      for (const { message, bytes } of this.#reader.push(chunk)) {
        const known = parseFromChild(message);
        if (!this.#budget.take(costOf(known, bytes))) throw new FrameError('it floods its supervisor with messages');
        if (!known) throw new FrameError('a message is none that a child may send');
        this.#onMessage(known);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#pipe.off('data', this.#onData).pause();
      this.#onBreach(error.message);
    }
  };
}

function costPerSecondOf(tasksAtOnce: number): number {
  return COST_PER_SECOND + COST_FOR_ANOTHER * (tasksAtOnce - 1);
}

/** An outcome is free: there is one for each start that the child was given. */
function costOf(message: FromChild | undefined, bytes: number): number {
  if (message?.kind === 'outcome') return 0;
  return bytes / BYTES_FOR_ONE + (message && REQUESTS.has(message.kind) ? 0 : 1);
}
