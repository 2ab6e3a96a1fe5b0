import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyPluginAsync } from 'fastify';

import { contentRoutes } from './routes/content.js';
import type { FileRouteDeps } from './routes/deps.js';
import { operationRoutes } from './routes/operations.js';
import { repositoryRoutes } from './routes/repositories.js';
import { versionRoutes } from './routes/versions.js';

export type { FileRouteDeps } from './routes/deps.js';

/**
 * The plugin's part of the API, with whole paths: `/api/v1/repositories…` and `/content/…`. It throws InterlockErrors, which the API
 * answers, and refers to the schema `Task`, which the API registers.
 */
export function fileRoutes(deps: FileRouteDeps): FastifyPluginAsync {
  return untyped => {
    const app = untyped.withTypeProvider<TypeBoxTypeProvider>();
    repositoryRoutes(app, deps);
    versionRoutes(app, deps);
    operationRoutes(app, deps);
    contentRoutes(app, deps);
    return Promise.resolve();
  };
}
