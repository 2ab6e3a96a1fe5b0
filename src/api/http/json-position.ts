/** Where JSON text stops being JSON, counted from 1, and what could have stood there. */
export interface SyntaxProblem {
  line: number;
  column: number;
  expected: string;
}

const SPACE = /[ \t\r\n]*/y;
// `[ !#-[\]-\uffff]`: any character of a string but a quote, a backslash and the controls, which JSON wants escaped.
const SCALAR =
  /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

type Expected =
  | 'a value'
  | 'a value or ]'
  | 'a name in double quotes'
  | 'a name in double quotes or }'
  | ':'
  | ', or ]'
  | ', or }'
  | 'nothing more';

/** JSON.parse of Node 20 often tells only what it stumbled over, not where; so a refused text is read once more. */
export function findSyntaxProblem(text: string): SyntaxProblem | undefined {
  const open: string[] = [];
  let at = 0;
  let expected: Expected = 'a value';
  for (;;) {
    at += lengthOf(SPACE, text, at);
    if (at >= text.length && expected === 'nothing more') return undefined;
    const length = tokenLength(text, at);
    const next: Expected | undefined = length === 0 ? undefined : follow(expected, text.charAt(at), open);
    if (!next) return { ...placeOf(text, at), expected };
    expected = next;
    at += length;
  }
}

function tokenLength(text: string, at: number): number {
  return '{}[]:,'.includes(text.charAt(at)) && at < text.length ? 1 : lengthOf(SCALAR, text, at);
}

/** What may follow a token that begins with `first`; undefined when it may not stand there. */
function follow(expected: Expected, first: string, open: string[]): Expected | undefined {
  if (expected === ':') return first === ':' ? 'a value' : undefined;
  if (expected === ', or ]' || expected === ', or }') {
    if (first === ',') return expected === ', or ]' ? 'a value' : 'a name in double quotes';
    return first === expected.at(-1) ? close(open) : undefined;
  }
  if (expected.startsWith('a name')) {
    if (first === '"') return ':';
    return first === '}' && expected.endsWith('}') ? close(open) : undefined;
  }
  if (expected.startsWith('a value')) return value(first, expected, open);
  return undefined;
}

function value(first: string, expected: Expected, open: string[]): Expected | undefined {
  if (first === '{' || first === '[') {
    open.push(first);
    return first === '{' ? 'a name in double quotes or }' : 'a value or ]';
  }
  if (first === ']' && expected === 'a value or ]') return close(open);
  return '}]:,'.includes(first) ? undefined : after(open);
}

function close(open: string[]): Expected {
  open.pop();
  return after(open);
}

function after(open: readonly string[]): Expected {
  const container = open.at(-1);
  if (container === undefined) return 'nothing more';
  return container === '{' ? ', or }' : ', or ]';
}

function lengthOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}

function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}
