import { expect } from 'chai';

import { refusingApi, toldOf, type Refused } from './refusing-api.js';

/** Rows B39 to B42 of docs/bad-input.md. */
describe('The API, given a schedule that cannot be', () => {
  const { refusal } = refusingApi();

  const schedule = (more: object): Refused[1] => ['/schedules', { body: { name: 's', task: { name: 'anything' }, ...more } }];
  const cases: Refused[] = [
    [
      'B39 a minute of 61',
      schedule({ cron: '61 * * * *' }),
      '/cron cron_invalid',
      'minute "61": expected *, a value, a range a-b, or one of them with /step, of 0 to 59',
    ],
    [
      'B39 seven fields',
      schedule({ cron: '* * * * * * *' }),
      '/cron cron_invalid',
      'expected 5 fields (minute, hour, day of month, month, day of week) or 6 with seconds first, not 7',
    ],
    ['B39 a step of nothing', schedule({ cron: '*/0 * * * *' }), '/cron cron_invalid', 'minute "*/0": a step is at least 1'],
    [
      'B39 a word',
      schedule({ cron: '@reboot' }),
      '/cron cron_invalid',
      '"@reboot" is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly',
    ],
    [
      'B39 nothing',
      schedule({ cron: '' }),
      '/cron cron_invalid',
      'expected 5 fields (minute, hour, day of month, month, day of week) or 6 with seconds first, not 0',
    ],
    [
      'B40 a day that never comes',
      schedule({ cron: '0 0 30 2 *' }),
      '/cron cron_never',
      'names no time that is still to come: it would never run',
    ],
    [
      'B41 a zone of Mars',
      schedule({ cron: '@daily', timezone: 'Mars/Phobos' }),
      '/timezone unknown_timezone',
      '"Mars/Phobos" is no time zone: expected a name as Europe/Berlin',
    ],
    [
      'B41 an offset',
      schedule({ cron: '@daily', timezone: 'UTC+2' }),
      '/timezone unknown_timezone',
      '"UTC+2" is no time zone: expected a name as Europe/Berlin',
    ],
    [
      'B41 an empty zone',
      schedule({ cron: '@daily', timezone: '' }),
      '/timezone unknown_timezone',
      '"" is no time zone: expected a name as Europe/Berlin',
    ],
    [
      'B42 an interval of nothing',
      schedule({ interval: 0 }),
      '/interval number_range',
      'expected 1 to 315360000 seconds (ten years), not 0',
    ],
    [
      'B42 an interval below nothing',
      schedule({ interval: -1 }),
      '/interval number_range',
      'expected 1 to 315360000 seconds (ten years), not -1',
    ],
    ['B42 PT0S', schedule({ interval: 'PT0S' }), '/interval number_range', 'expected 1 to 315360000 seconds (ten years), not 0'],
    [
      'B42 P1Y',
      schedule({ interval: 'P1Y' }),
      '/interval duration_format',
      'expected a number of seconds or an ISO 8601 duration in weeks, days, hours, minutes and seconds, as PT1H30M',
    ],
  ];
  for (const [what, sent, problem, words] of cases) {
    it(`refuses ${what}`, async () => {
      expect(toldOf(await refusal(...sent))).to.deep.equal([problem, words]);
    });
  }
});
