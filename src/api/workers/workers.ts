import type { Static } from 'typebox';

import type { Command } from '../../core/command.js';
import { invalid, MissingResource } from '../../core/errors.js';
import type { ApiContext, ApiServer } from '../context.js';
import { readRoster } from '../roster.js';
import { NameParams, listOf, ref, wholeList } from '../schemas.js';
import { Asking } from './answers.js';
import {
  ActionsBody,
  AnswersSchema,
  EmptyBody,
  PoolBody,
  ShutdownBody,
  WaitHeader,
  WorkerDetailSchema,
  workerRef,
} from './schemas.js';
import { workerDetailOf, workerOf } from './view.js';

const tags = ['workers'];
/** Of what is bound to a worker, so much is shown. */
const MAX_RESERVED = 100;

export function workerRoutes(app: ApiServer, context: ApiContext): void {
  readRoutes(app, context);
  const asking = new Asking(context);
  holdRoutes(app, asking);
  sizeRoutes(app, asking);

  const schema = {
    operationId: 'steerWorkers',
    summary: 'Ask something of several workers, or of all that are live',
    tags,
    headers: WaitHeader,
    body: ActionsBody,
    response: { 202: ref(AnswersSchema) },
  };
  app.post(
    '/workers/actions',
    { schema, config: { problems: ['MISSING_RESOURCE', 'CONFLICT', 'OVERLOADED'] } },
    async (request, reply) => {
      const command = commandOf(request.body);
      const names = request.body.names ?? (await liveWorkers(context));
      return asking.ask(names, command, request, reply);
    },
  );
}

function readRoutes(app: ApiServer, { store }: ApiContext): void {
  const listing = {
    operationId: 'listWorkers',
    summary: 'Workers, what they run, and those that are gone',
    tags,
    response: { 200: listOf(workerRef) },
  };
  app.get('/workers', { schema: listing }, async () => {
    const roster = await readRoster(store);
    return wholeList(roster.processes.filter(({ role }) => role === 'worker').map(worker => workerOf(worker, roster)));
  });

  const reading = {
    operationId: 'getWorker',
    summary: 'One worker: what it runs, what waits for it alone, and which task types it has',
    tags,
    params: NameParams,
    response: { 200: ref(WorkerDetailSchema) },
  };
  app.get('/workers/:name', { schema: reading }, async request => {
    const { name } = request.params;
    const [roster, reserved] = await Promise.all([
      readRoster(store, { types: true }),
      store.tasks.claimable({ queues: [], worker: name, limit: MAX_RESERVED }),
    ]);
    const worker = roster.processes.find(each => each.role === 'worker' && each.name === name);
    if (!worker) throw new MissingResource(`Worker "${name.slice(0, 200)}"`);
    return workerDetailOf(worker, roster, reserved);
  });
}

const HOLDS = {
  pause: 'Let a worker take no new work; what runs goes on. Holds for its name, also after a restart, until it is resumed',
  resume: 'Let a worker take work again that was paused or drained',
  drain: 'Pause a worker, and give what is bound to it and has not started to others',
} as const;

function holdRoutes(app: ApiServer, asking: Asking): void {
  for (const action of ['pause', 'resume', 'drain'] as const) {
    const schema = {
      operationId: `${action}Worker`,
      summary: HOLDS[action],
      tags,
      params: NameParams,
      headers: WaitHeader,
      body: EmptyBody,
      response: { 202: ref(AnswersSchema) },
    };
    app.post(
      `/workers/:name/${action}`,
      { schema, config: { bodyOptional: true, problems: ['CONFLICT', 'OVERLOADED'] } },
      (request, reply) => asking.ask([request.params.name], { action }, request, reply),
    );
  }
}

function sizeRoutes(app: ApiServer, asking: Asking): void {
  const one = { tags, params: NameParams, headers: WaitHeader, response: { 202: ref(AnswersSchema) } };
  const ending = { operationId: 'shutdownWorker', summary: 'Let a worker end, exit status 0', ...one, body: ShutdownBody };
  app.post(
    '/workers/:name/shutdown',
    { schema: ending, config: { bodyOptional: true, problems: ['CONFLICT', 'OVERLOADED'] } },
    (request, reply) =>
      asking.ask([request.params.name], { action: 'shutdown', stage: request.body.stage ?? 'warm' }, request, reply),
  );
  const sizing = {
    operationId: 'resizeWorker',
    summary: 'Change how many slots a worker has, until it ends',
    ...one,
    body: PoolBody,
  };
  app.post('/workers/:name/pool', { schema: sizing, config: { problems: ['CONFLICT', 'OVERLOADED'] } }, (request, reply) =>
    asking.ask([request.params.name], sizeOf(request.body), request, reply),
  );
}

function commandOf(body: Static<typeof ActionsBody>): Command {
  const { action, stage } = body;
  if (stage !== undefined && action !== 'shutdown') throw invalid('/stage', 'belongs to the action shutdown', 'unknown_field');
  if (action === 'pool') return sizeOf(body);
  for (const field of ['slots', 'grow', 'shrink'] as const)
    if (body[field] !== undefined) throw invalid(`/${field}`, 'belongs to the action pool', 'unknown_field');
  return action === 'shutdown' ? { action, stage: stage ?? 'warm' } : { action };
}

function sizeOf({ slots, grow, shrink }: Static<typeof PoolBody>): Command {
  const given = [slots, grow, shrink].filter(each => each !== undefined);
  if (given.length !== 1) throw invalid('', 'expected exactly one of slots, grow and shrink', 'ambiguous');
  if (slots !== undefined) return { action: 'pool', slots };
  return { action: 'pool', grow: grow ?? -(shrink ?? 0) };
}

async function liveWorkers({ store }: ApiContext): Promise<string[]> {
  const processes = await store.processes.list();
  return processes.filter(({ role, state }) => role === 'worker' && state === 'live').map(({ name }) => name);
}
