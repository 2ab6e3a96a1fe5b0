import type { ApiContext, ApiServer } from '../context.js';
import { actionsRoute } from './actions.js';
import { listRoutes } from './list.js';
import { oneTaskRoutes } from './one.js';
import { purgeRoute } from './purge.js';
import { retryRoute } from './retry.js';
import { submitRoutes } from './submit.js';
import { summaryRoute } from './summary.js';

export function taskRoutes(app: ApiServer, context: ApiContext): void {
  submitRoutes(app, context);
  listRoutes(app, context);
  summaryRoute(app, context);
  oneTaskRoutes(app, context);
  purgeRoute(app, context);
  retryRoute(app, context);
  actionsRoute(app, context);
}
