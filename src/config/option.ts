/** What an option's value turned out to be. */
export type Reading<T> = { ok: true; value: T } | { ok: false; expected: string };

/** One setting: where it comes from, what it may hold, and one sentence about it. */
export interface Option<T> {
  readonly kind: 'option';
  /** The environment variable that sets it. */
  readonly env: string;
  /** Null where the program works it out, or cannot do without a value from outside. */
  readonly default: T;
  /** One sentence for the manual. */
  readonly about: string;
  /** What it may hold, to be read after "expected". */
  readonly expected: string;
  /** May hold a password: shown redacted, and may come from the file that `<env>_FILE` names. */
  readonly secret: boolean;
  /** Reads a value from a file; `read` of a variable's text goes through `fromText` first. */
  read: (value: unknown) => Reading<T>;
  fromText: (text: string) => unknown;
}

interface Words {
  env: string;
  about: string;
}

const asText = (text: string): unknown => text;
const asNumber = (text: string): unknown => (/^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text);
const asList = (text: string): unknown => text.split(',').map(item => item.trim());
const asFlag = (text: string): unknown => (text === 'true' ? true : text === 'false' ? false : text);

interface Kind<T> {
  expected: string;
  fromText: (text: string) => unknown;
  test: (value: unknown) => value is T;
}

function option<T, D extends T | null>(words: Words, fallback: D, kind: Kind<T>): Option<T | D> {
  const read = (value: unknown): Reading<T | D> => {
    if (kind.test(value)) return { ok: true, value };
    if (value === null && fallback === null) return { ok: true, value: fallback };
    return { ok: false, expected: kind.expected };
  };
  return { kind: 'option', secret: false, ...words, default: fallback, expected: kind.expected, read, fromText: kind.fromText };
}

export function integer<D extends number | null>(words: Words & { min: number; max: number; default: D }): Option<number | D> {
  const { min, max, default: fallback, ...rest } = words;
  return option<number, D>(rest, fallback, {
    expected: `an integer from ${min} to ${max}`,
    fromText: asNumber,
    test: (value): value is number => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  });
}

/** 0 says something of its own. */
export function integerOrZero(words: Words & { min: number; max: number; default: number }): Option<number> {
  const { min, max, default: fallback, ...rest } = words;
  return option<number, number>(rest, fallback, {
    expected: `0, or an integer from ${min} to ${max}`,
    fromText: asNumber,
    test: (value): value is number =>
      value === 0 || (Number.isInteger(value) && (value as number) >= min && (value as number) <= max),
  });
}

export function decimal(words: Words & { min: number; max: number; default: number }): Option<number> {
  const { min, max, default: fallback, ...rest } = words;
  return option<number, number>(rest, fallback, {
    expected: `a number from ${min} to ${max}`,
    fromText: asNumber,
    test: (value): value is number => typeof value === 'number' && value >= min && value <= max,
  });
}

export function flag(words: Words & { default: boolean }): Option<boolean> {
  const { default: fallback, ...rest } = words;
  return option<boolean, boolean>(rest, fallback, {
    expected: 'true or false',
    fromText: asFlag,
    test: value => typeof value === 'boolean',
  });
}

export function oneOf<const T extends string>(words: Words & { of: readonly T[]; default: NoInfer<T> }): Option<T> {
  const { of, default: fallback, ...rest } = words;
  return option<T, T>(rest, fallback, {
    expected: `one of ${of.join(', ')}`,
    fromText: asText,
    test: (value): value is T => (of as readonly unknown[]).includes(value),
  });
}

export function text<D extends string | null>(
  words: Words & { default: D; pattern?: RegExp; expected?: string },
): Option<string | D> {
  const { default: fallback, pattern = /^\P{Cc}{1,4096}$/u, expected = 'a text of one line', ...rest } = words;
  return option<string, D>(rest, fallback, {
    expected,
    fromText: asText,
    test: (value): value is string => typeof value === 'string' && pattern.test(value),
  });
}

export function list(words: Words & { default: readonly string[]; item: RegExp; expected: string }): Option<readonly string[]> {
  const { default: fallback, item, expected, ...rest } = words;
  return option<readonly string[], readonly string[]>(rest, fallback, {
    expected: `a list of ${expected}`,
    fromText: asList,
    test: (value): value is readonly string[] =>
      Array.isArray(value) && value.every(entry => typeof entry === 'string' && item.test(entry)),
  });
}

/** A server's address: `check` tells what is wrong with one, in words that follow "expected". */
export function address(words: Words & { expected: string; check: (url: string) => string | undefined }): Option<string | null> {
  const { expected, check, ...rest } = words;
  const read = (value: unknown): Reading<string | null> => {
    if (value === null) return { ok: true, value };
    const wrong = typeof value === 'string' ? check(value) : expected;
    return wrong === undefined ? { ok: true, value: value as string } : { ok: false, expected: wrong };
  };
  return { kind: 'option', secret: true, ...rest, default: null, expected, read, fromText: asText };
}
