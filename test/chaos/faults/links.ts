import type { ProxyMode } from '../../support/tcp-proxy.js';
import type { Inject } from './injection.js';

const DELAYS_MS = [20, 200, 1_000];
const HOLDS_MS = [0, 0, 500, 3_000];

/** The link is in this mode until it is healed. */
export function link(mode: ProxyMode): Inject {
  return (stage, fault) => {
    const proxy = stage.link(fault.target);
    proxy.set(mode, DELAYS_MS[fault.pick % DELAYS_MS.length]);
    return Promise.resolve(() => proxy.set('pass'));
  };
}

export const reset: Inject = (stage, fault) => {
  stage.link(fault.target).cut('reset');
  return Promise.resolve(undefined);
};

/** Up to eight questions are done and never answered. */
export const repliesDropped: Inject = (stage, fault) => {
  const proxy = stage.link(fault.target);
  proxy.dropReplies(1 + (fault.pick % 8), HOLDS_MS[fault.pick % HOLDS_MS.length] ?? 0);
  return Promise.resolve(() => proxy.dropReplies(0, 0));
};
