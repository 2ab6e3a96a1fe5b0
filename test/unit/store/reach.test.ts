import { EventEmitter } from 'node:events';

import { expect } from 'chai';

import { tellOfReach } from '../../../src/store/mongo/reach.js';
import { silentLog } from '../../../src/process/log.js';

describe('members of the database that are looked at', () => {
  const client = new EventEmitter();
  const told: string[] = [];
  const tell =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}): void =>
      void told.push(`${level} ${message} ${String(fields.cause)} ${String(fields.times)}`);
  before(() => {
    tellOfReach(client as unknown as Parameters<typeof tellOfReach>[0], { ...silentLog, warn: tell('warn'), info: tell('info') });
  });
  beforeEach(() => told.splice(0));

  const fails = (cause: string, member = 'db:1'): unknown =>
    client.emit('serverHeartbeatFailed', { connectionId: member, failure: new Error(cause) });
  const succeeds = (): unknown => client.emit('serverHeartbeatSucceeded', { connectionId: 'db:1' });

  it('are told of with the reason when it is another one, and then less and less often', () => {
    succeeds();
    fails('closed');
    for (let n = 0; n < 9; n++) fails('certificate has expired');
    fails('closed', 'db:2');
    const line = (member: string, cause: string, times: number): string =>
      `warn cannot reach MongoDB at ${member}; trying again ${cause} ${times}`;
    expect(told).to.deep.equal([
      line('db:1', 'closed', 1),
      ...[1, 2, 4, 8].map(times => line('db:1', 'certificate has expired', times)),
      line('db:2', 'closed', 1),
    ]);
  });

  it('are told of once when they are reached again', () => {
    fails('closed');
    succeeds();
    succeeds();
    expect(told.slice(1)).to.deep.equal(['info MongoDB at db:1 is reached again undefined undefined']);
  });
});
