import { expect } from 'chai';

import { eachAddress } from '../../../src/core/address-list.js';

describe('the address of a server on several hosts', () => {
  it('is one address per host, in order, with user, path and options in each', () => {
    expect(eachAddress('amqps://u:p%40,x@a:5671,[::1]:5672,c/v%2F,w?heartbeat=5')).to.deep.equal([
      'amqps://u:p%40,x@a:5671/v%2F,w?heartbeat=5',
      'amqps://u:p%40,x@[::1]:5672/v%2F,w?heartbeat=5',
      'amqps://u:p%40,x@c/v%2F,w?heartbeat=5',
    ]);
  });

  it('stays as it is with one host, and when it is none', () => {
    for (const url of ['amqp://u:a,b@h:1/v', 'amqp://h', 'amqp://', 'a,b', '']) expect(eachAddress(url)).to.deep.equal([url]);
  });
});
