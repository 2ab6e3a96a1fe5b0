import { expect } from 'chai';

import {
  dueSlots,
  MAX_SLOTS_PER_PASS,
  pausedFor,
  rescheduled,
  resumed,
  settled,
  stateOf,
  type Misfire,
  type Schedule,
} from '../../../src/core/schedule.js';
import { latestSlot, slotAfter, type IntervalRule, type Rule } from '../../../src/core/schedule-rule.js';

const anchor = new Date('2026-01-01T00:00:00.000Z');
const minute: IntervalRule = { kind: 'interval', intervalMs: 60_000, anchor };
const at = (time: string): Date => new Date(`2026-01-01T${time}Z`);

function due(misfire: Misfire, nextAt: string, now: string): { slots: string[]; missed: number; nextAt: string } {
  const result = dueSlots({ rule: minute, misfire, nextAt: at(nextAt) }, at(now));
  const time = (date: Date): string => date.toISOString().slice(11, 19);
  return { slots: result.slots.map(time), missed: result.missed, nextAt: time(result.nextAt!) };
}

function schedule(change: Partial<Schedule> = {}): Schedule {
  return {
    ...{ id: 's', name: 's', task: {}, rule: minute, misfire: 'one', overlap: 'allow', nextAt: at('00:05:00') },
    ...{ createdAt: anchor, skipped: 0, countedFrom: anchor, revision: 1, version: 7 },
    ...change,
  };
}

describe('interval schedules', () => {
  it('have their slots on a grid that does not drift', () => {
    expect(slotAfter(minute, at('00:00:00'))).to.deep.equal(at('00:01:00'));
    expect(slotAfter(minute, at('00:00:59'))).to.deep.equal(at('00:01:00'));
    expect(slotAfter(minute, new Date('2025-06-01T00:00:00Z'))).to.deep.equal(anchor);
  });

  it('wait for a slot that has not come', () => {
    expect(due('one', '00:05:00', '00:04:59')).to.deep.equal({ slots: [], missed: 0, nextAt: '00:05:00' });
  });

  it('run a slot that has come, whatever the misfire policy', () => {
    for (const misfire of ['one', 'all', 'skip'] as const) {
      const expected = { slots: ['00:05:00'], missed: 0, nextAt: '00:06:00' };
      expect(due(misfire, '00:05:00', '00:05:02'), misfire).to.deep.equal(expected);
    }
  });

  it('make up for an outage once, or for each slot, or not at all', () => {
    expect(due('one', '00:05:00', '00:08:40')).to.deep.equal({ slots: ['00:08:00'], missed: 3, nextAt: '00:09:00' });
    expect(due('all', '00:05:00', '00:08:40')).to.deep.equal({
      slots: ['00:05:00', '00:06:00', '00:07:00', '00:08:00'],
      missed: 0,
      nextAt: '00:09:00',
    });
    expect(due('skip', '00:05:00', '00:08:40')).to.deep.equal({ slots: [], missed: 4, nextAt: '00:09:00' });
  });

  it('make up for a long outage in portions', () => {
    const now = new Date(anchor.getTime() + 250 * 60_000);
    const first = dueSlots({ rule: minute, misfire: 'all', nextAt: anchor }, now);
    expect(first.slots).to.have.length(MAX_SLOTS_PER_PASS);
    const second = dueSlots({ rule: minute, misfire: 'all', nextAt: first.nextAt! }, now);
    expect(second.slots[0]?.getTime()).to.equal((first.slots.at(-1)?.getTime() ?? 0) + 60_000);
  });
});

