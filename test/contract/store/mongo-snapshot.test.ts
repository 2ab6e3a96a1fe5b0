import { expect } from 'chai';
import { BSON, type Document } from 'mongodb';
import { acceptOne, newTask, registration } from './support.js';
import { archivesUnderTest, idsIn, readAll, refusal, type Loose } from './archive-under-test.js';

describe('dumping a whole database', function () {
  this.timeout(120_000);
  const { client, fresh } = archivesUnderTest();

  describe('at one moment', () => {
    it('shows relations between collections whole, however long they are read and whoever writes meanwhile', async () => {
      const { store, archive, db } = await fresh();
      let writing = true;
      let written = 0;
      const write = async (): Promise<void> => {
        while (writing) {
          await db.collection<{ _id: number }>('aaa').insertOne({ _id: written });
          await acceptOne(store, newTask());
          await db.collection<{ _id: number }>('zzz').insertOne({ _id: written });
          written += 1;
        }
      };
      const writer = write();
      while (written < 5) await client.db('admin').command({ ping: 1 });
      const view = await archive.snapshot();
      const atTheCut = written;
      const parents = new Set(await idsIn(view.documents('aaa')));
      while (written < atTheCut + 20) await client.db('admin').command({ ping: 1 });
      const children = await idsIn(view.documents('zzz'));
      const tasks = (await readAll(view.documents('tasks'))).map(bytes => BSON.deserialize(bytes).seq as number);
      await view.close();
      writing = false;
      await writer;
      expect(children.length).to.be.within(atTheCut - 2, atTheCut + 1);
      expect(children.filter(id => !parents.has(id))).to.deep.equal([]);
      expect(tasks.length).to.be.within(children.length, children.length + 1);
      expect(Math.max(...tasks), 'and the counter is not behind').to.be.at.most(view.given.seq);
      expect(view.at.getTime()).to.be.closeTo(Date.now(), 60_000);
    });

    it('knows a collection that was created just before, and none that comes after', async () => {
      const { archive, db } = await fresh();
      await db.collection('just_before').insertOne({});
      const view = await archive.snapshot();
      await db.collection('just_after').insertOne({});
      expect(view.collections).to.include('just_before').and.not.include('just_after');
      expect(await idsIn(view.documents('just_before'))).to.have.length(1);
      await view.close();
    });

    it('gives every document as it is stored, ids of every type in their order, and names the queues and workers', async () => {
      const { store, archive, db } = await fresh();
      const documents = [
        { _id: 1, int: new BSON.Int32(5), long: BSON.Long.fromNumber(5), double: new BSON.Double(5) },
        { _id: 'text', date: new Date(0), nothing: null, list: [1, { a: 1 }], binary: new BSON.Binary(Buffer.from('x')) },
      ];
      await db.collection<Loose>('things').insertMany(documents, { promoteValues: false });
      await db.createCollection('a_view', { viewOn: 'things', pipeline: [] });
      await acceptOne(store, newTask({ queue: 'slow' }));
      await store.processes.register(registration({ name: 'w1', queues: ['default', 'other'] }), 60_000);
      const view = await archive.snapshot();
      const things = await readAll(view.documents('things'));
      expect(things.map(bytes => Buffer.from(bytes).toString('hex'))).to.deep.equal(
        documents.map(document => Buffer.from(BSON.serialize(document)).toString('hex')),
      );
      expect(view.leftOut).to.deep.equal(['a_view']);
      expect(await view.queues()).to.deep.equal(['default', 'other', 'slow']);
      expect(await view.workers()).to.deep.equal(['w1']);
      await view.close();
    });

    it('reads on behind an interruption, and gives up in plain words when the server has forgotten that moment', async function () {
      const { archive, db } = await fresh();
      const wanted = Array.from({ length: 2_500 }, (_, n) => n);
      await db.collection<{ _id: number }>('many').insertMany(wanted.map(_id => ({ _id })));
      const admin = client.db('admin');
      const fail = (errorCode: number, times: number): Promise<Document> =>
        admin.command({
          configureFailPoint: 'failCommand',
          mode: { times },
          data: { failCommands: ['getMore'], errorCode, namespace: `${db.databaseName}.many` },
        });
      const view = await archive.snapshot();
      await fail(11_600, 1); // InterruptedAtShutdown
      expect(await idsIn(view.documents('many'))).to.deep.equal(wanted);
      await fail(239, 1);
      expect(await refusal(idsIn(view.documents('many')))).to.match(
        /no longer knows how the database .* minSnapshotHistoryWindowInSeconds/,
      );
      await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });
      await view.close();
    });

    it('is refused for a database that is none of its own', async () => {
      const { archive } = await fresh(false);
      expect(await refusal(archive.snapshot())).to.match(/is none of Interlock's/);
    });
  });
});
