import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** `delay`: every chunk arrives so much later, in order. `slice`: the first bytes of every chunk travel one by one. */
export type Pace = { kind: 'plain' } | { kind: 'delay'; ms: number } | { kind: 'slice' };

/** Enough to cut every header of both protocols; to send all of a megabyte so would only load the machine. */
const SLICED_BYTES = 64;

/** One direction of one connection. What was sent slowly is never overtaken by what comes after it. */
export class TcpLane {
  readonly #to: Socket;
  #underWay: Promise<void> | undefined;

  constructor(to: Socket) {
    this.#to = to;
    to.setNoDelay(true);
  }

  send(chunk: Buffer, pace: Pace): void {
    const cameAt = performance.now(); // now, not when its turn comes: else each would wait for all before it, and long after a heal
    if (pace.kind === 'plain' && !this.#underWay) this.#to.write(chunk);
    else this.#after(() => this.#sendAt(chunk, pace, cameAt));
  }

  end(): void {
    if (this.#underWay) this.#after(() => Promise.resolve(void this.#to.end()));
    else this.#to.end();
  }

  #after(work: () => Promise<void>): void {
    const mine = (this.#underWay ?? Promise.resolve()).then(work).finally(() => {
      if (this.#underWay === mine) this.#underWay = undefined;
    });
    this.#underWay = mine;
  }

  async #sendAt(chunk: Buffer, pace: Pace, cameAt: number): Promise<void> {
    if (pace.kind === 'delay') await sleep(Math.max(0, cameAt + pace.ms - performance.now()));
    if (pace.kind === 'slice') {
      for (let at = 0; at < Math.min(SLICED_BYTES, chunk.length); at++) {
        this.#to.write(chunk.subarray(at, at + 1));
        await nextTurn();
      }
    }
    const rest = pace.kind === 'slice' ? chunk.subarray(SLICED_BYTES) : chunk;
    if (rest.length > 0) this.#to.write(rest);
  }
}
