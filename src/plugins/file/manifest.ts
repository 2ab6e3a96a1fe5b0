import { SyncFailure } from './failure.js';

/** The name of the list of files in a repository: lines of `name,sha256,size`. */
export const MANIFEST = 'PULP_MANIFEST';

const MAX_LINE_BYTES = 4_096;
const MAX_BYTES = 64 * 1024 * 1024;
/** Empty ones, too: they cost time. */
const MAX_LINES = 1_000_000;
const NEWLINE = 0x0a;

export interface Entry {
  /** Relative path with forward slashes; checked, so that it cannot leave a folder. */
  name: string;
  /** Lower-case hex. */
  sha256: string;
  size: number;
}

/**
 * Reads a manifest as it arrives. Throws SyncFailure MANIFEST_INVALID or PATH_TRAVERSAL, naming the line and what was expected;
 * nothing that is too long is kept in memory.
 */
export async function parseManifest(chunks: AsyncIterable<Uint8Array>): Promise<Entry[]> {
  const entries: Entry[] = [];
  const names = new Set<string>();
  const sizes = new Map<string, number>();
  for await (const { number, bytes } of linesOf(chunks)) {
    if (number > MAX_LINES) throw invalid(number, `expected at most ${MAX_LINES} lines`);
    const line = textOf(bytes, number);
    if (line === '') continue;
    const entry = parseLine(line, number);
    if (names.has(entry.name)) throw invalid(number, `the name ${quoted(entry.name)} stands in it twice`);
    if ((sizes.get(entry.sha256) ?? entry.size) !== entry.size) {
      throw invalid(number, `an earlier line gives another size for the same sha256 ${entry.sha256}`);
    }
    names.add(entry.name);
    sizes.set(entry.sha256, entry.size);
    entries.push(entry);
  }
  return entries;
}

/** One line without its line end. Names may hold commas: the last two commas of the line divide it. */
export function parseLine(line: string, number: number): Entry {
  const sizeComma = line.lastIndexOf(',');
  const digestComma = line.lastIndexOf(',', sizeComma - 1);
  if (sizeComma < 0 || digestComma < 0) throw invalid(number, `expected "name,sha256,size", got ${quoted(line)}`);
  const name = line.slice(0, digestComma);
  const sha256 = line
    .slice(digestComma + 1, sizeComma)
    .trim()
    .toLowerCase();
  const size = line.slice(sizeComma + 1).trim();
  checkName(name, number);
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw invalid(number, `expected a sha256 of 64 hex digits, got ${quoted(sha256)}`);
  if (!/^\d{1,16}$/.test(size) || !Number.isSafeInteger(Number(size))) {
    throw invalid(number, `expected a size in bytes, 0 or more, got ${quoted(size)}`);
  }
  return { name, sha256, size: Number(size) };
}

function checkName(name: string, number: number): void {
  const where = `line ${number} of ${MANIFEST}: the name ${quoted(name)}`;
  if (/[\\\0]/.test(name) || name.startsWith('/') || name.split('/').some(part => part === '..' || part === '.')) {
    throw new SyncFailure(
      'PATH_TRAVERSAL',
      `${where} leads outside the repository. Names are relative, without "..", "." or "\\".`,
    );
  }
  if (name.split('/').includes('')) throw invalid(number, `the name ${quoted(name)} is empty or has an empty part`);
  if (/\p{Cc}/u.test(name)) throw invalid(number, `the name ${quoted(name)} has control characters`);
  if (name !== name.trim()) throw invalid(number, `the name ${quoted(name)} begins or ends with a space`);
  if (name === MANIFEST) throw invalid(number, `a manifest cannot list itself`);
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ number: number; bytes: Uint8Array }> {
  let rest = Buffer.alloc(0);
  let total = 0;
  let number = 1;
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > MAX_BYTES) throw invalid(number, `the manifest is longer than ${MAX_BYTES} bytes`);
    const data = Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
      yield { number, bytes: data.subarray(start, end) };
      number += 1;
      start = end + 1;
    }
    rest = data.subarray(start);
    if (rest.length > MAX_LINE_BYTES) throw invalid(number, `the line is longer than ${MAX_LINE_BYTES} bytes`);
  }
  if (rest.length > 0) yield { number, bytes: rest };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function textOf(bytes: Uint8Array, number: number): string {
  if (bytes.length >= MAX_LINE_BYTES) throw invalid(number, `the line is longer than ${MAX_LINE_BYTES} bytes`);
  try {
    return utf8.decode(bytes).replace(/\r$/, '');
  } catch (error) {
    throw new SyncFailure('MANIFEST_INVALID', `line ${number} of ${MANIFEST} is not UTF-8.`, { cause: error });
  }
}

function invalid(number: number, detail: string): SyncFailure {
  return new SyncFailure('MANIFEST_INVALID', `line ${number} of ${MANIFEST}: ${detail}.`);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
