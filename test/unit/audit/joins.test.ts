import { expect } from 'chai';

import { Joins } from '../../../src/audit/joins.js';
import type { AuditedTask } from '../../../src/audit/record.js';

const at = (ms: number): Date => new Date(Date.UTC(2026, 0) + ms);
const watched = { beatSince: at(0).getTime(), patienceMs: 1_000, nowMs: at(60_000).getTime() };

function member(id: string, change: object): AuditedTask {
  return { id, group: 'g', attempts: [], createdAt: at(0), ...change } as unknown as AuditedTask;
}

const ended = (id: string, state: string, ms: number): AuditedTask => member(id, { state, finishedAt: at(ms) });
const after = (...ids: string[]) => ids.map(id => ({ node: id, id }));
const started = (ms: number) => ({ attempts: [{ startedAt: at(ms) }] });

/** What is found of these, read after a minute. */
function findings(tasks: AuditedTask[], waits: typeof watched | undefined = watched): string[] {
  const joins = new Joins();
  for (const task of tasks) joins.add(task, Infinity);
  return [...joins.findings(0, waits)].map(({ rule, evidence }) => `${rule}: ${evidence}`);
}

describe('the audit of workflows', () => {
  it('finds nothing where each came after what it comes after', () => {
    expect(
      findings([
        ended('a', 'completed', 100),
        ended('b', 'failed', 200),
        member('all', { state: 'skipped', reason: 'dependency-failed', after: after('a', 'b') }),
        member('any', { state: 'completed', join: 'any-success', after: after('a', 'b'), ...started(110) }),
        member('final', { state: 'running', join: 'all-final', after: after('a', 'b'), run: { at: at(210) } }),
        member('waits', { state: 'waiting', waitingFor: 'dependencies', after: after('final') }),
      ]),
    ).to.deep.equal([]);
  });

  const broken: [what: string, tasks: AuditedTask[], found: RegExp][] = [
    [
      'one that began before everything had completed',
      [ended('a', 'completed', 300), member('b', { state: 'completed', after: after('a'), ...started(200) })],
      /illegal: Task b began at .*, 100 ms before its join all-success was decided/,
    ],
    [
      'one that began although something had failed',
      [ended('a', 'failed', 100), member('b', { state: 'completed', after: after('a'), ...started(200) })],
      /illegal: Task b began .* before its join all-success allowed it: a is failed/,
    ],
    [
      'one that began while something was open',
      [
        member('a', { state: 'running' }),
        member('b', { state: 'running', join: 'all-final', after: after('a'), run: { at: at(200) } }),
      ],
      /illegal: Task b began .* before its join all-final allowed it: a is running/,
    ],
    [
      'one that was skipped although it could start',
      [ended('a', 'completed', 100), member('b', { state: 'skipped', reason: 'dependency-failed', after: after('a') })],
      /illegal: Task b was skipped by its join all-success, but a is completed/,
    ],
    [
      'one that is forgotten',
      [ended('a', 'completed', 100), member('b', { state: 'waiting', waitingFor: 'dependencies', after: after('a') })],
      /unexplained: Task b still waits for what it comes after, 59.9 s after its join all-success was decided/,
    ],
  ];
  for (const [what, tasks, found] of broken) {
    it(`finds ${what}`, () => {
      const [only, ...others] = findings(tasks);
      expect(only).to.match(found);
      expect(others).to.deep.equal([]);
    });
  }

  it('gives a beat its time, and judges no wait without knowing of one', () => {
    const tasks = [
      ended('a', 'completed', 59_500),
      member('b', { state: 'waiting', waitingFor: 'dependencies', after: after('a') }),
    ];
    expect(findings(tasks)).to.deep.equal([]);
    expect(findings(tasks, { ...watched, beatSince: Infinity })).to.deep.equal([]);
  });

  it('says nothing where a member is gone', () => {
    expect(findings([member('b', { state: 'completed', after: after('gone'), ...started(1) })])).to.deep.equal([]);
  });
});
