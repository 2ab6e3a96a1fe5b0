import fc from 'fast-check';

import { BLOCK, headerOf, MAX_LONG, paddingOf, readHeader, type Entry } from '../../../src/backup/tar/header.js';

/** One thing that is done to an archive. */
export interface Edit {
  how: 'field' | 'insert' | 'remove' | 'double' | 'swap' | 'cut' | 'byte' | 'behind';
  at: number;
  /** Of a header: where it begins, and how long it is. */
  field: readonly [number, number];
  value: string;
  /** Whether the header's checksum is made right afterwards. */
  summed: boolean;
  entry: Pick<Entry, 'kind' | 'path' | 'target' | 'size'>;
}

const FIELDS = [
  ...[
    [0, 100],
    [100, 8],
    [108, 8],
    [116, 8],
    [124, 12],
    [136, 12],
    [148, 8],
    [156, 1],
    [157, 100],
    [257, 8],
    [345, 155],
  ],
] as [number, number][];
const ODD_FIELDS = [
  '',
  '0',
  '7',
  '-1',
  '9',
  '77777777777',
  '7777777',
  ' 644 ',
  '0x10',
  '\x80\0\0\0\0\0\0\0',
  '\x80\0\0\0\x7f\xff\xff\xff',
  '\x80\0\0\0\0\x1f\xff\xff\xff\xff\xff\xff',
  '\x80\0\0\0\xff\xff\xff\xff',
  '\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff',
  '\xff\xff\xff\xff\xff\xff\xff\xff',
  ...['1', '3', '4', '6', 'L', 'K', 'x', 'g', 'S', 'D', '\0'],
  ...[
    'a',
    '../a',
    '/etc/passwd',
    'sub/../../a',
    '.',
    'a\nb',
    '\x1b[2J',
    'sub',
    'sub/file',
    'sub/link/x',
    'a\0b',
    'x'.repeat(100),
  ],
];
const PATHS = [
  ...[
    'a',
    'sub/a',
    'sub',
    'sub/file',
    'sub/link',
    'sub/link/a',
    '../a',
    '/a',
    'a/../../b',
    './a',
    'a//b',
    'a/',
    '',
    ' ',
    '\xff\xfe',
  ],
  ...['a\nb', '\x1b[2J', 'n'.repeat(256), 'd/'.repeat(300) + 'a', 'd/'.repeat(2_040) + 'a', '.interlock-restoring', '__proto__'],
];
const TARGETS = ['', 'a', '.', '..', '../..', '/', '/etc', 'sub', '../sub/file', 'link', 't'.repeat(300), 'a\0b', '\xff'];

export const edit: fc.Arbitrary<Edit> = fc.record({
  how: fc.constantFrom(
    'field',
    'field',
    'field',
    'insert',
    'insert',
    'insert',
    'remove',
    'double',
    'swap',
    'cut',
    'byte',
    'behind',
  ),
  at: fc.nat({ max: 9_999 }),
  field: fc.constantFrom(...FIELDS),
  value: fc.constantFrom(...ODD_FIELDS),
  summed: fc.nat({ max: 9 }).map(n => n > 0),
  entry: fc.record({
    kind: fc.constantFrom('file', 'folder', 'link'),
    path: fc.constantFrom(...PATHS),
    target: fc.constantFrom(...TARGETS),
    size: fc.constantFrom(0, 0, 0, 1, 512, 4_000_000_000, 2 ** 53 - 1),
  }),
});

/** A header, or the blocks of a long name and a header, with the content behind it. */
interface Unit {
  head: Buffer;
  rest: Buffer;
}

/** What comes of these edits, and how many entries it says that it has. */
export function editedArchive(archive: Buffer, edits: readonly Edit[]): { bytes: Buffer; entries: number } {
  const units = unitsOf(archive);
  for (const each of edits) change(units, each);
  const long = ({ head }: Unit): boolean => 'LK'.includes(head.toString('latin1', 156, 157));
  const whole = Buffer.concat([...units.flatMap(({ head, rest }) => [head, rest]), Buffer.alloc(2 * BLOCK)]);
  return { bytes: edits.reduce(spoilt, whole), entries: units.filter(unit => !long(unit)).length };
}

function unitsOf(archive: Buffer): Unit[] {
  const units: Unit[] = [];
  for (let at = 0; ;) {
    const head = Buffer.from(archive.subarray(at, at + BLOCK));
    const header = readHeader(head);
    if (!header) return units;
    const length = header.size + paddingOf(header.size);
    units.push({ head, rest: Buffer.from(archive.subarray(at + BLOCK, at + BLOCK + length)) });
    at += BLOCK + length;
  }
}

function change(units: Unit[], { how, at, field, value, summed, entry }: Edit): void {
  const place = at % Math.max(1, units.length);
  const unit = units[place];
  if (how === 'insert') units.splice(place, 0, ...made(entry));
  else if (how === 'remove') units.splice(place, 1);
  else if (how === 'double' && unit) units.push({ head: Buffer.from(unit.head), rest: unit.rest });
  else if (how === 'swap' && unit) units.push(...units.splice(place, 1));
  else if (how === 'field' && unit) {
    const [from, length] = field;
    unit.head.fill(0, from, from + length);
    unit.head.write(value.slice(0, length), from, 'latin1');
    if (summed && from !== 148) sum(unit.head);
  }
}

/** Its content is as long as it says only where that is short: a lie otherwise. */
function made(entry: Edit['entry']): Unit[] {
  const head = headerOf({ ...entry, mode: 0o644, uid: 0, gid: 0, mtime: 0 });
  const content = entry.size > MAX_LONG ? 0 : entry.size;
  return unitsOf(Buffer.concat([head, Buffer.alloc(content + paddingOf(content)), Buffer.alloc(2 * BLOCK)]));
}

function sum(head: Buffer): void {
  head.fill(' ', 148, 156);
  const total = head.reduce((all, byte) => all + byte, 0);
  head.write(`${total.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

function spoilt(bytes: Buffer, { how, at, value }: Edit): Buffer {
  const place = at % Math.max(1, bytes.length);
  if (how === 'cut') return bytes.subarray(0, place);
  if (how === 'behind') return Buffer.concat([bytes, Buffer.alloc(at % 2_000), Buffer.from(value, 'latin1')]);
  if (how === 'byte' && bytes.length > 0) bytes[place] = (bytes[place] ?? 0) ^ (1 << (at % 8));
  return bytes;
}
