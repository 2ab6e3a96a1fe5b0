import { expect } from 'chai';
import { NASTY, type StoreUnderTest } from './support.js';

interface Repository {
  url: string;
  at?: Date;
  id_like?: { id: string; revision: string; _id: string };
}

export function documentsContract(under: StoreUnderTest): void {
  describe("plugins' documents", () => {
    beforeEach(() => under.clear());
    const repositories = () => under.store().documents.collection<Repository>('repositories');

    it('are stored as given, with id and revision', async () => {
      const at = new Date(1_000);
      const document = { url: '$url', at, id_like: { id: 'i', revision: 'r', _id: '_' } };
      const stored = await repositories().insert('a', document);
      expect(stored).to.deep.equal({ ...document, id: 'a', revision: 1 });
      expect(await repositories().get('a')).to.deep.equal(stored);
      expect(await repositories().get('b')).to.equal(undefined);
      expect(await repositories().insert('a', { url: 'other' })).to.equal(undefined);
    });

    it('keep keys that look like operators', async () => {
      const { _bsontype, ...nasty } = NASTY as Record<string, unknown>;
      expect(_bsontype).to.be.a('string');
      const things = under.store().documents.collection<object>('things');
      const stored = await things.insert('a', { nasty });
      expect(await things.get('a')).to.have.property('revision', stored?.revision);
      const read = (await things.get('a')) as unknown as { nasty: Record<string, unknown> };
      expect(read.nasty.$where).to.equal('1');
      expect(read.nasty['a.b']).to.deep.equal({ $gt: 1 });
      expect((await things.replace('a', 1, { nasty: { $set: { x: 1 } } }))?.revision).to.equal(2);
    });

    it('are replaced at exactly the revision that was read', async () => {
      await repositories().insert('a', { url: '1' });
      expect(await repositories().replace('a', 1, { url: '2' })).to.deep.equal({ url: '2', id: 'a', revision: 2 });
      expect(await repositories().replace('a', 1, { url: '3' })).to.equal(undefined);
      expect(await repositories().replace('b', 1, { url: '3' })).to.equal(undefined);
      expect(await repositories().get('a')).to.deep.equal({ url: '2', id: 'a', revision: 2 });
    });

    it('are listed by id and removed once', async () => {
      for (const id of ['c', 'a', 'b']) await repositories().insert(id, { url: id });
      expect((await repositories().list(2)).map(each => each.id)).to.deep.equal(['a', 'b']);
      expect((await repositories().list(2, 'b')).map(each => each.id)).to.deep.equal(['c']);
      expect(await repositories().remove('a')).to.equal(true);
      expect(await repositories().remove('a')).to.equal(false);
    });

    it('may not be put among the records of Interlock itself', () => {
      for (const name of ['tasks', 'leases', 'audit', 'A', '', 'a'.repeat(41), 'system.users', '$x']) {
        expect(() => under.store().documents.collection(name), name).to.throw(TypeError);
      }
    });
  });
}
