import { expect } from 'chai';

import { compareClocks } from '../../../src/main/clock-check.js';
import { silentLog } from '../../../src/process/log.js';

describe('The comparison of clocks', () => {
  async function said(here: number[], server: number): Promise<string[]> {
    const lines: string[] = [];
    const walls = [...here];
    const clock = { monotonicMs: () => 0, wall: () => new Date(walls.shift() ?? 0) };
    const log = { ...silentLog, warn: (line: string) => void lines.push(line) };
    await compareClocks({ now: () => Promise.resolve(new Date(server)) }, clock, log);
    return lines;
  }

  it('says nothing of what the way of the answer may explain', async () => {
    expect(await said([10_000, 10_010], 11_900)).to.deep.equal([]);
    expect(await said([10_000, 16_000], 10_500)).to.deep.equal([]);
  });

  it('names how far it is off, and to which side', async () => {
    expect((await said([70_000, 70_000], 10_000))[0]).to.match(/is 60 s ahead of that of MongoDB/);
    expect((await said([10_000, 10_000], 15_500))[0]).to.match(/is 5.5 s behind that of MongoDB/);
  });
});
