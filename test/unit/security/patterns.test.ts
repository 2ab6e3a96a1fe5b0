import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import { isSafePattern } from 'redos-detector';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../../src/', import.meta.url));

interface Pattern {
  source: string;
  flags: string;
  where: string;
}

/** Every regular expression of a file: literals, and the `pattern` of a schema. */
function patternsOf(path: string): Pattern[] {
  const file = ts.createSourceFile(path, readFileSync(join(ROOT, path), 'utf8'), ts.ScriptTarget.Latest, true);
  const found: Pattern[] = [];
  const visit = (node: ts.Node): void => {
    const where = `${path}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    if (ts.isRegularExpressionLiteral(node)) {
      const [, source = '', flags = ''] = /^\/(.*)\/([a-z]*)$/s.exec(node.text) ?? [];
      found.push({ source, flags, where });
    }
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'pattern' && ts.isStringLiteralLike(node.initializer))
      found.push({ source: node.initializer.text, flags: 'u', where });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'));
const all = files.flatMap(patternsOf);

const SETTINGS = 'settings, variables and files of an operator';
const OURS = 'what our own servers, programs and packages say';

/** Files with patterns whose work grows faster than the text, and why no client can make use of that. */
const BOUNDED: Record<string, string> = {
  'client/transport.ts': 'the address that a client is given by its own user',
  'config/collect.ts': SETTINGS,
  'config/exposure.ts': SETTINGS,
  'config/server-address.ts': SETTINGS,
  'config/sources.ts': SETTINGS,
  'core/address-list.ts': SETTINGS,
  'tasks/load-modules/rules.ts': SETTINGS,
  'tasks/bounded-pattern.ts': 'the pattern of a task type, as its author has written it',
  'main/doctor/machine.ts': SETTINGS,
  'process/tls/crl.ts': SETTINGS,
  'process/tls/material.ts': SETTINGS,
  'backup/tar/header.ts': 'a header of 512 bytes',
  'broker/amqp/topology-conflict.ts': OURS,
  'main/start/verify.ts': OURS,
  'servers/binaries/mongod.ts': OURS,
  'servers/binaries/rabbit-plugins.ts': OURS,
  'servers/binaries/rabbit-suite.ts': OURS,
  'servers/processes/identity.ts': OURS,
  'testing/duration.ts': 'what a test says',
  'dispatch/moment.ts': 'at most 64 characters by the schemas of tasks and schedules',
  'dispatch/schedule-rules.ts': 'at most 100 characters by the schema of schedules',
  'plugins/file/settings.ts':
    'repeats of a class that ends where the next part begins; texts are bounded by the schema of repositories',
  'api/http/json-position.ts': 'sticky, and each alternative begins with another character: it never starts anew further on',
  'core/duplicate-key.ts': 'sticky, and each alternative begins otherwise; an unclosed comment or string ends the search',
  'process/redact.ts': 'a scheme of at most 31 characters; what follows ends at the first space or slash',
};

/** Steps back that the analysis may find; a pattern whose work grows with the square of the text has thousands. */
const MOST_STEPS = 200;

describe('Regular expressions', () => {
  it('are all found', () => {
    expect(all.length).to.be.greaterThan(100);
    expect(all.filter(({ where }) => where.startsWith('api/') || where.startsWith('dispatch/')).length).to.be.greaterThan(20);
  });

  // Those of task types are their authors', and bounded in time. What BSONRegExp is given is a prefix with every special character escaped (store/mongo/reserving.ts).
  it('are never made of what somebody sends', () => {
    const made = files.filter(name => /(?<!BSON)RegExp\(/.test(readFileSync(join(ROOT, name), 'utf8')));
    expect(made).to.deep.equal(['tasks/bounded-pattern.ts']);
  });

  it('cannot be made slow by a text, or see only short ones', function () {
    this.timeout(120_000);
    const slow = all.filter(({ source, flags }) => {
      const result = isSafePattern(source, {
        unicode: flags.includes('u'),
        caseInsensitive: flags.includes('i'),
        dotAll: flags.includes('s'),
        multiLine: flags.includes('m'),
        maxScore: MOST_STEPS,
        timeout: 5_000,
      });
      return !result.safe;
    });
    const fileOf = ({ where }: Pattern): string => where.split(':')[0] ?? '';
    const unknown = slow.filter(pattern => !Object.hasOwn(BOUNDED, fileOf(pattern)));
    expect(unknown.map(({ where, source }) => `${where} ${source}`)).to.deep.equal([]);
    const needless = Object.keys(BOUNDED).filter(file => !slow.some(pattern => fileOf(pattern) === file));
    expect(needless, 'no longer needed').to.deep.equal([]);
  });
});
