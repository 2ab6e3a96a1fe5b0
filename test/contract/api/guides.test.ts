import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import type { Command } from 'commander';

import { buildProgram } from '../../../src/cli/program.js';
import { allOptions } from '../../../src/config/schema.js';
import * as surface from '../../../src/index.js';
import { SCHEDULE_BODY } from '../../../src/dispatch/schedule-schema.js';
import type { EndReason } from '../../../src/core/task.js';
import { SUBMIT_BODY } from '../../../src/dispatch/submit-schema.js';
import { WORKFLOW_BODY } from '../../../src/dispatch/workflow-schema.js';
import type { EnqueueOptions, StepOptions } from '../../../src/client/client.js';
import type { ChildTask } from '../../../src/tasks/child-task.js';
import type { TaskContext } from '../../../src/tasks/context.js';
import type { TaskOptions } from '../../../src/tasks/task-options.js';
import * as testing from '../../../src/testing/testing.js';
import { openApi } from './fixture.js';
import { documentOf, type OpenApiDocument } from './openapi-document.js';
import { scriptedStore } from './scripted-store.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const GUIDES = ['from-celery.md', 'from-pulp.md'];

// What only the compiler knows: these lists cannot name what is not there.
const OF_TYPES = [
  'resources',
  'unique',
  'rateKey',
  'concurrency',
  'version',
  'retryOn',
  'noRetryOn',
  'handler',
] satisfies (keyof TaskOptions<never, never>)[];
const OF_STEPS = ['as', 'join', 'args'] satisfies (keyof StepOptions)[];
const OF_CALLS = ['idempotencyKey'] satisfies (keyof EnqueueOptions)[];
const REASONS = ['user', 'worker-lost', 'worker-shutdown', 'timeout', 'expired', 'dependency-failed'] satisfies EndReason[];
const CONTEXT = [
  ...['id', 'attempt', 'worker', 'correlationId', 'signal', 'log', 'progress', 'createdResource', 'fence', 'spawn', 'call'],
  ...['directory', 'dependencies', 'sleep', 'service'],
] as const satisfies (keyof TaskContext)[];
const OF_CHILDREN = ['id', 'result'] as const satisfies (keyof ChildTask)[];

/** Everything between backticks that speaks of Interlock: not the columns of other systems, not code that stands by itself, no headings. */
function ours(page: string): string[] {
  const lines = page.replace(/```[\s\S]*?```/g, '').split('\n');
  let ourColumn = 0;
  return lines.flatMap((line, index) => {
    if (line.startsWith('#')) return [];
    if (!line.startsWith('|')) return spansOf(line);
    const cells = line.split(/(?<!\\)\|/).slice(1, -1);
    if (/^\|[\s|:-]+$/.test(lines[index + 1] ?? '')) ourColumn = cells.findIndex(cell => cell.trim() === 'here');
    return ourColumn < 0 ? [] : cells.slice(ourColumn).flatMap(spansOf);
  });
}

function spansOf(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, span]) => span ?? '');
}

/** Names that occur as a field or a value anywhere in the REST API. */
function wordsOf(part: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(part)) for (const each of part) wordsOf(each, found);
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return found;
  const { properties, enum: values } = part as { properties?: object; enum?: unknown[] };
  for (const name of Object.keys(properties ?? {})) found.add(name);
  for (const value of values ?? []) if (typeof value === 'string') found.add(value);
  for (const each of Object.values(part)) wordsOf(each, found);
  return found;
}

/** Why there is no such command, or undefined. */
function commandProblem(program: Command, span: string): string | undefined {
  let command = program;
  for (const word of span.split(' ').slice(1)) {
    if (word.startsWith('-')) {
      if (!command.options.some(({ short, long }) => word === short || word === long)) return `${command.name()} has no ${word}`;
      continue;
    }
    const next = command.commands.find(each => each.name() === word);
    if (!next && command.commands.length > 0) return `${command.name()} has no ${word}`;
    command = next ?? command; // else the value of an option
  }
  return undefined;
}

const SOURCES = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts'))
  .map(file => readFileSync(join(ROOT, 'src', file), 'utf8'))
  .join('\n');

class Dictionary {
  readonly #document: OpenApiDocument;
  readonly #words: Set<string>;
  readonly #program = buildProgram();
  readonly #client = surface.createClient();
  readonly #settings = allOptions();

  constructor(document: OpenApiDocument) {
    this.#document = document;
    const options = [SUBMIT_BODY, SCHEDULE_BODY, WORKFLOW_BODY].flatMap(schema => [...wordsOf(schema)]);
    this.#words = new Set([...wordsOf(document), ...options, 'input', ...OF_TYPES, ...OF_STEPS, ...OF_CALLS, ...REASONS]);
    for (const { parameters = [] } of Object.values(document.paths).flatMap(path => Object.values(path)))
      for (const { name } of parameters) this.#words.add(name);
  }

