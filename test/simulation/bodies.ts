import type { BodySpan } from '../../src/audit/history.js';
import type { Scheduler } from './scheduler.js';

interface Body {
  task: string;
  attempt: number;
  fence: number | undefined;
}

/** What task bodies really did: the only evidence for overlaps and starts. */
export class Bodies {
  readonly #scheduler: Scheduler;
  readonly #onBegin: (body: Body) => void;
  readonly spans: (BodySpan & { pieces: { begin: number; last: number }[] })[] = [];
  readonly #open = new Map<Body, BodySpan & { pieces: { begin: number; last: number }[] }>();

  constructor(scheduler: Scheduler, onBegin: (body: Body) => void) {
    this.#scheduler = scheduler;
    this.#onBegin = onBegin;
  }

  /** Bodies that have begun and may still do something. */
  get open(): number {
    return this.#open.size;
  }

  begin(body: Body): void {
    const at = this.#scheduler.nowMs;
    const span = {
      task: body.task,
      attempt: body.attempt,
      begin: at,
      last: Infinity,
      ended: false,
      pieces: [{ begin: at, last: Infinity }],
    };
    this.spans.push(span);
    this.#open.set(body, span);
    this.#onBegin(body);
  }

  halt(body: Body): void {
    const span = this.#open.get(body);
    const piece = span?.pieces.at(-1);
    if (span && piece) span.last = piece.last = this.#scheduler.nowMs;
  }

  resume(body: Body): void {
    const span = this.#open.get(body);
    if (!span) return;
    span.pieces.push({ begin: this.#scheduler.nowMs, last: Infinity });
    span.last = Infinity;
  }

  /** `halted`: it stood still already, and never went on. */
  end(body: Body, how: { byItself: boolean; halted: boolean }): void {
    if (!how.halted) this.halt(body);
    const span = this.#open.get(body);
    if (span) span.ended = how.byItself;
    this.#open.delete(body);
  }
}
