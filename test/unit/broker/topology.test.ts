import { expect } from 'chai';
import { namesWith, queueOf } from '../../../src/broker/amqp/topology.js';
import { asConflict, TopologyConflict } from '../../../src/broker/amqp/topology-conflict.js';

const BROKER_TEXT =
  "Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message \"PRECONDITION_FAILED - inequivalent arg 'x-queue-type' " +
  "for queue 'work.default' in vhost '/tenant': received the value 'quorum' of type 'longstr' but current is none\"";

describe('the topology', () => {
  it('has the names that operators know', () => {
    const names = namesWith('');
    expect(names).to.include({
      tasks: 'interlock.tasks',
      events: 'interlock.events',
      control: 'interlock.control',
      dead: 'interlock.dead',
    });
    expect(queueOf(names, { to: 'resource-manager' }).name).to.equal('resource-manager');
    expect(queueOf(names, { to: 'queue', queue: 'default' }).name).to.equal('work.default');
    expect(queueOf(names, { to: 'worker', worker: 'worker@host' }).name).to.equal('worker.worker@host');
  });

  it('keeps the queue of the resource manager, and lets unused ones with names from outside expire', () => {
    const names = namesWith('blue.');
    expect(queueOf(names, { to: 'resource-manager' }).arguments).to.not.have.property('x-expires');
    expect(queueOf(names, { to: 'queue', queue: 'x' })).to.deep.equal({
      name: 'blue.work.x',
      arguments: {
        'x-max-length': 1_000_000,
        'x-max-length-bytes': 268_435_456,
        'x-overflow': 'drop-head',
        'x-expires': 604_800_000,
      },
    });
  });

  it('tells an operator what differs and how to mend it', async () => {
    const conflict: unknown = await asConflict(Promise.reject(new Error(BROKER_TEXT))).catch((error: unknown) => error);
    expect(conflict).to.be.instanceOf(TopologyConflict);
    expect((conflict as Error).message).to.equal(
      'RabbitMQ already has a queue "work.default" whose x-queue-type differs: it is none, Interlock needs the value \'quorum\' of type ' +
        "'longstr'. Remove it with `rabbitmqctl delete_queue -p '/tenant' 'work.default'` and start again: hints are rebuilt from the " +
        'records. Or give this deployment a vhost or a name prefix of its own.',
    );
  });

  it('passes on a 406 that it cannot read, and leaves other errors alone', async () => {
    const other = new Error('Channel closed by server: 403 (ACCESS-REFUSED)');
    expect(await asConflict(Promise.reject(other)).catch((error: unknown) => error)).to.equal(other);
    const odd: unknown = await asConflict(Promise.reject(new Error('406 (PRECONDITION-FAILED) with message "odd"'))).catch(
      (e: unknown) => e,
    );
    expect((odd as Error).message).to.include('odd');
  });
});
