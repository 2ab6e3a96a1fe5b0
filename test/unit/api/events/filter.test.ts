import { expect } from 'chai';

import { matches, type EventFilter } from '../../../../src/api/events/filter.js';
import { someEvent } from '../../../support/events.js';

describe('The filter of events', () => {
  const event = someEvent(1, { group: 'g', parent: 'p' });
  const cases: [EventFilter, boolean][] = [
    [{}, true],
    [{ state: ['running'] }, true],
    [{ state: ['failed', 'running'] }, true],
    [{ state: ['failed'] }, false],
    [{ name: ['work'], queue: ['default'] }, true],
    [{ name: ['work'], queue: ['other'] }, false],
    [{ tag: ['b', 'z'] }, true],
    [{ tag: ['z'] }, false],
    [{ group: ['g'], parent: ['p'] }, true],
    [{ group: ['x'] }, false],
    [{ correlationId: ['request'] }, true],
    [{ correlationId: ['other'] }, false],
    [{ worker: ['w1'] }, true],
    [{ worker: ['w2'] }, false],
    [{ state: [] }, false],
  ];
  for (const [filter, passes] of cases)
    it(`${JSON.stringify(filter)} lets it ${passes ? 'pass' : 'not pass'}`, () =>
      expect(matches(event, filter)).to.equal(passes));

  it('does not let pass what has no such field at all', () => {
    expect(matches(someEvent(1), { group: ['g'] })).to.equal(false);
  });

  it('lets pass what was cut out of an event to make it fit, and nothing else', () => {
    const cut = someEvent(1, { tags: ['a'] }, { cut: ['tags'] });
    expect(matches(cut, { tag: ['z'] })).to.equal(true);
    expect(matches(cut, { tag: ['z'], name: ['other'] })).to.equal(false);
    expect(matches(someEvent(1, {}, { cut: ['group'] }), { group: ['g'] })).to.equal(true);
  });
});
