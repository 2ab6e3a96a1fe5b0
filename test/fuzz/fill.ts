import type { Deployment } from '../support/deployment.js';

/** Something to be found, read and changed: without it every id is a stranger's. Gives a token that may do everything; from then on nobody may without one. */
export async function fill(deployment: Deployment): Promise<string> {
  const post = (path: string, body: object): ReturnType<Deployment['request']> =>
    deployment.request('POST', `/api/v1${path}`, body);
  const add = { name: 'calculator.add', args: [1, 2] };
  await post('/tasks/batch', {
    tasks: Array.from({ length: 20 }, (_, n) => ({ ...add, exclusive: [`r${n % 3}`], tags: ['fuzz'] })),
  });
  await post('/tasks', { ...add, countdown: 86_400 });
  await post('/task-groups', { name: 'group' });
  await post('/workflows', { tasks: { a: add, b: { ...add, after: ['a'] } } });
  await post('/schedules', { name: 'daily', task: add, cron: '0 0 * * *' });
  await deployment.request('PUT', '/api/v1/resources/gpu', { capacity: 4 });
  const made = await deployment.request<{ token: string }>('POST', '/api/v1/tokens', { name: 'fuzz', role: 'admin' });
  return made.body.token;
}
