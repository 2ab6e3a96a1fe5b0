/**
 * `child.ts STAGES FILE`: runs the stages of a module that its parent names in messages (guard.ts). Each case is written to the file before it is judged:
 * a file can be read when this process answers nothing any more.
 */
import { openSync, writeSync } from 'node:fs';

import fc from 'fast-check';

import type { Wish } from './stage.js';
import type { Named } from './stages.js';

const [, , stages = '', file = ''] = process.argv;
const progress = openSync(file, 'w');
const { STAGES } = (await import(stages)) as { STAGES: readonly Named[] };
let number = 0;

process.on('message', ({ name, ...wish }: Wish & { name: string }) => {
  void STAGES.find(stage => stage.name === name)!
    .run(wish, note)
    .then(figures => process.send!(figures));
});
process.on('disconnect', () => process.exit());
process.send!('ready');

/** The number of the case and the length of its text, then the text. */
function note(input: unknown): void {
  number += 1;
  const text = Buffer.from(fc.stringify(input));
  writeSync(progress, Buffer.concat([Buffer.from(`${number} ${text.length}\n`), text]), 0, undefined, 0);
}
