import { expect } from 'chai';

import { SyncFailure } from '../../../../src/plugins/file/failure.js';
import { inParallel } from '../../../../src/plugins/file/parallel.js';
import { withRetries } from '../../../../src/plugins/file/retry.js';

const never = new AbortController().signal;

describe('work in parallel', () => {
  it('does every item once, at most so many at a time', async () => {
    const done: number[] = [];
    let now = 0;
    let most = 0;
    await inParallel(
      Array.from({ length: 20 }, (_, n) => n),
      3,
      never,
      async n => {
        most = Math.max(most, (now += 1));
        await Promise.resolve();
        now -= 1;
        done.push(n);
      },
    );
    expect(done.toSorted((a, b) => a - b)).to.deep.equal(Array.from({ length: 20 }, (_, n) => n));
    expect(most).to.equal(3);
  });

  it('throws the first failure once all others have been stopped and have ended', async () => {
    let stopped = 0;
    const work = async (n: number, signal: AbortSignal): Promise<void> => {
      if (n === 2) throw new Error('two');
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      stopped += 1;
      throw new Error('stopped');
    };
    expect(await messageOf(inParallel([0, 1, 2, 3, 4], 3, never, work))).to.equal('two');
    expect(stopped).to.equal(2);
  });

  it('throws why it was aborted, and begins nothing more', async () => {
    const abort = new AbortController();
    let begun = 0;
    const working = inParallel([0, 1, 2], 1, abort.signal, () => {
      begun += 1;
      abort.abort(new Error('cancelled'));
      return Promise.resolve();
    });
    expect(await messageOf(working)).to.equal('cancelled');
    expect(begun).to.equal(1);
  });
});

describe('retries', () => {
  it('stop after the third try, with its failure', async () => {
    let tries = 0;
    const passing = (): Promise<never> => {
      tries += 1;
      return Promise.reject(new SyncFailure('ORIGIN_ERROR', `try ${tries}`, { retryable: true }));
    };
    expect(await messageOf(withRetries(never, passing))).to.equal('try 3');
  });

  it('are not made for what will not pass', async () => {
    let tries = 0;
    const lasting = (): Promise<never> => {
      tries += 1;
      return Promise.reject(new SyncFailure('CHECKSUM_MISMATCH', 'no'));
    };
    expect(await messageOf(withRetries(never, lasting))).to.equal('no');
    expect(tries).to.equal(1);
  });

  it('do not outlast a cancel', async () => {
    const abort = new AbortController();
    const passing = (): Promise<never> => {
      abort.abort(new Error('cancelled'));
      return Promise.reject(new SyncFailure('ORIGIN_ERROR', 'busy', { retryable: true }));
    };
    expect(await messageOf(withRetries(abort.signal, passing))).to.equal('cancelled');
  });
});

async function messageOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'nothing was thrown';
  } catch (error) {
    return (error as Error).message;
  }
}
