import { lookup as resolve, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

import { SyncFailure } from './failure.js';

/**
 * Networks that no public origin lives in: this host, private, link-local (cloud metadata), carrier NAT, benchmarks, documentation,
 * multicast, and the IPv6 ranges that wrap IPv4 (NAT64, 6to4, Teredo, IPv4-compatible). BlockList sees through IPv4-mapped IPv6 addresses by itself.
 */
const NOT_PUBLIC: readonly [network: string, prefix: number, family: 'ipv4' | 'ipv6'][] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 96, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'],
  ['64:ff9b:1::', 48, 'ipv6'],
  ['100::', 64, 'ipv6'],
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fec0::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];

const notPublic = new BlockList();
for (const [network, prefix, family] of NOT_PUBLIC) notPublic.addSubnet(network, prefix, family);

/** `host` as in a parsed URL (which turns 2130706433 and 0x7f.1 into 127.0.0.1). A name is judged by `publicLookup` when it is used. */
export function isPrivateHost(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isIP(name) !== 0) return isPrivateAddress(name);
  return name === 'localhost' || name.endsWith('.localhost');
}

function isPrivateAddress(address: string): boolean {
  return notPublic.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Resolves a name for a connection, and refuses it when any of its addresses is private. The connection then goes to one of the
 * addresses that were judged, so that a name server cannot answer twice with different things.
 */
export function publicLookupBy(resolver: Resolver): LookupFunction {
  return (hostname, options, callback) => {
    resolver(hostname, { ...options, all: true }, (error, addresses) => {
      const refusal = error ?? refusalOf(hostname, addresses);
      const [first] = refusal ? [] : addresses;
      if (refusal || !first) callback(refusal ?? new Error(`${hostname} has no address.`), []);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

/** As `lookup` of node:dns with all addresses. */
type Resolver = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export const publicLookup = publicLookupBy(resolve);

function refusalOf(hostname: string, addresses: readonly LookupAddress[]): SyncFailure | undefined {
  const found = addresses.find(({ address }) => isPrivateAddress(address));
  const text = `${hostname} is ${found?.address}, a private address, and file.allowPrivateOrigins is false.`;
  return found && new SyncFailure('ORIGIN_REFUSED', text);
}
