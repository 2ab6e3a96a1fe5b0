import { expect } from 'chai';

import { refusingApi, task, toldOf, type Refused } from './refusing-api.js';

/** Rows B19 to B24 of docs/bad-input.md. */
describe('The API, given a task that cannot be', () => {
  const { refusal } = refusingApi();

  const sync = (more: object): Refused[1] => task({ name: 'repository.sync', ...more });
  const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `r${n}`);
  const cases: Refused[] = [
    [
      'B19 an unknown type',
      task({ name: 'nothing.like.it' }),
      '422 UNKNOWN_TASK_TYPE /name -',
      'is not a known task type; GET /api/v1/task-types lists them',
    ],
    [
      'B19 a slip of the finger',
      task({ name: 'repository.sink' }),
      '422 UNKNOWN_TASK_TYPE /name -',
      'is not a known task type; did you mean "repository.sync"?',
    ],
    ['B20 input that is missing', sync({ kwargs: {} }), '/kwargs/repository required', 'is required'],
    ['B20 input of another type', sync({ kwargs: { repository: 7 } }), '/kwargs/repository type', 'expected a string, not 7'],
    [
      'B20 a fraction in the input',
      sync({ kwargs: { repository: 'a', depth: 1.5 } }),
      '/kwargs/depth type',
      'expected a whole number, not 1.5',
    ],
    [
      'B20 unknown input',
      sync({ kwargs: { repository: 'a', dept: 1 } }),
      '/kwargs/dept unknown_field',
      'is not a known field; did you mean "depth"?',
    ],
    [
      'B20 args for a defined task',
      sync({ args: [1], kwargs: { repository: 'a' } }),
      '/args unexpected_args',
      'the task "repository.sync" takes its input by kwargs; args must be empty',
    ],
    [
      'B20 input without its resources',
      sync({ kwargs: { repository: 'explode' } }),
      '/kwargs resources',
      'the resources of "repository.sync" cannot be computed from this input: no such repository',
    ],
    [
      'B20 input that makes a bad resource',
      sync({ kwargs: { repository: 'a\n' } }),
      '/kwargs bad_resource',
      'the resources that the task type "repository.sync" adds are refused: a resource name holds printable characters only, and neither begins nor ends with a space',
    ],
    [
      'B21 an empty resource name',
      task({ shared: ['ok', ''] }),
      '/shared/1 bad_resource',
      'a resource name has 1 to 255 bytes, not 0',
    ],
    [
      'B21 a resource name of 256 bytes',
      task({ exclusive: ['é'.repeat(128)] }),
      '/exclusive/0 bad_resource',
      'a resource name has 1 to 255 bytes, not 256',
    ],
    [
      'B21 a padded resource name',
      task({ exclusive: [' a'] }),
      '/exclusive/0 bad_resource',
      'a resource name holds printable characters only, and neither begins nor ends with a space',
    ],
    [
      'B21 65 resources in one list',
      task({ exclusive: numbered(65) }),
      '/exclusive too_many',
      'expected at most 64 entries, not 65',
    ],
    [
      'B21 65 resources in two lists',
      task({ exclusive: numbered(64), shared: ['x'] }),
      '/exclusive too_many',
      'a task may reserve at most 64 resources, exclusive, shared and counted together',
    ],
    ['B22 a limit of nothing', task({ timeLimit: 0 }), '/timeLimit number_range', 'expected more than 0, not 0'],
    ['B22 a limit below nothing', task({ timeLimit: -1 }), '/timeLimit number_range', 'expected more than 0, not -1'],
    [
      'B22 a limit of a century',
      task({ softTimeLimit: 3e9 }),
      '/softTimeLimit number_range',
      'expected 0 to 315360000 seconds (ten years), not 3000000000',
    ],
    [
      'B22 a limit in words',
      task({ timeLimit: '10 minutes' }),
      '/timeLimit duration_format',
      'expected a number of seconds or an ISO 8601 duration in weeks, days, hours, minutes and seconds, as PT1H30M',
    ],
    [
      'B22 a soft limit above the hard one',
      task({ softTimeLimit: 60, timeLimit: 'PT1M' }),
      '/softTimeLimit number_range',
      'must be shorter than timeLimit, which kills the body',
    ],
    [
      'B23 a time without a zone',
      task({ eta: '2026-03-01T12:00:10' }),
      '/eta date_invalid',
      'expected a time that there is, with its zone, as 2026-01-31T12:00:00Z',
    ],
    [
      'B23 the year 20000',
      task({ eta: '20000-01-01T00:00:00Z' }),
      '/eta date_invalid',
      'expected a time that there is, with its zone, as 2026-01-31T12:00:00Z',
    ],
    [
      'B23 30 February',
      task({ eta: '2026-02-30T12:00:00Z' }),
      '/eta date_invalid',
      'expected a time that there is, with its zone, as 2026-01-31T12:00:00Z',
    ],
    [
      'B23 a time too far away',
      task({ eta: '2999-01-01T00:00:00Z' }),
      '/eta date_invalid',
      'lies more than ten years ahead: expected an earlier time',
    ],
    [
      'B23 a delay in words',
      task({ countdown: '10 minutes' }),
      '/countdown date_invalid',
      'expected seconds, an ISO 8601 duration as PT1H30M, or a time with its zone, as 2026-01-31T12:00:00Z',
    ],
    [
      'B23 an end that has passed',
      task({ expires: '2020-01-01T00:00:00Z' }),
      '/expires date_invalid',
      'lies before the task could start: expected a later time',
    ],
    ['B24 a priority of 10', task({ priority: 10 }), '/priority number_range', 'expected 0 to 9, not 10'],
    ['B24 no attempts', task({ maxAttempts: 0 }), '/maxAttempts number_range', 'expected 1 to 1000, not 0'],
    ['B24 too many attempts', task({ maxAttempts: 1_001 }), '/maxAttempts number_range', 'expected 1 to 1000, not 1001'],
    [
      'B24 a requeue with one attempt',
      task({ onWorkerLoss: 'requeue', maxAttempts: 1 }),
      '/maxAttempts number_range',
      'must be at least 2 with onWorkerLoss "requeue": the first start counts',
    ],
  ];
  for (const [what, sent, problem, words] of cases) {
    it(`refuses ${what}`, async () => {
      expect(toldOf(await refusal(...sent))).to.deep.equal([problem, words]);
    });
  }
});
