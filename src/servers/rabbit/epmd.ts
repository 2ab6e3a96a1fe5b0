import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RabbitBinary } from '../binaries/rabbit-binary.js';
import { launch, logTail, type Keeper, type ServerProcess } from '../processes/server-process.js';
import { SetupError } from '../setup-error.js';
import { environment, type RabbitPlace } from './rabbit-settings.js';

/** Tells Erlang nodes under which port they find one another. */
export interface Epmd {
  /** Resolves when it listens; nothing while it runs. @throws SetupError `server-failed` */
  start(): Promise<void>;
  end(): Promise<void>;
}

const READY_MS = 30_000;

/** In the foreground, so that it ends with the rest: a node that starts before it listens would start one as a daemon, which stays for ever. */
export function ownEpmd(binary: RabbitBinary, place: RabbitPlace, keeper: Keeper): Epmd {
  const command = [binary.epmd, '-port', String(place.ports.epmd), '-address', '127.0.0.1'];
  const logFile = join(place.folder, 'log', 'epmd.log');
  let epmd: ServerProcess | undefined;
  return {
    start: async () => {
      if (epmd && epmd.ended() === undefined) return;
      epmd = launch({ name: 'epmd', command, env: environment(binary, place), cwd: place.folder, logFile }, keeper);
      await listening(epmd, place.ports.epmd, logFile);
    },
    end: async () => epmd?.end(0),
  };
}

/** The same for the nodes of a cluster: it stays when one of them ends. */
export function sharedEpmd(epmd: Epmd): Epmd {
  return { start: () => epmd.start(), end: () => Promise.resolve() };
}

async function listening(epmd: ServerProcess, port: number, logFile: string): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (!(await accepts(port)) && epmd.ended() === undefined && Date.now() < deadline) await sleep(20);
  const end = epmd.ended() ?? (Date.now() < deadline ? undefined : `not listening within ${READY_MS / 1_000} s`);
  if (end !== undefined)
    throw new SetupError('server-failed', `epmd is not there (${end}). The end of its log:\n${logTail(logFile, 20)}`);
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // not yet
  } finally {
    socket.destroy();
  }
}
