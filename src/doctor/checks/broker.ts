import type { ReachedBroker, SeenQueue } from '../../broker/diagnosis.js';
import { named, ofBroker, ofEvidence, quoted, type Check } from '../check.js';
import type { Evidence, RecordsEvidence } from '../evidence.js';

/** 3.10: quorum queues with length limits in bytes, which the topology names. */
const OLDEST_RABBITMQ = [3, 10] as const;
const DECLARE = 'interlock manage-db (it declares what is missing; running roles do so too when they connect)';

export const BROKER_CHECKS: readonly Check[] = [
  ofEvidence(
    {
      name: 'rabbitmq-unreachable',
      severity: 'error',
      about: 'RabbitMQ does not answer: nothing is lost, but all work is found by looking, which is slower.',
    },
    ({ broker }) => {
      if (!broker) return undefined;
      if (broker.state !== 'unreachable') return [];
      const remedy =
        'Start it (systemctl start rabbitmq-server), or name the right one: interlock config show --sources (amqp.url)';
      return [{ evidence: broker.why, remedy }];
    },
  ),
  ofEvidence(
    {
      name: 'rabbitmq-permissions',
      severity: 'error',
      about: 'RabbitMQ refuses the user of the settings, or its vhost, or does not let that user declare, send or read.',
    },
    ({ broker }) => {
      if (!broker || broker.state === 'unreachable') return undefined;
      const grant = `rabbitmqctl set_permissions -p VHOST USER '.*' '.*' '.*'`;
      if (broker.state === 'refused')
        return [{ evidence: broker.why, remedy: `Mend user, password and vhost in amqp.url, or on a node: ${grant}` }];
      return broker.mayNot.map(({ permission, answer }) => ({
        evidence: `No permission to ${permission}: ${answer}`,
        remedy: grant,
      }));
    },
  ),
  ofBroker({ name: 'rabbitmq-too-old', severity: 'error', about: 'RabbitMQ is older than 3.10.' }, ({ version }) =>
    version === undefined || !isOlder(version)
      ? []
      : [{ evidence: `It is ${version}.`, remedy: `Upgrade it to ${OLDEST_RABBITMQ.join('.')} or newer.` }],
  ),
  ofBroker(
    { name: 'rabbitmq-memory-alarm', severity: 'error', about: 'RabbitMQ has too little memory and takes nothing from anybody.' },
    ({ alarm }) =>
      alarm === undefined || !/memory/i.test(alarm)
        ? []
        : [
            {
              evidence: `It says: ${alarm}.`,
              remedy: 'rabbitmqctl status shows what holds the memory; vm_memory_high_watermark is its limit.',
            },
          ],
  ),
  ofBroker(
    {
      name: 'rabbitmq-disk-alarm',
      severity: 'error',
      about: 'The disk of RabbitMQ is nearly full, and it takes nothing from anybody.',
    },
    ({ alarm }) =>
      alarm === undefined || /memory/i.test(alarm)
        ? []
        : [
            {
              evidence: `It says: ${alarm}.`,
              remedy: 'Make room on the disk of that node; rabbitmqctl status shows disk_free and its limit.',
            },
          ],
  ),
  ofBroker(
    {
      name: 'event-exchange-missing',
      severity: 'warning',
      about: 'The exchange of events is missing: whoever follows tasks hears nothing.',
    },
    broker => missing(broker, name => name.endsWith('interlock.events')),
  ),
  ofBroker(
    { name: 'topology-missing', severity: 'error', about: 'Exchanges or queues that every role needs are missing at RabbitMQ.' },
    broker => missing(broker, name => !name.endsWith('interlock.events')),
  ),
  ofBroker(
    { name: 'topology-drift', severity: 'error', about: 'A queue or an exchange is not as `interlock manage-db` makes it.' },
    ({ drift }) => drift.map(evidence => ({ evidence, remedy: 'As it says, then: interlock manage-db' })),
  ),
  ofBroker(
    {
      name: 'dead-letters',
      severity: 'warning',
      about: 'Messages that nobody could understand lie in the queue of dead letters.',
    },
    ({ dead, queues }) =>
      dead === undefined || dead === 0
        ? []
        : [
            {
              evidence: `There are ${dead}.`,
              remedy: `Somebody else writes to our exchanges. Look: rabbitmqadmin get queue=${deadNameBeside(queues)}; then: rabbitmqctl purge_queue ${deadNameBeside(queues)}`,
            },
          ],
  ),
  ofEvidence(
    {
      name: 'queue-without-consumer',
      severity: 'error',
      about: 'Somebody lives who should read a queue, and has room for more, but RabbitMQ knows no consumer of it.',
    },
    ({ broker, records }: Evidence) => {
      if (broker?.state !== 'reached' || !records) return undefined;
      return unread(broker.queues, records).map(({ queue, reader }) => ({
        evidence: `${queue.name} (${queue.messages ?? 0} messages) has no consumer, though ${reader} should read it.`,
        remedy: `Its log says why; a restart of ${reader} makes it consume anew.`,
      }));
    },
  ),
];

/** Queues that somebody who lives should read, and does not. */
export function unread(queues: readonly SeenQueue[], records: RecordsEvidence): { queue: SeenQueue; reader: string }[] {
  return queues.flatMap(queue => {
    const reader = (queue.consumers ?? 0) > 0 ? undefined : readerOf(queue, records);
    return reader === undefined ? [] : [{ queue, reader }];
  });
}

function readerOf({ destination }: SeenQueue, { processes, workers }: RecordsEvidence): string | undefined {
  const free = workers.filter(worker => worker.freeSlots > 0 && worker.paused !== true);
  switch (destination.to) {
    case 'resource-manager':
      return processes.find(each => each.role === 'resource-manager' && each.online && each.leading)?.name;
    case 'queue':
      return free.find(worker => !worker.dedicated && worker.queues.includes(destination.queue))?.name;
    case 'worker':
      return free.find(worker => worker.name === destination.worker)?.name;
  }
}

function missing({ missing: all }: ReachedBroker, wanted: (name: string) => boolean): { evidence: string; remedy: string }[] {
  const names = all.filter(({ name }) => wanted(name)).map(({ kind, name }) => `${kind} ${quoted(name)}`);
  return names.length === 0 ? [] : [{ evidence: `Missing: ${named(names)}.`, remedy: DECLARE }];
}

/** The queues share their prefix. */
function deadNameBeside(queues: readonly SeenQueue[]): string {
  const manager = queues.find(({ destination }) => destination.to === 'resource-manager')?.name ?? 'resource-manager';
  return manager.replace(/resource-manager$/, 'interlock.dead');
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST_RABBITMQ[0] || (major === OLDEST_RABBITMQ[0] && minor < OLDEST_RABBITMQ[1]);
}
