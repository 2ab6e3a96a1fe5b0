import type { Destination } from './broker.js';

/** What is asked of a broker before anything is believed of it. Nothing is changed. */
export type BrokerDiagnosis =
  | { state: 'unreachable'; why: string }
  /** It answers, and does not let this user in, or not into this vhost. */
  | { state: 'refused'; why: string }
  | ReachedBroker;

export interface ReachedBroker {
  state: 'reached';
  version: string | undefined;
  /** Why it takes nothing from anybody, in its own words, as `low on memory`. */
  alarm?: string;
  /** What this user may not do, each with the broker's answer. */
  mayNot: { permission: 'configure' | 'write' | 'read'; answer: string }[];
  /** Of what every role needs: names of exchanges and queues that are not there. */
  missing: { kind: 'exchange' | 'queue'; name: string }[];
  /** A sentence for each that is not as we need it, with what mends it. */
  drift: string[];
  queues: SeenQueue[];
  /** Messages that nobody could read; undefined where there is no such queue. */
  dead: number | undefined;
}

export interface SeenQueue {
  destination: Destination;
  /** On the broker. */
  name: string;
  /** Both undefined: there is no such queue. */
  messages?: number;
  consumers?: number;
}
