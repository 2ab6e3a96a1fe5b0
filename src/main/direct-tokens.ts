import { expiry } from '../api/access/audited.js';
import { nameTaken, newToken } from '../api/tokens/new-token.js';
import { viewOf } from '../api/tokens/view.js';
import type { Tokens } from '../client/access.js';
import { loadConfig, requireDatabase } from '../config/load.js';
import { LOCAL } from '../core/access.js';
import { MissingResource, StoreError } from '../core/errors.js';
import { API_BASE } from '../core/task-view.js';
import { idAt } from '../core/time-id.js';
import { system } from '../process/system.js';
import type { Store, Token, TrailEntry } from '../store/store.js';
import { openStoreOnce, roleLogger } from './compose.js';

/**
 * The same as the client's tokens, on the database itself: for the first token, which no API could be asked for, and for the day on which none answers. Whoever
 * has the settings may do that; it stands in the audit trail like the rest. Throws ConfigError, StoreError, and CONFLICT for a database that is not ready.
 */
export async function openDirectTokens(): Promise<{ tokens: Tokens; close: () => Promise<void> }> {
  const { config } = loadConfig();
  const logger = roleLogger({ log: { ...config.log, level: 'warn' } }, 'token', 'interlock token');
  const store = await openStoreOnce(config, requireDatabase(config), { log: logger, appName: 'interlock token' });
  const close = async (): Promise<void> => {
    await store.close();
    await logger.close();
  };
  try {
    await store.check();
    return { tokens: directTokens(store, config.retention.auditSeconds), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function directTokens(store: Store, auditSeconds: number): Tokens {
  const found = async (id: string): Promise<Token> => {
    const token = await store.tokens.get(id);
    if (!token) throw new MissingResource(`Token ${id}`);
    return token;
  };
  /** As the API does it: before it is done, and when it is. */
  const writtenDown = async <T>(
    what: Pick<TrailEntry, 'operation' | 'target' | 'detail'>,
    work: (now: Date) => Promise<T>,
  ): Promise<T> => {
    const at = await store.schedules.now();
    const id = idAt(system.random.id(), at);
    const entry = { id, at, who: LOCAL, requestId: system.random.uuid(), outcome: 'begun' as const };
    await store.trail.append({ ...entry, ...what, ...expiry(at, auditSeconds) });
    try {
      const result = await work(at);
      await store.trail.settle(id, { outcome: 'done' });
      return result;
    } catch (error) {
      if (!(error instanceof StoreError)) await store.trail.settle(id, { outcome: 'refused' });
      throw error;
    }
  };
  return {
    async list({ after, limit = 100 } = {}) {
      const [page, now] = [await store.tokens.list(limit + 1, after), await store.schedules.now()];
      const items = page.slice(0, limit).map(token => viewOf(token, now));
      return { items, next: page.length > limit ? `${API_BASE}/tokens?after=${items.at(-1)?.id ?? ''}` : null, prev: null };
    },
    create: wish =>
      writtenDown({ operation: 'createToken', target: wish.name, detail: `role=${wish.role} direct` }, async now => {
        const { text, record } = newToken(wish, { id: system.random.id(), by: LOCAL, now });
        const stored = await store.tokens.create(record);
        if (!stored) throw nameTaken(wish.name);
        return { ...viewOf(stored, now), token: text };
      }),
    get: async id => viewOf(await found(id), await store.schedules.now()),
    async revoke(id) {
      const { name } = await found(id);
      const what = { operation: 'revokeToken', target: id, detail: `name=${name} direct` };
      await writtenDown(what, () => store.tokens.remove(id));
    },
  };
}
