import { expect } from 'chai';
import fc from 'fast-check';

import { ControlListener } from '../../../src/broker/amqp/control.js';
import { Listening } from '../../../src/broker/amqp/event-listener.js';
import { namesWith } from '../../../src/broker/amqp/topology.js';
import { decodeEvent, encodeEvent } from '../../../src/core/event-wire.js';
import type { TaskEvent } from '../../../src/core/event.js';
import { decodeControl, encode, type Control } from '../../../src/core/hint.js';
import { silentLog } from '../../../src/process/log.js';
import { eventNumber } from '../../contract/broker/events.contract.js';
import { FakeLink } from '../../unit/broker/fake-link.js';
import { garbled } from './garble.js';
import { deadQueue, properties, type Message } from './messages.js';
import type { Stage } from './stage.js';

const ID = '0198c1f7-0000-7000-8000-0123456789ab';
const names = namesWith('');
const valueOf = (message: Uint8Array): unknown => JSON.parse(Buffer.from(message).toString()) as unknown;

interface Broadcast {
  message: Message;
  as: 'control' | 'event';
}

/** What both listeners of a process have heard, on a connection that is none. */
class Listeners {
  readonly link = new FakeLink();
  readonly letters = deadQueue().letters;
  readonly controls: Control[] = [];
  readonly events: TaskEvent[] = [];
  readonly missed: string[] = [];
  #take!: Record<Broadcast['as'], (message: unknown) => void>;

  async open(): Promise<this> {
    const control = new ControlListener(names, this.letters, silentLog);
    control.onControl(() => {
      throw new Error('a handler that cannot do it');
    });
    control.onControl(message => void this.controls.push(message));
    await control.open(this.link);
    const [deadLetters, log] = [this.letters, silentLog];
    const listener = { event: (event: TaskEvent) => this.events.push(event), missed: (why: string) => this.missed.push(why) };
    await new Listening({ names, deadLetters, log, listener: listener, onClose: () => undefined }).attach(this.link);
    const [first, second] = this.link.channels.map(channel => channel.consumers.values().next().value!);
    this.#take = { control: first!, event: second! };
    return this;
  }

  /** Hears one; returns how many were counted as none of ours. */
  hear({ message, as }: Broadcast): number {
    const before = this.letters.count;
    this.controls.length = this.events.length = this.missed.length = 0;
    this.#take[as](message);
    return this.letters.count - before;
  }
}

/** What every process reads of the exchanges of control messages and events: handed on once, or counted once. Nothing is to be acknowledged there. */
export const broadcasts: Stage<Broadcast> = {
  name: 'control messages and events',
  open: async () => {
    const listeners = await new Listeners().open();
    const control = [
      { kind: 'cancel', task: ID },
      { kind: 'wish', worker: 'w' },
      { kind: 'ended', tasks: [ID] },
    ] as const;
    const progress = [{ code: 'c', message: 'm', done: 1, total: 2, suffix: null, state: 'running' }];
    const event = { ...eventNumber(1), worker: 'w', group: ID, progress };
    const good = {
      control: control.map(each => encode(each as Control)),
      event: [eventNumber(1), event as never].map(encodeEvent),
    };
    const of = (as: Broadcast['as'], from: Uint8Array[]): fc.Arbitrary<Broadcast> =>
      fc.record({ as: fc.constant(as), message: fc.record({ content: garbled(from.map(valueOf)), properties }) });
    const all = [...good.control, ...good.event];
    return {
      input: fc.oneof(of('control', good.control), of('event', good.event), of('control', all), of('event', all)),
      judge: broadcast => {
        const counted = listeners.hear(broadcast);
        const { controls, events, missed, link } = listeners;
        expect(link.gone.aborted, 'the connection was given up').to.equal(false);
        for (const { acks, nacks } of link.channels) expect([acks, nacks]).to.deep.equal([0, 0]);
        expect(controls.length + events.length + counted, 'handed on or counted, once').to.equal(1);
        expect(missed.filter(why => why !== 'dropped')).to.deep.equal([]);
        for (const each of controls) expect(decodeControl(encode(each))).to.deep.equal({ ok: true, value: each });
        // What was read can be told again.
        for (const each of events) expect(decodeEvent(encodeEvent(each)).ok).to.equal(true);
        return `${broadcast.as}: ${counted === 1 ? 'counted' : 'handed on'}`;
      },
      close: () => Promise.resolve(),
    };
  },
};
