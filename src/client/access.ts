import type { AccessRole } from '../core/access.js';
import type { QueryValue, Transport } from './transport.js';
import type { Page, TokenView, TrailEntryView } from './views.js';

export interface TokenWish {
  name: string;
  role: AccessRole;
  /** Seconds from now, an ISO 8601 duration, or a time. */
  expires?: number | string;
}

/** Bearer tokens. Every method needs the role `admin`. */
export interface Tokens {
  /** In the order in which they were made, after this id; `next` is null on the last page. */
  list(query?: { after?: string; limit?: number }): Promise<Page<TokenView>>;
  /** `token` of the answer is the token itself, which is shown here only. */
  create(wish: TokenWish): Promise<TokenView & { token: string }>;
  get(id: string): Promise<TokenView>;
  revoke(id: string): Promise<void>;
}

export function createTokens(transport: Transport): Tokens {
  const path = (id: string): string => `/tokens/${encodeURIComponent(id)}`;
  return {
    list: (query = {}) => transport.json('/tokens', { query }),
    create: body => transport.json('/tokens', { method: 'POST', body }),
    get: id => transport.json(path(id)),
    revoke: id => transport.json(path(id), { method: 'DELETE' }),
  };
}

/** What operators did, newest first; `next` of an answer, given here, is the following page. */
export function auditTrail(
  transport: Transport,
  query: Readonly<Record<string, QueryValue>> | string,
): Promise<Page<TrailEntryView>> {
  return typeof query === 'string' ? transport.json(query) : transport.json('/audit', { query });
}
