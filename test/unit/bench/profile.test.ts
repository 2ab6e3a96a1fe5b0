import { expect } from 'chai';

import { profileOf, type CpuProfile } from '../../bench/profile.js';

const node = (id: number, functionName: string, url = '', lineNumber = -1): CpuProfile['nodes'][number] => ({
  id,
  callFrame: { functionName, url, lineNumber },
});

describe('The profile of a role', () => {
  const profile: CpuProfile = {
    nodes: [
      node(1, '(root)'),
      node(2, '(idle)'),
      node(3, 'claim', 'file:///somewhere/dist/worker/claim.js', 27),
      node(4, '', 'file:///somewhere/node_modules/bson/lib/bson.js', 9),
      node(5, '(garbage collector)'),
      node(6, '(program)'),
      node(7, 'dispatch'),
    ],
    samples: [7, 2, 3, 3, 4, 5, 6],
    timeDeltas: [9_000, 5_000, 1_000, 1_000, 2_000, 500, 500],
  };

  it('says how busy it was, and where that time went', () => {
    const { top, areas, ...rest } = profileOf('worker', [profile]);
    expect(rest).to.deep.equal({ role: 'worker', profiles: 1, busy: 0.5, program: 0.05, collector: 0.05 });
    expect(top).to.deep.equal([
      { where: 'claim dist/worker/claim.js:28', share: 0.4 },
      { where: '(anonymous) bson/lib/bson.js:10', share: 0.4 },
    ]);
    expect(areas).to.deep.equal([
      { where: 'dist/worker', share: 0.4 },
      { where: 'bson', share: 0.4 },
    ]);
  });

  it('takes several processes together', () => {
    expect(profileOf('child', [profile, profile])).to.deep.include({ profiles: 2, busy: 0.5 });
  });
});
