import { expect } from 'chai';

import { assign, type Candidate } from '../../../src/resource-manager/assign.js';

const worker = (name: string, bound = 0, more: Partial<Candidate> = {}): Candidate => ({
  name,
  queues: ['default'],
  dedicated: false,
  slots: 2,
  bound,
  ...more,
});
const dedicated = (name: string, bound = 0): Candidate => worker(name, bound, { queues: [], dedicated: true });

describe('assignment', () => {
  it('leaves a task to whoever is free first, when late and nobody is dedicated', () => {
    expect(assign('default', [worker('a'), worker('b')], 'late')).to.equal(undefined);
  });

  it('gives dedicated workers work while they have free slots', () => {
    expect(assign('default', [worker('a'), dedicated('d', 1)], 'late')).to.equal('d');
    expect(assign('default', [worker('a'), dedicated('d', 2)], 'late')).to.equal(undefined);
  });

  it('queues at the least loaded dedicated worker when nobody else serves the queue', () => {
    expect(assign('default', [dedicated('d', 5), dedicated('e', 4), worker('a', 0, { queues: ['other'] })], 'late')).to.equal(
      'e',
    );
  });

  it('binds every task when eager, to the least loaded worker of its queue', () => {
    expect(assign('default', [worker('a', 2), worker('b', 1), worker('c', 0, { queues: ['other'] })], 'eager')).to.equal('b');
    expect(assign('nobody', [worker('a')], 'eager')).to.equal(undefined);
  });
});
