import { chord, defineTask, RetryLater, step, type Flow } from 'interlock';
import { Type } from 'typebox';

/** Where it is fetched from. A test puts something else in its place. */
export const origin = {
  fetch: async (url: string): Promise<{ status: number; size: number }> => {
    const answer = await fetch(url);
    return { status: answer.status, size: (await answer.arrayBuffer()).byteLength };
  },
};

export const fetchAll = defineTask({
  name: 'mirror.fetch',
  input: Type.Object({ repository: Type.String(), files: Type.Array(Type.String()) }),
  resources: ({ repository }) => ({ exclusive: [`repository:${repository}`] }),
  maxAttempts: 4,
  retry: { delay: 60, backoff: 'exponential' },
  timeLimit: 3_600,
  async handler({ repository, files }, ctx) {
    const bar = ctx.progress('mirror.files', { message: 'Files', total: files.length });
    let bytes = 0;
    for (const file of files) {
      const { status, size } = await origin.fetch(`https://origin.example/${repository}/${file}`);
      if (status === 429) throw new RetryLater(300, 'the origin asks for patience');
      if (status !== 200) throw new Error(`${file}: ${status}`);
      bytes += size;
      bar.increment();
      await ctx.sleep(1); // the origin is not ours
    }
    return bytes;
  },
});

export const publish = defineTask({
  name: 'mirror.publish',
  async handler(_input, ctx) {
    const fetched = Object.values(await ctx.dependencies());
    return { bytes: fetched.reduce((total, { result }) => total + Number(result), 0) };
  },
});

/** Fetches each repository, and publishes when all of them are there. */
export function mirror(repositories: readonly string[], files: string[]): Flow {
  return chord(
    repositories.map(repository => step(fetchAll, { repository, files }, { as: repository })),
    step(publish, {}, { as: 'publish' }),
  );
}
