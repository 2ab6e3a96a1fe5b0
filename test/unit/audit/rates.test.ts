import { expect } from 'chai';

import { Rates } from '../../../src/audit/rates.js';
import type { AuditedTask } from '../../../src/audit/record.js';

const at = (ms: number): Date => new Date(Date.UTC(2026, 0) + ms);
const TEN = { key: 'k', count: 10, perMs: 1_000 };
const SLOW = { key: 'k', count: 1, perMs: 60_000 };

interface Start {
  at: number;
  fence?: number;
  begunAt?: number;
}

/** One that made these starts, each by a grant of its own unless it names one. */
function started(id: string, rate: typeof TEN, ...starts: Start[]): AuditedTask {
  const attempts = starts.map(({ at: ms, fence = ms + 1, begunAt }) => ({
    startedAt: at(ms),
    grant: { fence, epoch: 1, ...(begunAt !== undefined && { begunAt: at(begunAt) }) },
  }));
  return { id, rate, attempts } as unknown as AuditedTask;
}

function findings(tasks: AuditedTask[], clockStepMs = 0): string[] {
  const rates = new Rates();
  for (const [owner, task] of tasks.entries()) rates.add(task, owner);
  return [...rates.findings(owner => tasks[owner]?.id ?? '', clockStepMs)].map(
    ({ tasks: ids, evidence }) => `${ids.join()}: ${evidence}`,
  );
}

const many = (count: number, everyMs: number, fromMs = 0): AuditedTask[] =>
  Array.from({ length: count }, (_, n) => started(`t${n}`, TEN, { at: fromMs + n * everyMs }));

describe('the audit of rate limits', () => {
  it('finds nothing where a burst was followed by the rate', () => {
    expect(findings([...many(10, 0), ...many(30, 100, 100)])).to.deep.equal([]);
    expect(findings([started('a', SLOW, { at: 0 }), started('b', SLOW, { at: 60_000 })])).to.deep.equal([]);
    expect(findings([{ id: 'plain', attempts: [{ startedAt: at(0) }] } as unknown as AuditedTask])).to.deep.equal([]);
  });

  it('finds one start too many, and names those of that time', () => {
    const [found] = findings([...many(10, 0), started('one more', TEN, { at: 40 })]);
    expect(found).to.match(
      /^t0,.*,one more: 11 starts under the rate key "k" \(10\/s\) lie within 40 ms from 2026-01-01.*, at most 10 /,
    );
  });

  it('finds a rate that is a tenth too high, in the long run', () => {
    expect(findings(many(200, 90))).to.have.length(1);
  });

  it('counts the first start of each grant, also one that was given back', () => {
    const lost = started('lost', SLOW, { at: 0, fence: 7 }, { at: 10, fence: 7 }, { at: 20, fence: 7 });
    expect(findings([lost])).to.deep.equal([]);
    expect(findings([started('again', SLOW, { at: 0 }, { at: 30_000 })]), 'a retry has a new one').to.have.length(1);
    const back = started('back', SLOW, { at: 61_000, begunAt: 0 });
    expect(findings([back, started('next', SLOW, { at: 60_000 })])).to.deep.equal([]);
    const runs = { ...started('runs', SLOW), run: { at: at(30_000) }, grant: { fence: 99, begunAt: at(100) } };
    expect(findings([lost, runs as unknown as AuditedTask])).to.have.length(1);
  });

  it('takes the widest limit of a key', () => {
    expect(findings([started('slow', SLOW, { at: 0 }), ...many(9, 0)])).to.deep.equal([]);
  });

  it('allows for a clock that was set back', () => {
    const early = [started('a', SLOW, { at: 0 }), started('b', SLOW, { at: 50_000 })];
    expect(findings(early)).to.have.length(1);
    expect(findings(early, 10_000)).to.deep.equal([]);
  });
});
