import { defineTask } from 'interlock';
import { Type } from 'typebox';

export const rebuildIndex = defineTask({
  name: 'rebuild-index',
  input: Type.Object({ repository: Type.String() }),
  resources: ({ repository }) => ({ exclusive: [`repository:${repository}`] }),
  handler: ({ repository }, ctx) => ctx.fence(`repository:${repository}`),
});

export const update = defineTask({
  name: 'update',
  input: Type.Object({ repository: Type.String() }),
  resources: ({ repository }) => ({ exclusive: [`repository:${repository}`] }),
  async handler({ repository }, ctx) {
    const before = ctx.fence(`repository:${repository}`);
    const rebuilt = await ctx.call(rebuildIndex, { repository }, { underParent: true });
    return { before, rebuilt, after: ctx.fence(`repository:${repository}`) };
  },
});
