import { expect } from 'chai';

import { createDueSlots } from '../../../src/beat/slots.js';
import { MISFIRE_GRACE_MS, type Misfire, type Schedule } from '../../../src/core/schedule.js';
import { silentLog } from '../../../src/process/log.js';

const HOUR = 3_600_000;
const ANCHOR = new Date(Date.UTC(2026, 0));
const slot = (n: number): Date => new Date(ANCHOR.getTime() + n * HOUR);

/** A schedule of every hour whose slots 1 to 3 have passed, the last one longer ago than the grace. */
async function afterAnOutage(misfire: Misfire, fails: (slot: Date) => boolean = () => false) {
  const rule = { kind: 'interval', intervalMs: HOUR, anchor: ANCHOR } as const;
  const schedule: Schedule = { id: 's', name: 'hourly', task: {}, rule, misfire, nextAt: slot(1), createdAt: ANCHOR };
  const now = new Date(slot(3).getTime() + MISFIRE_GRACE_MS + 1);
  const created: Date[] = [];
  const moves: [Date, Date][] = [];
  const warnings: string[] = [];
  const errors: string[] = [];
  await createDueSlots(
    {
      schedules: {
        due: () => Promise.resolve({ now, schedules: [schedule] }),
        advance: (_id, from, to) => (moves.push([from, to]), Promise.resolve(true)),
      },
      submit: (_body, { slot: wanted }) => {
        if (fails(wanted)) return Promise.reject(new Error('away'));
        created.push(wanted);
        return Promise.resolve({ id: 't' });
      },
      log: { ...silentLog, warn: message => void warnings.push(message), error: message => void errors.push(message) },
    },
    () => true,
  );
  return { created, moves, warnings, errors };
}

describe('the slots of a schedule that passed while no beat was up', () => {
  const expected: [Misfire, Date[], warning: RegExp | undefined][] = [
    ['one', [slot(3)], /"hourly": 2 slots passed/],
    ['all', [slot(1), slot(2), slot(3)], undefined],
    ['skip', [], /"hourly": 3 slots passed .*misfire skip/],
  ];
  for (const [misfire, slots, warning] of expected) {
    it(`make ${slots.length} tasks by the policy "${misfire}", and those that make none are counted aloud`, async () => {
      const { created, moves, warnings } = await afterAnOutage(misfire);
      expect(created).to.deep.equal(slots);
      expect(moves).to.deep.equal([[slot(1), slot(4)]]);
      expect(warnings).to.have.length(warning ? 1 : 0);
      if (warning) expect(warnings[0]).to.match(warning);
    });
  }

  it('stay due when one of them cannot be submitted', async () => {
    const { created, moves, errors } = await afterAnOutage('all', wanted => wanted.getTime() === slot(2).getTime());
    expect(created).to.deep.equal([slot(1)]);
    expect(moves).to.deep.equal([]);
    expect(errors).to.have.length(1);
  });
});
