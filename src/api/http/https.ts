import { constants } from 'node:crypto';
import type { Server } from 'node:http';
import type { Server as TlsServer, TlsOptions, TLSSocket } from 'node:tls';

import type { Log } from '../../process/log.js';
import type { Clock } from '../../process/runtime.js';
import type { LiveTls } from '../../process/tls/live-tls.js';

/** Authorities of clients are named only where clients have to show a certificate. */
export function httpsOptions({ options }: LiveTls): TlsOptions {
  const asks = options.ca !== undefined;
  return {
    ...options,
    requestCert: asks,
    rejectUnauthorized: true,
    // Who resumes a session shows no certificate: one that was revoked meanwhile would go on being good.
    ...(asks && { secureOptions: constants.SSL_OP_NO_TICKET }),
  };
}

/** Connections that are made after a change are made with it. */
export function renewing(tls: LiveTls, servers: readonly Server[]): void {
  tls.onChange(() => {
    for (const server of servers) (server as unknown as TlsServer).setSecureContext(httpsOptions(tls));
  });
}

/** However many come: one line in this time. */
const QUIET_MS = 10_000;

/** Clients that got no connection, with the reason that OpenSSL gives. Who only hangs up, as a scan of ports does, is not told of. */
export function tellRefusals(servers: readonly Server[], log: Log, clock: Clock): void {
  let toldAtMs = -Infinity;
  const tell = (error: NodeJS.ErrnoException, socket: TLSSocket): void => {
    const refused = socket.authorizationError as unknown as string | null | undefined;
    const reason = refused ?? error.code ?? error.message;
    if (reason === 'ECONNRESET' || clock.monotonicMs() - toldAtMs < QUIET_MS) return;
    toldAtMs = clock.monotonicMs();
    log.warn(`A connection was refused by TLS: ${reason}.`, { peer: socket.remoteAddress });
  };
  for (const server of servers) server.on('tlsClientError', tell);
}
