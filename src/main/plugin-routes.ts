import type { ApiDeps } from '../api/context.js';
import type { JsonObject } from '../core/json.js';
import { viewOf } from '../core/task-view.js';
import type { UnitsOf } from '../dispatch/reserved.js';
import { prepare } from '../dispatch/submission.js';
import { fileRoutes } from '../plugins/file/routes.js';
import type { Parts } from './compose.js';
import { sha256 } from './submitting.js';

/** What plugins add to the REST API. Their tasks are accepted as any other. */
export function pluginRoutes(
  { store, config, runtime }: Parts,
  { acceptor, types }: Pick<ApiDeps, 'acceptor' | 'types'>,
): ApiDeps['plugins'] {
  const unitsOf: UnitsOf = names => store.capacities.of(names);
  const deps = { types, unitsOf, now: () => runtime.clock.wall(), newId: () => runtime.random.id(), hash: sha256 };
  const files = fileRoutes({
    documents: store.documents,
    dataDirectory: config.dataDirectory,
    settings: config.file,
    submit: async (body, origin) => {
      const { task } = await acceptor.accept(await prepare(body, origin, deps));
      return { ...viewOf(task) } as unknown as JsonObject;
    },
  });
  return [files];
}
