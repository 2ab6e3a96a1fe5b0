import { expect } from 'chai';
import { until } from '../../support/wait.js';
import { lead, type StoreUnderTest } from './support.js';

const MINUTE = 60_000;
const holder = (name: string) => ({ name, incarnation: `${name}/1` });

export function leasesContract(under: StoreUnderTest): void {
  describe('leases', () => {
    beforeEach(() => under.clear());

    it('go to one holder, each for itself', async () => {
      const { leases } = under.store();
      expect(await leases.read('resource-manager')).to.equal(undefined);
      const lease = await leases.acquire('resource-manager', holder('a'), MINUTE);
      expect(lease).to.deep.include({ name: 'resource-manager', holder: 'a', incarnation: 'a/1', epoch: 1 });
      expect(await under.other().leases.acquire('resource-manager', holder('b'), MINUTE)).to.equal(undefined);
      expect(await leases.acquire('resource-manager', holder('a'), MINUTE), 'nor to its holder again').to.equal(undefined);
      expect(await under.other().leases.acquire('beat', holder('b'), MINUTE)).to.include({ holder: 'b', epoch: 1 });
      expect(await leases.read('resource-manager')).to.deep.equal({
        holder: 'a',
        incarnation: 'a/1',
        epoch: 1,
        live: true,
        floor: 0,
      });
    });

    it('go to one of many that want them', async () => {
      const all = await Promise.all(
        Array.from({ length: 6 }, (_, n) =>
          (n % 2 ? under.store() : under.other()).leases.acquire('beat', holder(`b${n}`), MINUTE),
        ),
      );
      expect(all.filter(lease => lease !== undefined)).to.have.length(1);
    });

    it('raise their epoch with each holder, and with the same one', async () => {
      const { leases } = under.store();
      for (const epoch of [1, 2, 3]) {
        const lease = await until('it lapses', () => leases.acquire('beat', holder(epoch === 3 ? 'b' : 'a'), 1));
        expect(lease.epoch).to.equal(epoch);
      }
      const lapsed = await until('the last one lapses', async () => {
        const now = await leases.read('beat');
        return now?.live === false && now;
      });
      expect(lapsed).to.include({ holder: 'b', epoch: 3 });
    });

    it('are renewed by exactly their holder, also late, and the floor only rises', async () => {
      const { leases } = under.store();
      const lease = await lead(under.store());
      expect(await leases.renew({ ...lease, floor: 7 }, MINUTE)).to.equal(true);
      expect(await leases.renew({ ...lease, floor: 5 }, 1)).to.equal(true);
      expect((await leases.read('resource-manager'))?.floor).to.equal(7);
      for (const change of [{ epoch: 2 }, { incarnation: 'x' }, { holder: 'x' }, { name: 'beat' as const }]) {
        expect(await leases.renew({ ...lease, ...change }, MINUTE), JSON.stringify(change)).to.equal(false);
      }
      await until('it lapses', async () => (await leases.read('resource-manager'))?.live === false);
      expect(await leases.renew(lease, MINUTE), 'nobody took it').to.equal(true);
      expect((await leases.read('resource-manager'))?.live).to.equal(true);
    });

    it('are lost to their holder once another has them', async () => {
      const { leases } = under.store();
      const lease = (await leases.acquire('resource-manager', holder('a'), 1))!;
      await until('it lapses', () => under.other().leases.acquire('resource-manager', holder('b'), MINUTE));
      expect(await leases.renew(lease, MINUTE)).to.equal(false);
      await leases.resign(lease);
      expect((await leases.read('resource-manager'))?.live, 'a late resignation').to.equal(true);
    });

    it('are free at once when resigned, with fence and floor kept', async () => {
      const { leases } = under.store();
      const lease = await lead(under.store());
      await leases.renew({ ...lease, floor: 9 }, MINUTE);
      await leases.resign(lease);
      expect(await leases.read('resource-manager')).to.include({ live: false, floor: 9 });
      const next = await under.other().leases.acquire('resource-manager', holder('b'), MINUTE);
      expect(next).to.include({ epoch: lease.epoch + 1, fence: lease.fence, floor: 9 });
    });
  });
}
