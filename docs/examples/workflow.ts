import { chord, createClient, defineTask, step, type Workflow } from 'interlock';
import { Type } from 'typebox';

export const count = defineTask({
  name: 'count',
  input: Type.Object({ words: Type.String() }),
  handler: ({ words }) => words.split(' ').length,
});

export const sum = defineTask({
  name: 'sum',
  async handler(_input, ctx) {
    const counted = Object.values(await ctx.dependencies());
    return counted.reduce((total, { result }) => total + Number(result), 0);
  },
});

/** Counts each text at the same time, then adds up. */
export function countAll(url: string, texts: readonly string[]): Promise<Workflow> {
  const client = createClient({ url });
  return client.run(
    chord(
      texts.map(words => step(count, { words })),
      step(sum, {}, { as: 'sum' }),
    ),
    { name: 'count all' },
  );
}
