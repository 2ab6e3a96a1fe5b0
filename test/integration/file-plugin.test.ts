import { describeMirroring } from '../support/file-mirroring.js';
import { describeBadOrigins } from '../support/file-breaking.js';
import { LocalMirror } from '../support/local-mirror.js';

describe('the file plugin', function () {
  this.timeout(60_000);
  let mirror: LocalMirror;

  before(async () => {
    mirror = await LocalMirror.start();
  });
  after(() => mirror.stop());

  describeMirroring(() => mirror);
  describeBadOrigins(() => mirror);
});
