import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { overlaps, overtakings, readSpans, type Asked, type Span } from '../../support/evidence.js';

const asked: Asked[] = [
  { label: 'a', exclusive: ['r'], shared: [] },
  { label: 'b', exclusive: [], shared: ['r'] },
  { label: 'c', exclusive: [], shared: ['r'] },
];
const span = (label: string, begin: number, last: number): Span => ({ label, attempt: 1, pid: 1, begin, last, ended: true });

// A checker that has never failed proves nothing.
describe('the judge of evidence', () => {
  it('finds an exclusive body that overlaps a shared one, and lets shared ones be', () => {
    expect(overlaps([span('a', 0, 10), span('b', 9, 20), span('c', 15, 30)], asked)).to.deep.equal(['a/1 and b/1']);
    expect(overlaps([span('a', 0, 10), span('b', 11, 20), span('c', 15, 30)], asked)).to.deep.equal([]);
  });

  it('finds a long body that overlaps one after many others', () => {
    expect(overlaps([span('a', 0, 100), span('b', 50, 60)], asked)).to.deep.equal(['a/1 and b/1']);
  });

  it('finds a later conflicting task that started earlier', () => {
    expect(overtakings([span('b', 0, 1), span('a', 2, 3)], asked)).to.deep.equal(['b overtook a']);
    expect(overtakings([span('a', 0, 1), span('c', 2, 3), span('b', 3, 4)], asked)).to.deep.equal([]);
  });

  it('reads a body that was cut off up to its last line, and refuses one that began twice', () => {
    const folder = mkdtempSync(join(tmpdir(), 'evidence-'));
    const file = join(folder, 'lines');
    const line = (edge: string, at: number): string => `${JSON.stringify({ label: 'a', attempt: 1, edge, at, pid: 7 })}\n`;
    writeFileSync(file, line('begin', 1) + line('tick', 2));
    expect(readSpans(file)).to.deep.equal([{ label: 'a', attempt: 1, pid: 7, begin: 1, last: 2, ended: false }]);
    writeFileSync(file, line('begin', 1) + line('begin', 2));
    expect(() => readSpans(file)).to.throw('began twice');
    rmSync(folder, { recursive: true });
  });
});
