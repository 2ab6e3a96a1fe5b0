import { expect } from 'chai';
import { v7 } from 'uuid';
import { omit } from '../../../src/core/omit.js';
import type { NewSchedule, Schedule } from '../../../src/core/schedule.js';
import { acceptOne, NASTY, newTask, startAll, type StoreUnderTest } from './support.js';

const PAST = new Date(Date.UTC(2020, 0));
const FUTURE = new Date(Date.UTC(2100, 0));
const schedule = (change: Partial<Schedule> = {}): NewSchedule => ({
  id: v7(),
  name: v7(),
  task: { name: 'add', kwargs: NASTY },
  rule: { kind: 'interval', intervalMs: 60_000, anchor: PAST },
  misfire: 'one',
  overlap: 'allow',
  nextAt: FUTURE,
  skipped: 0,
  countedFrom: PAST,
  revision: 1,
  version: 0,
  ...change,
});

export function schedulesContract(under: StoreUnderTest): void {
  describe('schedules', () => {
    beforeEach(() => under.clear());

    it('are created once a name, with the server time, and repeated tries give what is stored', async () => {
      const { schedules } = under.store();
      const wish = schedule({ name: '$name' });
      const created = (await schedules.create(wish))!;
      expect(created).to.deep.include(wish);
      expect(created.createdAt).to.be.a('date');
      expect(await schedules.create({ ...wish, misfire: 'all' }), 'repeated').to.deep.equal(created);
      expect(await under.other().schedules.create(schedule({ name: '$name' }))).to.equal(undefined);
      expect(await schedules.get(wish.id)).to.deep.equal(created);
      expect(JSON.stringify((await schedules.get(wish.id))?.task)).to.equal(JSON.stringify(wish.task));
      expect(await schedules.get('none')).to.equal(undefined);
    });

    it('are listed in order of id, page by page, and removed once', async () => {
      const { schedules } = under.store();
      const [a, b] = [schedule(), schedule()];
      for (const each of [b, a]) await schedules.create(each);
      expect((await schedules.list(10)).map(each => each.id)).to.deep.equal([a.id, b.id]);
      expect((await schedules.list(1)).map(each => each.id)).to.deep.equal([a.id]);
      expect((await schedules.list(10, a.id)).map(each => each.id)).to.deep.equal([b.id]);
      expect(await schedules.remove(a.id)).to.equal(true);
      expect(await schedules.remove(a.id)).to.equal(false);
      expect(await schedules.remove(b.id, 1), 'another version').to.equal(false);
      expect(await schedules.remove(b.id, 0)).to.equal(true);
    });

    it('are due by server time, earliest first, unless they have no time', async () => {
      const { schedules } = under.store();
      const [late, later] = [schedule({ nextAt: PAST }), schedule({ nextAt: new Date(PAST.getTime() + 1) })];
      const never = omit(schedule(), 'nextAt');
      for (const each of [later, schedule(), late, never]) await schedules.create(each);
      const due = await schedules.due(10);
      expect(due.schedules.map(each => each.id)).to.deep.equal([late.id, later.id]);
      expect(due.now.getTime()).to.be.within(PAST.getTime(), (await schedules.now()).getTime());
      expect((await schedules.due(1)).schedules.map(each => each.id)).to.deep.equal([late.id]);
    });

    it('are replaced only as the version that was seen', async () => {
      const { schedules } = under.store();
      const seen = (await schedules.create(schedule({ nextAt: PAST })))!;
      const wanted: Schedule = {
        ...omit(seen, 'nextAt'),
        name: '$other',
        rule: { kind: 'cron', cron: '*/5 * * * *', timezone: 'Europe/Berlin' },
        pending: { slots: [PAST], then: FUTURE, cancel: 't', tries: 1 },
        lastTask: { id: v7(), slot: PAST },
        paused: { at: PAST, reason: '$reason' },
        failureThreshold: 3,
        remainingRuns: 2,
        skipped: 5,
        revision: 2,
      };
      const stored = await schedules.replace(wanted);
      expect(stored).to.deep.equal({ ...wanted, version: 1 });
      expect(await under.other().schedules.get(seen.id)).to.deep.equal(stored);
      expect(await schedules.replace(wanted), 'repeated').to.equal('changed');
      expect(await schedules.replace({ ...seen, id: v7() }), 'gone').to.equal('changed');
      expect(await schedules.get(seen.id)).to.deep.equal(stored);
      const other = (await schedules.create(schedule()))!;
      expect(await schedules.replace({ ...other, name: '$other' })).to.equal('name-taken');
    });

    it('of two who saw the same one moves', async () => {
      const { schedules } = under.store();
      const seen = (await schedules.create(schedule({ nextAt: PAST })))!;
      const results = await Promise.all([schedules, under.other().schedules].map(each => each.replace({ ...seen, skipped: 1 })));
      expect(results.filter(result => result === 'changed')).to.have.length(1);
      expect((await schedules.get(seen.id))?.version).to.equal(1);
    });

    it('know their runs, latest slot first', async () => {
      const store = under.store();
      const id = v7();
      const slot = (n: number): Date => new Date(PAST.getTime() + n * 1_000);
      const third = await acceptOne(store, newTask({ schedule: { id, slot: slot(3) } }));
      const first = await acceptOne(store, newTask({ schedule: { id, slot: slot(1) } }));
      const second = await acceptOne(store, newTask({ schedule: { id, slot: slot(2) } }));
      await acceptOne(store, newTask({ schedule: { id: v7(), slot: slot(4) } }));
      await startAll(store, [second]);
      expect(await store.tasks.runsOf(id, slot(0), 10)).to.deep.equal([
        { id: third.id, state: 'waiting' },
        { id: second.id, state: 'running' },
        { id: first.id, state: 'waiting' },
      ]);
      expect((await store.tasks.runsOf(id, slot(1), 1)).map(run => run.id)).to.deep.equal([third.id]);
      expect((await store.tasks.runsOf(id, slot(2), 9)).map(run => run.id)).to.deep.equal([third.id]);
    });
  });
}
