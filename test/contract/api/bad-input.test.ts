import { PassThrough } from 'node:stream';

import { expect } from 'chai';

import { fastifyLogger } from '../../../src/process/fastify-logger.js';
import { createLogger } from '../../../src/process/logger.js';
import { Guarded } from './access-fixture.js';
import { json, refusingApi, task, toldOf, type Refused } from './refusing-api.js';

/** Rows of docs/bad-input.md that one request shows, as far as no other test does. */
describe('The API, given bad input', () => {
  const { refusal } = refusingApi();

  const SCHEDULE = '/schedules/01890000-0000-7000-8000-000000000000';
  const TASK = '/tasks/01890000-0000-7000-8000-000000000000';

  const cases: Refused[] = [
    [
      'B02 a comment',
      json('{"name":"anything"} // x'),
      ' json_invalid',
      'is not valid JSON: line 1, column 21, expected nothing more',
    ],
    ['B03 a number', json('5'), ' body_not_object', 'expected a JSON object, not 5'],
    ['B04 a slip of the finger', task({ nmae: 'x' }), '/nmae unknown_field', 'is not a known field; did you mean "name"?'],
    ['B05 a number as text', task({ priority: '7' }), '/priority type_mismatch', 'expected a whole number, not a string'],
    ['B05 null', task({ priority: null }), '/priority type_mismatch', 'expected a whole number, not null'],
    [
      'B05 a flag as text',
      task({ retry: { jitter: 'false' } }),
      '/retry/jitter type_mismatch',
      'expected true or false, not a string',
    ],
    ['B05 a scalar for a list', task({ exclusive: 'x' }), '/exclusive type_mismatch', 'expected a list, not a string'],
    ['B05 a list for an object', task({ kwargs: [] }), '/kwargs type_mismatch', 'expected an object, not a list'],
    ['B06 a priority of 10', task({ priority: 10 }), '/priority number_range', 'expected 0 to 9, not 10'],
    [
      'B06 1e400',
      json('{"name":"anything","priority":1e400}'),
      '/priority number_range',
      'is larger than any number that can be kept: expected at most 2^53 - 1, or a string',
    ],
    [
      'B06 2^53+1',
      json('{"name":"anything","kwargs":{"a":9007199254740993}}'),
      '/kwargs/a number_range',
      'would be rounded, as any whole number beyond 2^53 - 1: send it as a string',
    ],
    [
      'B07 a name that is given twice',
      json('{"name":"anything","name":"calculator.add"}'),
      '/name duplicate_key',
      'is given twice: line 1, column 20',
    ],
    [
      'B07 a key that is given twice in args',
      ['/tasks/batch', { text: '{"tasks":[{"name":"anything"},{"name":"calculator.add","args":[{"a":1,"\\u0061":2}]}]}' }],
      '/tasks/1/args/0/a duplicate_key',
      'is given twice: line 1, column 71',
    ],
    [
      'B08 a prototype in args',
      json('{"name":"calculator.add","args":[{"__proto__":{}}]}'),
      '/args/0/__proto__ forbidden_key',
      'the key "__proto__" is not allowed: use another name',
    ],
    [
      "B08 a constructor's prototype in args",
      json('{"name":"calculator.add","args":[{"a":{"constructor":{"prototype":1}}}]}'),
      '/args/0/a/constructor forbidden_key',
      'the key "constructor.prototype" is not allowed: use another name',
    ],
    [
      'B09 a NUL in a key',
      task({ kwargs: { 'a\0': 1 } }),
      '/kwargs/a\0 bad_text',
      'holds a NUL character (\\u0000), which text must not',
    ],
    [
      'B10 a type of the driver',
      task({ kwargs: { id: { _bsontype: 'ObjectId' } } }),
      '/kwargs/id/_bsontype forbidden_key',
      'the key "_bsontype" is not allowed: use another name',
    ],
    [
      'B11 half a surrogate pair',
      task({ exclusive: ['\ud800'] }),
      '/exclusive/0 bad_text',
      'holds half of a character (a lone surrogate, \\ud800 to \\udfff), which text must not',
    ],
    [
      'B11 a bidi override in a resource',
      task({ exclusive: ['a\u202eb'] }),
      '/exclusive/0 bad_resource',
      'a resource name holds printable characters only, and neither begins nor ends with a space',
    ],
    [
      'B11 a control character in a tag',
      task({ tags: ['a\u001b[2J'] }),
      '/tags/0 bad_text',
      'holds a control character (as a line feed) or one that turns the direction of text: use visible ones only',
    ],
    [
      'B11 a bidi override in a tag',
      task({ tags: ['a\u202eb'] }),
      '/tags/0 bad_text',
      'holds a control character (as a line feed) or one that turns the direction of text: use visible ones only',
    ],
    [
      'B11 a bidi override in a unique key',
      task({ unique: { key: '\u2066x' } }),
      '/unique/key bad_text',
      'holds a control character (as a line feed) or one that turns the direction of text: use visible ones only',
    ],
    [
      'B11 a line feed in a rate key',
      task({ rateLimit: '1/s', rateKey: 'a\nb' }),
      '/rateKey bad_text',
      'holds a control character (as a line feed) or one that turns the direction of text: use visible ones only',
    ],
    [
      'B11 a line feed in a group',
      ['/task-groups', { body: { name: 'a\nb' } }],
      '/name bad_text',
      'holds a control character (as a line feed) or one that turns the direction of text: use visible ones only',
    ],
    [
      'B11 a bidi override in a workflow',
      ['/workflows', { body: { name: 'a\u202e', tasks: { a: { name: 'anything' } } } }],
      '/name bad_text',
      'holds a control character (as a line feed) or one that turns the direction of text: use visible ones only',
    ],
    [
      'B11 a line feed in a schedule',
      ['/schedules', { body: { name: 'a\n', task: { name: 'anything' }, interval: 60 } }],
      '/name bad_format',
      'expected 1 to 100 of the characters A-Z a-z 0-9 _ . : -',
    ],
    [
      'B14 no content type',
      ['/tasks', { text: '{}', headers: { 'content-type': '' } }],
      '415 UNSUPPORTED_MEDIA_TYPE - -',
      'A body must come with Content-Type: application/json.',
    ],
    [
      'B14 a parameter behind a tab',
      ['/tasks', { text: '{"x":1}', headers: { 'content-type': 'application/json\t;x' } }],
      '/name required',
      'is required',
    ],
    ['B17 a way up', ['/tasks/%2e%2e%2fetc', {}], '404 MISSING_RESOURCE - -', 'Task ../etc does not exist.'],
    ['B17 a way up, encoded twice', ['/tasks/%252e%252e%252f', {}], '404 MISSING_RESOURCE - -', 'Task %2e%2e%2f does not exist.'],
    [
      'B25 a key that is not ASCII',
      task({}, { 'idempotency-key': 'é' }),
      'idempotency-key bad_format',
      'expected 1 to 255 visible ASCII characters, without spaces',
    ],
    [
      'B25 a key with a control character',
      task({}, { 'idempotency-key': 'a\tb' }),
      'idempotency-key bad_format',
      'expected 1 to 255 visible ASCII characters, without spaces',
    ],
    [
      'B27 a filter by a pattern',
      ['/tasks?name~=(a%2B)%2B$', {}],
      '?name~ unknown_field',
      'is not a known parameter; did you mean "name"?',
    ],
    [
      'B27 a filter by an operator',
      ['/tasks?name[$regex]=(a%2B)%2B$', {}],
      '?name[$regex] unknown_field',
      'is not a known parameter; known are state, name, queue, worker, resource, tag, group, parent, correlationId, schedule, createdAfter, createdBefore, finishedAfter, finishedBefore, sort, fields, limit, cursor, count',
    ],
    ['B28 a limit below nothing', ['/tasks?limit=-1', {}], '?limit number_range', 'expected 1 to 500, not -1'],
    ['B28 a limit of 1e9', ['/tasks?limit=1e9', {}], '?limit type_mismatch', 'expected a whole number'],
    ['B28 a limit of a billion', ['/tasks?limit=1000000000', {}], '?limit number_range', 'expected 1 to 500, not 1000000000'],
    [
      'B30 a change of a task',
      [TASK, { method: 'PATCH', text: '{"state":"completed"}' }],
      '405 METHOD_NOT_ALLOWED - -',
      'PATCH is not allowed here; allowed: DELETE, GET, HEAD.',
    ],
    [
      'B30 a worker in a submission',
      task({ worker: 'w' }),
      '/worker unknown_field',
      'is not a known field; known are name, args, kwargs, exclusive, shared, counted, queue, priority, eta, countdown, expires, parent, group, maxAttempts, retry, onWorkerLoss, softTimeLimit, timeLimit, stallAfter, unique, rateLimit, rateKey, concurrency, tags',
    ],
    [
      'B30 a number in a submission',
      task({ seq: 1, attempt: 2 }),
      '/seq unknown_field',
      'is not a known field; known are name, args, kwargs, exclusive, shared, counted, queue, priority, eta, countdown, expires, parent, group, maxAttempts, retry, onWorkerLoss, softTimeLimit, timeLimit, stallAfter, unique, rateLimit, rateKey, concurrency, tags',
    ],
    [
      'B30 the revision of a schedule',
      [SCHEDULE, { method: 'PATCH', body: { revision: 5 }, headers: { 'if-match': '"1"' } }],
      '/revision unknown_field',
      'is not a known field; known are name, task, interval, anchor, cron, timezone, iso8601, misfire, overlap, failureThreshold, remainingRuns',
    ],
    [
      'B45 a module',
      task({ name: 'module:fs' }),
      '422 UNKNOWN_TASK_TYPE /name -',
      'is not a known task type; GET /api/v1/task-types lists them',
    ],
    [
      'B45 a path',
      task({ name: '../../etc/passwd' }),
      '422 UNKNOWN_TASK_TYPE /name -',
      'is not a known task type; GET /api/v1/task-types lists them',
    ],
    [
      'B45 what every object has',
      task({ name: 'constructor' }),
      '422 UNKNOWN_TASK_TYPE /name -',
      'is not a known task type; GET /api/v1/task-types lists them',
    ],
    [
      'B45 a prototype',
      task({ name: '__proto__' }),
      '422 UNKNOWN_TASK_TYPE /name -',
      'is not a known task type; GET /api/v1/task-types lists them',
    ],
  ];
  for (const [what, sent, problem, words] of cases) {
    it(`refuses ${what}`, async () => {
      expect(toldOf(await refusal(...sent))).to.deep.equal([problem, words]);
    });
  }

  it('names the field that was meant, and where a key was given twice', async () => {
    expect((await refusal(...task({ nmae: 'x' }))).body.detail).to.equal('/nmae: is not a known field; did you mean "name"?');
    const twice = await refusal(...json('{\n  "name": "anything",\n  "name": "x"\n}'));
    expect(twice.body.detail).to.equal('/name: is given twice: line 3, column 3');
  });
});

