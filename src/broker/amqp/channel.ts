import type { Channel, ConfirmChannel } from 'amqplib';
import type { Link } from './link.js';

/** `unsent`: so many messages may wait for the socket before `publish` asks to stop; 1,024 unless given. */
export async function openChannel(link: Link, unsent?: number): Promise<Channel> {
  return guard(await link.model.createChannel(unsent === undefined ? undefined : { highWaterMark: unsent }));
}

export async function openConfirmChannel(link: Link): Promise<ConfirmChannel> {
  return guard(await link.model.createConfirmChannel());
}

/** Calls once, when the channel has ended, for whatever reason and by whomever. */
export function whenEnded(channel: Channel, tell: (cause: Error) => void): void {
  let cause = new Error('channel closed');
  channel.once('error', (error: Error) => (cause = error));
  // When the whole connection ends, amqplib tells its channels first: a moment later the connection has given the reason.
  channel.once('close', () => queueMicrotask(() => tell(cause)));
}

/** For one question whose answer may close the channel (404, 406): nothing else must live on it. */
export async function onOwnChannel<T>(link: Link, ask: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await openChannel(link);
  try {
    return await ask(channel);
  } finally {
    discard(channel);
  }
}

/** Closes without waiting. Its answer changes nothing: a channel that is closed already, or whose connection is gone, is what we want. */
export function discard(channel: Channel): void {
  channel.close().catch(() => undefined);
}

/** Without these listeners amqplib takes the connection down, or the process. The text of an error is in the call that it failed. */
function guard<T extends Channel>(channel: T): T {
  channel.on('error', () => undefined);
  // A delivery that no consumer knows, for one: it would stay unacknowledged.
  channel.on('handler-error', () => discard(channel));
  return channel;
}
