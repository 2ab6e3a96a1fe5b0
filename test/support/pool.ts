import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Json, JsonObject } from '../../src/core/json.js';
import type { ProgressReport, Task } from '../../src/core/task.js';
import { silentLog, type Log } from '../../src/process/log.js';
import { system } from '../../src/process/system.js';
import type { Job, JobEvents } from '../../src/worker/pool.js';
import type { PoolOptions } from '../../src/worker/children/pool-options.js';

export const TASKS = fileURLToPath(new URL('./tasks', import.meta.url));

/** A folder of its own for one test file, and the options of a pool in it. */
export function poolFolder(): { root: string; file: (name: string) => string; remove: () => void } {
  const root = mkdtempSync(path.join(tmpdir(), 'interlock-pool-'));
  return { root, file: name => path.join(root, name), remove: () => rmSync(root, { recursive: true, force: true }) };
}

export function poolOptions(root: string, more: Partial<PoolOptions> = {}): PoolOptions {
  return {
    slots: 1,
    workerName: 'worker@test',
    workerDirectory: path.join(root, 'work', 'worker@test'),
    taskModules: ['./basic.ts', './rough.ts'],
    moduleBase: TASKS,
    childEnvironment: [],
    graceMs: 300,
    killMs: 300,
    timeLimitMs: 0,
    recycleAfterTasks: 1_000,
    recycleAboveMiB: 0,
    memoryMiB: 1_024,
    resultLimitBytes: 64 * 1024,
    log: silentLog,
    runtime: system,
    ...more,
  };
}

let jobs = 0;

export function jobOf(name: string, args: Json[] = [], more: Partial<Task> = {}): Job {
  jobs += 1;
  const task: Task = {
    id: `task-${jobs}`,
    seq: jobs,
    name,
    args,
    kwargs: {},
    queue: 'default',
    priority: 4,
    exclusive: [],
    shared: [],
    state: 'running',
    attempt: 1,
    maxAttempts: 1,
    onWorkerLoss: 'cancel',
    attempts: [],
    progress: [],
    createdResources: [],
    correlationId: 'correlation',
    tags: [],
    createdAt: new Date(0),
    ...more,
  };
  return { task, token: `token-${jobs}` };
}

/** A job that holds a resource, as granted. */
export function exclusiveJob(name: string, args: Json[] = [], more: Partial<Task> = {}): Job {
  return jobOf(name, args, { exclusive: ['calculator'], grant: { fence: 40, epoch: 1, at: new Date(0) }, ...more });
}

export interface Heard extends JobEvents {
  reports: { progress: ProgressReport[]; created: string[] }[];
  spawned: JsonObject[];
}

/** Keeps what a body says, and answers it. */
export function heard(more: Partial<JobEvents> = {}): Heard {
  const reports: Heard['reports'] = [];
  const spawned: JsonObject[] = [];
  return {
    reports,
    spawned,
    report: (progress, created) => void reports.push({ progress, created }),
    spawn: body => Promise.resolve({ id: `spawned-${spawned.push(body)}` }),
    outcomeOf: id => Promise.resolve({ id, name: 'spawned', state: 'completed', result: `result of ${id}` }),
    service: (name, input) => Promise.resolve({ name, input }),
    ...more,
  };
}

export interface Line {
  level: string;
  message: string;
  fields: Record<string, unknown>;
}

export function recordingLog(lines: Line[], fixed: Record<string, unknown> = {}): Log {
  const write =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}): void =>
      void lines.push({ level, message, fields: { ...fixed, ...fields } });
  return {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    child: fields => recordingLog(lines, { ...fixed, ...fields }),
  };
}

/** Lines that task code has written so far. */
export function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}
