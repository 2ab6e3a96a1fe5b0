import { defineTask } from '../../tasks/define-task.js';
import { NAME_PATTERN, contentUrl, repositoryUrl } from './repository.js';

// Plain JSON Schema, and the body loaded when it is first needed: every child and every API process loads this module, and
// TypeBox and undici would cost each of them 0.1 s.

const repository = { type: 'string', pattern: NAME_PATTERN, description: 'Name of the repository.' } as const;
/** Both go on from what is there, so a lost worker costs a repetition, not the task. */
const again = { onWorkerLoss: 'requeue', maxAttempts: 3 } as const;

/** Mirrors the repository's origin into a new version. */
export const sync = defineTask({
  name: 'file.sync',
  input: { type: 'object', additionalProperties: false, required: ['repository'], properties: { repository } },
  resources: input => ({ exclusive: [repositoryUrl(input.repository)] }),
  ...again,
  async handler(input, ctx) {
    const body = await import('./sync.js');
    return body.sync(input.repository, ctx);
  },
});

/** Makes a version, the newest unless told otherwise, the one that `/content/{name}/` shows. */
export const publish = defineTask({
  name: 'file.publish',
  input: {
    type: 'object',
    additionalProperties: false,
    required: ['repository'],
    properties: { repository, version: { type: 'integer', minimum: 1, description: 'Default: the newest.' } },
  },
  resources: input => ({ exclusive: [repositoryUrl(input.repository)] }),
  ...again,
  async handler(input, ctx) {
    const { repository: name, version = null } = input;
    const published = (await ctx.service('file.publish', { repository: name, version })) as { version: number; changed: boolean };
    if (published.changed) ctx.createdResource(contentUrl(name));
    return { ...published, url: contentUrl(name) };
  },
});
