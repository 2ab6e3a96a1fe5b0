/**
 * Ends this process at once. `process.exit` waits for libuv's threads, and so for every lookup of a name that has begun, as long as name servers are silent: 10 s
 * with one and the defaults of glibc, 30 s with three. A signal waits for nothing. SIGTERM, as nobody listens to it any more, is a good end to service managers.
 */
export function leave(code: number): never {
  if (process.getActiveResourcesInfo().includes('GetAddrInfoReqWrap')) {
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, code === 0 ? 'SIGTERM' : 'SIGKILL');
  }
  // Also where the signal does nothing: the first process of a container is spared its own.
  process.exit(code);
}
