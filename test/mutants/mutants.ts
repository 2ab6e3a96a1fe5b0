/**
 * `npm run mutants [-- PART_OF_A_NAME…] [--json]`: breaks the product in each way of the catalogue, in a copy, and shows what catches it.
 * Exit 1 when a mutant survives: then the simulation or a test has a hole.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { CATALOGUE } from './catalogue.js';
import type { Catcher, Mutant } from './mutant.js';
import { Scratch } from './scratch.js';

interface Result {
  mutant: string;
  breaks: string;
  /** The seed, step or test that failed. Null: it survived. */
  caughtBy: string | null;
  seconds: number;
}

const LIMIT_MS = 10 * 60_000;
let current: ChildProcess | undefined;
const stopping = new AbortController();

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean', default: false } } });
const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<Result[]> {
  const chosen = CATALOGUE.filter(({ name }) => positionals.length === 0 || positionals.some(part => name.includes(part)));
  const scratch = new Scratch();
  const results: Result[] = [];
  try {
    for (const mutant of chosen) {
      if (stopping.signal.aborted) break;
      const result = await judge(mutant, scratch);
      say(
        `${result.caughtBy === null ? 'SURVIVED' : 'caught  '} ${mutant.name} (${result.seconds} s): ${result.caughtBy ?? mutant.breaks}`,
      );
      results.push(result);
    }
  } finally {
    scratch.remove();
  }
  return results;
}

async function judge(mutant: Mutant, scratch: Scratch): Promise<Result> {
  const startedAt = performance.now();
  const mend = scratch.apply(mutant);
  try {
    const caughtBy = await catchIt(mutant.caughtBy, scratch.folder);
    return { mutant: mutant.name, breaks: mutant.breaks, caughtBy, seconds: Math.round((performance.now() - startedAt) / 1_000) };
  } finally {
    mend();
  }
}

/** What failed, if anything did. */
async function catchIt(catcher: Catcher, cwd: string): Promise<string | null> {
  if ('test' in catcher) {
    const grep = catcher.grep === undefined ? [] : ['--grep', catcher.grep];
    const { code, output } = await node(
      ['node_modules/mocha/bin/mocha.js', '--reporter', 'json', '--bail', ...grep, catcher.test],
      cwd,
    );
    if (code === 0) return null;
    const report = JSON.parse(output.slice(output.indexOf('{'))) as {
      failures: { fullTitle: string; err: { message?: string } }[];
    };
    const [failure] = report.failures;
    if (!failure) throw new Error(`${catcher.test} ended with ${code} and no failed test: ${output.slice(-500)}`);
    return `${catcher.test}: "${failure.fullTitle}" (${failure.err.message?.split('\n')[0] ?? ''})`;
  }
  const what = 'matrix' in catcher ? ['--matrix'] : ['--seeds', String(catcher.seeds)];
  const { code, output } = await node(['--import', 'tsx', 'test/simulation/simulate.ts', ...what, '--first', '--json'], cwd);
  if (code === 0) return null;
  const { violations } = JSON.parse(output.trim().split('\n').at(-1) ?? '') as {
    violations: { seed: number | string; rule: string; evidence: string }[];
  };
  const [first] = violations;
  return first ? `seed ${first.seed}: ${first.rule}: ${first.evidence.split('\n')[0]}` : null;
}

function node(args: string[], cwd: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    current = child;
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-5_000)));
    child.once('error', reject);
    child.once('close', code => {
      if (output === '') reject(new Error(`${join(...args.slice(-2))} ended with ${code}: ${errors}`));
      else resolve({ code, output });
    });
  });
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopping.abort();
    current?.kill(signal);
  });
}
const results = await main();
const survivors = results.filter(result => result.caughtBy === null);
if (values.json) process.stdout.write(`${JSON.stringify({ mutants: results.length, survivors: survivors.length, results })}\n`);
say(`${results.length} mutants, ${results.length - survivors.length} caught, ${survivors.length} survived`);
process.exitCode = survivors.length === 0 && results.length > 0 && !stopping.signal.aborted ? 0 : 1;
