import { expect } from 'chai';

import { ConfigError } from '../../../src/config/config-error.js';
import { isDedicated, isResourceManager, processName } from '../../../src/main/names.js';

describe('The name of a process', () => {
  it('is what was asked for, %h replaced by the host', async () => {
    expect(await processName('worker', 'w1')).to.equal('w1');
    expect(await processName('worker', 'reserved-resource-worker-1@%h')).to.match(/^reserved-resource-worker-1@[A-Za-z0-9.-]+$/);
  });

  it('is the role at the host otherwise, with the pid where several may run', async () => {
    expect(await processName('worker', undefined)).to.match(/^worker@[A-Za-z0-9.-]+$/);
    expect(await processName('beat', undefined)).to.match(new RegExp(`^beat@[A-Za-z0-9.-]+\\.${process.pid}$`));
  });

  it('cannot be empty, a path, or endless', async () => {
    for (const name of ['', 'a/b', '..', '.x', 'a b', 'x'.repeat(201), 'a\n']) {
      const error = await processName('worker', name).catch((thrown: unknown) => thrown);
      expect(error, JSON.stringify(name)).to.be.instanceOf(ConfigError);
    }
  });

  it('tells dedicated workers and resource managers of older unit files', () => {
    expect(['reserved-resource-worker-0@h', 'reserved_resource_worker1'].every(isDedicated)).to.equal(true);
    expect(['resource-manager@h', 'resource_manager'].every(isResourceManager)).to.equal(true);
    expect(['worker@h', 'my-resource-manager'].some(name => isDedicated(name) || isResourceManager(name))).to.equal(false);
  });
});
