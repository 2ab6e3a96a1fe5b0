import { expect } from 'chai';

import { refused } from './submitting.js';

/** The first thing wrong: `pointer reason`, and what people are told. */
async function wrong(body: unknown): Promise<[problem: string, words: string | undefined]> {
  const [first] = (await refused(body)).errors;
  return [`${first?.pointer ?? ''} ${first?.reason ?? ''}`, first?.detail];
}

describe('A submission that is refused', () => {
  describe('for its times', () => {
    for (const [given, problem, words] of [
      [{ countdown: -1 }, '/countdown number_range', 'expected at least 0, not -1'],
      [{ countdown: 1e12 }, '/countdown number_range', 'expected 0 to 315360000 seconds (ten years), not 1000000000000'],
      [
        { countdown: 'P1Y' },
        '/countdown duration_format',
        'expected a number of seconds or an ISO 8601 duration in weeks, days, hours, minutes and seconds, as PT1H30M',
      ],
      [
        { countdown: 'PT' },
        '/countdown duration_format',
        'expected a number of seconds or an ISO 8601 duration in weeks, days, hours, minutes and seconds, as PT1H30M',
      ],
      [
        { countdown: '' },
        '/countdown date_invalid',
        'expected seconds, an ISO 8601 duration as PT1H30M, or a time with its zone, as 2026-01-31T12:00:00Z',
      ],
      [
        { countdown: '10 minutes' },
        '/countdown date_invalid',
        'expected seconds, an ISO 8601 duration as PT1H30M, or a time with its zone, as 2026-01-31T12:00:00Z',
      ],
      [{ countdown: 1, eta: '2026-03-01T12:00:10Z' }, '/countdown ambiguous', 'give either eta or countdown, not both'],
      [
        { eta: '2026-03-01T12:00:10' },
        '/eta date_invalid',
        'expected a time that there is, with its zone, as 2026-01-31T12:00:00Z',
      ],
      [
        { eta: '2026-02-30T12:00:00Z' },
        '/eta date_invalid',
        'expected a time that there is, with its zone, as 2026-01-31T12:00:00Z',
      ],
      [
        { eta: '2026-13-01T12:00:00Z' },
        '/eta date_invalid',
        'expected a time that there is, with its zone, as 2026-01-31T12:00:00Z',
      ],
      [
        { eta: '20000-01-01T00:00:00Z' },
        '/eta date_invalid',
        'expected a time that there is, with its zone, as 2026-01-31T12:00:00Z',
      ],
      [{ eta: '2999-01-01T00:00:00Z' }, '/eta date_invalid', 'lies more than ten years ahead: expected an earlier time'],
      [{ eta: 5 }, '/eta type_mismatch', 'expected a string, not 5'],
      [{ expires: 0 }, '/expires date_invalid', 'lies before the task could start: expected a later time'],
      [{ expires: '2020-01-01T00:00:00Z' }, '/expires date_invalid', 'lies before the task could start: expected a later time'],
      [{ expires: 5, countdown: 10 }, '/expires date_invalid', 'lies before the task could start: expected a later time'],
    ] as const) {
      it(`refuses ${JSON.stringify(given)}`, async () => {
        expect(await wrong({ name: 'calculator.add', ...given })).to.deep.equal([problem, words]);
      });
    }
  });

  describe('bodies that are refused', () => {
    const cases: [what: string, body: unknown, problem: string, words: string][] = [
      ['null', null, ' type_mismatch', 'expected an object, not null'],
      ['an array', [], ' type_mismatch', 'expected an object, not a list'],
      ['no name', {}, '/name required', 'is required'],
      ['a name of the wrong type', { name: 7 }, '/name type_mismatch', 'expected a string, not 7'],
      [
        'an unknown field',
        { name: 'careful', prioritty: 1 },
        '/prioritty unknown_field',
        'is not a known field; did you mean "priority"?',
      ],
      [
        'a number as text',
        { name: 'careful', priority: '7' },
        '/priority type_mismatch',
        'expected a whole number, not a string',
      ],
      [
        'null where a number belongs',
        { name: 'careful', priority: null },
        '/priority type_mismatch',
        'expected a whole number, not null',
      ],
      ['a priority out of range', { name: 'careful', priority: 10 }, '/priority number_range', 'expected 0 to 9, not 10'],
      ['a fraction', { name: 'careful', priority: 1.5 }, '/priority type_mismatch', 'expected a whole number, not 1.5'],
      ['a scalar for a list', { name: 'careful', exclusive: 'a' }, '/exclusive type_mismatch', 'expected a list, not a string'],
      [
        '65 resources in one list',
        { name: 'careful', exclusive: numbered(65) },
        '/exclusive too_many',
        'expected at most 64 entries, not 65',
      ],
      [
        '65 resources in two lists',
        { name: 'careful', exclusive: numbered(64), shared: ['x'] },
        '/exclusive too_many',
        'a task may reserve at most 64 resources, exclusive, shared and counted together',
      ],
      [
        'an empty resource name',
        { name: 'careful', shared: ['ok', ''] },
        '/shared/1 bad_resource',
        'a resource name has 1 to 255 bytes, not 0',
      ],
      [
        'a resource name of 256 bytes',
        { name: 'careful', exclusive: ['é'.repeat(128)] },
        '/exclusive/0 bad_resource',
        'a resource name has 1 to 255 bytes, not 256',
      ],
      [
        'a resource name with a control character',
        { name: 'careful', exclusive: ['a\u0007'] },
        '/exclusive/0 bad_resource',
        'a resource name holds printable characters only, and neither begins nor ends with a space',
      ],
      [
        'a resource name with a bidi override',
        { name: 'careful', exclusive: ['a\u202e'] },
        '/exclusive/0 bad_resource',
        'a resource name holds printable characters only, and neither begins nor ends with a space',
      ],
      [
        'a bad queue name',
        { name: 'careful', queue: 'a b' },
        '/queue bad_format',
        'expected 1 to 64 of the characters A-Z a-z 0-9 _ . -',
      ],
      ['no attempts', { name: 'careful', maxAttempts: 0 }, '/maxAttempts number_range', 'expected 1 to 1000, not 0'],
      ['too many attempts', { name: 'careful', maxAttempts: 1_001 }, '/maxAttempts number_range', 'expected 1 to 1000, not 1001'],
      [
        'an unknown policy',
        { name: 'careful', onWorkerLoss: 'retry' },
        '/onWorkerLoss not_allowed',
        'expected one of cancel, requeue',
      ],
      [
        'requeue with one attempt',
        { name: 'calculator.add', onWorkerLoss: 'requeue', maxAttempts: 1 },
        '/maxAttempts number_range',
        'must be at least 2 with onWorkerLoss "requeue": the first start counts',
      ],
      ['an empty tag', { name: 'careful', tags: [''] }, '/tags/0 too_short', 'expected 1 to 100 characters, not 0'],
      [
        'input that the type refuses',
        { name: 'repository.sync', kwargs: { repository: 7 } },
        '/kwargs/repository type',
        'expected a string, not 7',
      ],
      [
        'unknown input',
        { name: 'repository.sync', kwargs: { repository: 'a', x: 1 } },
        '/kwargs/x unknown_field',
        'is not a known field; known are repository',
      ],
      [
        'args for a defined task',
        { name: 'repository.sync', args: [1], kwargs: { repository: 'a' } },
        '/args unexpected_args',
        'the task "repository.sync" takes its input by kwargs; args must be empty',
      ],
      [
        'a type whose resources throw',
        { name: 'repository.sync', kwargs: { repository: 'gone' } },
        '/kwargs resources',
        'the resources of "repository.sync" cannot be computed from this input: there is none',
      ],
      [
        'a type whose resources are bad',
        { name: 'repository.sync', kwargs: { repository: 'a\n' } },
        '/kwargs bad_resource',
        'the resources that the task type "repository.sync" adds are refused: a resource name holds printable characters only, and neither begins nor ends with a space',
      ],
    ];
    for (const [what, body, problem, words] of cases) {
      it(`refuses ${what}`, async () => expect(await wrong(body)).to.deep.equal([problem, words]));
    }

    it('names the nearest known field', async () => {
      expect((await refused({ name: 'careful', prioritty: 1 })).message).to.include('did you mean "priority"?');
    });

    it('tells everything that is wrong at once, up to twenty things', async () => {
      expect((await refused({ name: 'careful', priority: 'x', queue: 7 })).errors).to.have.length(2);
      expect((await refused({ name: 'careful', tags: numbered(60).map(() => 1) })).errors).to.have.length(20);
    });

    it('tells the first thing that is wrong with a large body: all of them took seconds', async () => {
      const error = await refused({ name: 'calculator.add', tags: ['a'], exclusive: Array<number>(10_000).fill(1) });
      expect(error.errors).to.have.length(1);
    });

    it('says which type it was that threw, and what', async () => {
      const { message } = await refused({ name: 'repository.sync', kwargs: { repository: 'gone' } });
      expect(message).to.include('"repository.sync"').and.include('there is none');
    });

    it('answers an unknown type with the nearest known one', async () => {
      const error = await refused({ name: 'repository.sink' });
      expect(error.code).to.equal('UNKNOWN_TASK_TYPE');
      expect(error.message).to.include('did you mean "repository.sync"?');
    });
  });
});

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `r${n}`);
}
