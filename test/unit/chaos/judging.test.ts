import { expect } from 'chai';

import type { EndedSchedule } from '../../chaos/drain.js';
import type { Task } from '../../../src/core/task.js';
import { leaked, Leaks } from '../../chaos/leaks.js';
import { ownFindings } from '../../chaos/own-rules.js';
import { trends } from '../../chaos/samples.js';
import { accepts, type Line, type Seen, type SinkLine } from '../../chaos/sink.js';
import { readTraces } from '../../chaos/spans.js';

const MS = 1_000;

describe('how a chaos run is judged', () => {
  describe('the fenced sink', () => {
    const write = (fence: number | null, mode: 'exclusive' | 'shared') => ({
      fence,
      exclusive: mode === 'exclusive' ? ['r'] : [],
      shared: mode === 'shared' ? ['r'] : [],
    });

    it('refuses what is older than an exclusive write, and an exclusive write that is older than a shared one', () => {
      const seen = new Map<string, Seen>();
      expect(accepts(seen, write(2, 'exclusive'))).to.equal(true);
      expect(accepts(seen, write(1, 'exclusive'))).to.equal(false);
      expect(accepts(seen, write(1, 'shared'))).to.equal(false);
      expect(accepts(seen, write(4, 'shared'))).to.equal(true);
      expect(accepts(seen, write(3, 'exclusive'))).to.equal(false);
    });

    it('accepts shared holders in any order, and whoever reserves nothing', () => {
      const seen = new Map<string, Seen>();
      expect(accepts(seen, write(4, 'shared'))).to.equal(true);
      expect(accepts(seen, write(3, 'shared'))).to.equal(true);
      expect(accepts(seen, write(null, 'exclusive'))).to.equal(true);
    });

    it('knows what a pattern covers', () => {
      const seen = new Map<string, Seen>();
      const write = (fence: number, exclusive: string[], shared: string[] = []) => accepts(seen, { fence, exclusive, shared });
      expect(write(2, ['t/r'])).to.equal(true);
      expect(write(1, [], ['t/**'])).to.equal(false);
      expect(write(4, [], ['t/**'])).to.equal(true);
      expect(write(3, ['t/r/x'])).to.equal(false);
      expect(write(1, ['tr'])).to.equal(true);
    });

    it('does not let a refused write count for other resources', () => {
      const seen = new Map<string, Seen>();
      accepts(seen, { fence: 5, exclusive: ['a'], shared: [] });
      expect(accepts(seen, { fence: 4, exclusive: ['b', 'a'], shared: [] })).to.equal(false);
      expect(accepts(seen, { fence: 3, exclusive: ['b'], shared: [] })).to.equal(true);
    });
  });

  describe('secrets', () => {
    it('are found as they are, in an address and in base64; an argument may be shown with its task', () => {
      const leaks = new Leaks();
      const { argument, mongoPassword: password } = leaks;
      leaks.look('an answer', `{"secret":"${argument}"}`, true);
      leaks.look('an answer', '{}');
      expect(leaked(leaks)).to.deep.equal([]);
      leaks.look('an error', `not ${argument}`);
      leaks.look('a log', Buffer.from(`me:${password}`).toString('base64'));
      leaks.look('a log', password);
      leaks.look('a task', password, true);
      expect([...leaks.seen]).to.deep.equal([
        ['argument in an error', 1],
        ['mongoPassword in a log', 2],
        ['mongoPassword in a task', 1],
      ]);
      expect(leaked(leaks)[1]).to.include('2 times: mongoPassword in a log');
    });

    it('were not kept where nothing was searched', () => {
      expect(leaked(new Leaks())).to.deep.equal(['Nothing was searched for secrets.']);
    });
  });

  describe('the traces of a frozen body', () => {
    const line = (edge: Line['edge'], atMs: number): Line => ({
      ...{ task: 't', label: 'l', attempt: 1, pid: 9, fence: 1 },
      ...{ edge, at: atMs * MS, exclusive: ['r'], shared: [] },
    });
    const read = (lines: Line[], refused: Line[], frozenMs?: [number, number], reason = 'worker-lost') =>
      readTraces(
        lines.map(each => JSON.stringify(each)).join('\n'),
        lines.map((each): SinkLine => ({ ...each, arrivedAt: 0, accepted: !refused.includes(each) })),
        frozenMs ? [{ pid: 9, from: frozenMs[0] * MS, until: frozenMs[1] * MS }] : [],
        [{ id: 't', attempts: [{ n: 1, reason }] } as unknown as Task],
      );

    it('are read also where a kill has cut a line in the middle', () => {
      const whole = JSON.stringify(line('begin', 0));
      const traces = readTraces(`\n${whole}\n\n${whole.slice(0, 30)}\n${whole}\n`, [], [], []);
      expect([traces.spans.length, traces.cut]).to.deep.equal([2, 1]);
    });

    it('are its activity before and after the freeze, if that cost it its task', () => {
      const lines = [line('begin', 0), line('tick', 50), line('tick', 20_010)];
      expect(read(lines, [], [60, 20_000]).spans[0]?.pieces).to.deep.equal([
        { begin: 0, last: 50 },
        { begin: 20_010, last: 20_010 },
      ]);
      expect(read(lines, [], [60, 20_000], 'completed').spans[0]?.pieces).to.equal(undefined);
    });

    it('do not count where the sink refused them right after the thaw', () => {
      const [begin, late] = [line('begin', 0), line('tick', 20_090)];
      const { spans, excused, refused } = read([begin, late], [late], [60, 20_000]);
      expect(spans[0]).to.deep.equal({ task: 't', attempt: 1, begin: 0, last: 0, ended: false });
      expect(excused).to.deep.equal({ lines: 1, lateMs: 90 });
      expect(refused).to.deep.equal([]);
    });

    for (const [which, frozen] of [
      ['long after the thaw', [60, 100]],
      ['of a body that was not frozen', undefined],
    ] as const) {
      it(`count, and are told, where the sink refused them ${which}`, () => {
        const [begin, late] = [line('begin', 0), line('tick', 20_090)];
        const { spans, refused } = read([begin, late], [late], frozen && [...frozen]);
        expect(spans[0]?.last).to.equal(20_090);
        expect([...ownFindings({ tasks: [], asked: [], schedules: [], refused })].map(each => each.rule)).to.deep.equal([
          'fence',
        ]);
      });
    }

    it('make two bodies of two beginnings', () => {
      expect(read([line('begin', 0), line('begin', 10)], []).spans).to.have.length(2);
    });
  });

  describe('its own rules', () => {
    const anchor = new Date(0);
    const rule = { kind: 'interval', intervalMs: 10, anchor } as const;
    const schedule: EndedSchedule & { nextAt: Date } = {
      ...{ id: 's', name: 'every' },
      misfire: 'all',
      overlap: 'allow',
      rule,
      nextAt: new Date(30),
    };
    const task = (id: string, label: string, slot?: number): Task =>
      ({ id, kwargs: { label }, ...(slot !== undefined && { schedule: { id: 's', slot: new Date(slot) } }) }) as unknown as Task;
    const slots = (...at: number[]) => at.map((slot, index) => task(`t${index}`, 'every', slot));
    const asked = (label: string) => ({
      ...{ label, request: 1, outcome: 'unknown' as const, id: undefined },
      ...{ askedAt: 0, answeredAt: 0, delayed: false },
    });
    const rules = (known: Partial<Parameters<typeof ownFindings>[0]>) =>
      [...ownFindings({ tasks: [], asked: [], schedules: [], refused: [], ...known })].map(each => each.rule);

    it('find nothing where every slot has one task', () => {
      expect(rules({ tasks: slots(0, 10, 20), schedules: [schedule] })).to.deep.equal([]);
    });
    it('find runs that were made and not counted, and one that was made before the last one had ended', () => {
      const counting: EndedSchedule = { ...schedule, name: 'one-by-one', misfire: 'one', overlap: 'skip', remainingRuns: 38 };
      const at = (slot: number, created: number, finished: number): Task => ({
        ...task(`t${slot}`, 'one-by-one', slot),
        ...{ createdAt: new Date(created), finishedAt: new Date(finished) },
      });
      const good = [at(0, 1, 9), at(20, 20, 29)];
      expect(rules({ tasks: good, schedules: [counting] })).to.deep.equal([]);
      expect(rules({ tasks: good, schedules: [{ ...counting, remainingRuns: 39 }] })).to.deep.equal(['doubled']);
      const pending = { slots: [new Date(20)], tries: 0 };
      expect(rules({ tasks: good, schedules: [{ ...counting, pending }] })).to.deep.equal([]);
      expect(rules({ tasks: [at(0, 1, 9), at(20, 8, 29)], schedules: [counting] })).to.deep.equal(['illegal']);
    });
    it('find a slot that was left out, one that came twice, and one that is none', () => {
      expect(rules({ tasks: slots(0, 20), schedules: [schedule] })).to.deep.equal(['lost']);
      expect(rules({ tasks: slots(0, 10, 10, 20), schedules: [schedule] })).to.deep.equal(['doubled']);
      expect(rules({ tasks: slots(0, 10, 15, 20), schedules: [schedule] })).to.deep.equal(['illegal']);
    });
    it('find two tasks of one request, and half a batch', () => {
      expect(rules({ tasks: [task('a', 'l'), task('b', 'l')] })).to.deep.equal(['doubled']);
      expect(rules({ tasks: [task('a', 'l')], asked: [asked('l'), asked('m')] })).to.deep.equal(['illegal']);
    });
  });

  it('calls what grows by more than a fifth by its name', () => {
    const samples = [10, 10, 10, 20, 30, 30].map((heap, at) => ({
      at,
      values: { heap, steady: 100, 'collection tasks': at * 99 },
    }));
    expect(trends(samples).filter(trend => !trend.levels)).to.deep.equal([{ what: 'heap', first: 10, last: 30, levels: false }]);
  });
});
