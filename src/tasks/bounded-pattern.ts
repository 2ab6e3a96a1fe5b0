import vm from 'node:vm';

/** A good pattern needs microseconds. */
const MS = 100;
/**
 * The 100 ms pass for a process that is kept waiting too, by its neighbours or its machine: whoever was stopped is tried again until it had this much of a
 * processor (of all threads; a machine may count what it was denied), or so often.
 */
const PROCESSOR_MS = 150;
const TRIES = 10;
/** Two choices of how far to go, over so many characters: a millisecond at most. */
const SHORT = 200;
const CHOICES = 2;

/** Clients choose the texts that authors of task types have written patterns for. */
export class TooSlow extends Error {
  /** `what`: such as `the pattern ^a+$`. */
  constructor(what: string) {
    super(`takes more than ${MS} ms to be compared with ${what}`);
  }
}

export interface BoundedTest {
  test(text: string): boolean;
  /** As a regular expression is written: Ajv knows them apart by that. */
  toString(): string;
}

/**
 * An engine that goes back can be made to do so for years: by `^(a+)+$` with 40 letters. What could is run where it can be interrupted, which costs 0.1 ms.
 * `test` throws TooSlow.
 */
export function boundedPattern(source: string, flags?: string): BoundedTest {
  const pattern = new RegExp(source, flags);
  const harmless = isPlain(source) ? SHORT : 0;
  const bounded = boundedTest(`the pattern ${source}`, text => pattern.test(text), harmless);
  return { test: bounded, toString: () => String(pattern) };
}

/** A test that does no harm up to this length. Throws TooSlow. */
export function boundedTest(what: string, test: (text: string) => boolean, harmless = SHORT): (text: string) => boolean {
  return text => (text.length <= harmless ? test(text) : interruptible(what, test, text));
}

/** Without groups, and with few places where it may take one character more or less. What is escaped is counted too: this errs to the safe side. */
function isPlain(source: string): boolean {
  const choices = source.match(/[*+?]|\{\d+,/g) ?? [];
  return !source.includes('(') && choices.length <= CHOICES;
}

const script = new vm.Script('test(text)');
let context: { test?: unknown; text?: string } | undefined;

function interruptible(what: string, test: (text: string) => boolean, text: string): boolean {
  const before = process.cpuUsage();
  for (let tries = 1; tries <= TRIES; tries++) {
    const result = withinTime(test, text);
    if (result !== undefined) return result;
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1_000 > PROCESSOR_MS) break;
  }
  throw new TooSlow(what);
}

/** Undefined when it was stopped. */
function withinTime(test: (text: string) => boolean, text: string): boolean | undefined {
  context ??= vm.createContext({});
  Object.assign(context, { test, text });
  try {
    return script.runInContext(context, { timeout: MS }) as boolean;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  } finally {
    Object.assign(context, { test: undefined, text: undefined });
  }
}
