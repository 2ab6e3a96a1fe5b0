/** The API would listen where strangers reach it, and nothing asks who they are. A fault of the configuration. */
export class OpenBind extends Error {
  readonly key = 'api.host';

  constructor(host: string) {
    super(
      `api.host is ${host}, which is reached from outside, but there are no tokens yet: anybody could run tasks. ` +
        'Expected a loopback address (127.0.0.1, ::1 or localhost); put a proxy that asks for credentials before it.',
    );
    this.name = 'OpenBind';
  }
}

/** Throws OpenBind unless only this machine can reach the address. */
export function refuseOpenBind(host: string): void {
  const loopback = host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
  if (!loopback) throw new OpenBind(host);
}
