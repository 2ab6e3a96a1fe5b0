import type { FastifyRequest } from 'fastify';

import { duplicateKey } from '../../core/duplicate-key.js';
import { InterlockError, invalid } from '../../core/errors.js';
import { pointerTo } from '../../core/pointer.js';
import { kindOf } from '../../core/schema-words.js';
import { unsafeJson, type JsonLimits } from '../../dispatch/json-safety.js';
import { validationFailed } from '../../dispatch/schema-check.js';
import type { ApiServer } from '../context.js';
import { findSyntaxProblem } from './json-position.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A request without a body counts as one with `{}`. */
    bodyOptional?: boolean;
  }
}

/** A body that comes with these is not read. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD']);
/** A batch holds up to 1,000 submissions, each two levels down; every submission has narrower limits of its own. */
const BODY_LIMITS: JsonLimits = { depth: 40, elements: 1_000_000 };

/** JSON objects in UTF-8, uncompressed, and nothing else; errors say where. */
export function readJsonBodies(app: ApiServer): void {
  app.addHook('onRequest', refuseEncodings);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    try {
      done(null, readBody(request, body));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook('preValidation', (request, _reply, done) => {
    const { schema, config } = request.routeOptions;
    if (request.body === undefined && config.bodyOptional === true) request.body = {};
    const missing = schema?.body !== undefined && request.body === undefined;
    done(missing ? invalid('', 'is empty: expected a JSON object', 'body_empty') : undefined);
  });
}

/** Undefined for an empty body. */
function readBody(request: FastifyRequest, bytes: Buffer): unknown {
  refuseCharsets(request);
  if (bytes.length === 0) return undefined;
  const text = decode(bytes);
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('', `expected a JSON object, not ${kindOf(value)}`, 'body_not_object');
  }
  const unsafe = unsafeJson(value, BODY_LIMITS);
  if (unsafe) throw validationFailed([unsafe]);
  const twice = duplicateKey(text, value);
  if (twice)
    throw invalid(pointerTo(...twice.path), `is given twice: line ${twice.line}, column ${twice.column}`, 'duplicate_key');
  return value;
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid('', 'is not valid UTF-8: expected JSON in UTF-8', 'bad_text');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const found = findSyntaxProblem(text);
    const where = found ? `: line ${found.line}, column ${found.column}, expected ${found.expected}` : '';
    throw invalid('', `is not valid JSON${where}`, 'json_invalid');
  }
}

function refuseEncodings(request: FastifyRequest, _reply: unknown, done: (error?: Error) => void): void {
  const encoding = request.headers['content-encoding'];
  const plain = BODILESS.has(request.method) || encoding === undefined || encoding.toLowerCase() === 'identity';
  done(
    plain
      ? undefined
      : new InterlockError('UNSUPPORTED_MEDIA_TYPE', 'A body must come uncompressed: Content-Encoding is not supported.'),
  );
}

function refuseCharsets(request: FastifyRequest): void {
  const charset = /;\s{0,8}charset\s{0,8}=\s{0,8}"?([^";\s]{0,64})/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (charset === undefined || /^utf-?8$/i.test(charset)) return;
  throw new InterlockError('UNSUPPORTED_MEDIA_TYPE', `A body must be UTF-8, not ${charset.slice(0, 40)}.`);
}
