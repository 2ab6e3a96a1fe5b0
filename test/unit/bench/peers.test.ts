import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { childrenIn, ranBy } from '../../bench/peers/celery-children.js';
import { demand, figuresOf, loadOf } from '../../bench/peers/peer.js';
import { Ratios } from '../../bench/peers/ratios.js';
import { withMajority } from '../../bench/peers/scratch-database.js';
import { answerIn } from '../../bench/peers/started.js';

describe('The peers of a bench', () => {
  it('have their share of the tasks, rounded up, and a fifth of that to warm up', () => {
    expect(loadOf({ share: 1 }, { tasks: 5_000, slots: 8 })).to.include({ tasks: 5_000, warmUp: 1_000, slots: 8 });
    expect(loadOf({ share: 0.2 }, { tasks: 4, slots: 2 })).to.include({ tasks: 1, warmUp: 1, slots: 2 });
  });

  it('are measured by what they ran and by what was submitted to them', () => {
    const load = loadOf({ share: 1 }, { tasks: 100, slots: 8 });
    const figures = figuresOf({ enqueueSeconds: 0.5, runSeconds: 4 }, load);
    expect(figures).to.deep.equal({ slots: 8, tasks: 100, tasksPerSecond: 25, enqueuedPerSecond: 200 });
  });

  it('are compared with the async pool of the same run, and with prefork beside', () => {
    const ratios = new Ratios();
    expect(ratios.of('prefork', 300)).to.deep.equal({});
    expect(ratios.of('celery', 100)).to.deep.equal({ plainRatio: 3, preforkRatio: 3 });
    expect(ratios.of('async', 900)).to.deep.equal({});
    expect(ratios.of('celery', 100)).to.deep.equal({ plainRatio: 9, preforkRatio: 3 });
  });

  it('are refused when a server says that it may forget', () => {
    demand({ fsync: 'on', more: 'x' }, { fsync: 'on' });
    expect(() => demand({ fsync: 'off' }, { fsync: 'on', synchronous_commit: 'on' })).to.throw(
      'not durable: fsync is off, not on; synchronous_commit is missing, not on',
    );
  });

  it('write to a database of their own with majority write concern, whatever the URL says', () => {
    const url = (mongoUrl: string): string => withMajority(mongoUrl, 'own');
    expect(url('mongodb://u:p@h:1,i:2/interlock?replicaSet=rs&w=1&tls=true')).to.equal(
      'mongodb://u:p@h:1,i:2/own?replicaSet=rs&tls=true&w=majority',
    );
    expect(url('mongodb://h:1')).to.equal('mongodb://h:1/own?w=majority');
    expect(url('mongodb+srv://h/?wtimeoutMS=5')).to.equal('mongodb+srv://h/own?wtimeoutMS=5&w=majority');
  });

  it('answer on a line among others, once it is whole', () => {
    expect(answerIn('warning\nanswer {"a":1}\nmore')).to.deep.equal({ a: 1 });
    expect(answerIn('warning\nanswer {"a":1}')).to.equal(undefined);
    expect(answerIn('the answer {"a":1}\n')).to.equal(undefined);
  });

  describe('by the notes of Celery’s children', () => {
    let folder: string;
    before(() => (folder = mkdtempSync(join(tmpdir(), 'interlock-test-'))));
    after(() => rmSync(folder, { recursive: true }));

    it('are counted, without a child that has just begun its file', () => {
      const note = Buffer.alloc(24);
      note.writeBigInt64LE(7n, 0);
      note.writeDoubleLE(1.5, 8);
      note.writeDoubleLE(2.25, 16);
      writeFileSync(join(folder, '1'), note);
      writeFileSync(join(folder, '2'), Buffer.alloc(24));
      writeFileSync(join(folder, '3'), '');
      const children = childrenIn(folder);
      expect(children.map(({ ran }) => ran).sort()).to.deep.equal([0, 7]);
      expect(children.find(({ ran }) => ran === 7)).to.deep.equal({ ran: 7, first: 1.5, last: 2.25 });
      expect(ranBy(children)).to.equal(7);
    });
  });
});
