import { backups, manifests, settings } from './files.js';
import { frames } from './frames.js';
import { broadcasts, hints } from './messages.js';
import { bodies, queries } from './rest.js';
import { run, type Figures, type Stage } from './stage.js';

export interface Run {
  name: string;
  /** `cases`: of all stages together. */
  run: (wish: { cases: number; seed: number }) => Promise<Figures>;
}

/** Every door through which input comes. */
export const STAGES: readonly Run[] = [
  staged(bodies),
  staged(queries),
  staged(hints),
  staged(broadcasts),
  staged(frames),
  staged(settings),
  staged(manifests),
  staged(backups),
];

function staged<Input>(stage: Stage<Input>): Run {
  return { name: stage.name, run: ({ cases, seed }) => run(stage, { cases: Math.ceil((cases * stage.share) / 1_000), seed }) };
}
