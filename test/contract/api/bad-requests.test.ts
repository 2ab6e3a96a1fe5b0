import { expect } from 'chai';

import type { Asking } from './fixture.js';
import { firstOf, refusingApi } from './refusing-api.js';

describe('The API, when a request is bad', () => {
  const { ask, refusal } = refusingApi();

  describe('media types', () => {
    for (const type of [
      'text/plain',
      'application/xml',
      'multipart/form-data; boundary=x',
      'application/json; charset=utf-16',
      'application/jsonp',
      'nonsense',
    ]) {
      it(`refuses ${type}`, async () => {
        const answer = await refusal('/tasks', { text: '{"name":"anything"}', headers: { 'content-type': type } });
        expect([answer.status, answer.body.code]).to.deep.equal([415, 'UNSUPPORTED_MEDIA_TYPE']);
      });
    }

    it('does not mind how a body is encoded that is not read', async () => {
      const { status } = await ask('/livez', { headers: { 'content-encoding': 'gzip' } });
      expect(status).to.equal(200);
    });

    it('refuses a compressed body', async () => {
      const answer = await refusal('/tasks', { text: '{}', headers: { 'content-encoding': 'gzip' } });
      expect([answer.status, answer.body.code]).to.deep.equal([415, 'UNSUPPORTED_MEDIA_TYPE']);
    });
  });

  describe('paths, methods and parameters', () => {
    const cases: [string, Asking, number, string][] = [
      ['/nothing', {}, 404, 'MISSING_RESOURCE - -'],
      ['/nothing', { text: '{' }, 404, 'MISSING_RESOURCE - -'],
      ['/workers/w/pool', { body: {} }, 400, 'VALIDATION_FAILED  ambiguous'],
      ['/workers/w/pool', { body: { grow: 1, slots: 2 } }, 400, 'VALIDATION_FAILED  ambiguous'],
      ['/tasks/not-a-uuid', {}, 404, 'MISSING_RESOURCE - -'],
      ['/tasks/not-a-uuid', { method: 'DELETE' }, 404, 'MISSING_RESOURCE - -'],
      ['/tasks?state=running&state=failed', { method: 'DELETE' }, 409, 'TASK_NOT_FINAL - -'],
      ['/tasks/not-a-uuid/cancel', { method: 'POST' }, 404, 'MISSING_RESOURCE - -'],
      ['/tasks/not-a-uuid/explain', {}, 404, 'MISSING_RESOURCE - -'],
      ['/tasks/%zz', {}, 400, 'VALIDATION_FAILED - -'],
      [`/resources/${'x'.repeat(1_025)}`, {}, 400, 'VALIDATION_FAILED - -'],
      ['/tasks?state[$ne]=x', {}, 400, 'VALIDATION_FAILED ?state[$ne] unknown_field'],
      ['/tasks?state=waiting&state=lost', {}, 400, 'VALIDATION_FAILED ?state not_allowed'],
      ['/tasks?limit=0', {}, 400, 'VALIDATION_FAILED ?limit number_range'],
      ['/tasks?limit=501', {}, 400, 'VALIDATION_FAILED ?limit number_range'],
      ['/tasks?limit=abc', {}, 400, 'VALIDATION_FAILED ?limit type_mismatch'],
      ['/tasks?limit=1&limit=2', {}, 400, 'VALIDATION_FAILED ?limit type_mismatch'],
      ['/tasks?limit=', {}, 400, 'VALIDATION_FAILED ?limit type_mismatch'],
      ['/tasks?count=yes', {}, 400, 'VALIDATION_FAILED ?count type_mismatch'],
      ['/tasks?offset=1', {}, 400, 'VALIDATION_FAILED ?offset unknown_field'],
      ['/tasks?sort=name', {}, 400, 'VALIDATION_FAILED ?sort not_allowed'],
      ['/tasks?fields=id,secret', {}, 400, 'VALIDATION_FAILED ?fields unknown_field'],
      ['/tasks?cursor=forged', {}, 400, 'VALIDATION_FAILED ?cursor bad_cursor'],
      ['/tasks?createdAfter=yesterday', {}, 400, 'VALIDATION_FAILED ?createdAfter date_invalid'],
      ['/tasks/summary?by=name', {}, 400, 'VALIDATION_FAILED ?by not_allowed'],
      ['/workers?verbose=1', {}, 400, 'VALIDATION_FAILED ?verbose unknown_field'],
      ['/tasks?dryRun=maybe', { body: { name: 'anything' } }, 400, 'VALIDATION_FAILED ?dryRun type_mismatch'],
      [
        '/tasks',
        { body: { name: 'anything' }, headers: { 'idempotency-key': '' } },
        400,
        'VALIDATION_FAILED idempotency-key bad_format',
      ],
      [
        '/tasks',
        { body: { name: 'anything' }, headers: { 'idempotency-key': 'a b' } },
        400,
        'VALIDATION_FAILED idempotency-key bad_format',
      ],
      [
        '/tasks',
        { body: { name: 'anything' }, headers: { 'idempotency-key': 'x'.repeat(256) } },
        400,
        'VALIDATION_FAILED idempotency-key bad_format',
      ],
    ];
    for (const [path, asking, status, where] of cases) {
      it(`answers ${asking.method ?? (asking.body === undefined ? 'GET' : 'POST')} ${path.slice(0, 60)} with ${status}`, async () => {
        const answer = await refusal(path, asking);
        expect(answer.status).to.equal(status);
        expect(firstOf(answer)).to.equal(where);
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
      });
    }
  });

  describe('pages of other sites', () => {
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }] as Record<
      string,
      string
    >[]) {
      it(`may not change anything: ${JSON.stringify(headers)}`, async () => {
        const answer = await refusal('/tasks/01890000-0000-7000-8000-000000000000/cancel', { method: 'POST', headers });
        expect([answer.status, answer.body.code]).to.deep.equal([403, 'FORBIDDEN']);
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
