import { expect } from 'chai';
import fc from 'fast-check';

import { readManifest, FORMAT, VERSION } from '../../../src/backup/manifest.js';
import { InterlockError } from '../../../src/core/errors.js';
import { SyncFailure } from '../../../src/plugins/file/failure.js';
import { parseManifest } from '../../../src/plugins/file/manifest.js';
import { damage, damaged, garbled } from './garble.js';
import type { Stage } from './stage.js';

const NAMES = [
  'a',
  'b/c',
  'ä,b.txt',
  '../a',
  '/etc/passwd',
  'a/../../b',
  './a',
  'a//b',
  '',
  ' a',
  'a\\b',
  'a\0',
  '\u202ea',
  'C:\\a',
  '%2e%2e/a',
  'x'.repeat(4_000),
];
const SUMS = ['a'.repeat(64), 'B'.repeat(64), 'c'.repeat(63), 'g'.repeat(64), '', ' '];
const SIZES = ['0', '1', '9007199254740991', '9007199254740993', '-1', '1.5', '1e3', '', 'NaN', '0x10'];
const ENDS = ['\n', '\r\n', '\r', '\n\n', '', '\u0085'];
/** Nothing that leaves a folder, and nothing that a file system would not take. */
const SAFE = /^(?!\/)(?!.*(?:^|\/)\.{0,2}(?:\/|$))[^\0\\]+$/;

interface Listed {
  lines: [string, string, string, string][];
  how: { how: 'none' | 'cut' | 'byte' | 'mark'; at: number; byte: number };
  cut: number;
}

/** A list of files that an origin serves: entries whose names stay in their folder, or a failure that says what was expected. */
export const manifests: Stage<Listed> = {
  name: 'manifests of repositories',
  open: () => {
    const often = (all: string[], good: number): fc.Arbitrary<string> =>
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...all.slice(0, good)) },
        { weight: 1, arbitrary: fc.constantFrom(...all) },
      );
    return Promise.resolve({
      input: fc.record({
        lines: fc.array(fc.tuple(often(NAMES, 3), often(SUMS, 2), often(SIZES, 2), often(ENDS, 2)), { maxLength: 4 }),
        how: damage,
        cut: fc.integer({ min: 1, max: 500 }),
      }),
      judge: async ({ lines, how, cut }) => {
        const bytes = damaged(lines.map(([name, sum, size, end]) => `${name},${sum},${size}${end}`).join(''), how);
        try {
          const entries = await parseManifest(inPieces(bytes, cut));
          for (const { name, sha256, size } of entries) {
            expect(name).to.match(SAFE);
            expect(sha256).to.match(/^[0-9a-f]{64}$/);
            expect(size).to.satisfy((each: number) => Number.isSafeInteger(each) && each >= 0);
          }
          return 'taken';
        } catch (error) {
          if (!(error instanceof SyncFailure)) throw error;
          expect(error.message.length).to.be.below(1_000);
          return error.code;
        }
      },
      close: () => Promise.resolve(),
    });
  },
};

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  await Promise.resolve();
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const AT = '2026-01-01T00:00:00.000Z';
const sum = (path: string): object => ({ path, bytes: 3, sha256: 'a'.repeat(64) });
const BACKUP = {
  ...{ format: FORMAT, version: VERSION, id: '0198c1f7-0000-7000-8000-0123456789ab', createdAt: AT, durationMs: 5 },
  versions: { interlock: '1.0.0', node: '20.0.0', mongo: '7.0.0' },
  database: {
    ...{ name: 'interlock', schema: 1, cut: { at: AT, moment: '1' }, given: { seq: 1, fence: 2, epoch: 3, generation: 1 } },
    collections: [{ name: 'tasks', path: 'database/tasks.bson.gz', documents: 1, bytes: 3 }],
    leftOut: [],
  },
  broker: { reached: true, path: 'broker/topology.json.gz', queues: 2 },
  folders: [
    {
      kind: 'content',
      path: 'files/content.tar.gz',
      root: '/data',
      tops: [''],
      entries: 1,
      bytes: 3,
      leftOut: [{ path: 'a', why: 'b' }],
      leftOutCount: 1,
    },
  ],
  parts: ['database/tasks.bson.gz', 'broker/topology.json.gz', 'files/content.tar.gz'].map(sum),
};

/** The manifest of a backup: taken as it stands, or refused in a sentence. */
export const backups: Stage<Buffer> = {
  name: 'manifests of backups',
  open: () =>
    Promise.resolve({
      input: garbled([BACKUP]),
      judge: bytes => {
        const text = bytes.toString('utf8');
        try {
          const manifest = readManifest(text, 1);
          expect(manifest).to.deep.equal(JSON.parse(text));
          expect(manifest.parts.every(({ path }) => /^[a-z]+\/[^/]+$/.test(path))).to.equal(true);
          return 'taken';
        } catch (error) {
          if (error instanceof InterlockError && error.code === 'CONFLICT') return 'refused';
          throw error;
        }
      },
      close: () => Promise.resolve(),
    }),
};