  /** Why this is nothing of Interlock's, or undefined. */
  problemOf(span: string): string | undefined {
    if (/^"[^"]*"$|^\d+$|^\{"gpu": 2\}$/.test(span)) return undefined; // a value
    if (span.startsWith('interlock ')) return commandProblem(this.#program, span);
    if (/^(GET|POST|PUT|PATCH|DELETE) \//.test(span)) return this.#pathProblem(span);
    if (/^[A-Z][A-Za-z]*(-[A-Z][A-Za-z]*)+$|^Prefer: /.test(span)) return this.#headerProblem(span);
    if (span.includes('/')) return this.#fileProblem(span);
    const code = span.replace(/^throw new /, '').replace(/\(.*\)$/, '');
    return this.#isName(code) ? undefined : 'there is no such name';
  }

  #isName(name: string): boolean {
    const [first = '', ...rest] = name.split('.');
    const [second = ''] = rest;
    if (this.#settings.some(({ key, option }) => key === name || key.startsWith(`${name}.`) || option.env === name)) return true;
    if (/^INTERLOCK_[A-Z_]+$|^[A-Z][A-Z_]+$/.test(name)) return new RegExp(`['"]?${name}['":]`).test(SOURCES);
    if (rest.length === 0)
      return this.#words.has(name) || Object.hasOwn(surface, name) || Object.hasOwn(testing, name) || this.#isNoun(name);
    if (first === 'ctx') return (CONTEXT as readonly string[]).includes(second);
    if (first === 'child') return (OF_CHILDREN as readonly string[]).includes(second);
    if (first === 'client') return second in this.#client;
    return rest.length === 1 && ['retry', 'unique'].includes(first) && this.#words.has(first) && this.#words.has(second);
  }

  /** Of code that is no export: the context itself, a method of a task's handle, where a lab is imported from, errors of JavaScript. */
  #isNoun(name: string): boolean {
    return ['ctx', 'TypeError'].includes(name) || name in surface.TaskHandle.prototype;
  }

  #pathProblem(span: string): string | undefined {
    const [method = '', address = ''] = span.split(' ');
    const [path = '', query] = address.split('?');
    const template = Object.keys(this.#document.paths).find(each => each === path || each === `/api/v1${path}`);
    const operation = template === undefined ? undefined : this.#document.paths[template]?.[method.toLowerCase()];
    if (!operation) return 'no such route';
    const known = (operation.parameters ?? []).filter(each => each.in === 'query').map(({ name }) => name);
    const wrong = [...new URLSearchParams(query).keys()].find(name => !known.includes(name));
    return wrong === undefined ? undefined : `no query parameter ${wrong}`;
  }

  #headerProblem(span: string): string | undefined {
    const name = span.split(':')[0]?.toLowerCase() ?? '';
    return this.#words.has(name) || SOURCES.includes(`'${name}'`) ? undefined : 'no such header';
  }

  #fileProblem(span: string): string | undefined {
    if (span === 'interlock/testing') return undefined;
    return existsSync(join(ROOT, span)) ? undefined : 'no such file';
  }
}

describe('The guides for those who come from elsewhere', () => {
  const { app } = openApi(scriptedStore().store);
  let dictionary: Dictionary;
  const spans = new Set(GUIDES.flatMap(guide => ours(readFileSync(join(ROOT, 'docs', guide), 'utf8'))));
  before(async () => {
    await app.ready();
    dictionary = new Dictionary(documentOf(app));
  });
  after(() => app.close());

  it('name nothing on our side that is not there', () => {
    expect(spans.size).to.be.greaterThan(150);
    const wrong = [...spans].map(span => [span, dictionary.problemOf(span)]);
    expect(wrong.filter(([, problem]) => problem !== undefined)).to.deep.equal([]);
  });

  it('would be caught in a word, a command, an option, a path or a parameter that is not there', () => {
    const wrong = [
      'prioritty',
      'retry.dealy',
      'ctx.slep',
      'interlock task expalin',
      'interlock task run --wiat',
      'interlock worker -X',
    ];
    const paths = [
      'GET /task',
      'PATCH /tasks/{id}',
      'GET /tasks?sate=x',
      'NO_SUCH_CODE',
      'worker.graceS',
      'X-No-Such',
      'systemd/none',
    ];
    for (const span of [...wrong, ...paths]) expect(dictionary.problemOf(span), span).to.be.a('string');
  });
});
