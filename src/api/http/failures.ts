import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import type { FastifyReply, FastifyRequest } from 'fastify';

import { type ErrorCode, InterlockError, MissingResource } from '../../core/errors.js';
import type { ApiServer } from '../context.js';
import { isOverload } from '../limits/limits.js';
import { PROBLEM_TYPE, problemOf, retryAfter } from './problem.js';

/** Answers every error as a problem document, and an unknown path with 404 or, where another method would do, 405. */
export function answerFailures(app: ApiServer): void {
  const methods = methodsByPath(app);
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  // Before a body is read, or Fastify asks for one: there is nothing here to send it to.
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (request.is404) void answerUnrouted(methods, request, reply);
    else done(null, payload);
  });
  app.setNotFoundHandler((request, reply) => answerUnrouted(methods, request, reply));
}

function answerUnrouted(methods: Methods, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?', 1)[0] ?? '';
  const found = methods.get(path) ?? [...methods].filter(([pattern]) => matches(pattern, path)).flatMap(([, some]) => [...some]);
  const allow = [...new Set(found)].sort().join(', ');
  if (allow === '') return sendProblem(new MissingResource(`The path ${path.slice(0, 200)}`), request, reply);
  reply.header('allow', allow);
  const message = `${request.method} is not allowed here; allowed: ${allow}.`;
  return sendProblem(new InterlockError('METHOD_NOT_ALLOWED', message), request, reply);
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error, { id: request.id, bodyLimit: request.routeOptions.bodyLimit });
  if (problem.code === 'INTERNAL_ERROR')
    request.log.error({ err: error }, `${request.method} ${request.routeOptions.url ?? ''} failed.`);
  else if (problem.status >= 500 && !isOverload(error))
    request.log.warn({ err: error }, `${request.method} ${request.routeOptions.url ?? ''} was refused.`);
  const seconds = retryAfter(problem.code);
  if (seconds !== undefined) reply.header('retry-after', seconds);
  // A serializer of its own: a problem is JSON whatever the route answers otherwise.
  return reply.code(problem.status).type(PROBLEM_TYPE).serializer(JSON.stringify).send(problem);
}

/** What is not even HTTP never becomes a request: Node's parser gives the bare socket. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  // Of TLS that never came about nothing is left to answer on.
  if (error.code === 'ECONNRESET' || !socket.writable || (socket instanceof TLSSocket && !isOfHttp(error.code))) {
    socket.destroy();
    return;
  }
  const { phrase, status, code, detail } = BROKEN[error.code ?? ''] ?? NOT_HTTP;
  const problem = { ...problemOf(new InterlockError(code, detail), { id: '', bodyLimit: 0 }), status };
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${status} ${phrase}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function isOfHttp(code: string | undefined): boolean {
  return code !== undefined && /^(?:HPE_|ERR_HTTP_)/.test(code);
}

interface BrokenRequest {
  status: number;
  phrase: string;
  code: ErrorCode;
  detail: string;
}

const NOT_HTTP: BrokenRequest = {
  status: 400,
  phrase: 'Bad Request',
  code: 'VALIDATION_FAILED',
  detail: 'This is not a valid HTTP/1.1 request.',
};

const BROKEN: Partial<Record<string, BrokenRequest>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    phrase: 'Request Header Fields Too Large',
    code: 'VALIDATION_FAILED',
    detail: 'The header is larger than 16 KiB.',
  },
  // Also what an idle connection is told whose time ran out, as after a server that was frozen wakes up: a request that a client
  // sent on it just then was never read, and a 400 would tell that it was wrong.
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    phrase: 'Request Timeout',
    code: 'REQUEST_TIMEOUT',
    detail: 'The request did not arrive whole in time. Nothing was done; send it again on a new connection.',
  },
};

type Methods = Map<string, Set<string>>;

function methodsByPath(app: ApiServer): Methods {
  const methods: Methods = new Map();
  app.addHook('onRoute', route => {
    const known = methods.get(route.url) ?? new Set();
    for (const method of [route.method].flat()) known.add(method);
    methods.set(route.url, known);
  });
  return methods;
}

/** `/tasks/:id` and `/content/*` against a path. */
function matches(pattern: string, path: string): boolean {
  const parts = path.split('/');
  const wanted = pattern.split('/');
  return (
    wanted.every((part, index) => {
      if (part === '*') return true;
      return part.startsWith(':') ? (parts[index] ?? '') !== '' : part === parts[index];
    }) && (wanted.at(-1) === '*' ? parts.length >= wanted.length : parts.length === wanted.length)
  );
}
