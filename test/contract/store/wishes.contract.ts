import { expect } from 'chai';
import { v4 } from 'uuid';

import { nextWish, type Command } from '../../../src/core/command.js';
import type { ProcessRecord } from '../../../src/core/process.js';
import { accept, newTask, registration, WORKER, type StoreUnderTest } from './support.js';

const MINUTE = 60_000;
const LEASE = { ttlMs: MINUTE, deadlineMs: 4_000 };

/** What is wanted of a process, and what it tells of itself. */
export function wishesContract(under: StoreUnderTest): void {
  describe('wishes', () => {
    beforeEach(() => under.clear());

    const read = async (): Promise<ProcessRecord> => (await under.other().processes.get('worker@a'))!;
    const wish = async (command: Command, id = v4()): Promise<boolean> => {
      const record = await read();
      const next = nextWish(record, command, id);
      return typeof next === 'string' ? expect.fail(next) : under.other().processes.wish(record, next);
    };

    it('come back with each heartbeat, with the server time at which they were written', async () => {
      const { processes } = under.store();
      const mine = registration();
      await processes.register(mine, MINUTE);
      expect(await processes.beat(mine.name, mine.incarnation, LEASE)).to.deep.equal({});
      expect(await wish({ action: 'pause' }, '$id')).to.equal(true);
      const beaten = await processes.beat(mine.name, mine.incarnation, LEASE);
      expect(beaten?.wish).to.deep.include({ n: 1, id: '$id', paused: true, draining: false });
      expect(beaten?.wish?.at).to.be.an.instanceOf(Date);
      expect((await processes.beat(mine.name, mine.incarnation, LEASE))?.wish).to.deep.equal(beaten?.wish);
      expect((await processes.list())[0]?.wish).to.deep.equal(beaten?.wish);
    });

    it('are written only upon the one that was read, and only for whom it was read', async () => {
      const { processes } = under.store();
      const mine = registration();
      await processes.register(mine, MINUTE);
      const before = await read();
      const next = { n: 1, id: v4(), paused: true, draining: false };
      expect(await processes.wish({ ...before, incarnation: v4() }, next), 'another incarnation').to.equal(false);
      expect(await processes.wish(before, next)).to.equal(true);
      expect(await under.other().processes.wish(before, { ...next, id: v4() }), 'on the same reading').to.equal(false);
      expect((await read()).wish).to.deep.include(next);
      await processes.stop(mine.name, mine.incarnation);
      expect(await processes.wish(await read(), { ...next, n: 2 }), 'one that has stopped').to.equal(false);
    });

    it('of several at once are all counted, one after the other', async () => {
      const mine = registration({ slots: 2 });
      await under.store().processes.register(mine, MINUTE);
      const grow = async (): Promise<void> => {
        while (!(await wish({ action: 'pool', grow: 1 })));
      };
      await Promise.all([grow(), grow(), grow(), grow()]);
      expect((await read()).wish).to.deep.include({ n: 4, slots: { n: 4, count: 6 } });
    });

    it('hold for the next process of the name as far as they are about the name, or were not heeded', async () => {
      const { processes } = under.store();
      const first = registration();
      expect((await processes.register(first, MINUTE)).kind).to.equal('registered');
      await wish({ action: 'pool', slots: 7 });
      await wish({ action: 'pause' });
      await wish({ action: 'shutdown', stage: 'soft' });
      await processes.stop(first.name, first.incarnation);
      const second = registration();
      const verdict = await processes.register(second, MINUTE);
      if (verdict.kind !== 'registered') return expect.fail(verdict.kind);
      expect(verdict.wish).to.deep.include({ n: 3, paused: true, draining: false, slots: { n: 1, count: 7 } });
      expect(verdict.wish).to.not.have.property('shutdown');
      expect(await processes.register(second, MINUTE), 'a repeated try').to.deep.equal(verdict);

      await processes.beat(second.name, second.incarnation, LEASE, { slots: 7, heeded: 3, paused: true });
      await processes.declareMissing({ ...second, beat: 1 }, { lapsed: false });
      await processes.settle(second.name, second.incarnation);
      const third = await processes.register(registration(), MINUTE);
      if (third.kind !== 'registered') return expect.fail(third.kind);
      expect(third.wish).to.deep.include({ n: 3, paused: true });
      expect(third.wish, 'heeded by the former one').to.not.have.property('slots');
      expect((await read()).wish).to.deep.equal(third.wish);
    });

    it('are answered by what a process tells of itself with a heartbeat; its task types are shown to those who ask for them', async () => {
      const { processes } = under.store();
      const mine = registration();
      await processes.register(mine, MINUTE);
      const stats = {
        ...{ busy: 1, ahead: 0, children: 2, residentMiB: 80, childrenMiB: null },
        tasksRun: 9,
        uptimeSeconds: 3,
        loopUse: 0.25,
      };
      const told = { slots: 9, pool: 'async', paused: true, draining: false, heeded: 4, unfamiliar: ['$a@2'], stats } as const;
      await processes.beat(mine.name, mine.incarnation, LEASE, { ...told, types: ['a.b', '$c@3'] });
      expect(await read()).to.deep.include({ ...told, types: ['a.b', '$c@3'], beat: 1 });
      const [listed] = await processes.list();
      expect(listed).to.deep.include(told).and.not.to.have.property('types');
      expect((await processes.list({ types: true }))[0]?.types).to.deep.equal(['a.b', '$c@3']);
      await processes.beat(mine.name, mine.incarnation, LEASE, { heeded: 5 });
      expect(await read(), 'what is not told stays').to.deep.include({ ...told, heeded: 5, types: ['a.b', '$c@3'] });
      await processes.beat(mine.name, v4(), LEASE, { heeded: 9 });
      expect((await read()).heeded, 'a stranger').to.equal(5);
    });
  });

  describe('claims by name', () => {
    beforeEach(() => under.clear());

    it('find only types that are known, in their version or an older one', async () => {
      const { tasks } = under.store();
      const wanted = [['a', 1], ['a', 2], ['a', 3], ['a'], ['b'], ['b', 1], ['$c']] as const;
      const all = await accept(under.store(), ...wanted.map(([name, version]) => newTask({ name, ...(version && { version }) })));
      const found = async (only?: { name: string; version: number }[]): Promise<string[]> =>
        (await tasks.claimable({ queues: ['default'], only, limit: 10 })).map(({ name, version }) => `${name}${version ?? ''}`);
      expect(await found()).to.have.length(all.length);
      expect(
        await found([
          { name: 'a', version: 2 },
          { name: 'b', version: 0 },
        ]),
      ).to.have.members(['a1', 'a2', 'a', 'b']);
      expect(await found([{ name: '$c', version: 0 }])).to.deep.equal(['$c']);
      expect(await found([]), 'nothing is known').to.deep.equal([]);
      const run = { ...WORKER, token: v4() };
      expect(await tasks.startBest(['default'], run, [{ name: 'b', version: 0 }])).to.include({ name: 'b', attempt: 1 });
      expect(await tasks.startBest(['default'], { ...run, token: v4() }, [{ name: 'b', version: 0 }])).to.equal(undefined);
      expect((await tasks.startBest(['default'], { ...run, token: v4() }, [{ name: 'b', version: 1 }]))?.version).to.equal(1);
    });
  });
}
