import { isIPv6 } from 'node:net';

const GROUPS = 8;
/** A site is given a /64 at least (RFC 6177): whoever has one has 2^64 addresses, and would have as many buckets. */
const OF_NETWORK = 4;

/** Whom an address without a token counts as: an IPv4 address as itself, an IPv6 address as its /64 network, such as `2001:db8:0:7::/64`. */
export function askerAt(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const short = new URL(`http://[${address.replace(/%.*/, '')}]`).hostname.slice(1, -1);
  const [before = [], after = []] = short.split('::').map(part => part.split(':').filter(group => group !== ''));
  const zeros = Array.from({ length: GROUPS - before.length - after.length }, () => '0');
  return `${[...before, ...zeros, ...after].slice(0, OF_NETWORK).join(':')}::/64`;
}
