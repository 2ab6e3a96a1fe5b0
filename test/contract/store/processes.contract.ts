import { expect } from 'chai';
import { v4 } from 'uuid';
import { until } from '../../support/wait.js';
import { registration, type StoreUnderTest } from './support.js';

const MINUTE = 60_000;

export function processesContract(under: StoreUnderTest): void {
  describe('processes', () => {
    beforeEach(() => under.clear());

    it('registers a free name with a fresh counter and a lease by server time', async () => {
      const { processes } = under.store();
      const mine = registration();
      expect(await processes.register(mine, MINUTE)).to.deep.equal({ kind: 'registered' });
      const record = (await under.other().processes.get(mine.name))!;
      expect(record).to.deep.include({ ...mine, state: 'live', beat: 0 });
      expect(record.leaseUntil.getTime() - record.startedAt.getTime()).to.equal(MINUTE);
      expect(record.beatAt).to.deep.equal(record.startedAt);
      expect(await processes.get('nobody')).to.equal(undefined);
    });

    it('names the live holder to a second one, and takes a repeated try', async () => {
      const { processes } = under.store();
      const [mine, rival] = [registration(), registration()];
      await processes.register(mine, MINUTE);
      const verdict = await under.other().processes.register(rival, MINUTE);
      if (verdict.kind !== 'held') return expect.fail(verdict.kind);
      expect(verdict.by).to.deep.include(mine);
      expect(await processes.register(mine, MINUTE)).to.deep.equal({ kind: 'registered' });
    });

    it('lets one of many registrations win', async () => {
      const verdicts = await Promise.all(
        Array.from({ length: 6 }, (_, n) => (n % 2 ? under.store() : under.other()).processes.register(registration(), MINUTE)),
      );
      expect(verdicts.filter(verdict => verdict.kind === 'registered')).to.have.length(1);
    });

    it('gives the name of a stopped process away, but never revives an incarnation', async () => {
      const { processes } = under.store();
      const first = registration();
      await processes.register(first, MINUTE);
      expect(await processes.stop(first.name, v4())).to.equal(false);
      expect(await processes.stop(first.name, first.incarnation)).to.equal(true);
      expect(await processes.stop(first.name, first.incarnation), 'repeated').to.equal(false);
      expect((await processes.register(first, MINUTE)).kind, 'the same incarnation').to.equal('held');
      const second = registration();
      expect((await processes.register(second, MINUTE)).kind).to.equal('registered');
      expect(await processes.get(second.name)).to.deep.include({ state: 'live', incarnation: second.incarnation });
    });

    it('gives the name of a missing process away when it is settled, and names it until then', async () => {
      const { processes } = under.store();
      const [first, second] = [registration(), registration()];
      await processes.register(first, MINUTE);
      expect(await processes.settle(first.name, first.incarnation), 'a live one').to.equal(false);
      await processes.declareMissing({ ...first, beat: 0 }, { lapsed: false });
      const verdict = await under.other().processes.register(second, MINUTE);
      if (verdict.kind !== 'held') return expect.fail(verdict.kind);
      expect(verdict.by)
        .to.deep.include({ ...first, state: 'missing' })
        .and.not.to.have.property('settled');
      expect(await processes.settle(first.name, second.incarnation), 'another one').to.equal(false);
      expect(await processes.settle(first.name, first.incarnation)).to.equal(true);
      expect(await processes.settle(first.name, first.incarnation), 'repeated').to.equal(true);
      expect((await processes.list())[0]).to.include({ state: 'missing', settled: true });
      expect((await processes.register(first, MINUTE)).kind, 'the same incarnation').to.equal('held');
      expect(await under.other().processes.register(second, MINUTE)).to.deep.equal({ kind: 'registered' });
      const record = (await processes.get(second.name))!;
      expect(record)
        .to.deep.include({ ...second, state: 'live' })
        .and.not.to.have.property('settled');
      expect(await processes.settle(first.name, first.incarnation), 'too late').to.equal(false);
    });

    it('forgets what has ended for long enough, oldest first, but nothing live and nothing that is not settled', async () => {
      const { processes } = under.store();
      const all = ['live', 'stopped', 'missing', 'settled', 'again'].map(name => registration({ name }));
      for (const each of all) await processes.register(each, MINUTE);
      const [, stopped, missing, settled, again] = all;
      for (const each of [stopped!, again!]) await processes.stop(each.name, each.incarnation);
      for (const each of [missing!, settled!]) await processes.declareMissing({ ...each, beat: 0 }, { lapsed: false });
      await processes.settle(settled!.name, settled!.incarnation);
      await processes.register(registration({ name: 'again' }), MINUTE);
      expect(await processes.forget(MINUTE, 10), 'too young').to.deep.equal([]);
      const endedAll = (await under.store().schedules.now()).getTime();
      await until('time to pass', async () => (await under.store().schedules.now()).getTime() > endedAll + 1);
      expect(await processes.forget(0, 1), 'no more than asked for').to.deep.equal(['stopped']);
      expect(await processes.forget(0, 10)).to.deep.equal(['settled']);
      expect((await processes.list()).map(each => each.name)).to.have.members(['live', 'again', 'missing']);
    });

    it('beats while it is live under its incarnation', async () => {
      const { processes } = under.store();
      const mine = registration();
      expect(await processes.beat(mine.name, mine.incarnation, { ttlMs: MINUTE, deadlineMs: 4_000 }), 'unregistered').to.equal(
        undefined,
      );
      await processes.register(mine, 1_000);
      const before = (await processes.get(mine.name))!;
      expect(await processes.beat(mine.name, mine.incarnation, { ttlMs: MINUTE, deadlineMs: 4_000 })).to.deep.equal({});
      const after = (await processes.get(mine.name))!;
      expect(after.beat).to.equal(1);
      expect(after.leaseUntil.getTime() - after.beatAt.getTime()).to.equal(MINUTE);
      expect(after.startedAt).to.deep.equal(before.startedAt);
      expect(await processes.beat(mine.name, v4(), { ttlMs: MINUTE, deadlineMs: 4_000 }), 'a stranger').to.equal(undefined);
      await processes.stop(mine.name, mine.incarnation);
      expect(await processes.beat(mine.name, mine.incarnation, { ttlMs: MINUTE, deadlineMs: 4_000 }), 'stopped').to.equal(
        undefined,
      );
    });

    it('calls a process missing only as it was watched, and a sweep only past its lease', async () => {
      const { processes } = under.store();
      const mine = registration();
      await processes.register(mine, MINUTE);
      const watched = { name: mine.name, incarnation: mine.incarnation, beat: 0 };
      expect(await processes.declareMissing(watched, { lapsed: true }), 'its lease runs').to.equal(false);
      expect(await processes.declareMissing({ ...watched, beat: 1 }, { lapsed: false }), 'another counter').to.equal(false);
      expect(await processes.declareMissing({ ...watched, incarnation: v4() }, { lapsed: false }), 'another one').to.equal(false);
      expect(await processes.declareMissing(watched, { lapsed: false }), 'proved dead').to.equal(true);
      expect(await processes.declareMissing(watched, { lapsed: false }), 'repeated').to.equal(false);
      expect(await processes.beat(mine.name, mine.incarnation, { ttlMs: MINUTE, deadlineMs: 4_000 }), 'it comes back').to.equal(
        undefined,
      );
      expect((await processes.get(mine.name))?.state).to.equal('missing');
    });

    it('lets a sweep end a lapsed one', async () => {
      const { processes } = under.store();
      const mine = registration();
      await processes.register(mine, 1);
      await until('its lease lapses', async () => (await processes.earliestLapseMs())! < 0);
      expect(await processes.declareMissing({ ...mine, beat: 0 }, { lapsed: true })).to.equal(true);
    });

    it('does not end a lapsed one whose counter has moved since it was watched', async () => {
      const { processes } = under.store();
      const mine = registration();
      await processes.register(mine, 1);
      await processes.beat(mine.name, mine.incarnation, { ttlMs: 1, deadlineMs: 4_000 });
      await until('its lease lapses', async () => (await processes.earliestLapseMs())! < 0);
      expect(await processes.declareMissing({ ...mine, beat: 0 }, { lapsed: true })).to.equal(false);
      expect(
        await processes.beat(mine.name, mine.incarnation, { ttlMs: 1, deadlineMs: 4_000 }),
        'a lapsed lease alone ends nobody',
      ).to.deep.equal({});
      await until('it lapses again', async () => (await processes.earliestLapseMs())! < 0);
      expect(await processes.declareMissing({ ...mine, beat: 2 }, { lapsed: true })).to.equal(true);
      expect(await processes.stop(mine.name, mine.incarnation), 'it is missing').to.equal(false);
    });

    it('lists live ones first, then the others, newest first', async () => {
      const { processes } = under.store();
      const all = ['a', 'b', 'c'].map(name => registration({ name }));
      expect(await processes.earliestLapseMs()).to.equal(undefined);
      for (const [n, each] of all.entries()) {
        await until('a later start', async () => {
          const last = n > 0 ? (await processes.get(all[n - 1]!.name))!.startedAt : new Date(0);
          return (await under.store().schedules.now()) > last;
        });
        await processes.register(each, MINUTE * (n + 1));
      }
      await processes.stop('b', all[1]!.incarnation);
      expect((await processes.list()).map(each => [each.name, each.state])).to.deep.equal([
        ['c', 'live'],
        ['a', 'live'],
        ['b', 'stopped'],
      ]);
      expect(Object.keys((await processes.list())[1]!).sort(), 'nothing but the record').to.deep.equal(
        Object.keys((await processes.get('a'))!).sort(),
      );
      const lapse = (await processes.earliestLapseMs())!;
      expect(lapse).to.be.within(1, MINUTE);
    });
  });
}
