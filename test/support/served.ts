/** A process that serves as its arguments say: `hang-start`, `hang-stop`, `fail-stop`, `reject`, `throw`, `fail-start`. Tells on standard output what happens. */
import { createLogger } from '../../src/process/logger.js';
import type { Service } from '../../src/process/service.js';
import { serve } from '../../src/main/serve.js';

const asked = new Set(process.argv.slice(2));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const never = (): Promise<void> => new Promise(() => undefined);

function service(name: string): Service {
  return {
    name,
    start: () => {
      say(`start ${name}`);
      if (asked.has('fail-start') && name === 'b') return Promise.reject(new Error('cannot start'));
      return asked.has('hang-start') && name === 'b' ? never() : Promise.resolve();
    },
    stop: () => {
      say(`stop ${name}`);
      if (asked.has('fail-stop') && name === 'b') return Promise.reject(new Error('cannot stop'));
      return asked.has('hang-stop') && name === 'b' ? never() : Promise.resolve();
    },
  };
}

const [a, b, c] = [service('a'), service('b'), service('c')];
setInterval(() => undefined, 60_000); // as connections would, keep the process alive
if (asked.has('reject')) setTimeout(() => void Promise.reject(new Error('nobody handles me')), 100);
if (asked.has('throw')) {
  setTimeout(() => {
    throw new Error('nobody catches me');
  }, 100);
}
try {
  await serve(
    {
      logger: createLogger({ role: 'test', instance: 't', level: 'info', format: 'json' }),
      start: [a, b, c],
      stop: [c, b, a],
      stopWithinMs: 2_000,
      ready: () => ({ role: 'test', name: 't', detail: 'serving' }),
      abandon: () => {
        say('abandon');
        return Promise.resolve();
      },
    },
    new AbortController(),
  );
} catch (error) {
  // As the command line does.
  process.stderr.write(String(error));
  process.exit(1);
}