describe('ISO 8601 repeating intervals', () => {
  const repeating = (start: string, more: Partial<Extract<Rule, { kind: 'iso8601' }>>): Rule => ({
    ...{ kind: 'iso8601', iso8601: '', start: new Date(start), months: 0, ms: 0 },
    ...more,
  });
  const all = (rule: Rule, after: string, most: number): string[] => {
    const found: string[] = [];
    for (let slot = slotAfter(rule, new Date(after)); slot && found.length < most; slot = slotAfter(rule, slot))
      found.push(slot.toISOString().slice(0, 16));
    return found;
  };

  it('have as many slots as they say, counted from their start', () => {
    const rule = repeating('2026-01-01T00:00:00Z', { ms: 3_600_000, count: 5 });
    expect(all(rule, '2025-12-31T00:00:00Z', 9))
      .to.have.length(5)
      .with.property('0', '2026-01-01T00:00');
    expect(all(rule, '2026-01-01T02:30:00Z', 9)).to.deep.equal(['2026-01-01T03:00', '2026-01-01T04:00']);
    expect(slotAfter(rule, new Date('2026-01-01T04:00:00Z'))).to.equal(undefined);
  });

  it('count months on the calendar, from the start and not from the slot before', () => {
    const rule = repeating('2026-01-31T12:30:00Z', { months: 1 });
    expect(all(rule, '2026-01-01T00:00:00Z', 4)).to.deep.equal([
      '2026-01-31T12:30',
      '2026-02-28T12:30',
      '2026-03-31T12:30',
      '2026-04-30T12:30',
    ]);
    expect(all(rule, '2126-02-01T00:00:00Z', 1)).to.deep.equal(['2126-02-28T12:30']);
  });
});

describe('the last slot of a time', () => {
  const rules: Rule[] = [
    { kind: 'interval', intervalMs: 7_000, anchor },
    { kind: 'cron', cron: '*/7 2-3 * * *', timezone: 'Europe/Berlin' },
    { kind: 'cron', cron: '30 30 2 * * *', timezone: 'Europe/Berlin' },
    { kind: 'iso8601', iso8601: '', start: anchor, months: 1, ms: 1_000, count: 4 },
  ];
  for (const rule of rules) {
    it(`is found for ${rule.kind} as by walking from the first`, () => {
      const from = slotAfter(rule, new Date(anchor.getTime() - 1))!;
      for (const hours of [24, 24.99, 30, 2_100, 2_113.5]) {
        const now = new Date(anchor.getTime() + hours * 3_600_000);
        let walked = from;
        for (let next = slotAfter(rule, walked); next && next <= now; next = slotAfter(rule, next)) walked = next;
        expect(latestSlot(rule, from, now)).to.deep.equal(walked);
      }
    });
  }
});

describe('a schedule that is changed', () => {
  it('is paused and goes on with the first slot of the future', () => {
    const paused = pausedFor(schedule(), { at: at('00:04:00'), reason: 'r' });
    expect([stateOf(paused), paused.nextAt, paused.revision]).to.deep.equal(['paused', undefined, 2]);
    const again = resumed(paused, at('00:59:30'));
    expect([stateOf(again), again.nextAt, again.revision]).to.deep.equal(['active', at('01:00:00'), 3]);
    expect(again.countedFrom).to.deep.equal(at('00:59:30'));
    expect(resumed(again, at('02:00:00'))).to.equal(again);
  });

  it('still makes what was decided before, and nothing more while it is paused', () => {
    const pending = { slots: [at('00:05:00')], then: at('00:06:00'), tries: 0 };
    const paused = pausedFor(schedule({ pending }), { at: at('00:05:01'), reason: 'r' });
    expect(paused.nextAt).to.deep.equal(at('00:05:00'));
    const last = { id: 't', slot: at('00:05:00') };
    expect(settled(paused, last)).to.deep.include({ lastTask: last }).and.not.to.have.any.keys('nextAt', 'pending');
    const back = resumed(paused, at('00:09:30'));
    expect(back.nextAt).to.deep.equal(at('00:05:00'));
    expect(settled(back, last).nextAt).to.deep.equal(at('00:10:00'));
  });

  it('never has a slot of the past, nor one that has had its task, whatever the server clock says', () => {
    const lastTask = { id: 't', slot: at('00:05:00') };
    expect(rescheduled(schedule({ lastTask }), at('00:04:10')).nextAt).to.deep.equal(at('00:06:00'));
    expect(rescheduled(schedule(), at('00:09:59')).nextAt).to.deep.equal(at('00:10:00'));
    expect(stateOf(rescheduled(schedule({ remainingRuns: 0 }), anchor))).to.equal('ended');
  });
});
