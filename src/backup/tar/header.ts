import { damaged } from '../damaged.js';

/**
 * The tar format as GNU tar writes and reads it (`tar xzf` gives everything back by hand). Paths and targets are bytes: here texts of one character a
 * byte, so that names in any encoding come back as they were.
 */
export interface Entry {
  kind: 'file' | 'folder' | 'link';
  /** Without `/` at either end. */
  path: string;
  /** Of a link. */
  target: string;
  /** Of a file, in bytes. */
  size: number;
  mode: number;
  uid: number;
  gid: number;
  /** Seconds. */
  mtime: number;
}

export const BLOCK = 512;
const NAME_BYTES = 100;
const LONG_NAME = '././@LongLink';
/** A path in Linux has at most 4,096 bytes. */
export const MAX_LONG = 4_097;
const MAX_MODE = 0o7777;
const MAX_ID = 0xffff_ffff;
const TYPE_OF = { file: '0', folder: '5', link: '2' } as const;
const KIND_OF: Readonly<Record<string, Entry['kind'] | 'long-name' | 'long-target'>> = {
  '0': 'file',
  '\0': 'file',
  '5': 'folder',
  '2': 'link',
  L: 'long-name',
  K: 'long-target',
};

/** The blocks before an entry's content. */
export function headerOf(entry: Entry): Buffer {
  const path = entry.kind === 'folder' ? `${entry.path}/` : entry.path;
  const long = [...longBlocks('K', entry.target), ...longBlocks('L', path)];
  return Buffer.concat([...long, block({ ...entry, path, type: TYPE_OF[entry.kind] })]);
}

/** What fills the last block of a content of this size. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function longBlocks(type: string, text: string): Buffer[] {
  if (text.length <= NAME_BYTES) return [];
  const bytes = Buffer.from(`${text}\0`, 'latin1');
  const head = { path: LONG_NAME, target: '', size: bytes.length, mode: 0, uid: 0, gid: 0, mtime: 0, type };
  return [block(head), bytes, Buffer.alloc(paddingOf(bytes.length))];
}

function block(entry: Omit<Entry, 'kind'> & { type: string }): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(entry.path.slice(0, NAME_BYTES), 0, 'latin1');
  number(header, 100, 8, entry.mode & 0o7777);
  number(header, 108, 8, entry.uid);
  number(header, 116, 8, entry.gid);
  number(header, 124, 12, entry.size);
  number(header, 136, 12, Math.max(0, Math.floor(entry.mtime)));
  header.write(entry.type, 156, 'latin1');
  header.write(entry.target.slice(0, NAME_BYTES), 157, 'latin1');
  header.write('ustar  \0', 257, 'latin1');
  header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** Octal digits, or where these do not suffice, bytes. */
function number(header: Buffer, at: number, length: number, value: number): void {
  const digits = value.toString(8);
  if (digits.length < length) {
    header.write(`${digits.padStart(length - 1, '0')}\0`, at, 'latin1');
    return;
  }
  let rest = value;
  for (let index = length - 1; index > 0; index -= 1) {
    header[at + index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  header[at] = 0x80;
}

/** The sum of a header's bytes, its own place counted as spaces. */
function sumOf(header: Buffer): number {
  let sum = 0;
  for (const [index, byte] of header.entries()) sum += index >= 148 && index < 156 ? 32 : byte;
  return sum;
}

export interface Header extends Omit<Entry, 'kind'> {
  kind: NonNullable<(typeof KIND_OF)[string]>;
}

/** Undefined: the end. Throws InterlockError for what is no header. */
export function readHeader(header: Buffer): Header | undefined {
  if (header.every(byte => byte === 0)) return undefined;
  if (read(header, 148, 8) !== sumOf(header)) throw damaged('an entry of an archive has a wrong checksum');
  const kind = KIND_OF[header.toString('latin1', 156, 157)];
  if (kind === undefined) throw damaged('an entry of an archive is of a kind that no backup has');
  const [path, target] = [text(header, 0), text(header, 157)];
  const [size, mtime] = [read(header, 124, 12), read(header, 136, 12)];
  const [mode, uid, gid] = [read(header, 100, 8), read(header, 108, 8), read(header, 116, 8)];
  if (mode > MAX_MODE || uid > MAX_ID || gid > MAX_ID)
    throw damaged('an entry of an archive gives a mode or an owner that cannot be');
  return { kind, path, target, size, mode, uid, gid, mtime };
}

function text(header: Buffer, at: number): string {
  return header.toString('latin1', at, at + NAME_BYTES).split('\0', 1)[0] ?? '';
}

function read(header: Buffer, at: number, length: number): number {
  if (header[at] === 0x80) {
    let value = 0;
    for (const byte of header.subarray(at + 1, at + length)) value = value * 256 + byte;
    if (!Number.isSafeInteger(value)) throw damaged('an entry of an archive gives a number that cannot be');
    return value;
  }
  const digits = header
    .toString('latin1', at, at + length)
    .replace(/[\0 ]+$/, '')
    .trim();
  if (!/^[0-7]*$/.test(digits)) throw damaged('an entry of an archive gives a number that is none');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}
