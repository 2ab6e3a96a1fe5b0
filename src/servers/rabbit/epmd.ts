import { join } from 'node:path';
import type { RabbitBinary } from '../binaries/rabbit-binary.js';
import { launch, type Keeper, type ServerProcess } from '../processes/server-process.js';
import { environment, type RabbitPlace } from './rabbit-settings.js';

/** Tells Erlang nodes under which port they find one another. */
export interface Epmd {
  /** Nothing while it runs. */
  start(): void;
  end(): Promise<void>;
}

/** In the foreground, so that it ends with the rest: Erlang would start one as a daemon that stays for ever. */
export function ownEpmd(binary: RabbitBinary, place: RabbitPlace, keeper: Keeper): Epmd {
  const command = [binary.epmd, '-port', String(place.ports.epmd), '-address', '127.0.0.1'];
  const logFile = join(place.folder, 'log', 'epmd.log');
  let epmd: ServerProcess | undefined;
  return {
    start: () => {
      if (epmd && epmd.ended() === undefined) return;
      epmd = launch({ name: 'epmd', command, env: environment(binary, place), cwd: place.folder, logFile }, keeper);
    },
    end: async () => epmd?.end(0),
  };
}

/** The same for the nodes of a cluster: it stays when one of them ends. */
export function sharedEpmd(epmd: Epmd): Epmd {
  return { start: () => epmd.start(), end: () => Promise.resolve() };
}
