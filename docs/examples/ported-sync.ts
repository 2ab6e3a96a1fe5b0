import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { createClient, defineTask, SoftTimeLimit, type TaskView } from 'interlock';
import { Type } from 'typebox';

class Unreachable extends Error {}

export const sync = defineTask({
  name: 'ported.sync',
  input: Type.Object({
    repository: Type.String(),
    remote: Type.String(),
    files: Type.Array(Type.String(), { maxItems: 10_000 }),
  }),
  resources: ({ repository, remote }) => ({ exclusive: [`/repositories/${repository}`], shared: [`/remotes/${remote}`] }),
  unique: ({ repository, remote }) => ({ key: `sync ${repository} ${remote}`, while: 'waiting' }),
  onWorkerLoss: 'requeue',
  maxAttempts: 4,
  retry: { delay: 1, backoff: 'exponential', maxDelay: 600 },
  retryOn: [Unreachable],
  softTimeLimit: 3_000,
  timeLimit: 3_600,
  async handler({ repository, remote, files }, ctx) {
    const folder = await ctx.directory();
    const bar = ctx.progress('sync.downloading', { message: 'Downloading', total: files.length, suffix: 'files' });
    for (const file of files) {
      if (ctx.signal.reason instanceof SoftTimeLimit) break; // keep what there is
      ctx.signal.throwIfAborted();
      await writeFile(path.join(folder, path.basename(file)), await download(remote, file, ctx.attempt));
      bar.increment();
    }
    bar.end();
    // Whoever stores the version refuses a lower number: a start that was given up cannot overwrite a later one.
    const version = `/repositories/${repository}/versions/${ctx.fence(`/repositories/${repository}`)}/`;
    ctx.createdResource(version);
    return { version };
  },
});

/** What a view of the old service did: accepts the sync, and answers with where to look for it. */
export async function startSync(url: string, repository: string, remote: string, files: string[]): Promise<{ task: string }> {
  const client = createClient({ url });
  const { id } = await client.enqueue(sync, { repository, remote, files }, { tags: ['sync'] });
  const task: TaskView = await client.get(id);
  return { task: task.href };
}

/** Stands for a download from a remote that cannot be reached at first. */
function download(remote: string, file: string, attempt: number): Promise<string> {
  if (remote === 'flaky' && attempt === 1) return Promise.reject(new Unreachable(remote));
  return Promise.resolve(`${remote}/${file}`);
}
