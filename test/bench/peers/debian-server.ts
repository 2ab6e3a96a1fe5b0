import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { cached, type Cache } from '../../../src/servers/binaries/cache.js';
import { downloadPackages, removeAptFolder, unpackPackages } from '../../../src/servers/binaries/debian-packages.js';

/** A server from Debian's packages, unpacked into a folder: nothing is installed. */
export interface DebianServer {
  path: string;
  env: { LD_LIBRARY_PATH: string };
}

/** `own` are the packages that are fetched even where the machine has them: they must be of one piece. */
export async function debianServer(cache: Cache, name: string, own: RegExp): Promise<DebianServer> {
  const { path } = await cached(cache, {
    name: `${name}-debian-1`,
    title: `${name} from Debian's packages`,
    build: async into => {
      const work = join(into, 'apt');
      const files = await downloadPackages({ work, counts: installed => !own.test(installed) }, [name]);
      await unpackPackages(files, into);
      removeAptFolder(work);
      return {};
    },
  });
  const libraries = join(path, 'usr/lib');
  const triplets = readdirSync(libraries).filter(folder => folder.endsWith('-linux-gnu'));
  return { path, env: { LD_LIBRARY_PATH: triplets.map(folder => join(libraries, folder)).join(':') } };
}
