import { once } from 'node:events';
import { connect } from 'node:net';

import type { Started } from './started.js';

/** Until somebody listens at this port of this machine. Throws when the server ends instead. */
export async function listening(server: Started, port: number): Promise<void> {
  await server.until(`a listener at port ${port}`, async () => {
    const socket = connect({ port, host: '127.0.0.1' });
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return undefined; // not yet
    } finally {
      socket.destroy();
    }
  });
}
