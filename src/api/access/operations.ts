import type { RouteOptions } from 'fastify';

import { API_BASE } from '../../core/task-view.js';
import type { AccessRole } from '../../core/access.js';

/** `anyone`: without a token, too. */
export type Access = AccessRole | 'anyone';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may do this; else what the table below says of the operation. */
    access?: Access;
    /** It stands in the audit trail, with what these fields of the body or the query say. Else as the table says. */
    audited?: boolean | readonly string[];
  }
}

/** Fields that are told in the audit trail: never such as may hold what users wrote into their tasks. */
type Audited = readonly string[] | false;

interface Rule {
  access: Access;
  audited: Audited;
}

const anyone = (): Rule => ({ access: 'anyone', audited: false });
const read = (): Rule => ({ access: 'read', audited: false });
const submit = (): Rule => ({ access: 'submit', audited: false });
/** What operators and administrators do is written down. */
const operate = (...audited: string[]): Rule => ({ access: 'operate', audited });
const admin = (...audited: string[]): Rule => ({ access: 'admin', audited });

/** Every operation of the API, and the role that it needs. Plugins say it with their routes (`config.access`). */
export const OPERATIONS: Readonly<Record<string, Rule>> = {
  getStatus: anyone(),
  getOpenApi: anyone(),

  listTasks: read(),
  getTask: read(),
  explainTask: read(),
  summarizeTasks: read(),
  followEvents: read(),
  followTask: read(),
  listResources: read(),
  getResource: read(),
  listWorkers: read(),
  getWorker: read(),
  listQueues: read(),
  listTaskTypes: read(),
  listSchedules: read(),
  getSchedule: read(),
  previewSchedule: read(),
  listGroups: read(),
  getGroup: read(),
  getMaintenance: read(),

  submitTask: submit(),
  submitTasks: submit(),
  submitWorkflow: submit(),
  createGroup: submit(),
  retryTask: submit(),
  cancelTask: submit(),
  cancelGroup: submit(),

  actOnTasks: operate('action', 'dryRun'),
  deleteTask: operate(),
  purgeTasks: operate('state', 'finishedBefore'),
  declareCapacity: operate('capacity'),
  withdrawCapacity: operate(),
  pauseWorker: operate(),
  resumeWorker: operate(),
  drainWorker: operate(),
  shutdownWorker: operate('stage'),
  resizeWorker: operate('slots', 'grow', 'shrink'),
  steerWorkers: operate('action', 'stage', 'slots', 'grow', 'shrink'),
  createSchedule: operate(),
  updateSchedule: operate(),
  deleteSchedule: operate(),
  pauseSchedule: operate('reason'),
  resumeSchedule: operate(),
  runSchedule: operate(),

  releaseResource: admin(),
  setMaintenance: admin('on', 'reason'),
  listTokens: { ...read(), access: 'admin' },
  getToken: { ...read(), access: 'admin' },
  createToken: admin('role', 'expires'),
  revokeToken: admin(),
  listAuditTrail: { ...read(), access: 'admin' },
};

/**
 * What a route needs. Nothing is open by mistake: below the base a route that nobody has thought of takes `admin`, or `read` to read. Outside it
 * stand health, metrics and published content, for anyone.
 */
export function ruleOf({ url, method, config = {}, schema }: Pick<RouteOptions, 'url' | 'method' | 'config' | 'schema'>): Rule {
  const reads = [method].flat().every(each => each === 'GET' || each === 'HEAD');
  const known = OPERATIONS[schema?.operationId ?? ''];
  const otherwise: Rule = !url.startsWith(`${API_BASE}/`) ? anyone() : reads ? read() : admin();
  const { access, audited } = known ?? otherwise;
  return { access: config.access ?? access, audited: config.audited === undefined ? audited : auditedBy(config.audited) };
}

function auditedBy(config: boolean | readonly string[]): Audited {
  return typeof config === 'boolean' ? config && [] : config;
}
