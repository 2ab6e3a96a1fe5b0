import { expect } from 'chai';

import type { Asking } from './fixture.js';
import { firstOf, refusingApi, wordsOf } from './refusing-api.js';

describe('The API, when a body is bad', () => {
  const { refusal } = refusingApi();

  const json = (text: string | Buffer): Asking => ({ method: 'POST', text });
  const cases: [what: string, path: string, asking: Asking, status: number, where: string, words: string][] = [
    ['an empty body', '/tasks', json(''), 400, 'VALIDATION_FAILED  body_empty', 'is empty: expected a JSON object'],
    [
      'a trailing comma',
      '/tasks',
      json('{"name":"anything",}'),
      400,
      'VALIDATION_FAILED  json_invalid',
      'is not valid JSON: line 1, column 20, expected a name in double quotes',
    ],
    [
      'NaN',
      '/tasks',
      json('{"priority":NaN}'),
      400,
      'VALIDATION_FAILED  json_invalid',
      'is not valid JSON: line 1, column 13, expected a value',
    ],
    [
      'single quotes',
      '/tasks',
      json("{'name':'anything'}"),
      400,
      'VALIDATION_FAILED  json_invalid',
      'is not valid JSON: line 1, column 2, expected a name in double quotes or }',
    ],
    ['null', '/tasks', json('null'), 400, 'VALIDATION_FAILED  body_not_object', 'expected a JSON object, not null'],
    ['an array', '/tasks', json('[]'), 400, 'VALIDATION_FAILED  body_not_object', 'expected a JSON object, not a list'],
    ['a string', '/tasks', json('"x"'), 400, 'VALIDATION_FAILED  body_not_object', 'expected a JSON object, not a string'],
    [
      'bytes that are not UTF-8',
      '/tasks',
      json(Buffer.from([0x22, 0xff, 0x22])),
      400,
      'VALIDATION_FAILED  bad_text',
      'is not valid UTF-8: expected JSON in UTF-8',
    ],
    [
      'a prototype',
      '/tasks',
      json('{"name":"anything","kwargs":{"__proto__":{}}}'),
      400,
      'VALIDATION_FAILED /kwargs/__proto__ forbidden_key',
      'the key "__proto__" is not allowed: use another name',
    ],
    [
      'a prototype on top',
      '/tasks',
      json('{"name":"anything","__proto__":{}}'),
      400,
      'VALIDATION_FAILED /__proto__ forbidden_key',
      'the key "__proto__" is not allowed: use another name',
    ],
    [
      'a constructor',
      '/tasks',
      json('{"constructor":{"prototype":1}}'),
      400,
      'VALIDATION_FAILED /constructor forbidden_key',
      'the key "constructor.prototype" is not allowed: use another name',
    ],
    [
      '100,000 levels',
      '/tasks',
      json(`{"args":${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
      400,
      `VALIDATION_FAILED /args${'/0'.repeat(39)} too_deep`,
      'is nested too deep: at most 40 levels are allowed',
    ],
    [
      '33 levels',
      '/tasks',
      json(`{"name":"anything","args":${'['.repeat(32)}${']'.repeat(32)}}`),
      400,
      `VALIDATION_FAILED /args${'/0'.repeat(31)} too_deep`,
      'is nested too deep: at most 32 levels are allowed',
    ],
    [
      'too many elements',
      '/tasks',
      json(`{"name":"anything","args":[${'0,'.repeat(1e5)}0]}`),
      400,
      'VALIDATION_FAILED /args too_many',
      'has too many elements: at most 100000 in all are allowed',
    ],
    [
      'an unsafe integer',
      '/tasks',
      json('{"name":"calculator.add","args":[9007199254740993]}'),
      400,
      'VALIDATION_FAILED /args/0 number_range',
      'would be rounded, as any whole number beyond 2^53 - 1: send it as a string',
    ],
    [
      'an unknown field',
      '/tasks',
      json('{"name":"anything","state":"running"}'),
      400,
      'VALIDATION_FAILED /state unknown_field',
      'is not a known field; known are name, args, kwargs, exclusive, shared, counted, queue, priority, eta, countdown, expires, parent, group, maxAttempts, retry, onWorkerLoss, softTimeLimit, timeLimit, stallAfter, unique, rateLimit, rateKey, concurrency, tags',
    ],
    [
      'an unknown type',
      '/tasks',
      json('{"name":"nothing.like.it"}'),
      422,
      'UNKNOWN_TASK_TYPE /name -',
      'is not a known task type; GET /api/v1/task-types lists them',
    ],
    [
      'bad input',
      '/tasks',
      json('{"name":"repository.sync","kwargs":{}}'),
      400,
      'VALIDATION_FAILED /kwargs/repository required',
      'is required',
    ],
    [
      'an empty batch',
      '/tasks/batch',
      json('{"tasks":[]}'),
      400,
      'VALIDATION_FAILED /tasks too_few',
      'expected 1 to 1000 entries, not 0',
    ],
    [
      'a batch of 1,001',
      '/tasks/batch',
      json(JSON.stringify({ tasks: Array(1_001).fill({ name: 'anything' }) })),
      400,
      'VALIDATION_FAILED /tasks too_many',
      'expected 1 to 1000 entries, not 1001',
    ],
    [
      'one bad task of a batch',
      '/tasks/batch',
      json('{"tasks":[{"name":"anything"},{"name":"anything","args":[1]}]}'),
      400,
      'VALIDATION_FAILED /tasks/1/args unexpected_args',
      'the task "anything" takes its input by kwargs; args must be empty',
    ],
    [
      'an unknown type in a batch',
      '/tasks/batch',
      json('{"tasks":[{"name":"anything"},{"name":"nope"}]}'),
      422,
      'UNKNOWN_TASK_TYPE /tasks/1/name -',
      'is not a known task type; GET /api/v1/task-types lists them',
    ],
    [
      'a cancel that asks for more',
      '/tasks/01890000-0000-7000-8000-000000000000/cancel',
      json('{"force":true}'),
      400,
      'VALIDATION_FAILED /force unknown_field',
      'is not a known field: none is known here',
    ],
    [
      'a schedule without an interval',
      '/schedules',
      json('{"name":"s","task":{"name":"anything"}}'),
      400,
      'VALIDATION_FAILED  missing',
      'expected one of interval, cron and iso8601',
    ],
    [
      'a schedule with an interval of half a second',
      '/schedules',
      json('{"name":"s","task":{"name":"anything"},"interval":0.5}'),
      400,
      'VALIDATION_FAILED /interval number_range',
      'expected 1 to 315360000 seconds (ten years), not 0.5',
    ],
    [
      'a schedule with an interval of a month',
      '/schedules',
      json('{"name":"s","task":{"name":"anything"},"interval":"P1M"}'),
      400,
      'VALIDATION_FAILED /interval duration_format',
      'expected a number of seconds or an ISO 8601 duration in weeks, days, hours, minutes and seconds, as PT1H30M',
    ],
    [
      'a schedule of an unknown type',
      '/schedules',
      json('{"name":"s","task":{"name":"nope"},"interval":1}'),
      422,
      'UNKNOWN_TASK_TYPE /task/name -',
      'is not a known task type; GET /api/v1/task-types lists them',
    ],
    [
      'a schedule whose task has a time of its own',
      '/schedules',
      json('{"name":"s","task":{"name":"anything","eta":"2030-01-01T00:00:00Z"},"interval":1}'),
      400,
      'VALIDATION_FAILED /task/eta not_allowed',
      'a schedule gives the times itself: use countdown for a delay after each',
    ],
    [
      'a schedule whose task expires at a time',
      '/schedules',
      json('{"name":"s","task":{"name":"anything","expires":"2030-01-01T00:00:00Z"},"interval":1}'),
      400,
      'VALIDATION_FAILED /task/expires duration_format',
      'expected a number of seconds or an ISO 8601 duration in weeks, days, hours, minutes and seconds, as PT1H30M',
    ],
    [
      'a schedule with bad input',
      '/schedules',
      json('{"name":"s","task":{"name":"repository.sync","kwargs":{"repository":1}},"interval":1}'),
      400,
      'VALIDATION_FAILED /task/kwargs/repository type',
      'expected a string, not 1',
    ],
  ];
  for (const [what, path, asking, status, where, words] of cases) {
    it(`refuses ${what}`, async () => {
      const answer = await refusal(path, asking);
      expect(answer.status).to.equal(status);
      expect(firstOf(answer)).to.equal(where);
      expect(wordsOf(answer)).to.equal(words);
    });
  }

  it('says where JSON is broken', async () => {
    const { body } = await refusal('/tasks', { text: '{\n  "name": "anything",\n}' });
    expect(body.detail).to.equal('The body: is not valid JSON: line 3, column 1, expected a name in double quotes');
  });

  it('refuses a body above 1 MiB with the limit, and one above 16 MiB for a batch', async () => {
    const large = await refusal('/tasks', { text: `{"name":"${'x'.repeat(1_048_576)}"}` });
    expect([large.status, large.body.code]).to.deep.equal([413, 'BODY_TOO_LARGE']);
    expect(large.body.detail).to.equal('The body is larger than 1048576 bytes.');
    const batch = await refusal('/tasks/batch', { text: `{"tasks":["${'x'.repeat(16 * 1_048_576)}"]}` });
    expect(batch.body.detail).to.equal('The body is larger than 16777216 bytes.');
  });
});
