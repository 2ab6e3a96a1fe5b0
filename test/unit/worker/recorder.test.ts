import { expect } from 'chai';

import { StoreError, UnstorableEndings } from '../../../src/core/errors.js';
import type { Ending } from '../../../src/core/outcome.js';
import { silentLog } from '../../../src/process/log.js';
import { Recorder } from '../../../src/worker/recorder.js';
import { VirtualTime } from '../../support/virtual-time.js';

const error = { code: 'RESULT_TOO_LARGE', message: 'too large' };
const end = (id: string): Ending => ({ id, token: `token of ${id}`, outcome: { kind: 'completed', result: id } });
const idsOf = (endings: readonly Ending[]): Set<string> => new Set(endings.map(({ id }) => id));

/** A store that answers as it is told, call after call; at last it takes everything. */
function setUp(...answers: ((endings: readonly Ending[]) => Promise<Set<string>>)[]) {
  const time = new VirtualTime();
  const state = { trusted: true, calls: [] as string[][] };
  const recorder = new Recorder({
    tasks: {
      finish: endings => {
        state.calls.push(endings.map(({ id, outcome }) => `${id} ${outcome.kind}`));
        return (answers.shift() ?? (all => Promise.resolve(idsOf(all))))(endings);
      },
    },
    runtime: time.runtime,
    log: silentLog,
    trusted: () => state.trusted,
  });
  return { time, state, recorder };
}

describe('The recorder of a worker', () => {
  it('writes those ends together that gather while a write is away', async () => {
    const { state, recorder } = setUp();
    await Promise.all(['a', 'b', 'c'].map(id => recorder.record(end(id), 'i')));
    expect(state.calls).to.deep.equal([['a completed'], ['b completed', 'c completed']]);
  });

  it('asks again while the answer is unclear', async () => {
    const { time, state, recorder } = setUp(() => Promise.reject(new StoreError('no answer', 'unknown')));
    const recorded = recorder.record(end('a'), 'i');
    await time.advance(1_000);
    expect((await recorded)?.kind).to.equal('completed');
    expect(state.calls).to.have.length(2);
  });

  it('puts a small failure in the place of an end that can never be stored, at once, and leaves the others as they are', async () => {
    const refusal = new UnstorableEndings([{ id: 'b', token: 'token of b', error }]);
    const { state, recorder } = setUp(
      all => Promise.resolve(idsOf(all)),
      () => Promise.reject(refusal),
    );
    const ends = await Promise.all(['a', 'b', 'c'].map(id => recorder.record(end(id), 'i')));
    expect(ends.map(outcome => outcome?.kind)).to.deep.equal(['completed', 'failed', 'completed']);
    expect(ends[1]).to.deep.equal({ kind: 'failed', error });
    expect(state.calls.at(-1)).to.deep.equal(['b failed', 'c completed']);
  });

  it('does not spin when even that is refused', async () => {
    const refusing = () => Promise.reject(new UnstorableEndings([{ id: 'a', token: 'token of a', error }]));
    const { time, state, recorder } = setUp(...Array.from({ length: 10 }, () => refusing));
    const recorded = recorder.record(end('a'), 'i');
    await time.advance(1);
    expect(state.calls).to.have.length(2);
    state.trusted = false;
    await time.advance(1_000);
    expect(await recorded, 'fenced: the sweep ends it').to.equal(undefined);
  });

  it('tells when somebody else has ended the start', async () => {
    const { recorder } = setUp(() => Promise.resolve(new Set()));
    expect(await recorder.record(end('a'), 'i')).to.equal(undefined);
  });
});
