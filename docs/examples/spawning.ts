import { defineTask } from 'interlock';
import { Type } from 'typebox';

export const refresh = defineTask({
  name: 'refresh',
  input: Type.Object({ repository: Type.String() }),
  resources: ({ repository }) => ({ exclusive: [`repository:${repository}`] }),
  handler: ({ repository }, ctx) => ({ repository, fence: ctx.fence(`repository:${repository}`) }),
});

export const refreshAll = defineTask({
  name: 'refresh-all',
  input: Type.Object({ repositories: Type.Array(Type.String()) }),
  async handler({ repositories }, ctx) {
    const spawned = await Promise.all(repositories.map(repository => ctx.spawn(refresh, { repository })));
    return spawned.map(({ id }) => id);
  },
});
