import { isLoopback } from '../core/loopback.js';

/** The API would listen where strangers reach it, and anybody could do everything there, or read along. A fault of the configuration. */
export class OpenBind extends Error {
  readonly key = 'api.host';

  constructor(host: string, missing: string) {
    super(`api.host is ${host}, which is reached from outside, but ${missing}`);
    this.name = 'OpenBind';
  }
}

const NO_TOKENS =
  'there are no tokens: expected a loopback address (127.0.0.1, ::1 or localhost), or a token: `interlock token create NAME --role admin --direct` ' +
  'makes the first one.';
const NO_TLS =
  'without TLS tokens and results would travel in the open: expected api.tls.certificateFile and api.tls.keyFile; or a loopback address (127.0.0.1, ::1 or ' +
  'localhost) behind a proxy that ends TLS; or api.behindTlsProxy where that proxy is on another machine, and nobody else reaches this address.';

export interface Bind {
  host: string;
  /** Between clients and this process or the proxy before it. */
  encrypted: boolean;
}

/** Throws OpenBind where strangers reach the address, and there is no token or no TLS; StoreError. */
export async function refuseOpenBind({ host, encrypted }: Bind, tokens: { any(): Promise<boolean> }): Promise<void> {
  if (isLoopback(host)) return;
  if (!encrypted) throw new OpenBind(host, NO_TLS);
  if (!(await tokens.any())) throw new OpenBind(host, NO_TOKENS);
}
