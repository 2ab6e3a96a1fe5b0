import type { FastifyRequest } from 'fastify';

import { InterlockError } from '../../core/errors.js';
import type { ApiContext } from '../context.js';
import { admit } from './access.js';

/** Asks again, for an answer that never ends, what was asked before it began: whether who reads it still may. Throws StoreError. */
export function mayStill(context: ApiContext, request: FastifyRequest): () => Promise<boolean> {
  const access = request.routeOptions.config.access ?? 'admin';
  return async () => {
    try {
      await admit(context, request, access);
      return true;
    } catch (error) {
      if (error instanceof InterlockError && ['UNAUTHORIZED', 'FORBIDDEN'].includes(error.code)) return false;
      throw error;
    }
  };
}
