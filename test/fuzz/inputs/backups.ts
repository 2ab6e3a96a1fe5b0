import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import { BackedUp } from '../../support/backup.js';
import { edit } from './archive.js';
import { DOCUMENT_TEXTS } from './backup-documents.js';
import { Forge, type Forgery } from './backup-forging.js';
import { Target } from './backup-target.js';
import { damage, garbled } from './garble.js';
import type { Stage } from './stage.js';

interface Forged {
  forgery: Forgery;
  requeue: boolean;
  databaseOnly: boolean;
}

/** All that lies in a backup, as somebody may have made it who knows how one is sealed: refused before anything is touched, or restored to the end. */
export const backedUp: Stage<Forged> = {
  name: 'contents of backups',
  open: async () => {
    const backed = await BackedUp.create();
    const forge = await new Forge(backed).open();
    const root = join(backed.root, 'target');
    await mkdir(root);
    const target = new Target(backed.directory, root);
    return {
      input: fc.record({ forgery: forgeries(forge), requeue: fc.boolean(), databaseOnly: fc.boolean() }),
      judge: async ({ forgery, ...how }) => {
        const path = await forge.make(forgery);
        const found = await target.examined();
        if (!found) return `${forgery.what}: refused`;
        if (forgery.what === 'sealed') expect(await forge.isSound(path), `${path} is another one`).to.equal(true);
        await target.restored(how);
        await target.placed(found);
        return `${forgery.what}: restored`;
      },
      close: () => backed.remove(),
    };
  },
};

function forgeries(forge: Forge): fc.Arbitrary<Forgery> {
  const { manifest } = forge;
  const texts = ['broker/topology.json.gz', 'settings/in-force.json.gz'].map(
    path => JSON.parse(forge.content(path).toString('utf8')) as unknown,
  );
  const file = fc.nat({ max: 999 });
  const spoiling = fc.record({
    how: fc.constantFrom('cut', 'byte', 'byte', 'mark'),
    at: fc.nat({ max: 9_999 }),
    byte: fc.nat({ max: 255 }),
  });
  const as = <T extends Forgery['what']>(what: T): fc.Arbitrary<T> => fc.constant(what);
  const more = fc.constantFrom('nothing', 'nothing', 'itself', 'zeros', 'another');
  return fc.oneof(
    { weight: 20, arbitrary: fc.record({ what: as('sealed'), file, damage: spoiling }) },
    { weight: 20, arbitrary: fc.record({ what: as('packed'), file, damage: fc.oneof(damage, spoiling), more }) },
    { weight: 1, arbitrary: fc.record({ what: as('bomb'), file, damage }) },
    {
      weight: 60,
      arbitrary: fc.record({
        ...{ what: as('archive'), file, edits: fc.array(edit, { minLength: 1, maxLength: 3 }) },
        honest: fc.nat({ max: 9 }).map(n => n > 0),
      }),
    },
    { weight: 60, arbitrary: fc.record({ what: as('document'), file, text: garbled(DOCUMENT_TEXTS), damage }) },
    { weight: 20, arbitrary: fc.record({ what: as('record'), file, text: garbled(texts) }) },
    { weight: 30, arbitrary: fc.record({ what: as('manifest'), text: garbled([manifest]) }) },
  );
}
