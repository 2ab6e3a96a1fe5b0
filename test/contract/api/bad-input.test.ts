import { PassThrough } from 'node:stream';

import { expect } from 'chai';

import { fastifyLogger } from '../../../src/process/fastify-logger.js';
import { createLogger } from '../../../src/process/logger.js';
import { Guarded } from './access-fixture.js';
import type { Asking } from './fixture.js';
import { firstOf, refusingApi } from './refusing-api.js';

/** Rows of docs/bad-input.md that one request shows, as far as no other test does. */
describe('The API, given bad input', () => {
  const { refusal } = refusingApi();

  const json = (text: string | Buffer): Asking => ({ method: 'POST', text });
  const task = (more: object): Asking => ({ body: { name: 'anything', ...more } });
  const daily = { name: 's', task: { name: 'anything' } };
  const schedule = (more: object): Asking => ({ body: { ...daily, ...more } });
  const SCHEDULE = '/schedules/01890000-0000-7000-8000-000000000000';
  const TASK = '/tasks/01890000-0000-7000-8000-000000000000';

  const cases: [what: string, path: string, asking: Asking, answer: string][] = [
    ['B02 a comment', '/tasks', json('{"name":"anything"} // x'), '400 VALIDATION_FAILED  json_invalid'],
    ['B03 a number', '/tasks', json('5'), '400 VALIDATION_FAILED  body_not_object'],
    ['B04 a slip of the finger', '/tasks', task({ nmae: 'x' }), '400 VALIDATION_FAILED /nmae unknown_field'],
    ['B05 a number as text', '/tasks', task({ priority: '7' }), '400 VALIDATION_FAILED /priority type_mismatch'],
    ['B05 null', '/tasks', task({ priority: null }), '400 VALIDATION_FAILED /priority type_mismatch'],
    ['B05 a flag as text', '/tasks', task({ retry: { jitter: 'false' } }), '400 VALIDATION_FAILED /retry/jitter type_mismatch'],
    ['B05 a scalar for a list', '/tasks', task({ exclusive: 'x' }), '400 VALIDATION_FAILED /exclusive type_mismatch'],
    ['B05 a list for an object', '/tasks', task({ kwargs: [] }), '400 VALIDATION_FAILED /kwargs type_mismatch'],
    ['B06 a priority of 10', '/tasks', task({ priority: 10 }), '400 VALIDATION_FAILED /priority number_range'],
    ['B06 1e400', '/tasks', json('{"name":"anything","priority":1e400}'), '400 VALIDATION_FAILED /priority number_range'],
    [
      'B06 2^53+1',
      '/tasks',
      json('{"name":"anything","kwargs":{"a":9007199254740993}}'),
      '400 VALIDATION_FAILED /kwargs/a number_range',
    ],
    [
      'B07 a name that is given twice',
      '/tasks',
      json('{"name":"anything","name":"calculator.add"}'),
      '400 VALIDATION_FAILED /name duplicate_key',
    ],
    [
      'B07 a key that is given twice in args',
      '/tasks/batch',
      json('{"tasks":[{"name":"anything"},{"name":"calculator.add","args":[{"a":1,"\\u0061":2}]}]}'),
      '400 VALIDATION_FAILED /tasks/1/args/0/a duplicate_key',
    ],
    [
      'B08 a prototype in args',
      '/tasks',
      json('{"name":"calculator.add","args":[{"__proto__":{}}]}'),
      '400 VALIDATION_FAILED /args/0/__proto__ forbidden_key',
    ],
    [
      "B08 a constructor's prototype in args",
      '/tasks',
      json('{"name":"calculator.add","args":[{"a":{"constructor":{"prototype":1}}}]}'),
      '400 VALIDATION_FAILED /args/0/a/constructor forbidden_key',
    ],
    ['B09 a NUL in a key', '/tasks', task({ kwargs: { 'a\0': 1 } }), '400 VALIDATION_FAILED /kwargs/a\0 bad_text'],
    [
      'B10 a type of the driver',
      '/tasks',
      task({ kwargs: { id: { _bsontype: 'ObjectId' } } }),
      '400 VALIDATION_FAILED /kwargs/id/_bsontype forbidden_key',
    ],
    ['B11 half a surrogate pair', '/tasks', task({ exclusive: ['\ud800'] }), '400 VALIDATION_FAILED /exclusive/0 bad_text'],
    [
      'B11 a bidi override in a resource',
      '/tasks',
      task({ exclusive: ['a\u202eb'] }),
      '400 VALIDATION_FAILED /exclusive/0 bad_resource',
    ],
    ['B11 a control character in a tag', '/tasks', task({ tags: ['a\u001b[2J'] }), '400 VALIDATION_FAILED /tags/0 bad_text'],
    ['B11 a bidi override in a tag', '/tasks', task({ tags: ['a\u202eb'] }), '400 VALIDATION_FAILED /tags/0 bad_text'],
    [
      'B11 a bidi override in a unique key',
      '/tasks',
      task({ unique: { key: '\u2066x' } }),
      '400 VALIDATION_FAILED /unique/key bad_text',
    ],
    [
      'B11 a line feed in a rate key',
      '/tasks',
      task({ rateLimit: '1/s', rateKey: 'a\nb' }),
      '400 VALIDATION_FAILED /rateKey bad_text',
    ],
    ['B11 a line feed in a group', '/task-groups', { body: { name: 'a\nb' } }, '400 VALIDATION_FAILED /name bad_text'],
    [
      'B11 a bidi override in a workflow',
      '/workflows',
      { body: { name: 'a\u202e', tasks: { a: { name: 'anything' } } } },
      '400 VALIDATION_FAILED /name bad_text',
    ],
    [
      'B11 a line feed in a schedule',
      '/schedules',
      schedule({ name: 'a\n', interval: 60 }),
      '400 VALIDATION_FAILED /name bad_format',
    ],
    ['B14 no content type', '/tasks', { text: '{}', headers: { 'content-type': '' } }, '415 UNSUPPORTED_MEDIA_TYPE - -'],
    [
      'B14 a parameter behind a tab',
      '/tasks',
      { text: '{"x":1}', headers: { 'content-type': 'application/json\t;x' } },
      '400 VALIDATION_FAILED /name required',
    ],
    ['B17 a way up', '/tasks/%2e%2e%2fetc', {}, '404 MISSING_RESOURCE - -'],
    ['B17 a way up, encoded twice', '/tasks/%252e%252e%252f', {}, '404 MISSING_RESOURCE - -'],
    ['B22 a limit of nothing', '/tasks', task({ timeLimit: 0 }), '400 VALIDATION_FAILED /timeLimit number_range'],
    ['B22 a limit below nothing', '/tasks', task({ timeLimit: -1 }), '400 VALIDATION_FAILED /timeLimit number_range'],
    ['B22 a limit of a century', '/tasks', task({ softTimeLimit: 3e9 }), '400 VALIDATION_FAILED /softTimeLimit number_range'],
    ['B22 a limit in words', '/tasks', task({ timeLimit: '10 minutes' }), '400 VALIDATION_FAILED /timeLimit duration_format'],
    [
      'B25 a key that is not ASCII',
      '/tasks',
      { ...task({}), headers: { 'idempotency-key': 'é' } },
      '400 VALIDATION_FAILED idempotency-key bad_format',
    ],
    [
      'B25 a key with a control character',
      '/tasks',
      { ...task({}), headers: { 'idempotency-key': 'a\tb' } },
      '400 VALIDATION_FAILED idempotency-key bad_format',
    ],
    ['B27 a filter by a pattern', '/tasks?name~=(a%2B)%2B$', {}, '400 VALIDATION_FAILED ?name~ unknown_field'],
    ['B27 a filter by an operator', '/tasks?name[$regex]=(a%2B)%2B$', {}, '400 VALIDATION_FAILED ?name[$regex] unknown_field'],
    ['B28 a limit below nothing', '/tasks?limit=-1', {}, '400 VALIDATION_FAILED ?limit number_range'],
    ['B28 a limit of 1e9', '/tasks?limit=1e9', {}, '400 VALIDATION_FAILED ?limit type_mismatch'],
    ['B28 a limit of a billion', '/tasks?limit=1000000000', {}, '400 VALIDATION_FAILED ?limit number_range'],
    ['B30 a change of a task', TASK, { method: 'PATCH', text: '{"state":"completed"}' }, '405 METHOD_NOT_ALLOWED - -'],
    ['B30 a worker in a submission', '/tasks', task({ worker: 'w' }), '400 VALIDATION_FAILED /worker unknown_field'],
    ['B30 a number in a submission', '/tasks', task({ seq: 1, attempt: 2 }), '400 VALIDATION_FAILED /seq unknown_field'],
    [
      'B30 the revision of a schedule',
      SCHEDULE,
      { method: 'PATCH', body: { revision: 5 }, headers: { 'if-match': '"1"' } },
      '400 VALIDATION_FAILED /revision unknown_field',
    ],
    ['B39 a minute of 61', '/schedules', schedule({ cron: '61 * * * *' }), '400 VALIDATION_FAILED /cron cron_invalid'],
    ['B39 seven fields', '/schedules', schedule({ cron: '* * * * * * *' }), '400 VALIDATION_FAILED /cron cron_invalid'],
    ['B39 a step of nothing', '/schedules', schedule({ cron: '*/0 * * * *' }), '400 VALIDATION_FAILED /cron cron_invalid'],
    ['B39 a word', '/schedules', schedule({ cron: '@reboot' }), '400 VALIDATION_FAILED /cron cron_invalid'],
    ['B39 nothing', '/schedules', schedule({ cron: '' }), '400 VALIDATION_FAILED /cron cron_invalid'],
    ['B40 a day that never comes', '/schedules', schedule({ cron: '0 0 30 2 *' }), '400 VALIDATION_FAILED /cron cron_never'],
    [
      'B41 a zone of Mars',
      '/schedules',
      schedule({ cron: '@daily', timezone: 'Mars/Phobos' }),
      '400 VALIDATION_FAILED /timezone unknown_timezone',
    ],
    [
      'B41 an offset',
      '/schedules',
      schedule({ cron: '@daily', timezone: 'UTC+2' }),
      '400 VALIDATION_FAILED /timezone unknown_timezone',
    ],
    [
      'B41 an empty zone',
      '/schedules',
      schedule({ cron: '@daily', timezone: '' }),
      '400 VALIDATION_FAILED /timezone unknown_timezone',
    ],
    ['B42 an interval of nothing', '/schedules', schedule({ interval: 0 }), '400 VALIDATION_FAILED /interval number_range'],
    ['B42 an interval below nothing', '/schedules', schedule({ interval: -1 }), '400 VALIDATION_FAILED /interval number_range'],
    ['B42 PT0S', '/schedules', schedule({ interval: 'PT0S' }), '400 VALIDATION_FAILED /interval number_range'],
    ['B42 P1Y', '/schedules', schedule({ interval: 'P1Y' }), '400 VALIDATION_FAILED /interval duration_format'],
    ['B45 a module', '/tasks', task({ name: 'module:fs' }), '422 UNKNOWN_TASK_TYPE /name -'],
    ['B45 a path', '/tasks', task({ name: '../../etc/passwd' }), '422 UNKNOWN_TASK_TYPE /name -'],
    ['B45 what every object has', '/tasks', task({ name: 'constructor' }), '422 UNKNOWN_TASK_TYPE /name -'],
    ['B45 a prototype', '/tasks', task({ name: '__proto__' }), '422 UNKNOWN_TASK_TYPE /name -'],
  ];
  for (const [what, path, asking, expected] of cases) {
    it(`refuses ${what}`, async () => {
      const answer = await refusal(path, asking);
      expect(`${answer.status} ${firstOf(answer)}`).to.equal(expected);
    });
  }

  it('names the field that was meant, and where a key was given twice', async () => {
    expect((await refusal('/tasks', task({ nmae: 'x' }))).body.detail).to.equal(
      '/nmae: is not a known field; did you mean "name"?',
    );
    const twice = await refusal('/tasks', json('{\n  "name": "anything",\n  "name": "x"\n}'));
    expect(twice.body.detail).to.equal('/name: is given twice: line 3, column 3');
  });

  it('names the field of a cron expression, and what it takes', async () => {
    const { body } = await refusal('/schedules', schedule({ cron: '61 * * * *' }));
    expect(body.detail).to.match(/minute "61"[^]*0 to 59/);
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
