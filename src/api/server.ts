import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { fastify } from 'fastify';

import { API_BASE } from '../core/task-view.js';
import { guardRequests } from './access/access.js';
import { KnownTokens } from './access/known-tokens.js';
import type { ApiContext, ApiDeps, ApiServer, Patience } from './context.js';
import { eventRoutes } from './events/events.js';
import { EventHub } from './events/hub.js';
import { FinalWaiter } from './final-waiter.js';
import { groupRoutes } from './groups.js';
import { healthRoutes } from './health.js';
import { readJsonBodies } from './http/body.js';
import { answerBrokenRequest, answerFailures, sendProblem } from './http/failures.js';
import { checkRequests } from './http/request-check.js';
import { httpsOptions } from './http/https.js';
import { RequestLog } from './http/request-log.js';
import { requestIds, showRequestIds } from './http/request-id.js';
import { MAX_PARAMETER } from './http/problem.js';
import { refuseForeignPages } from './http/same-origin.js';
import { limitRequests } from './limits/limits.js';
import { metricsRoute } from './metrics/metrics.js';
import { maintenanceRoutes } from './maintenance.js';
import { describeRoutes, openapiRoute } from './openapi.js';
import { queueRoutes } from './queues.js';
import { releaseRoute } from './release.js';
import { resourceListRoute } from './resource-list.js';
import { resourceRoutes } from './resources.js';
import { scheduleRoutes } from './schedules/schedules.js';
import { ServerTime } from '../process/server-time.js';
import type { LiveTls } from '../process/tls/live-tls.js';
import { statusRoute } from './status.js';
import { taskTypeRoutes } from './task-types.js';
import { taskRoutes } from './tasks/tasks.js';
import { tokenRoutes } from './tokens/tokens.js';
import { trailRoute } from './trail.js';
import { workerRoutes } from './workers/workers.js';
import { workflowRoute } from './workflows.js';

const BODY_BYTES = 1_048_576;
/** The longest wait for a task is 60 s, in which a connection is silent. Node's own pause between two looks, 30 s, would double the first of these. */
const PATIENCE: Patience = { requestMs: 30_000, silenceMs: 90_000, checkMs: 5_000 };

/** The REST API, ready to listen. */
export function buildServer(deps: ApiDeps): ApiServer {
  const app = newServer(deps);
  const context = contextOf(app, deps);
  answerFailures(app);
  showRequestIds(app);
  limitRequests(app, context);
  refuseForeignPages(app, deps.settings);
  readJsonBodies(app);
  guardRequests(app, context);
  app.addHook('onResponse', (request, reply, done) => {
    deps.metrics.answered(request, reply);
    done();
  });
  describeRoutes(app, deps.version);
  app.register(
    (api: ApiServer, _options, done) => {
      taskRoutes(api, context);
      resourceRoutes(api, context);
      resourceListRoute(api, context);
      releaseRoute(api, context);
      workerRoutes(api, context);
      queueRoutes(api, context);
      taskTypeRoutes(api, context);
      scheduleRoutes(api, context);
      groupRoutes(api, context);
      workflowRoute(api, context);
      eventRoutes(api, context);
      tokenRoutes(api, context);
      trailRoute(api, context);
      statusRoute(api, context);
      maintenanceRoutes(api, context);
      done();
    },
    { prefix: API_BASE },
  );
  app.register((root: ApiServer, _options, done) => {
    healthRoutes(root, context);
    metricsRoute(root, context);
    openapiRoute(root);
    done();
  });
  for (const plugin of deps.plugins) app.register(plugin);
  return app;
}

function newServer({ loggerInstance, runtime, tls, patience = PATIENCE }: ApiDeps): ApiServer {
  const app = fastify({
    ...serverOptions(tls, patience),
    loggerInstance,
    logController: new RequestLog(),
    genReqId: requestIds(runtime.random),
    bodyLimit: BODY_BYTES,
    requestTimeout: patience.requestMs,
    connectionTimeout: patience.silenceMs,
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

/** Fastify types a server that speaks https otherwise, though nothing here makes a difference. */
function serverOptions(tls: LiveTls | undefined, { checkMs, requestMs }: Patience): object {
  // Node takes the longer of the two for the whole request, whichever it is, and its own for headers is 60 s.
  const options = { connectionsCheckingInterval: checkMs, headersTimeout: requestMs };
  return tls ? { https: { ...httpsOptions(tls), ...options } } : { http: options };
}

function contextOf(app: ApiServer, deps: ApiDeps): ApiContext {
  const { store, broker, runtime, log, eventLimits: limits } = deps;
  const waiter = new FinalWaiter({ tasks: store.tasks, runtime, log });
  const events = new EventHub({ broker, tasks: store.tasks, runtime, log, limits });
  let draining = false;
  app.addHook('preClose', done => {
    draining = true;
    waiter.release();
    void events.release();
    done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (draining) reply.header('connection', 'close');
    done();
  });
  const serverTime = new ServerTime(() => store.schedules.now(), runtime.clock);
  const knownTokens = new KnownTokens({ tokens: store.tokens, clock: runtime.clock, serverTime, log });
  return { ...deps, serverTime, knownTokens, waiter, events, draining: () => draining };
}
