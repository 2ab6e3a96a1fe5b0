import { defineTask, Fatal, RetryLater, Skip } from 'interlock';
import { Type } from 'typebox';

class Busy extends Error {}

export const upload = defineTask({
  name: 'upload',
  input: Type.Object({ file: Type.String(), to: Type.String() }),
  resources: ({ to }) => ({ exclusive: [`target:${to}`] }),
  maxAttempts: 5,
  retry: { delay: 1, backoff: 'exponential', maxDelay: 60 },
  noRetryOn: [TypeError],
  async handler({ file, to }, ctx) {
    if (file === '') throw new Skip('there is nothing to upload');
    const answer = await send(file, to, ctx.attempt);
    if (answer === 404) throw new Fatal(`${to} does not exist`);
    if (answer === 429) throw new RetryLater(2, `${to} asks for patience`);
    if (answer === 503) throw new Busy(`${to} is busy`);
    return { attempt: ctx.attempt };
  },
});

/** Stands for a server that is busy at first. */
function send(file: string, to: string, attempt: number): Promise<number> {
  return Promise.resolve(to === 'nowhere' ? 404 : file === 'large' && attempt === 1 ? 429 : attempt < 3 ? 503 : 200);
}
