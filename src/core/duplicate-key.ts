/** The second of two members of one name in one object. */
export interface DuplicateKey {
  /** Names and indexes that lead to it. */
  path: (string | number)[];
  /** Counted from 1. */
  line: number;
  column: number;
}

/**
 * In JSON text, and what `JSON.parse` made of it: which keeps the last of such members, and says nothing. Text without any is read once, quickly:
 * outside of strings it has a colon for each member, and nowhere else.
 */
export function duplicateKey(text: string, value: unknown): DuplicateKey | undefined {
  return membersOf(value) === colonsIn(text) ? undefined : findDuplicateKey(text);
}

// Space and comments, strings, what parts them, and words: JSON5 has more of them than JSON. No text that was read before is refused here.
const TOKEN =
  /(?:[\s\ufeff]|\/\/[^\n\r]*|\/\*[^]*?\*\/)+|"[^"\\]*(?:\\[^][^"\\]*)*"|'[^'\\]*(?:\\[^][^'\\]*)*'|[{}[\],:]|[^\s{}[\],:"'/]+/gy;

interface Container {
  /** Of an object; undefined for an array. */
  names: Set<string> | undefined;
  /** Where it is being read. */
  at: string | number;
  nameNext: boolean;
}

/** The first one in JSON or JSON5 text that has been read without an error. */
export function findDuplicateKey(text: string): DuplicateKey | undefined {
  const open: Container[] = [];
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const container = open.at(-1);
    if (token === '{') open.push({ names: new Set(), at: '', nameNext: true });
    else if (token === '[') open.push({ names: undefined, at: 0, nameNext: false });
    else if (token === '}' || token === ']') open.pop();
    else if (token === ',' && container) next(container);
    else if (container?.nameNext === true && isWord(token) && !take(container, nameOf(token)))
      return { path: open.map(({ at }) => at), ...placeOf(text, index) };
  }
  return undefined;
}

function next(container: Container): void {
  if (typeof container.at === 'number') container.at += 1;
  else container.nameNext = true;
}

function isWord(token: string): boolean {
  return !/^(?:[\s\ufeff:]|\/[/*])/.test(token);
}

/** Whether it is the first of its name. */
function take(container: Container, name: string): boolean {
  Object.assign(container, { at: name, nameNext: false });
  const first = container.names?.has(name) === false;
  container.names?.add(name);
  return first;
}

function nameOf(token: string): string {
  if (token.startsWith("'")) return token.slice(1, -1);
  if (!token.startsWith('"')) return token;
  try {
    return JSON.parse(token) as string;
  } catch {
    return token.slice(1, -1); // an escape that only JSON5 has
  }
}

/** Without recursion: nobody has looked how deep it is. */
function membersOf(value: unknown): number {
  const open: unknown[] = [value];
  let members = 0;
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    const inside = Object.values(next) as unknown[];
    if (!Array.isArray(next)) members += inside.length;
    for (const each of inside) if (typeof each === 'object' && each !== null) open.push(each);
  }
  return members;
}

function colonsIn(text: string): number {
  let colons = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === ':') colons += 1;
    else if (character === '"') at = endOfString(text, at);
  }
  return colons;
}

/** Where the string that begins at `start` has its closing quote. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (text[first - 1] === '\\') first -= 1;
    if (end < 0 || (end - first) % 2 === 0) return end < 0 ? text.length : end;
  }
}

function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}
