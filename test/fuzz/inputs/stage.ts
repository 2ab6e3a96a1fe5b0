import fc from 'fast-check';

/** One door through which input comes, with what is sent there and what must become of it. */
export interface Stage<Input = never> {
  name: string;
  open: () => Promise<Door<Input>>;
}

export interface Door<Input> {
  input: fc.Arbitrary<Input>;
  /** In one word what became of it. Throws when that must not be. */
  judge: (input: Input) => Promise<string> | string;
  close: () => Promise<void>;
}

export interface Figures {
  stage: string;
  cases: number;
  seed: number;
  /** What became of them, and how often. */
  outcomes: Record<string, number>;
  /** The smallest case that was found, and what was wrong with it. */
  failure: string | undefined;
}

export interface Wish {
  cases: number;
  seed: number;
}

/** A case that waits for longer hangs. One that computes for longer is ended from outside (guard.ts). */
const CASE_MS = 30_000;

/** `beforeEach` is told every case before it is judged, also those that shrink one that was found. */
export async function run<Input>(
  { name, open }: Stage<Input>,
  { cases, seed }: Wish,
  beforeEach: (input: Input) => void = () => undefined,
): Promise<Figures> {
  const door = await open();
  const outcomes: Record<string, number> = {};
  const property = fc.asyncProperty(door.input, async input => {
    beforeEach(input);
    const outcome = await door.judge(input);
    if (Object.keys(Object.prototype).length > 0) throw new Error('the prototype of all objects was changed');
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  });
  try {
    const details = await fc.check(property, { numRuns: cases, seed, plugins: [fc.timeout(CASE_MS)] });
    const cause = details.errorInstance instanceof Error ? (details.errorInstance.stack ?? '') : String(details.errorInstance);
    const failure = details.failed ? `${fc.defaultReportMessage(details)}\n${cause}` : undefined;
    return { stage: name, cases: details.numRuns, seed, outcomes, failure };
  } finally {
    await door.close();
  }
}
