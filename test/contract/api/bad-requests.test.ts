import { expect } from 'chai';

import type { Asking } from './fixture.js';
import { firstOf, refusingApi, wordsOf } from './refusing-api.js';

describe('The API, when a request is bad', () => {
  const { ask, refusal } = refusingApi();

  describe('media types', () => {
    const JSON_ONLY = 'A body must come with Content-Type: application/json.';
    for (const [type, words] of [
      ['text/plain', JSON_ONLY],
      ['application/xml', JSON_ONLY],
      ['multipart/form-data; boundary=x', JSON_ONLY],
      ['application/json; charset=utf-16', 'A body must be UTF-8, not utf-16.'],
      ['application/jsonp', JSON_ONLY],
      ['nonsense', JSON_ONLY],
    ] as const) {
      it(`refuses ${type}`, async () => {
        const answer = await refusal('/tasks', { text: '{"name":"anything"}', headers: { 'content-type': type } });
        expect([answer.status, answer.body.code, wordsOf(answer)]).to.deep.equal([415, 'UNSUPPORTED_MEDIA_TYPE', words]);
      });
    }

    it('does not mind how a body is encoded that is not read', async () => {
      const { status } = await ask('/livez', { headers: { 'content-encoding': 'gzip' } });
      expect(status).to.equal(200);
    });

    it('refuses a compressed body', async () => {
      const answer = await refusal('/tasks', { text: '{}', headers: { 'content-encoding': 'gzip' } });
      expect([answer.status, answer.body.code]).to.deep.equal([415, 'UNSUPPORTED_MEDIA_TYPE']);
      expect(wordsOf(answer)).to.equal('A body must come uncompressed: Content-Encoding is not supported.');
    });
  });

  describe('paths, methods and parameters', () => {
    const cases: [path: string, asking: Asking, status: number, where: string, words: string][] = [
      ['/nothing', {}, 404, 'MISSING_RESOURCE - -', 'The path /api/v1/nothing does not exist.'],
      ['/nothing', { text: '{' }, 404, 'MISSING_RESOURCE - -', 'The path /api/v1/nothing does not exist.'],
      ['/workers/w/pool', { body: {} }, 400, 'VALIDATION_FAILED  ambiguous', 'expected exactly one of slots, grow and shrink'],
      [
        '/workers/w/pool',
        { body: { grow: 1, slots: 2 } },
        400,
        'VALIDATION_FAILED  ambiguous',
        'expected exactly one of slots, grow and shrink',
      ],
      ['/tasks/not-a-uuid', {}, 404, 'MISSING_RESOURCE - -', 'Task not-a-uuid does not exist.'],
      ['/tasks/not-a-uuid', { method: 'DELETE' }, 404, 'MISSING_RESOURCE - -', 'Task not-a-uuid does not exist.'],
      [
        '/tasks?state=running&state=failed',
        { method: 'DELETE' },
        409,
        'TASK_NOT_FINAL - -',
        'Tasks that are running have not ended: only such as have ended can be deleted.',
      ],
      ['/tasks/not-a-uuid/cancel', { method: 'POST' }, 404, 'MISSING_RESOURCE - -', 'Task not-a-uuid does not exist.'],
      ['/tasks/not-a-uuid/explain', {}, 404, 'MISSING_RESOURCE - -', 'Task not-a-uuid does not exist.'],
      [
        '/tasks/%zz',
        {},
        400,
        'VALIDATION_FAILED - -',
        'The path is no URL: a % begins two hexadecimal digits of a byte of UTF-8.',
      ],
      [
        `/resources/${'x'.repeat(1_025)}`,
        {},
        400,
        'VALIDATION_FAILED - -',
        'A part of the path is too long: at most 1024 characters.',
      ],
      [
        '/tasks?state[$ne]=x',
        {},
        400,
        'VALIDATION_FAILED ?state[$ne] unknown_field',
        'is not a known parameter; known are state, name, queue, worker, resource, tag, group, parent, correlationId, schedule, createdAfter, createdBefore, finishedAfter, finishedBefore, sort, fields, limit, cursor, count',
      ],
      [
        '/tasks?state=waiting&state=lost',
        {},
        400,
        'VALIDATION_FAILED ?state not_allowed',
        'expected one of waiting, running, canceling, completed, failed, canceled, skipped',
      ],
      ['/tasks?limit=0', {}, 400, 'VALIDATION_FAILED ?limit number_range', 'expected 1 to 500, not 0'],
      ['/tasks?limit=501', {}, 400, 'VALIDATION_FAILED ?limit number_range', 'expected 1 to 500, not 501'],
      ['/tasks?limit=abc', {}, 400, 'VALIDATION_FAILED ?limit type_mismatch', 'expected a whole number'],
      ['/tasks?limit=1&limit=2', {}, 400, 'VALIDATION_FAILED ?limit type_mismatch', 'is given 2 times: expected a whole number'],
      ['/tasks?limit=', {}, 400, 'VALIDATION_FAILED ?limit type_mismatch', 'expected a whole number'],
      ['/tasks?count=yes', {}, 400, 'VALIDATION_FAILED ?count type_mismatch', 'expected true or false'],
      [
        '/tasks?offset=1',
        {},
        400,
        'VALIDATION_FAILED ?offset unknown_field',
        'is not a known parameter; known are state, name, queue, worker, resource, tag, group, parent, correlationId, schedule, createdAfter, createdBefore, finishedAfter, finishedBefore, sort, fields, limit, cursor, count',
      ],
      [
        '/tasks?sort=name',
        {},
        400,
        'VALIDATION_FAILED ?sort not_allowed',
        'expected one of createdAt, -createdAt, finishedAt, -finishedAt',
      ],
      [
        '/tasks?fields=id,secret',
        {},
        400,
        'VALIDATION_FAILED ?fields unknown_field',
        '"secret" is not a field; fields are id, href, name, version, args, kwargs, exclusive, shared, counted, queue, priority, state, waitingFor, dueAt, expiresAt, attempt, maxAttempts, retry, softTimeLimit, timeLimit, stallAfter, worker, createdAt, readyAt, startedAt, finishedAt, result, error, reason, progress, createdResources, parent, root, under, awaiting, group, node, after, join, unique, rateLimit, rateKey, concurrency, schedule, retryOf, correlationId, tags, attempts, resultExpired',
      ],
      [
        '/tasks?cursor=forged',
        {},
        400,
        'VALIDATION_FAILED ?cursor bad_cursor',
        'is not a cursor: take it from `next` or `prev` of a page',
      ],
      [
        '/tasks?createdAfter=yesterday',
        {},
        400,
        'VALIDATION_FAILED ?createdAfter date_invalid',
        'expected a time that there is, with its zone, as 2026-01-31T12:00:00Z',
      ],
      ['/tasks/summary?by=name', {}, 400, 'VALIDATION_FAILED ?by not_allowed', 'expected state'],
      ['/workers?verbose=1', {}, 400, 'VALIDATION_FAILED ?verbose unknown_field', 'is not a known parameter: none is known here'],
      [
        '/tasks?dryRun=maybe',
        { body: { name: 'anything' } },
        400,
        'VALIDATION_FAILED ?dryRun type_mismatch',
        'expected true or false',
      ],
      [
        '/tasks',
        { body: { name: 'anything' }, headers: { 'idempotency-key': '' } },
        400,
        'VALIDATION_FAILED idempotency-key bad_format',
        'expected 1 to 255 visible ASCII characters, without spaces',
      ],
      [
        '/tasks',
        { body: { name: 'anything' }, headers: { 'idempotency-key': 'a b' } },
        400,
        'VALIDATION_FAILED idempotency-key bad_format',
        'expected 1 to 255 visible ASCII characters, without spaces',
      ],
      [
        '/tasks',
        { body: { name: 'anything' }, headers: { 'idempotency-key': 'x'.repeat(256) } },
        400,
        'VALIDATION_FAILED idempotency-key bad_format',
        'expected 1 to 255 visible ASCII characters, without spaces',
      ],
    ];
    for (const [path, asking, status, where, words] of cases) {
      it(`answers ${asking.method ?? (asking.body === undefined ? 'GET' : 'POST')} ${path.slice(0, 60)} with ${status}`, async () => {
        const answer = await refusal(path, asking);
        expect(answer.status).to.equal(status);
        expect(firstOf(answer)).to.equal(where);
        expect(wordsOf(answer)).to.equal(words);
      });
    }

    for (const [path, method, allow] of [
      ['/tasks', 'PUT', 'DELETE, GET, HEAD, POST'],
      ['/tasks', 'OPTIONS', 'DELETE, GET, HEAD, POST'],
      ['/tasks/batch', 'PATCH', 'POST'],
      ['/tasks/summary', 'OPTIONS', 'GET, HEAD'],
      ['/workers/actions', 'OPTIONS', 'POST'],
      // Fastify would ask for its Content-Type first.
      ['/queues', 'QUERY', 'GET, HEAD'],
      ['/tasks/01890000-0000-7000-8000-000000000000/cancel', 'GET', 'POST'],
      ['/status', 'POST', 'GET, HEAD'],
      ['/livez', 'DELETE', 'GET, HEAD'],
    ] as const) {
      it(`answers ${method} ${path} with 405 and what is allowed`, async () => {
        const answer = await refusal(path, { method });
        expect([answer.status, answer.body.code, answer.headers.allow]).to.deep.equal([405, 'METHOD_NOT_ALLOWED', allow]);
        expect(wordsOf(answer)).to.equal(`${method} is not allowed here; allowed: ${allow}.`);
      });
    }
  });

  describe('pages of other sites', () => {
    for (const [headers, words] of [
      [{ origin: 'https://evil.example' }, 'pages of another origin are answered nothing'],
      [{ origin: 'null' }, 'pages of another origin are answered nothing'],
      [{ 'sec-fetch-site': 'cross-site' }, 'pages of another origin may change nothing'],
    ] as [Record<string, string>, string][]) {
      it(`may not change anything: ${JSON.stringify(headers)}`, async () => {
        const answer = await refusal('/tasks/01890000-0000-7000-8000-000000000000/cancel', { method: 'POST', headers });
        expect([answer.status, answer.body.code, wordsOf(answer)]).to.deep.equal([403, 'FORBIDDEN', words]);
      });
    }

    it('get no CORS headers', async () => {
      const answer = await ask('/livez', { headers: { origin: 'https://evil.example' } });
      expect(answer.status).to.equal(403);
      expect(Object.keys(answer.headers).filter(name => name.startsWith('access-control'))).to.deep.equal([]);
    });
  });

  it('replaces a request id that could forge log lines', async () => {
    const answer = await refusal('/nothing', { headers: { 'x-request-id': 'x'.repeat(200) } });
    expect(answer.headers['x-request-id']).to.match(/^[0-9a-f-]{36}$/);
  });
});
