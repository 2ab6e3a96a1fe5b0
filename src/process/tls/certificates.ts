import type { Log } from '../log.js';
import { Loop } from '../loop.js';
import type { Runtime } from '../runtime.js';
import type { LiveTls } from './live-tls.js';
import { UnsoundTls } from './material.js';

export interface CertificatesOptions {
  /** How often files are read anew. */
  everyMs: number;
  runtime: Runtime;
  log: Log;
}

const DAY_MS = 86_400_000;
/** Time to have something signed anew. */
const SOON_MS = 14 * DAY_MS;

/** All certificates of a process: read anew from time to time and on demand, and told of before they end. */
export class Certificates {
  readonly #options: CertificatesOptions;
  readonly #all: LiveTls[] = [];
  readonly #loop: Loop;
  /** The last trouble of each, so that it is one line and not one a minute. */
  readonly #troubles = new Map<string, string>();
  /** When each end was last spoken of, on the monotonic clock. */
  readonly #warned = new Map<string, number>();

  constructor(options: CertificatesOptions) {
    this.#options = options;
    const { everyMs, runtime, log } = options;
    this.#loop = new Loop({ name: 'certificates', everyMs, runtime, log }, () => {
      for (const each of this.#all) this.#reread(each);
      return Promise.resolve(undefined);
    });
  }

  add(live: LiveTls): void {
    this.#all.push(live);
  }

  /** Until `over` aborts. The first reading is at once: what ends soon is told at a start. */
  watch(over: AbortSignal): void {
    void this.#loop.start();
    over.addEventListener('abort', () => void this.#loop.stop(), { once: true });
  }

  /** At once, and told even where nothing has changed. */
  reread(): void {
    const names = this.#all.map(({ name }) => name).join(', ');
    this.#options.log.info(`Reading certificates and revocation lists anew: ${names || 'the settings name none'}.`);
    this.#troubles.clear();
    this.#loop.wake();
  }

  #reread(live: LiveTls): void {
    const { log, runtime } = this.#options;
    try {
      if (live.reread(runtime.clock.wall())) log.info(`${live.name}.tls: new certificates or revocation lists are in force.`);
      if (this.#troubles.delete(live.name)) log.info(`${live.name}.tls: the files are sound again.`);
    } catch (error) {
      if (!(error instanceof UnsoundTls)) throw error;
      if (this.#troubles.get(live.name) !== error.message)
        log.error(`${live.name}.tls cannot be read anew; what was read before stays in force: ${error.message}.`);
      this.#troubles.set(live.name, error.message);
    }
    this.#tellEnds(live);
  }

  /** Once a day for each. */
  #tellEnds(live: LiveTls): void {
    const { log, runtime } = this.#options;
    const [now, at] = [runtime.clock.wall().getTime(), runtime.clock.monotonicMs()];
    for (const end of live.ends) {
      const leftMs = end.at.getTime() - now;
      const key = `${live.name} ${end.path} ${end.at.getTime()} ${leftMs <= 0}`;
      const last = this.#warned.get(key);
      if (leftMs > SOON_MS || (last !== undefined && at - last < DAY_MS)) continue;
      this.#warned.set(key, at);
      const fields = { file: end.path, ends: end.at.toISOString() };
      if (leftMs <= 0)
        log.error(`${live.name}.tls: ${end.what} has expired; connections are refused until there is a new one.`, fields);
      else log.warn(`${live.name}.tls: ${end.what} ends within ${Math.ceil(leftMs / DAY_MS)} days.`, fields);
    }
  }
}
