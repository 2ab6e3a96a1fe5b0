// Run as a program, because rights mean nothing to root: node --import tsx delete-locked.ts <folder>.
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { WorkerDirectory } from '../../src/worker/children/directory.js';

const NOBODY = 65_534;
const [folder = ''] = process.argv.slice(2);
if (process.getuid?.() === 0) {
  chownSync(folder, NOBODY, NOBODY);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
}

const directory = path.join(folder, 'worker');
const locked = path.join(directory, 'task', 'locked');
mkdirSync(locked, { recursive: true });
writeFileSync(path.join(locked, 'file'), '');
symlinkSync('/', path.join(locked, 'link'));
chmodSync(locked, 0o000);
chmodSync(path.join(directory, 'task'), 0o500);

let refused = false;
try {
  rmSync(directory, { recursive: true });
} catch {
  refused = true;
}
await new WorkerDirectory(directory).delete();
process.stdout.write(`${refused ? 'refused' : 'allowed'} before, ${existsSync(directory) ? 'there' : 'gone'} after\n`);
