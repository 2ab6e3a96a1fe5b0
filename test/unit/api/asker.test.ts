import { expect } from 'chai';

import { askerAt } from '../../../src/api/limits/asker.js';

describe('An address without a token', () => {
  it('counts as itself in IPv4, also where a socket of both kinds took it', () => {
    expect(askerAt('192.0.2.7')).to.equal('192.0.2.7');
    expect(askerAt('::ffff:192.0.2.7')).to.equal('::ffff:192.0.2.7');
  });

  const NETWORKS: [address: string, network: string][] = [
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::2:0:0:0:9', '2001:db8:0:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ];
  for (const [address, network] of NETWORKS)
    it(`counts as its network in IPv6: ${address}`, () => {
      expect(askerAt(address)).to.equal(network);
    });
});
