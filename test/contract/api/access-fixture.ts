import type { ApiDeps, ApiServer } from '../../../src/api/context.js';
import { newToken } from '../../../src/api/tokens/new-token.js';
import type { AccessRole } from '../../../src/core/access.js';
import type { Log } from '../../../src/process/log.js';
import { system } from '../../../src/process/system.js';
import type { Store } from '../../../src/store/store.js';
import { SimulatedDatabase } from '../../../src/testing/store/database.js';
import { simulatedStore } from '../../../src/testing/store/store.js';
import { SETTINGS, ask, openApi, type Answer, type Asking, type QuietBroker } from './fixture.js';

/** APIs over one database in memory, on a clock that is moved by hand. */
export class Guarded {
  readonly db = new SimulatedDatabase(() => new Date(Date.UTC(2026, 0) + this.nowMs));
  readonly store: Store = simulatedStore(this.db);
  /** Calls of the store's tokens. */
  readonly calls: string[] = [];
  /** What the process logged, as text. */
  readonly lines: string[] = [];
  /** Of each that was opened. */
  readonly brokers: QuietBroker[] = [];
  nowMs = 0;
  readonly #apps: ApiServer[] = [];
  readonly #logged: (() => string)[] = [];

  get log(): string {
    return [...this.lines, ...this.#logged.map(each => each())].join('\n');
  }

  async open(settings: Partial<ApiDeps['settings']> = {}, change: Partial<ApiDeps> = {}): Promise<ApiServer> {
    const keep = (line: string, fields?: object): void => void this.lines.push(`${line} ${JSON.stringify(fields)}`);
    const log: Log = { fatal: keep, error: keep, warn: keep, info: keep, debug: keep, trace: keep } as unknown as Log;
    const { app, broker, logged } = openApi(this.#counted(), {
      settings: { ...SETTINGS, ...settings },
      runtime: { ...system, clock: { monotonicMs: () => this.nowMs, wall: () => new Date(Date.UTC(2026, 0) + this.nowMs) } },
      log,
      ...change,
    });
    await app.ready();
    this.#apps.push(app);
    this.brokers.push(broker);
    this.#logged.push(logged);
    return app;
  }

  async close(): Promise<void> {
    await Promise.all(this.#apps.map(app => app.close()));
  }

  /** As `interlock token create --direct` makes one. */
  async token(name: string, role: AccessRole, expires?: number): Promise<{ id: string; text: string }> {
    const { text, record } = newToken({ name, role, expires }, { id: system.random.id(), by: 'local', now: this.db.now() });
    await this.store.tokens.create(record);
    return { id: record.id, text };
  }

  async send(app: ApiServer, path: string, asking: Asking & { token?: string } = {}): Promise<Answer> {
    const { token, ...rest } = asking;
    const headers = { ...rest.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    return ask(app, path, { ...rest, headers });
  }

  #counted(): Store {
    const tokens = new Proxy(this.store.tokens, {
      get: (port, key) => {
        this.calls.push(String(key));
        return Reflect.get(port, key) as unknown;
      },
    });
    return { ...this.store, tokens };
  }
}
