import { StringDecoder } from 'node:string_decoder';

import type { BodyRun } from '../../children/child/body-run.js';
import { Lines } from '../../children/output.js';
import type { Bodies } from './bodies.js';

type Stream = 'stdout' | 'stderr';

interface Printed {
  decoder: StringDecoder;
  lines: Lines;
}

/** What a body prints goes to its supervisor with its name on it; the rest goes where it always does. */
export class Printing {
  readonly #bodies: Bodies;
  readonly #mayLog: () => boolean;
  readonly #printed: Record<Stream, WeakMap<BodyRun, Printed>> = { stdout: new WeakMap(), stderr: new WeakMap() };

  constructor(bodies: Bodies, mayLog: () => boolean) {
    this.#bodies = bodies;
    this.#mayLog = mayLog;
    for (const name of ['stdout', 'stderr'] as const) this.#attribute(name);
  }

  /** Its last lines may have no end. */
  end(body: BodyRun): void {
    for (const printed of Object.values(this.#printed)) printed.get(body)?.lines.end();
  }

  #attribute(name: Stream): void {
    const stream = process[name];
    stream.on('error', () => undefined); // nobody reads: the watchdog acts
    const write = stream.write.bind(stream) as (...given: unknown[]) => boolean;
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      const body = this.#bodies.here();
      if (!body || body.ended) return write(chunk, ...rest);
      const { decoder, lines } = this.#of(body, name);
      const encoding = typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : 'utf8';
      lines.push(decoder.write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk)));
      const written = rest.at(-1);
      if (typeof written === 'function') process.nextTick(written);
      return true;
    };
  }

  #of(body: BodyRun, name: Stream): Printed {
    const known = this.#printed[name].get(body);
    if (known) return known;
    const say = (message: string): void => body.say({ kind: 'log', level: 'info', message, fields: { stream: name } });
    const lines = new Lines(say, this.#mayLog);
    const printed = { decoder: new StringDecoder(), lines };
    this.#printed[name].set(body, printed);
    return printed;
  }
}
