import { expect } from 'chai';
import { v7 } from 'uuid';
import type { Schedule } from '../../../src/core/schedule.js';
import { NASTY, type StoreUnderTest } from './support.js';

const PAST = new Date(Date.UTC(2020, 0));
const FUTURE = new Date(Date.UTC(2100, 0));
const schedule = (change: Partial<Schedule> = {}): Omit<Schedule, 'createdAt'> => ({
  id: v7(),
  name: v7(),
  task: { name: 'add', kwargs: NASTY },
  rule: { kind: 'interval', intervalMs: 60_000, anchor: PAST },
  misfire: 'one',
  nextAt: FUTURE,
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

    it('are listed in order of id and removed once', async () => {
      const { schedules } = under.store();
      const [a, b] = [schedule(), schedule()];
      for (const each of [b, a]) await schedules.create(each);
      expect((await schedules.list(10)).map(each => each.id)).to.deep.equal([a.id, b.id]);
      expect(await schedules.list(1)).to.have.length(1);
      expect(await schedules.remove(a.id)).to.equal(true);
      expect(await schedules.remove(a.id)).to.equal(false);
    });

    it('are due by server time, earliest first', async () => {
      const { schedules } = under.store();
      const [late, later] = [schedule({ nextAt: PAST }), schedule({ nextAt: new Date(PAST.getTime() + 1) })];
      for (const each of [later, schedule(), late]) await schedules.create(each);
      const due = await schedules.due(10);
      expect(due.schedules.map(each => each.id)).to.deep.equal([late.id, later.id]);
      expect(due.now.getTime()).to.be.within(PAST.getTime(), (await schedules.now()).getTime());
      expect((await schedules.due(1)).schedules.map(each => each.id)).to.deep.equal([late.id]);
    });

    it('move on from exactly the slot that was seen', async () => {
      const { schedules } = under.store();
      const { id } = (await schedules.create(schedule({ nextAt: PAST })))!;
      const last = { id: v7(), slot: PAST };
      expect(await schedules.advance(id, FUTURE, PAST)).to.equal(false);
      expect(await schedules.advance(id, PAST, FUTURE, last)).to.equal(true);
      expect(await schedules.advance(id, PAST, FUTURE, last), 'repeated').to.equal(false);
      expect(await schedules.get(id)).to.deep.include({ nextAt: FUTURE, lastTask: last });
      expect(await schedules.advance(id, FUTURE, PAST)).to.equal(true);
      expect((await schedules.get(id))?.lastTask).to.deep.equal(last);
    });
  });
}
