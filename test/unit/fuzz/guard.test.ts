import { expect } from 'chai';

import { Guard } from '../../fuzz/inputs/guard.js';

describe('The guard of the fuzzer', function () {
  this.timeout(300_000);
  const stages = new URL('bad-doors.js', import.meta.url);
  const wish = { cases: 100, seed: 1 };
  const opened: Guard[] = [];
  const guard = (silentMs = 60_000, memoryMiB = 10_000): Guard => {
    const made = new Guard({ stages, silentMs, memoryMiB });
    opened.push(made);
    return made;
  };
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });

  it('tells a case that computes for ever, and goes on with a process of its own', async () => {
    const one = guard(5_000);
    const { failure } = await one.run('loops', wish);
    expect(failure).to.equal('no case has ended for 5 s. The last case:\n4711');
    expect(await one.run('sound', wish)).to.deep.include({ cases: 100, outcomes: { taken: 100 }, failure: undefined });
  });

  it('tells a case that ends the process', async () => {
    expect((await guard().run('ends', wish)).failure).to.equal('the process ended with 3. The last case:\n4711');
  });

  it('tells cases that take memory without end', async () => {
    if (process.platform !== 'linux') return; // no other one tells it
    expect((await guard(60_000, 1_000).run('hoards', wish)).failure).to.match(/^the process has \d+ MiB, more than 1000\./);
  });

  it('hands on what is found within', async () => {
    expect((await guard().run('wrong', wish)).failure).to.match(/no such thing/);
  });
});
