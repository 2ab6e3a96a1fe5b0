import { expect } from 'chai';
import { v7 } from 'uuid';
import { idAt, leastIdAt } from '../../../src/core/time-id.js';
import type { NewToken, TrailEntry } from '../../../src/store/store.js';
import type { StoreUnderTest } from './support.js';

const token = (change: Partial<NewToken> = {}): NewToken => {
  const id = v7();
  return { id, name: `$name-${id}`, role: 'submit', hash: `hash-${id}`, hint: 'ilk_abcd', createdBy: 'local', ...change };
};

export function tokensContract(under: StoreUnderTest): void {
  describe('tokens', () => {
    beforeEach(() => under.clear());
    const tokens = () => under.store().tokens;

    it('are created once a name and once a hash, with the server time; a repeated try gives what is stored', async () => {
      const expiresAt = new Date(Date.UTC(2100, 0));
      const wish = token({ expiresAt });
      const created = (await tokens().create(wish))!;
      expect(created).to.deep.include({ ...wish, expiresAt });
      expect(created.createdAt).to.be.a('date');
      expect(await under.other().tokens.create({ ...wish, role: 'admin' }), 'repeated').to.deep.equal(created);
      expect(await tokens().create(token({ name: wish.name }))).to.equal(undefined);
      expect(await tokens().create(token({ hash: wish.hash }))).to.equal(undefined);
      for (const found of [tokens().get(wish.id), tokens().byName(wish.name), under.other().tokens.byHash(wish.hash)])
        expect(await found).to.deep.equal(created);
      for (const none of [tokens().get('none'), tokens().byName('none'), tokens().byHash('none')])
        expect(await none).to.equal(undefined);
    });

    it('are listed in order of id, page by page, and removed once', async () => {
      expect(await tokens().any()).to.equal(false);
      const [a, b] = [token(), token()];
      for (const each of [b, a]) await tokens().create(each);
      expect(await under.other().tokens.any()).to.equal(true);
      expect((await tokens().list(10)).map(({ id }) => id)).to.deep.equal([a.id, b.id]);
      expect((await tokens().list(1)).map(({ id }) => id)).to.deep.equal([a.id]);
      expect((await tokens().list(10, a.id)).map(({ id }) => id)).to.deep.equal([b.id]);
      expect(await tokens().remove(a.id)).to.equal(true);
      expect(await tokens().remove(a.id)).to.equal(false);
      expect(await tokens().byHash(a.hash)).to.equal(undefined);
    });

    it('note that they were used, not more often than asked', async () => {
      const { id } = (await tokens().create(token()))!;
      await tokens().used(id, 60_000);
      const first = (await tokens().get(id))!.lastUsedAt;
      expect(first).to.be.a('date');
      await under.other().tokens.used(id, 60_000);
      expect((await tokens().get(id))!.lastUsedAt).to.deep.equal(first);
      await tokens().used(id, -60_000);
      expect((await tokens().get(id))!.lastUsedAt!.getTime()).to.be.at.least(first!.getTime());
      await tokens().used('none', 0);
      expect(await tokens().get('none')).to.equal(undefined);
    });
  });
}

const entry = (ms: number, change: Partial<TrailEntry> = {}): TrailEntry => {
  const at = new Date(Date.UTC(2026, 0) + ms);
  const id = idAt(v7(), at);
  return { id, at, who: 'local', operation: 'purgeTasks', requestId: 'r', outcome: 'begun', ...change };
};

export function trailContract(under: StoreUnderTest): void {
  describe('the audit trail', () => {
    beforeEach(() => under.clear());
    const trail = () => under.store().trail;

    it('keeps what was done as it was written, and how it ended', async () => {
      const expiresAt = new Date(Date.UTC(2100, 0));
      const written = entry(0, { who: '$who', token: 't', target: '$target', detail: 'a=$b', expiresAt });
      await trail().append(written);
      await trail().append(entry(1));
      expect((await under.other().trail.list({}, 10))[1]).to.deep.equal(written);
      await trail().settle(written.id, { outcome: 'refused', status: 409 });
      await trail().settle('none', { outcome: 'done', status: 200 });
      const [, settled] = await trail().list({}, 10);
      expect(settled).to.deep.equal({ ...written, outcome: 'refused', status: 409 });
    });

    it('is read newest first, page by page, by who, what, whom, how it ended and when', async () => {
      const all = [
        entry(0, { who: 'a', operation: 'x', target: '1' }),
        entry(10, { who: 'b', operation: 'x', target: '2', outcome: 'done' }),
        entry(20, { who: 'a', operation: 'y', outcome: 'failed' }),
      ];
      for (const each of [all[1]!, all[2]!, all[0]!]) await trail().append(each);
      const numbers = async (...given: Parameters<ReturnType<typeof trail>['list']>): Promise<number[]> =>
        (await trail().list(...given)).map(({ id }) => all.findIndex(each => each.id === id));
      expect(await numbers({}, 10)).to.deep.equal([2, 1, 0]);
      expect(await numbers({}, 2)).to.deep.equal([2, 1]);
      expect(await numbers({ before: all[1]!.id }, 10)).to.deep.equal([0]);
      expect(await numbers({ from: leastIdAt(all[1]!.at) }, 10)).to.deep.equal([2, 1]);
      expect(await numbers({ from: leastIdAt(all[1]!.at), before: leastIdAt(all[2]!.at) }, 10)).to.deep.equal([1]);
      expect(await numbers({ who: ['a'] }, 10)).to.deep.equal([2, 0]);
      expect(await numbers({ operation: ['x', 'z'] }, 10)).to.deep.equal([1, 0]);
      expect(await numbers({ target: ['2', '3'] }, 10)).to.deep.equal([1]);
      expect(await numbers({ outcome: ['done', 'failed'], who: ['b'] }, 10)).to.deep.equal([1]);
    });
  });
}
