#!/usr/bin/env node
// Compiles src to dist when something changed since the last time. When nothing did it costs a look at each file's time.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { prepare, root, runStep } from './prepare.mjs';

const src = join(root, 'src');
const dist = join(root, 'dist');
const stampFile = join(dist, '.stamp');

/** Every source with its time and size, and what else decides the output. */
function currentStamp() {
  const inputs = ['package.json', 'package-lock.json', 'tsconfig.json'].map(name => join(root, name));
  const lines = [...sources(), ...inputs].map(file => {
    const { mtimeMs, size } = statSync(file);
    return `${relative(root, file)} ${mtimeMs} ${size}`;
  });
  return lines.sort().join('\n');
}

function sources() {
  return filesBelow(src).filter(file => file.endsWith('.ts') && !file.endsWith('.d.ts'));
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
}

const outputOf = source => join(dist, relative(src, source).replace(/\.ts$/, '.js'));

const isComplete = () => sources().every(source => existsSync(outputOf(source)));

function isCurrent() {
  try {
    return readFileSync(stampFile, 'utf8') === currentStamp() && isComplete();
  } catch {
    return false; // never built
  }
}

function compile() {
  const stamp = currentStamp(); // taken before: what changes meanwhile is compiled the next time
  rmSync(stampFile, { force: true });
  // tsc writes only what it believes to have changed, so lost output needs its memory gone.
  if (!isComplete()) rmSync(join(dist, '.tsbuildinfo'), { force: true });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  // Messages go to standard error: standard output belongs to the command that needed the build.
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error('The build failed: see the messages of the compiler above.');
  removeOrphans();
  const cli = join(dist, 'cli', 'interlock.js');
  if (existsSync(cli)) chmodSync(cli, 0o755);
  writeFileSync(stampFile, stamp);
}

/** Removes output whose source is gone: it would still be imported, packed and tested. */
function removeOrphans() {
  const kept = new Set(sources().map(source => relative(src, source).replace(/\.ts$/, '')));
  for (const file of filesBelow(dist)) {
    const match = /^(.+?)(\.d\.ts|\.js\.map|\.js)$/.exec(relative(dist, file));
    if (match && !kept.has(match[1])) rmSync(file);
  }
}

export async function build() {
  await prepare();
  if (isCurrent()) return;
  await withLock(join(root, '.interlock', 'build.lock'), () => {
    if (isCurrent()) return;
    const started = Date.now();
    process.stderr.write('building ...\n');
    compile();
    process.stderr.write(`built (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runStep(build);
