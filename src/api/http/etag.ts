import { createHash } from 'node:crypto';

import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';

/** A strong tag: two representations with the same tag are the same bytes. */
export function etagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}

export const NoneMatch = { 'if-none-match': Type.Optional(Type.String({ description: 'ETags: 304 while it has one of them.' })) };

/** The body of an answer with its tag; where the client has this very one, 304 without a body. */
export function unlessKnown<T extends object>(request: FastifyRequest, reply: FastifyReply, view: T): T | FastifyReply {
  const etag = etagOf(JSON.stringify(view));
  reply.header('etag', etag);
  return isMatch(request.headers['if-none-match'], etag) ? reply.code(304).send() : view;
}

/** Whether `If-None-Match` names this tag (weakly compared, as RFC 9110 has it for this header). */
export function isMatch(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some(tag => tag.trim().replace(/^W\//, '') === etag);
}
