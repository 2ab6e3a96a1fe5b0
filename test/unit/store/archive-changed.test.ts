import { expect } from 'chai';
import { BSON, type Document } from 'mongodb';

import type { Change } from '../../../src/store/archive.js';
import { changed } from '../../../src/store/mongo/archive/changed.js';

const AT = new Date('2026-02-01T00:00:00.000Z');
const CUT = new Date('2026-01-31T00:00:00.000Z');
const CHANGE: Change = {
  ...{ at: AT, requeue: false, passOver: true, backup: 'b', cutAt: CUT, seqShift: 100 },
  given: { seq: 200, fence: 300, epoch: 4, generation: 2 },
};

/** Cases that `npm run test:fuzz -- inputs` has found. */
describe('a record on its way into a restored database', () => {
  const restored = (collection: string, document: Document): ReturnType<typeof changed> =>
    changed(collection, BSON.serialize(document), CHANGE);
  const schedule = (rule: unknown): Document => restored('schedules', { _id: 's', rule, nextAt: CUT }).document;

  it('is a schedule with the first slot after the restore', () => {
    const monthly = { kind: 'iso8601', start: new Date('2026-01-15T00:00:00.000Z'), months: 1, ms: 0 };
    expect(schedule(monthly).nextAt).to.deep.equal(new Date('2026-02-15T00:00:00.000Z'));
    expect(schedule({ kind: 'cron', cron: '0 2 * * *', timezone: 'UTC' }).nextAt).to.deep.equal(
      new Date('2026-02-01T02:00:00.000Z'),
    );
    expect(schedule({ ...monthly, count: 1 })).not.to.have.any.keys('nextAt', 'paused');
  });

  const rules: [what: string, rule: unknown][] = [
    ['that is missing', undefined],
    ['of no kind', { kind: 'toString' }],
    ['without its cron', { kind: 'cron', timezone: 'UTC' }],
    ['with a cron that is none', { kind: 'cron', cron: '99 * * * *', timezone: 'UTC' }],
    ['in a time zone that there is not here', { kind: 'cron', cron: '0 2 * * *', timezone: 'Mars/Olympus' }],
    ['that goes back in time', { kind: 'iso8601', start: CUT, months: -1, ms: 0 }],
    ['that stands still', { kind: 'iso8601', start: CUT, months: 0, ms: 0 }],
    ['that goes beyond all dates', { kind: 'interval', anchor: CUT, intervalMs: 2 ** 53 - 1 }],
    ['with a text for its start', { kind: 'interval', anchor: 'yesterday', intervalMs: 1_000 }],
  ];
  for (const [what, rule] of rules) {
    it(`is a paused schedule with a reason, when it has a rule ${what}`, () => {
      const found = schedule(rule);
      expect(found).not.to.have.property('nextAt');
      expect(found.paused).to.have.property('at').that.deep.equals(AT);
      expect(found.paused)
        .to.have.property('reason')
        .that.matches(/nobody can tell its next slot/);
    });
  }

  it('is a canceled task, when its progress holds what is no report', () => {
    const task = { _id: 't', seq: 1, state: 'running', progress: [null, { state: 'running' }], attempts: [] };
    expect(restored('tasks', task).document).to.deep.include({ state: 'canceled', progress: [null, { state: 'canceled' }] });
  });

  it('is what it was, when its id cannot even be made a text', () => {
    for (const collection of ['leases', 'meta', 'counters']) {
      const { document, fate } = restored(collection, { _id: { toString: 1 } });
      expect([Object.keys(document._id as object), fate]).to.deep.equal([['toString'], 'kept']);
    }
  });
});
