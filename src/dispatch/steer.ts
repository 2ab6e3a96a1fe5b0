import type { Broker } from '../broker/broker.js';
import { nextWish, type Command } from '../core/command.js';
import { InterlockError, invalid, MissingResource } from '../core/errors.js';
import type { ProcessRecord } from '../core/process.js';
import type { ProcessStore } from '../store/store.js';

export interface SteerDeps {
  processes: Pick<ProcessStore, 'get' | 'wish'>;
  broker: Pick<Broker, 'broadcast'>;
  newId: () => string;
}

/** A wish that stands in the record of a worker: heeded when the worker says so, or is gone where that was wanted. */
export interface Asked {
  name: string;
  incarnation: string;
  n: number;
  action: Command['action'];
}

/** Others may wish something at the same time; each try reads what they wished. */
const TRIES = 10;
/** Beyond this one message for all is shorter. */
const NAMED = 20;

/**
 * Writes what is wanted of these workers into their records, and says so to whoever listens: the worker reads it with its next heartbeat at the
 * latest, whatever becomes of the message. All are looked at before the first is written. Throws MissingResource; CONFLICT for a worker that is
 * not live; VALIDATION_FAILED for slots out of bounds; StoreError, with which some may have been written: the same again does no harm, but for
 * `grow`, which counts twice.
 */
export async function steer(deps: SteerDeps, names: readonly string[], command: Command): Promise<Asked[]> {
  for (const name of names) wished(await live(deps, name), command, '');
  const asked: Asked[] = [];
  for (const name of names) asked.push(await steerOne(deps, name, command));
  if (names.length > NAMED) deps.broker.broadcast({ kind: 'wish', worker: null });
  else for (const worker of names) deps.broker.broadcast({ kind: 'wish', worker });
  return asked;
}

export function hasHeeded({ incarnation, n, action }: Asked, record: ProcessRecord | undefined): boolean {
  if (!record) return true; // forgotten: long gone
  if ((record.heeded ?? 0) >= n) return true;
  return action === 'shutdown' && (record.state !== 'live' || record.incarnation !== incarnation);
}

async function steerOne(deps: SteerDeps, name: string, command: Command): Promise<Asked> {
  for (let n = 0; n < TRIES; n += 1) {
    const record = await live(deps, name);
    const next = wished(record, command, deps.newId());
    if (await deps.processes.wish(record, next))
      return { name, incarnation: record.incarnation, n: next.n, action: command.action };
  }
  throw new InterlockError('CONFLICT', `Others steer the worker "${name}" at the same time: ${TRIES} tries were in vain.`);
}

async function live({ processes }: SteerDeps, name: string): Promise<ProcessRecord> {
  const record = await processes.get(name);
  if (record?.role !== 'worker') throw new MissingResource(`Worker "${name.slice(0, 200)}"`);
  if (record.state === 'live') return record;
  throw new InterlockError('CONFLICT', `The worker "${name}" is not live: it is ${record.state}.`);
}

function wished(record: ProcessRecord, command: Command, id: string): Exclude<ReturnType<typeof nextWish>, string> {
  const next = nextWish(record, command, id);
  if (typeof next !== 'string') return next;
  const field = 'slots' in command ? '/slots' : 'grow' in command && command.grow < 0 ? '/shrink' : '/grow';
  throw invalid(field, `would give the worker "${record.name}" ${next}`, 'out_of_range');
}
