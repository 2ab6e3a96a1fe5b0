import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Two samples a millisecond: a short function shows, and the sampling itself costs about 1 % of a core. */
const SAMPLE_US = 500;
/** What a finalizer lets go of is garbage only in the next one. */
const ROUNDS = 3;

/** What V8 tells of this process's main thread. */
export class Profiler {
  #file;
  #session;

  constructor(file) {
    this.#file = file;
  }

  async start() {
    this.#session = await openSession();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
    await this.#session.post('Profiler.start');
  }

  /** Resolves with the path of the CPU profile since the start. A process that was born after the start has none. */
  async stop() {
    if (this.#session === undefined) return null;
    const { profile } = await this.#session.post('Profiler.stop');
    this.#session.disconnect();
    this.#session = undefined;
    writeFileSync(this.#file, JSON.stringify(profile));
    return this.#file;
  }

  /** Not by the inspector, which would leave 10 MiB of its own in the process whose memory is measured. */
  collectGarbage() {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc');
    for (let round = 0; round < ROUNDS; round += 1) collect();
  }
}

async function openSession() {
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  return session;
}
