import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Initialised {
  directory: string;
  written: string[];
  /** They were there already, and are as they were. */
  kept: string[];
}

const TASKS = `import { defineTask } from 'interlock';

/** Two of these for one repository never run at the same time, whatever dies; for two repositories they do. */
export const sync = defineTask({
  name: 'example.sync',
  input: {
    type: 'object',
    properties: { repository: { type: 'string', minLength: 1 } },
    required: ['repository'],
    additionalProperties: false,
  } as const,
  resources: ({ repository }) => ({ exclusive: [\`repository:\${repository}\`] }),
  timeLimit: 600,
  async handler({ repository }, ctx) {
    const total = 20;
    const bar = ctx.progress('example.files', { message: \`Files of \${repository}\`, total });
    for (let n = 0; n < total; n++) {
      await ctx.sleep(0.2); // ends at once when the task is cancelled
      bar.increment();
    }
    return { repository, files: total };
  },
});

/** Any exported function is a task: \`tasks.add\`. */
export function add(x: number, y: number): number {
  return x + y;
}
`;

const SETTINGS = `{
  "taskModules": ["./tasks.ts"]
}
`;

const FILES: readonly [path: string, text: string][] = [
  ['tasks.ts', TASKS],
  ['config/default.json', SETTINGS],
  ['.gitignore', 'node_modules/\n.interlock/\n'],
];

/** `interlock init`: a first task and the settings that name it. What is there already is never touched. Throws what the file system refuses. */
export function initialise(directory: string): Initialised {
  const written: string[] = [];
  const kept: string[] = [];
  for (const [path, text] of FILES) (writeNew(join(directory, path), text) ? written : kept).push(path);
  return { directory, written, kept };
}

function writeNew(path: string, text: string): boolean {
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
