import type { ApiContext, ApiServer } from '../context.js';
import { listRoutes } from './list.js';
import { oneTaskRoutes } from './one.js';
import { submitRoutes } from './submit.js';
import { summaryRoute } from './summary.js';

export function taskRoutes(app: ApiServer, context: ApiContext): void {
  submitRoutes(app, context);
  listRoutes(app, context);
  summaryRoute(app, context);
  oneTaskRoutes(app, context);
}
