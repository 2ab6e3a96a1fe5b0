import { expect } from 'chai';

import type { Asking } from './fixture.js';
import { firstOf, refusingApi } from './refusing-api.js';

describe('The API, when a body is bad', () => {
  const { refusal } = refusingApi();

  const json = (text: string | Buffer): Asking => ({ method: 'POST', text });
  const cases: [string, string, Asking, number, string][] = [
    ['an empty body', '/tasks', json(''), 400, 'VALIDATION_FAILED  body_empty'],
    ['a trailing comma', '/tasks', json('{"name":"anything",}'), 400, 'VALIDATION_FAILED  json_invalid'],
    ['NaN', '/tasks', json('{"priority":NaN}'), 400, 'VALIDATION_FAILED  json_invalid'],
    ['single quotes', '/tasks', json("{'name':'anything'}"), 400, 'VALIDATION_FAILED  json_invalid'],
    ['null', '/tasks', json('null'), 400, 'VALIDATION_FAILED  body_not_object'],
    ['an array', '/tasks', json('[]'), 400, 'VALIDATION_FAILED  body_not_object'],
    ['a string', '/tasks', json('"x"'), 400, 'VALIDATION_FAILED  body_not_object'],
    ['bytes that are not UTF-8', '/tasks', json(Buffer.from([0x22, 0xff, 0x22])), 400, 'VALIDATION_FAILED  bad_text'],
    [
      'a prototype',
      '/tasks',
      json('{"name":"anything","kwargs":{"__proto__":{}}}'),
      400,
      'VALIDATION_FAILED /kwargs/__proto__ forbidden_key',
    ],
    [
      'a prototype on top',
      '/tasks',
      json('{"name":"anything","__proto__":{}}'),
      400,
      'VALIDATION_FAILED /__proto__ forbidden_key',
    ],
    ['a constructor', '/tasks', json('{"constructor":{"prototype":1}}'), 400, 'VALIDATION_FAILED /constructor forbidden_key'],
    [
      '100,000 levels',
      '/tasks',
      json(`{"args":${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
      400,
      `VALIDATION_FAILED /args${'/0'.repeat(39)} too_deep`,
    ],
    [
      '33 levels',
      '/tasks',
      json(`{"name":"anything","args":${'['.repeat(32)}${']'.repeat(32)}}`),
      400,
      `VALIDATION_FAILED /args${'/0'.repeat(31)} too_deep`,
    ],
    [
      'too many elements',
      '/tasks',
      json(`{"name":"anything","args":[${'0,'.repeat(1e5)}0]}`),
      400,
      'VALIDATION_FAILED /args too_many',
    ],
    [
      'an unsafe integer',
      '/tasks',
      json('{"name":"calculator.add","args":[9007199254740993]}'),
      400,
      'VALIDATION_FAILED /args/0 number_range',
    ],
    ['an unknown field', '/tasks', json('{"name":"anything","state":"running"}'), 400, 'VALIDATION_FAILED /state unknown_field'],
    ['an unknown type', '/tasks', json('{"name":"nothing.like.it"}'), 422, 'UNKNOWN_TASK_TYPE /name -'],
    ['bad input', '/tasks', json('{"name":"repository.sync","kwargs":{}}'), 400, 'VALIDATION_FAILED /kwargs/repository required'],
    ['an empty batch', '/tasks/batch', json('{"tasks":[]}'), 400, 'VALIDATION_FAILED /tasks too_few'],
    [
      'a batch of 1,001',
      '/tasks/batch',
      json(JSON.stringify({ tasks: Array(1_001).fill({ name: 'anything' }) })),
      400,
      'VALIDATION_FAILED /tasks too_many',
    ],
    [
      'one bad task of a batch',
      '/tasks/batch',
      json('{"tasks":[{"name":"anything"},{"name":"anything","args":[1]}]}'),
      400,
      'VALIDATION_FAILED /tasks/1/args unexpected_args',
    ],
    [
      'an unknown type in a batch',
      '/tasks/batch',
      json('{"tasks":[{"name":"anything"},{"name":"nope"}]}'),
      422,
      'UNKNOWN_TASK_TYPE /tasks/1/name -',
    ],
    [
      'a cancel that asks for more',
      '/tasks/01890000-0000-7000-8000-000000000000/cancel',
      json('{"force":true}'),
      400,
      'VALIDATION_FAILED /force unknown_field',
    ],
    [
      'a schedule without an interval',
      '/schedules',
      json('{"name":"s","task":{"name":"anything"}}'),
      400,
      'VALIDATION_FAILED  missing',
    ],
    [
      'a schedule with an interval of half a second',
      '/schedules',
      json('{"name":"s","task":{"name":"anything"},"interval":0.5}'),
      400,
      'VALIDATION_FAILED /interval number_range',
    ],
    [
      'a schedule with an interval of a month',
      '/schedules',
      json('{"name":"s","task":{"name":"anything"},"interval":"P1M"}'),
      400,
      'VALIDATION_FAILED /interval duration_format',
    ],
    [
      'a schedule of an unknown type',
      '/schedules',
      json('{"name":"s","task":{"name":"nope"},"interval":1}'),
      422,
      'UNKNOWN_TASK_TYPE /task/name -',
    ],
    [
      'a schedule whose task has a time of its own',
      '/schedules',
      json('{"name":"s","task":{"name":"anything","eta":"2030-01-01T00:00:00Z"},"interval":1}'),
      400,
      'VALIDATION_FAILED /task/eta not_allowed',
    ],
    [
      'a schedule whose task expires at a time',
      '/schedules',
      json('{"name":"s","task":{"name":"anything","expires":"2030-01-01T00:00:00Z"},"interval":1}'),
      400,
      'VALIDATION_FAILED /task/expires duration_format',
    ],
    [
      'a schedule with bad input',
      '/schedules',
      json('{"name":"s","task":{"name":"repository.sync","kwargs":{"repository":1}},"interval":1}'),
      400,
      'VALIDATION_FAILED /task/kwargs/repository type',
    ],
  ];
  for (const [what, path, asking, status, where] of cases) {
    it(`refuses ${what}`, async () => {
      const answer = await refusal(path, asking);
      expect(answer.status).to.equal(status);
      expect(firstOf(answer)).to.equal(where);
    });
  }

  it('says where JSON is broken', async () => {
    const { body } = await refusal('/tasks', { text: '{\n  "name": "anything",\n}' });
    expect(body.detail).to.equal('The body: is not valid JSON: line 3, column 1, expected a name in double quotes');
  });

  it('refuses a body above 1 MiB with the limit, and one above 16 MiB for a batch', async () => {
    const large = await refusal('/tasks', { text: `{"name":"${'x'.repeat(1_048_576)}"}` });
    expect([large.status, large.body.code]).to.deep.equal([413, 'BODY_TOO_LARGE']);
    expect(large.body.detail).to.include('1048576');
    const batch = await refusal('/tasks/batch', { text: `{"tasks":["${'x'.repeat(16 * 1_048_576)}"]}` });
    expect(batch.body.detail).to.include('16777216');
  });
});
