// What this process asks of MongoDB and RabbitMQ: the driver's own command monitoring, and amqplib's channels.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';

const require = createRequire(import.meta.url);
/** The driver's own, whatever anybody does. */
const KEPT_UP = new Set(['hello', 'ismaster', 'isMaster', 'ping', 'buildInfo', 'endSessions']);

export class Counts {
  /** By what was done (`find tasks`, `publish`): how often, and the sum of the times until the answer, in milliseconds. */
  calls = {};

  watch() {
    this.#watchMongo(require('mongodb').MongoClient);
    const lib = join(dirname(require.resolve('amqplib')), 'lib');
    const { Channel, ConfirmChannel } = require(join(lib, 'channel_model.js'));
    this.#watchChannels(Channel.prototype, ConfirmChannel.prototype, require(join(lib, 'channel.js')).BaseChannel.prototype);
  }

  #watchMongo(MongoClient) {
    const listen = client => this.#listen(client);
    const { connect } = MongoClient.prototype;
    const watched = new WeakSet();
    MongoClient.prototype.connect = function () {
      if (!watched.has(this)) listen(this);
      watched.add(this);
      return connect.call(this);
    };
  }

  #listen(client) {
    const begun = new Map();
    client.monitorCommands = true;
    client.on('commandStarted', ({ requestId, commandName, command }) => {
      if (!KEPT_UP.has(commandName)) begun.set(requestId, { what: nameOf(commandName, command), at: performance.now() });
    });
    const ended = ({ requestId }) => {
      const call = begun.get(requestId);
      if (call === undefined) return;
      begun.delete(requestId);
      this.#add(call.what, performance.now() - call.at);
    };
    client.on('commandSucceeded', ended);
    client.on('commandFailed', ended);
  }

  #watchChannels(channel, confirmChannel, baseChannel) {
    const add = (what, ms) => this.#add(what, ms);
    const { publish } = confirmChannel;
    confirmChannel.publish = function (...args) {
      const at = performance.now();
      const confirmed = args[4];
      args[4] = (...answer) => {
        add('publish', performance.now() - at);
        confirmed?.(...answer);
      };
      return publish.apply(this, args);
    };
    const { handleDelivery } = baseChannel;
    baseChannel.handleDelivery = function (message) {
      add('deliver', 0);
      return handleDelivery.call(this, message);
    };
    for (const name of ['ack', 'nack', 'reject']) {
      const original = channel[name];
      channel[name] = function (...args) {
        add(name, 0);
        return original.apply(this, args);
      };
    }
  }

  #add(what, ms) {
    const call = (this.calls[what] ??= { count: 0, ms: 0 });
    call.count += 1;
    call.ms += ms;
  }
}

/** A lease written inside a transaction belongs to a grant; by itself it is a renewal. */
function nameOf(name, command) {
  const collection = typeof command[name] === 'string' ? command[name] : (command.collection ?? '');
  const inside = command.autocommit === false && collection === 'leases' ? ' for a grant' : '';
  return `${name} ${collection}${inside}`.trim();
}
