import { expect } from 'chai';

import { dueSlots, MAX_SLOTS_PER_PASS, slotAfter, type IntervalRule, type Misfire } from '../../../src/core/schedule.js';

const anchor = new Date('2026-01-01T00:00:00.000Z');
const minute: IntervalRule = { kind: 'interval', intervalMs: 60_000, anchor };
const at = (time: string): Date => new Date(`2026-01-01T${time}Z`);

function due(misfire: Misfire, nextAt: string, now: string): { slots: string[]; nextAt: string } {
  const result = dueSlots({ rule: minute, misfire, nextAt: at(nextAt) }, at(now));
  const time = (date: Date): string => date.toISOString().slice(11, 19);
  return { slots: result.slots.map(time), nextAt: time(result.nextAt) };
}

describe('interval schedules', () => {
  it('have their slots on a grid that does not drift', () => {
    expect(slotAfter(minute, at('00:00:00')).toISOString()).to.equal(at('00:01:00').toISOString());
    expect(slotAfter(minute, at('00:00:59')).toISOString()).to.equal(at('00:01:00').toISOString());
    expect(slotAfter(minute, new Date('2025-06-01T00:00:00Z')).toISOString()).to.equal(anchor.toISOString());
  });

  it('wait for a slot that has not come', () => {
    expect(due('one', '00:05:00', '00:04:59')).to.deep.equal({ slots: [], nextAt: '00:05:00' });
  });

  it('run a slot that has come, whatever the misfire policy', () => {
    for (const misfire of ['one', 'all', 'skip'] as const) {
      expect(due(misfire, '00:05:00', '00:05:02'), misfire).to.deep.equal({ slots: ['00:05:00'], nextAt: '00:06:00' });
    }
  });

  it('make up for an outage once, or for each slot, or not at all', () => {
    expect(due('one', '00:05:00', '00:08:40')).to.deep.equal({ slots: ['00:08:00'], nextAt: '00:09:00' });
    expect(due('all', '00:05:00', '00:08:40')).to.deep.equal({
      slots: ['00:05:00', '00:06:00', '00:07:00', '00:08:00'],
      nextAt: '00:09:00',
    });
    expect(due('skip', '00:05:00', '00:08:40')).to.deep.equal({ slots: [], nextAt: '00:09:00' });
  });

  it('make up for a long outage in portions', () => {
    const first = dueSlots({ rule: minute, misfire: 'all', nextAt: anchor }, new Date(anchor.getTime() + 250 * 60_000));
    expect(first.slots).to.have.length(MAX_SLOTS_PER_PASS);
    const second = dueSlots({ rule: minute, misfire: 'all', nextAt: first.nextAt }, new Date(anchor.getTime() + 250 * 60_000));
    expect(second.slots[0]?.getTime()).to.equal((first.slots.at(-1)?.getTime() ?? 0) + 60_000);
  });
});
