import { QUEUES, names } from '../cast.js';
import type { Inject } from './injection.js';

const OWN_QUEUES = [
  'resource-manager',
  ...QUEUES.map(queue => `work.${queue}`),
  ...names('worker').map(worker => `worker.${worker}`),
  'resource-manager',
  'work.default',
];

export const killed: Inject = async ({ rabbit }) => {
  await rabbit.kill9();
  return () => rabbit.start();
};

export const frozen: Inject = ({ rabbit }) => {
  rabbit.signal('SIGSTOP');
  return Promise.resolve(() => rabbit.signal('SIGCONT'));
};

/** Every queue, message and exchange is gone for good. */
export const wiped: Inject = async ({ rabbit }) => {
  await rabbit.kill9();
  rabbit.wipe();
  return () => rabbit.start();
};

/** Publishers are blocked, consumers are not. */
export const alarmed: Inject = async ({ rabbit }) => {
  await rabbit.ctl(['set_vm_memory_high_watermark', '0.0000001']);
  return async () => {
    await rabbit.ctl(['set_vm_memory_high_watermark', 'absolute', '1GB']);
  };
};

export const connectionsClosed: Inject = async ({ rabbit }) => {
  await rabbit.ctl(['close_all_connections', '--global', 'chaos']);
  return undefined;
};

/** Its consumers are cancelled by the broker. */
export const queueDeleted: Inject = async ({ rabbit }, { pick }) => {
  await rabbit.ctl(['delete_queue', OWN_QUEUES[pick % OWN_QUEUES.length] ?? '']);
  return undefined;
};

export const queuePurged: Inject = async ({ rabbit }, { pick }) => {
  await rabbit.ctl(['purge_queue', OWN_QUEUES[pick % OWN_QUEUES.length] ?? '']);
  return undefined;
};
