import { StoreError } from '../../../src/core/errors.js';
import type { Store } from '../../../src/store/store.js';

export interface ScriptedStore {
  store: Store;
  /** Every call that was made, as `tasks.get`. */
  calls: string[];
}

/** What every request asks, and is not told of in `calls`: nobody has a token, and the audit trail takes whatever comes. */
const ALWAYS: Record<string, () => Promise<unknown>> = {
  'tokens.any': () => Promise.resolve(false),
  'trail.append': () => Promise.resolve(),
  'trail.settle': () => Promise.resolve(),
};

type Methods<T> = { [K in keyof T]?: Partial<T[K]> };

/** Nobody has turned anything off. */
const OPEN: Pick<Store['maintenance'], 'read'> = { read: () => Promise.resolve(undefined) };

/** A store that does what it is told, and otherwise does not answer: `refused`, as a database that is away. */
export function scriptedStore(script: Methods<Store> = {}): ScriptedStore {
  const calls: string[] = [];
  const away = (name: string): Promise<never> =>
    Promise.reject(new StoreError(`MongoDB, ${name}: connect ECONNREFUSED 10.1.2.3:27017`, 'refused'));
  const method = (name: string, scripted: unknown) => {
    return (...args: unknown[]): unknown => {
      calls.push(name);
      return typeof scripted === 'function' ? (scripted as (...all: unknown[]) => unknown)(...args) : away(name);
    };
  };
  const port = (name: string, scripted: object): object =>
    new Proxy(
      {},
      {
        get: (_, key) => {
          const call = `${name}.${String(key)}`;
          const script = (scripted as Record<string, unknown>)[String(key)];
          return script === undefined && Object.hasOwn(ALWAYS, call) ? ALWAYS[call] : method(call, script);
        },
      },
    );
  const store = new Proxy(
    {},
    {
      get: (_, key) => {
        const scripted = (script as Record<string, object | undefined>)[key as string];
        if (key === 'maintenance' && !scripted) return OPEN;
        if (key === 'ping' || key === 'close' || key === 'problems') return method(key, scripted);
        return port(key as string, scripted ?? {});
      },
    },
  );
  return { store: store as Store, calls };
}
