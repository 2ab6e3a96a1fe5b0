import { setImmediate as turn } from 'node:timers/promises';

import { expect } from 'chai';

import type { Timers } from '../../../../src/process/runtime.js';
import { silentLog } from '../../../../src/process/log.js';
import { deferred } from '../../../../src/worker/children/deferred.js';
import type { Cause, Death } from '../../../../src/worker/children/death.js';
import { Retirement, type Retirable } from '../../../../src/worker/async/retirement.js';

const DEATH: Death = { cause: undefined, exit: { code: null, signal: 'SIGKILL' }, tail: '', idle: true };

/** A child with some starts, that dies when it is told to. */
class FakeChild implements Retirable {
  readonly identity = { pid: 1, startTicks: 1, marker: 'm' };
  readonly runs = new Map() as Retirable['runs'];
  readonly #gone = deferred<Death>();
  alive = true;
  retired = false;
  isSilent = false;
  cause: Cause | undefined;

  constructor(...overdue: boolean[]) {
    const runs = this.runs as Map<number, unknown>;
    for (const [number, late] of overdue.entries()) runs.set(number, { overdue: late });
  }

  get gone(): Promise<Death> {
    return this.#gone.promise;
  }

  end(cause: Cause): Promise<Death> {
    this.cause ??= cause;
    this.alive = false;
    this.#gone.resolve(DEATH);
    return this.gone;
  }

  endRun(number: number): void {
    (this.runs as Map<number, unknown>).delete(number);
  }
}

describe('The retirement of children', () => {
  /** Time passes when `later` is called. */
  const begun = (): { retirement: Retirement; children: Set<FakeChild>; replaced: unknown[]; later: () => Promise<void> } => {
    const children = new Set<FakeChild>();
    const replaced: unknown[] = [];
    const waiting = new Set<() => void>();
    const timers: Timers = {
      sleep: (_ms, signal) =>
        new Promise(resolve => {
          waiting.add(resolve);
          signal?.addEventListener('abort', () => resolve());
        }),
    };
    const supply = { children, replace: (child: Retirable) => void replaced.push(child) };
    const retirement = new Retirement({ supply, retireMs: 10_000, timers, log: silentLog });
    const later = async (): Promise<void> => {
      for (const wake of waiting) wake();
      await turn();
    };
    return { retirement, children, replaced, later };
  };

  const given = (children: Set<FakeChild>, ...overdue: boolean[]): FakeChild => {
    const child = new FakeChild(...overdue);
    children.add(child);
    return child;
  };

  it('lets one that is used up go on until its last task has ended', async () => {
    const { retirement, children, later } = begun();
    const child = given(children, false);
    retirement.begin(child);
    await later();
    expect([child.retired, child.alive]).to.deep.equal([true, true]);
    child.endRun(0);
    retirement.look(child);
    expect(child.cause).to.deep.equal({ kind: 'retired' });
  });

  it('gives the others in one with an overdue task some time, and no longer than they need', async () => {
    const { retirement, children, replaced, later } = begun();
    const [patient, done] = [given(children, true, false), given(children, true, false)];
    for (const child of [patient, done]) retirement.hasten(child, 'overdue');
    expect(replaced).to.deep.equal([patient, done]);
    done.endRun(1);
    retirement.look(done);
    expect([patient.alive, done.alive]).to.deep.equal([true, false]);
    await later();
    expect(patient.cause).to.deep.equal({ kind: 'retired' });
  });

  it('spares one that stood still and goes on, and only that', async () => {
    const { retirement, children, later } = begun();
    const [woken, still, both] = [given(children, false), given(children, false), given(children, false, false)];
    for (const child of [woken, still, both]) retirement.hasten(child, 'silent');
    retirement.hasten(both, 'exception');
    still.isSilent = true;
    await later();
    expect([woken.cause, still.cause, both.cause]).to.deep.equal([undefined, { kind: 'silent' }, { kind: 'retired' }]);
  });

  it('has room for three; a fourth in trouble is ended at once', () => {
    const { retirement, children } = begun();
    const some = Array.from({ length: 4 }, () => given(children, true, false));
    for (const child of some.slice(0, 3)) retirement.hasten(child, 'overdue');
    expect(retirement.hasRoom).to.equal(false);
    retirement.hasten(some[3]!, 'overdue');
    expect(some.map(child => child.alive)).to.deep.equal([true, true, true, false]);
  });
});
