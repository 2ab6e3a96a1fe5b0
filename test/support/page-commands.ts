import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LANGUAGES = ['sh', 'bash', 'console', 'shell'];
/** A block without a language that begins so is one of commands, too. */
const COMMAND = /^(npm|npx|interlock|curl|systemctl|apt-get|rabbitmqctl|mongosh|scripts\/\S+) /;

/**
 * A block of commands in a page. On the line before it (a blank one may lie between) stands who runs it, or why nobody does:
 * `<!-- run: test/integration/readme.test.ts -->` or `<!-- not run: needs a cluster -->`.
 */
export interface CommandBlock {
  /** Path from the root, as `docs/backup.md`, and the line of the opening fence. */
  page: string;
  line: number;
  text: string;
  runBy: string | undefined;
  notRun: string | undefined;
}

/** README.md, and every page below docs/. */
export function pages(): string[] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  return ['README.md', ...docs.filter(name => name.endsWith('.md')).map(name => join('docs', name))].sort();
}

/** All blocks of commands of a page, in its order; blocks of other languages are none. */
export function commandBlocks(page: string): CommandBlock[] {
  const lines = readFileSync(join(ROOT, page), 'utf8').split('\n');
  const blocks: CommandBlock[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', language = ''] = /^( *)```(\w*)/.exec(lines[at] ?? '') ?? [];
    if (!/^ *```/.test(lines[at] ?? '')) continue;
    const end = lines.findIndex((line, index) => index > at && line.startsWith(`${indent}\`\`\``));
    if (end < 0) throw new Error(`${page}:${at + 1}: the block has no end`);
    if (LANGUAGES.includes(language) || (language === '' && COMMAND.test(lines[at + 1] ?? ''))) {
      const text = lines.slice(at + 1, end).map(line => line.slice(indent.length));
      blocks.push({ page, line: at + 1, text: text.join('\n'), ...markBefore(lines, at) });
    }
    at = end;
  }
  return blocks;
}

function markBefore(lines: readonly string[], fence: number): Pick<CommandBlock, 'runBy' | 'notRun'> {
  const before = (lines[fence - 1] ?? '').trim() === '' ? lines[fence - 2] : lines[fence - 1];
  const [, kind, said] = /^ *<!-- (run|not run): (.+) -->$/.exec(before ?? '') ?? [];
  return { runBy: kind === 'run' ? said : undefined, notRun: kind === 'not run' ? said : undefined };
}

/**
 * The blocks of a page that say they are run by this test: call it with its own `import.meta.url`. Throws where there are none, so that
 * a test never runs nothing.
 */
export function commandsOf(page: string, test: string): string[] {
  const own = relative(ROOT, fileURLToPath(test));
  const blocks = commandBlocks(page).filter(({ runBy }) => runBy === own);
  if (blocks.length === 0) throw new Error(`No block of ${page} is marked <!-- run: ${own} -->`);
  return blocks.map(({ text }) => text);
}

/** The commands of a block: continued lines are joined, comments left out. A block with a here-document is one command: run it whole. */
export function commandLines(text: string): string[] {
  const joined = text.replaceAll(/\\\n\s*/g, '');
  const lines = joined.split('\n').map(line => line.replace(/\s+#\s.*$/, '').trim());
  return lines.filter(line => line !== '' && !line.startsWith('#'));
}

/** What is wrong with the mark of a block, in words that say what to write; undefined when it is in order. */
export function faultOf({ page, line, runBy, notRun, text }: CommandBlock): string | undefined {
  const where = `${page}:${line} (\`${text.split('\n')[0] ?? ''}\`)`;
  if (runBy === undefined && notRun === undefined)
    return (
      `${where}: nobody says who runs these commands. Write before the block \`<!-- run: test/….test.ts -->\`, and let that test take them by ` +
      `commandsOf('${page}', import.meta.url) of test/support/page-commands.ts; or write \`<!-- not run: the reason -->\``
    );
  if (runBy === undefined) return undefined;
  if (!existsSync(join(ROOT, runBy))) return `${where}: it is said to be run by ${runBy}, which does not exist`;
  const calls = [...readFileSync(join(ROOT, runBy), 'utf8').matchAll(/commandsOf\(\s*'([^']+)',\s*import\.meta\.url,?\s*\)/g)];
  if (!calls.some(([, called]) => called === page))
    return `${where}: it is said to be run by ${runBy}, which has no call of commandsOf('${page}', import.meta.url)`;
  return undefined;
}
