import type { Token, TokenStore } from '../../store/store.js';
import { atOnce } from './at-once.js';
import type { SimulatedDatabase } from './database.js';
import { byId } from './records.js';

export function simulatedTokens(db: SimulatedDatabase): TokenStore {
  const find = (wanted: (token: Token) => boolean): Token | undefined => {
    const found = [...db.tokens.values()].find(wanted);
    return found && { ...found };
  };
  return atOnce<TokenStore>({
    create(token) {
      const stored = db.tokens.get(token.id);
      if (stored) return { ...stored };
      if (find(({ name, hash }) => name === token.name || hash === token.hash)) return undefined;
      const created = { ...token, createdAt: db.now() };
      db.tokens.put(token.id, created);
      return { ...created };
    },
    get: id => find(token => token.id === id),
    byName: name => find(token => token.name === name),
    byHash: hash => find(token => token.hash === hash),
    list: (limit, afterId = '') =>
      [...db.tokens.values()]
        .filter(({ id }) => id > afterId)
        .sort(byId)
        .slice(0, limit)
        .map(token => ({ ...token })),
    remove: id => db.tokens.delete(id),
    any: () => find(() => true) !== undefined,
    used(id, quietMs) {
      const token = db.tokens.get(id);
      const now = db.now();
      if (token && (token.lastUsedAt?.getTime() ?? -Infinity) < now.getTime() - quietMs)
        db.tokens.put(id, { ...token, lastUsedAt: now });
    },
  });
}
