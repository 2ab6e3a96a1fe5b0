import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { fastify } from 'fastify';

import { API_BASE } from '../core/task-view.js';
import { refuseOpenBind } from './bind.js';
import type { ApiContext, ApiDeps, ApiServer } from './context.js';
import { FinalWaiter } from './final-waiter.js';
import { groupRoutes } from './groups.js';
import { healthRoutes } from './health.js';
import { readJsonBodies } from './http/body.js';
import { answerBrokenRequest, answerFailures, sendProblem } from './http/failures.js';
import { checkRequests } from './http/request-check.js';
import { RequestLog } from './http/request-log.js';
import { requestIds, showRequestIds } from './http/request-id.js';
import { refuseForeignPages } from './http/same-origin.js';
import { describeRoutes, openapiRoute } from './openapi.js';
import { workerRoutes } from './processes.js';
import { queueRoutes } from './queues.js';
import { resourceRoute } from './resources.js';
import { scheduleRoutes } from './schedules.js';
import { ServerTime } from '../process/server-time.js';
import { statusRoute } from './status.js';
import { taskTypeRoutes } from './task-types.js';
import { taskRoutes } from './tasks/tasks.js';
import { workflowRoute } from './workflows.js';

const BODY_BYTES = 1_048_576;
/** A request must have arrived whole within this. */
const REQUEST_MS = 30_000;
/** A silent connection is closed after this; the longest wait for a task is 60 s. */
const SILENCE_MS = 90_000;
/** Resource names have up to 255 bytes, three characters each when encoded. */
const MAX_PARAMETER = 1_024;

/** The REST API, ready to listen. Throws OpenBind where it would serve strangers. */
export function buildServer(deps: ApiDeps): ApiServer {
  refuseOpenBind(deps.settings.host);
  const app = newServer(deps);
  const context = contextOf(app, deps);
  answerFailures(app);
  showRequestIds(app);
  refuseForeignPages(app);
  readJsonBodies(app);
  describeRoutes(app, deps.version);
  app.register(
    (api: ApiServer, _options, done) => {
      taskRoutes(api, context);
      resourceRoute(api, context);
      workerRoutes(api, context);
      queueRoutes(api, context);
      taskTypeRoutes(api, context);
      scheduleRoutes(api, context);
      groupRoutes(api, context);
      workflowRoute(api, context);
      statusRoute(api, context);
      done();
    },
    { prefix: API_BASE },
  );
  app.register((root: ApiServer, _options, done) => {
    healthRoutes(root, context);
    openapiRoute(root);
    done();
  });
  for (const plugin of deps.plugins) app.register(plugin);
  return app;
}

function newServer({ loggerInstance, runtime }: ApiDeps): ApiServer {
  const app = fastify({
    loggerInstance,
    logController: new RequestLog(),
    genReqId: requestIds(runtime.random),
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_MS,
    connectionTimeout: SILENCE_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // what arrives on an open connection while the others end is still served
    routerOptions: { maxParamLength: MAX_PARAMETER },
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id);
      sendProblem(error, request, reply);
    },
    clientErrorHandler: answerBrokenRequest,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler(checkRequests);
  // The views build exactly what the schemas say (a test compares them); a compiled serializer would only drop what it does not know.
  app.setSerializerCompiler(() => value => JSON.stringify(value));
  return app;
}

function contextOf(app: ApiServer, deps: ApiDeps): ApiContext {
  const { store, runtime, log } = deps;
  const waiter = new FinalWaiter({ tasks: store.tasks, runtime, log });
  let draining = false;
  app.addHook('preClose', done => {
    draining = true;
    waiter.release();
    done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (draining) reply.header('connection', 'close');
    done();
  });
  return { ...deps, serverTime: new ServerTime(() => store.schedules.now(), runtime.clock), waiter, draining: () => draining };
}
