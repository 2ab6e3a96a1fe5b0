import { setTimeout as sleep } from 'node:timers/promises';

import { defineTask } from 'interlock';
import { Type } from 'typebox';

const ms = Type.Optional(Type.Number());

export const publish = defineTask({
  name: 'publish',
  input: Type.Object({ repository: Type.String(), ms }),
  resources: ({ repository }) => ({ exclusive: [`repositories/${repository}`] }),
  handler: ({ ms = 0 }) => sleep(ms),
});

/** All repositories, whatever they are called. */
export const backup = defineTask({
  name: 'backup',
  resources: () => ({ exclusive: ['repositories/**'] }),
  handler: (_input, ctx) => ({ fence: ctx.fence('repositories/any') }),
});

/** Some of the graphics cards. */
export const train = defineTask({
  name: 'train',
  input: Type.Object({ gpus: Type.Integer(), ms }),
  resources: ({ gpus }) => ({ counted: { gpu: gpus } }),
  handler: ({ ms = 0 }) => sleep(ms),
});

/** Two at a time from each host. */
export const download = defineTask({
  name: 'download',
  input: Type.Object({ url: Type.String(), ms }),
  concurrency: { max: 2, key: ({ url }) => `download:${new URL(url).host}` },
  handler: ({ ms = 0 }) => sleep(ms),
});
