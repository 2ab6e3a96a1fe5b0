import { setTimeout as sleep } from 'node:timers/promises';

import { defineTask } from 'interlock';
import { Type } from 'typebox';

export const importFiles = defineTask({
  name: 'import-files',
  input: Type.Object({ files: Type.Array(Type.String()), bytes: Type.Optional(Type.Integer()) }),
  async handler({ files, bytes = 0 }, ctx) {
    const read = ctx.progress('import.read', { message: 'Reading', total: files.length, suffix: 'files' });
    const store = ctx.progress('import.store', { message: 'Storing', suffix: 'blocks' }); // how many there will be is not known yet
    for (const file of files) {
      await sleep(1, undefined, { signal: ctx.signal });
      if (file === '') throw new Error('a file without a name');
      read.increment();
      store.increment(2);
      ctx.createdResource(`/api/v1/files/${file}`);
    }
    read.end();
    store.update({ message: 'Stored', total: 2 * files.length });
    return { files: files.length, padding: 'x'.repeat(bytes) };
  },
});
