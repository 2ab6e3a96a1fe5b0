import type { LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';

/** What the adapter needs of logging; any winston-like log fits. */
export interface BrokerLog {
  error(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  debug(message: string, fields?: Record<string, unknown>): void;
}

/** For `amqps://`. Each new connection is made with what the object then holds. */
export interface BrokerTls {
  secureContext: SecureContext;
}

export interface AmqpOptions {
  /**
   * `amqp[s]://user:password@host:port/vhost`; `?heartbeat=` (seconds) is obeyed, 5 otherwise. Of a cluster all hosts, separated by
   * commas: each attempt takes the next one.
   */
  url: string;
  /** Shown by the broker as the connection's name, with `publish` or `consume` added. */
  name: string;
  /** Put before every exchange and queue, for deployments that share a vhost. Default: nothing. */
  prefix?: string;
  tls?: BrokerTls;
  /** Gives the addresses of names; Node's own otherwise. */
  lookup?: LookupFunction;
  /** Uniform in [0, 1); spreads reconnects. */
  random: () => number;
  log: BrokerLog;
}

/** All waits of the adapter, in milliseconds. Tests run some of them faster. */
export interface AmqpTiming {
  /** TCP, TLS and AMQP handshake together: a host that accepts and says nothing would hold us for ever. */
  connectMs: number;
  /** Topology, and again all consumers, on a fresh connection. */
  setupMs: number;
  /** One answer of the broker to a consumer's channel. */
  rpcMs: number;
  /** `publish` and `depth` answer within this. */
  publishMs: number;
  /** A message unconfirmed for this long on an unblocked connection: its confirms are being swallowed. */
  confirmMs: number;
  /** A queue that fails each time for this long, three times at least, is suspected to be broken. */
  muteMs: number;
  /** `start` waits this long for the first connection. */
  startMs: number;
  /** `close` asks politely for this long. */
  closeMs: number;
  /** Reconnects and consumers' retries: full jitter between these, doubling. */
  backoffMinMs: number;
  backoffMaxMs: number;
  /** Consumers are asked this often whether they really consume, and may be idle for this long before that is doubted. */
  stallMs: number;
}

export const DEFAULT_AMQP_TIMING: AmqpTiming = {
  connectMs: 5_000,
  setupMs: 15_000,
  rpcMs: 10_000,
  publishMs: 2_000,
  confirmMs: 15_000,
  muteMs: 15_000,
  startMs: 2_000,
  closeMs: 1_800,
  backoffMinMs: 200,
  backoffMaxMs: 10_000,
  stallMs: 30_000,
};
