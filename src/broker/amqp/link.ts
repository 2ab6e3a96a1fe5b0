import { connect, type ChannelModel, type SocketOptions } from 'amqplib';
import { eachAddress } from '../../core/address-list.js';
import { invalid } from '../../core/errors.js';
import { explain, within } from './deadline.js';
import type { AmqpOptions, AmqpTiming } from './options.js';

/** Seconds. amqplib notices silence after two to three of them: 15 s with 5, more than 40 s with the usual 60. */
const HEARTBEAT_S = 5;

/** One open connection, until it is gone. */
export interface Link {
  readonly model: ChannelModel;
  /** The broker's, as `3.10.8`. */
  readonly version: string | undefined;
  /** Aborted, with an Error as reason, once nothing can be sent or received any more. */
  readonly gone: AbortSignal;
  /** Ends the socket at once, in whatever state. Harmless when repeated. */
  destroy(cause: Error): void;
}

/** Refuses what is no broker's URL, without repeating it: it may hold a password. */
export function checkUrl(url: string): void {
  const isAddress = (each: string): boolean =>
    URL.canParse(each) && /^amqps?:$/.test(new URL(each).protocol) && new URL(each).hostname !== '';
  if (eachAddress(url).every(isAddress)) return;
  throw invalid('/amqp/url', 'expected amqp://user:password@host:port[,host:port…]/vhost, or the same with amqps://');
}

/** Where a URL leads, without user and password. */
export function place(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** Opens one connection within `connectMs`, or destroys what there is of it. `options.url` names one host. */
export async function dial(options: AmqpOptions, name: string, timing: AmqpTiming, stop: AbortSignal): Promise<Link> {
  // The controller's signal owns the socket from its birth: the only handle that works in every state, where `close()` may never settle.
  const socket = new AbortController();
  const abandon = (): void => socket.abort(new Error('the broker client is closing'));
  stop.addEventListener('abort', abandon, { once: true });
  try {
    stop.throwIfAborted();
    const opening = connect(withHeartbeat(options.url), socketOptions(options, name, socket.signal));
    return await within(
      timing.connectMs,
      `connecting to ${place(options.url)}`,
      // Listeners go on in the same turn: an `error` without one would end the process.
      opening.then(model => linkOf(model, socket)),
    );
  } catch (error) {
    socket.abort(error);
    throw inWords(error);
  } finally {
    stop.removeEventListener('abort', abandon);
  }
}

function linkOf(model: ChannelModel, socket: AbortController): Link {
  const destroy = (cause: Error): void => {
    if (!socket.signal.aborted) socket.abort(cause);
  };
  model.on('error', destroy);
  // A forced close (320) emits only `close`.
  model.on('close', cause => destroy(cause ?? new Error('connection closed')));
  model.on('handler-error', destroy);
  const version: unknown = model.connection.serverProperties.version;
  return { model, version: typeof version === 'string' ? version : undefined, gone: socket.signal, destroy };
}

/** amqplib gives the one answer that everybody gets who mistypes a vhost without its text. */
function inWords(error: unknown): unknown {
  if (!(error instanceof Error) || !error.message.startsWith('Expected ConnectionOpenOk')) return error;
  return new Error('refused after the login: is there such a vhost, and has this user permissions in it?', { cause: error });
}

function withHeartbeat(url: string): string {
  const address = new URL(url);
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(HEARTBEAT_S));
  return address.href;
}

function socketOptions(options: AmqpOptions, name: string, signal: AbortSignal): SocketOptions & { signal: AbortSignal } {
  const { tls, lookup } = options;
  const common = { noDelay: true, keepAlive: true, clientProperties: { connection_name: name }, signal };
  return { ...common, ...tls, ...(lookup && { lookup }) };
}

/** Why the broker ended a connection over an error of its own (541), which is how some broken queues answer. */
export function internalErrorOf(link: Link): Error | undefined {
  const reason: unknown = link.gone.reason;
  return reason instanceof Error && 'code' in reason && reason.code === 541 ? reason : undefined;
}

/** The reason for which a link went. */
export function causeOf(link: Link): string {
  return explain(link.gone.reason);
}
