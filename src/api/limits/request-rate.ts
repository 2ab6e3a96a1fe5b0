import type { FastifyRequest } from 'fastify';

import { InterlockError } from '../../core/errors.js';
import type { ApiDeps } from '../context.js';
import { askerAt } from './asker.js';
import { TokenBuckets } from './token-buckets.js';

/** How many requests a second everybody may send: by token, and without a good one by address, in IPv6 by network. */
export class RequestRate {
  readonly #deps: Pick<ApiDeps, 'settings' | 'metrics'>;
  readonly #buckets: TokenBuckets;

  constructor(deps: Pick<ApiDeps, 'settings' | 'metrics' | 'runtime'>) {
    const { requestsPerSecond: perSecond, burst } = deps.settings.limits;
    this.#deps = deps;
    this.#buckets = new TokenBuckets(deps.runtime.clock, { perSecond, burst });
  }

  /** Throws RATE_LIMITED. The next one is there within a second, since every bucket gets at least one a second. */
  take(request: FastifyRequest): void {
    const { settings, metrics } = this.#deps;
    const address = askerAt(request.ip);
    if (this.#buckets.take(request.token ? `token ${request.token.id}` : address)) return;
    metrics.refused('rate');
    const whose = request.token ? `The token "${request.token.name}"` : `${address}, where you ask from without a good token,`;
    throw new InterlockError(
      'RATE_LIMITED',
      `${whose} may send ${settings.limits.requestsPerSecond} requests a second for long. Nothing was done; come back later.`,
    );
  }
}
