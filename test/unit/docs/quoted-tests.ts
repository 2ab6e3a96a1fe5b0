import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../../', import.meta.url);

/** A file below `test/`, a title and, where that stands for many cases, those that are meant: `file` *title* "a case" "another". */
const REFERENCE = /`([\w./-]+)` \*([^*]+)\*((?: "[^"]+")*)/g;

/** The cells of each row of a page's tables whose first cell fits: from the first cell to the last. */
export function rowsOf(page: string, first: RegExp): string[][] {
  return readFileSync(new URL(page, ROOT), 'utf8')
    .split('\n')
    .filter(line => line.startsWith('|'))
    .map(line => line.split(/(?<!\\)\|/).map(cell => cell.trim()))
    .map(cells => cells.slice(1, -1))
    .filter(([cell = '']) => first.test(cell));
}

/** The titles in a file of tests, as they stand in its source. */
function titlesOf(source: string): string[] {
  const found = source.matchAll(/\b(?:it|describe)\(\s*(['"`])((?:(?!\1)[^\\]|\\.)*)\1/g);
  return [...found].map(([, , title = '']) => title.replaceAll(/\\(['"`])/g, '$1'));
}

/** Of what a reference names; undefined when it is there. */
export function faultOf(reference: string, title: string, cases: readonly string[] = []): string | undefined {
  const file = [`test/${reference}.test.ts`, `test/${reference}.ts`]
    .map(path => new URL(path, ROOT))
    .find(url => existsSync(url));
  if (file === undefined) return `there is no test/${reference}.test.ts`;
  const source = readFileSync(file, 'utf8');
  if (!titlesOf(source).includes(title)) return `${fileURLToPath(file)} has no test "${title}"`;
  const gone = cases.find(each => !source.includes(each));
  return gone === undefined ? undefined : `${fileURLToPath(file)} has no case "${gone}"`;
}

/** What is wrong with the last cell of a row: it names tests that exist under their titles, or says why there is none. */
export function faultsOf(row: readonly string[]): string[] {
  const [number = ''] = row;
  const tests = row.at(-1) ?? '';
  const references = [...tests.matchAll(REFERENCE)];
  if (references.length === 0) return /^none: .{10}/.test(tests) ? [] : [`row ${number}: neither a test nor "none: the reason"`];
  return references.flatMap(([, file = '', title = '', cases = '']) => {
    const fault = faultOf(
      file,
      title,
      [...cases.matchAll(/"([^"]+)"/g)].map(([, each = '']) => each),
    );
    return fault === undefined ? [] : [`row ${number}: ${fault}`];
  });
}

/** The folder of each test that a row names. */
export function foldersOf(row: readonly string[]): string[] {
  return [...(row.at(-1) ?? '').matchAll(REFERENCE)].map(([, file = '']) => file.split('/')[0]!);
}
