#!/usr/bin/env node
// Installs the packages of package-lock.json when they are not there, or are older. Needs nothing but Node and npm.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, 'package-lock.json');
const stamp = join(root, 'node_modules', '.interlock-installed'); // the lock file's checksum; npm removes it with the rest

const lockSum = () => createHash('sha256').update(readFileSync(lockFile)).digest('hex');

/** @returns {boolean} whether node_modules holds what package-lock.json says */
function isInstalled() {
  try {
    if (readFileSync(stamp, 'utf8') === lockSum()) return true;
  } catch {
    // Not installed from here.
  }
  try {
    // npm writes this copy last, so it is missing after an interrupted installation.
    return statSync(join(root, 'node_modules', '.package-lock.json')).mtimeMs >= statSync(lockFile).mtimeMs;
  } catch {
    return false;
  }
}

export async function prepare() {
  if (isInstalled()) return;
  await withLock(join(root, '.interlock', 'install.lock'), () => {
    if (isInstalled()) return;
    process.stderr.write('installing packages (npm ci) ...\n');
    const started = Date.now();
    // NODE_ENV=production would leave the compiler out.
    const { status, error } = spawnSync('npm', ['ci', '--include=dev', '--ignore-scripts'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    });
    if (status !== 0) {
      throw new Error(
        `npm ci failed${error ? `: ${error.message}` : ''}. Check that npm is on the PATH and reaches its registry, then run this again.`,
      );
    }
    writeFileSync(stamp, lockSum());
    process.stderr.write(`packages are installed (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
  });
}

/** Ends the process with the message alone when an expected step fails. */
export async function runStep(step) {
  try {
    await step();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runStep(prepare);
