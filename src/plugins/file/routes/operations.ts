import type { FastifyReply, FastifyRequest } from 'fastify';

import { InterlockError, MissingResource } from '../../../core/errors.js';
import type { JsonObject } from '../../../core/json.js';
import { REPOSITORIES, existing, repositories } from '../repository.js';
import { Versions } from '../versions.js';
import type { FileRouteDeps, TypedApp } from './deps.js';
import { EmptyBody, NameParams, PublishBody, TaskReply } from './schemas.js';

const tags = ['repositories'];
const config = {
  bodyOptional: true,
  problems: ['CONFLICT', 'UNKNOWN_TASK_TYPE', 'OVERLOADED'] as const,
  access: 'submit',
} as const;
const common = { tags, params: NameParams, response: { 202: TaskReply } };

/** What takes time: each is a task that reserves the repository's address. */
export function operationRoutes(app: TypedApp, { documents, submit }: FileRouteDeps): void {
  const records = repositories(documents);
  const versions = new Versions(documents);

  async function accept(body: JsonObject, request: FastifyRequest, reply: FastifyReply): Promise<JsonObject> {
    const task = await submit(body, { principal: request.principal, correlationId: request.id });
    reply.code(202).header('location', task.href);
    return task;
  }

  const sync = { ...common, operationId: 'syncRepository', summary: 'Mirror the origin into a new version', body: EmptyBody };
  app.post(`${REPOSITORIES}/:name/sync`, { schema: sync, config }, async (request, reply) => {
    const { id, settings } = await existing(records, request.params.name);
    if (settings.url === null) throw new InterlockError('CONFLICT', `The repository ${id} has no url to sync from: set one.`);
    return accept({ name: 'file.sync', kwargs: { repository: id } }, request, reply);
  });

  const publish = {
    ...common,
    operationId: 'publishRepository',
    summary: 'Show a version under /content/{name}/',
    body: PublishBody,
  };
  app.post(`${REPOSITORIES}/:name/publish`, { schema: publish, config }, async (request, reply) => {
    const repository = await existing(records, request.params.name);
    const { version } = request.body;
    // Without a number it is the newest when the task runs: a sync that waits before it may bring the first one.
    if (version !== undefined && !(await versions.get(repository, version))) {
      throw new MissingResource(`The version ${version} of the repository ${repository.id}`);
    }
    const kwargs = { repository: repository.id, ...(version !== undefined && { version }) };
    return accept({ name: 'file.publish', kwargs }, request, reply);
  });
}
