import type { IncomingMessage, ServerResponse } from 'node:http';

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';

import type { JsonObject } from '../../../core/json.js';
import type { Documents } from '../../../store/store.js';
import type { OriginPolicy } from '../origin-url.js';

/** Who asks: stored with the task that a request starts. */
export interface RequestOrigin {
  principal: string;
  correlationId: string;
}

export interface FileRouteDeps {
  documents: Documents;
  dataDirectory: string;
  settings: OriginPolicy;
  /** Takes a complete submit body; resolves with the task as the API shows it. Throws InterlockError. */
  submit: (body: JsonObject, origin: RequestOrigin) => Promise<JsonObject>;
}

/** A server whose handlers are typed by the TypeBox schemas of their routes. */
export type TypedApp = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>;