describe('The log of the API, given bad input', () => {
  let guarded: Guarded;
  beforeEach(() => (guarded = new Guarded()));
  afterEach(() => guarded.close());

  it('tells a request by its route, so that a token in the query is in no line and in no answer', async () => {
    const stream = new PassThrough();
    let lines = '';
    stream.on('data', (chunk: Buffer) => (lines += chunk.toString()));
    const logger = createLogger({ role: 'api', instance: 'test', level: 'debug', format: 'json', stream });
    const app = await guarded.open({}, { loggerInstance: fastifyLogger(logger) });
    const { status, body } = await guarded.send(app, '/tasks?token=hush');
    expect([status, body.code, body.errors[0]?.pointer]).to.deep.equal([400, 'VALIDATION_FAILED', '?token']);
    expect(body.errors[0]?.reason).to.equal('token_in_url');
    expect(lines).to.include('GET /api/v1/tasks');
    expect(lines + JSON.stringify(body)).to.not.include('hush');
  });

  it('names the peer of the connection, whoever a header says it is', async () => {
    const app = await guarded.open({ requireTokens: 'always' });
    const headers = { 'x-forwarded-for': '6.6.6.6', forwarded: 'for=6.6.6.6', 'x-real-ip': '6.6.6.6' };
    expect((await guarded.send(app, '/tasks', { headers })).status).to.equal(401);
    expect(guarded.log).to.include('127.0.0.1').and.not.include('6.6.6.6');
  });
});
