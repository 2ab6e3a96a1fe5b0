import { createHash } from 'node:crypto';

import { TOKEN_PATTERN } from '../../core/access.js';
import type { Log } from '../../process/log.js';
import type { Clock } from '../../process/runtime.js';
import type { ServerTime } from '../../process/server-time.js';
import type { Token, TokenStore } from '../../store/store.js';
import { Recent } from './recent.js';

/** A token that was revoked elsewhere is refused after this at the latest. */
export const FRESH_MS = 10_000;
const MOST = 1_000;
/** Its last use is known to the minute: one write a minute, however many requests come with it. */
const USE_MS = 60_000;

interface Deps {
  tokens: TokenStore;
  clock: Clock;
  serverTime: ServerTime;
  log: Log;
}

/**
 * Which tokens there are, as far as requests have asked for them: what is known of one, also that there is none, is believed for ten seconds. A wrong
 * token costs one look at an index; what does not even look like one costs nothing.
 */
export class KnownTokens {
  readonly #deps: Deps;
  readonly #known: Recent<Token>;
  /** Apart from those, so that no flood of wrong ones can push a good one out. */
  readonly #wrong: Recent<true>;
  readonly #used: Recent<true>;
  readonly #any: Recent<boolean>;
  readonly #asking = new Map<string, Promise<Token | undefined>>();
  #askingAny: Promise<boolean> | undefined;
  #generation = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    const recent = <T>(ms: number): Recent<T> => new Recent(deps.clock, { ms, most: MOST });
    this.#known = recent(FRESH_MS);
    this.#wrong = recent(FRESH_MS);
    this.#any = recent(FRESH_MS);
    this.#used = recent(USE_MS);
  }

  /** The record of a token that is good now. Throws StoreError. */
  async find(text: string): Promise<Token | undefined> {
    if (!TOKEN_PATTERN.test(text)) return undefined;
    const token = await this.#byHash(hashOf(text));
    if (!token) return undefined;
    if (token.expiresAt && token.expiresAt <= (await this.#deps.serverTime.now())) return undefined;
    this.#noteUse(token.id);
    return token;
  }

  /** Whether there is any token, expired or not. Throws StoreError. */
  async any(): Promise<boolean> {
    const known = this.#any.get('any');
    if (known !== undefined) return known;
    const asking = (this.#askingAny ??= this.#askAny());
    try {
      return await asking;
    } finally {
      if (this.#askingAny === asking) this.#askingAny = undefined;
    }
  }

  /** After a change that was made here: it holds from the next request on. */
  forget(): void {
    this.#generation += 1;
    for (const each of [this.#known, this.#wrong, this.#any]) each.clear();
    this.#asking.clear();
    this.#askingAny = undefined;
  }

  async #byHash(hash: string): Promise<Token | undefined> {
    const known = this.#known.get(hash);
    if (known || this.#wrong.get(hash)) return known;
    let asking = this.#asking.get(hash);
    if (!asking) {
      asking = this.#ask(hash).finally(() => {
        if (this.#asking.get(hash) === asking) this.#asking.delete(hash);
      });
      this.#asking.set(hash, asking);
    }
    return asking;
  }

  async #askAny(): Promise<boolean> {
    const generation = this.#generation;
    const any = await this.#deps.tokens.any();
    if (generation === this.#generation) this.#any.set('any', any);
    return any;
  }

  /** What was asked before a change says nothing of what is so after it. */
  async #ask(hash: string): Promise<Token | undefined> {
    const generation = this.#generation;
    const token = await this.#deps.tokens.byHash(hash);
    if (generation !== this.#generation) return token;
    if (token) this.#known.set(hash, token);
    else this.#wrong.set(hash, true);
    return token;
  }

  /** Nobody waits for it, and nothing depends on it. */
  #noteUse(id: string): void {
    if (this.#used.get(id)) return;
    this.#used.set(id, true);
    const { tokens, log } = this.#deps;
    tokens.used(id, USE_MS).catch((error: unknown) => log.debug('Could not note that a token is used.', { err: error }));
  }
}

/** Of 256 random bits a plain digest tells nothing, so that no slow one with salt is needed. See docs/decisions/tokens.md. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
