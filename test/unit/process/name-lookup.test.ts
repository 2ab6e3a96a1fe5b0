import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';

import { expect } from 'chai';

import { nameLookup } from '../../../src/process/name-lookup.js';
import { settled, VirtualTime } from '../../support/virtual-time.js';

const HERE: LookupAddress[] = [{ address: '127.0.0.1', family: 4 }];

describe('names that connections are made to', () => {
  let time: VirtualTime;
  let lookup: LookupFunction;
  /** What was asked and has no answer. */
  let asked: { hostname: string; answer: (error: Error | null, addresses: LookupAddress[]) => void }[];

  beforeEach(() => {
    time = new VirtualTime();
    asked = [];
    lookup = nameLookup(time.runtime, (hostname, _, answer) => void asked.push({ hostname, answer }));
  });

  const want = (hostname: string, all = true): Promise<unknown> =>
    new Promise((resolve, reject) => {
      lookup(hostname, { all }, (error, ...found) => (error ? reject(error) : resolve(all ? found[0] : found)));
    });
  const outcome = (wanted: Promise<unknown>): Promise<unknown> => wanted.catch((error: unknown) => String(error));

  it('are asked for once, however many connections want them', async () => {
    const wanted = [want('db'), want('db'), want('db', false), want('other')];
    expect(asked.map(({ hostname }) => hostname)).to.deep.equal(['db', 'other']);
    for (const { answer } of asked) answer(null, HERE);
    expect(await Promise.all(wanted)).to.deep.equal([HERE, HERE, ['127.0.0.1', 4], HERE]);
    void want('db');
    expect(asked, 'answers that came in time are not kept').to.have.length(3);
  });

  it('have an error that says so where no name server answers in time, and are waited for by the next', async () => {
    const first = outcome(want('db'));
    await time.advance(2_500);
    expect(await first).to.match(/no name server has answered for db within 2.5 s/);
    const second = want('db');
    expect(asked, 'asked for once').to.have.length(1);
    asked[0]!.answer(null, HERE);
    expect(await second).to.equal(HERE);
  });

  it('have an answer that came too late kept for the next, for 30 s', async () => {
    void outcome(want('db'));
    await time.advance(5_000);
    asked[0]!.answer(null, HERE);
    await time.advance(29_000);
    expect(await want('db')).to.equal(HERE);
    expect(asked).to.have.length(1);
    await time.advance(2_000);
    void outcome(want('db'));
    expect(asked).to.have.length(2);
  });

  it('are asked for anew after an error, also one that nobody waited for', async () => {
    const failed = outcome(want('db'));
    asked[0]!.answer(new Error('ENOTFOUND'), []);
    expect(await failed).to.equal('Error: ENOTFOUND');
    void outcome(want('db'));
    await time.advance(5_000);
    asked[1]!.answer(new Error('EAI_AGAIN'), []);
    await settled();
    void outcome(want('db'));
    expect(asked).to.have.length(3);
  });
});
