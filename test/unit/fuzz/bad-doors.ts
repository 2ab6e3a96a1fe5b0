import fc from 'fast-check';

import type { Stage } from '../../fuzz/inputs/stage.js';
import { named } from '../../fuzz/inputs/stages.js';

const hoard: Buffer[] = [];

function door(name: string, judge: (input: number) => string): ReturnType<typeof named> {
  const stage: Stage<number> = {
    name,
    open: () => Promise.resolve({ input: fc.constant(4_711), judge, close: () => Promise.resolve() }),
  };
  return named(name, 1_000, () => Promise.resolve(stage));
}

/** What nobody can find who is in the same process. */
export const STAGES = [
  door('sound', () => 'taken'),
  door('wrong', () => {
    throw new Error('no such thing');
  }),
  door('loops', () => {
    for (;;) continue;
  }),
  door('ends', () => process.exit(3)),
  door('hoards', () => {
    hoard.push(Buffer.alloc(64 * 1_048_576, 1));
    return 'taken';
  }),
];
