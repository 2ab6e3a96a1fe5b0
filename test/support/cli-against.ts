import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { interlock, type Ended } from './command.js';
import { scriptedApi, type Answer, type Heard, type ScriptedApi } from './scripted-api.js';

export interface CliUnderTest {
  /** Empty at first; commands run in it. */
  readonly folder: string;
  /** That of the last command. */
  readonly api: ScriptedApi;
  /** Runs a command against an API that answers so. */
  readonly against: (answer: (request: Heard) => Answer, ...args: string[]) => Promise<Ended>;
}

/** For one `describe`: sets itself up and cleans up after itself. */
export function cliUnderTest(): CliUnderTest {
  let folder = '';
  let api: ScriptedApi | undefined;
  before(() => void (folder = mkdtempSync(join(tmpdir(), 'interlock-cli-'))));
  after(() => rmSync(folder, { recursive: true }));
  afterEach(async () => {
    await api?.close();
    api = undefined;
  });
  return {
    get folder() {
      return folder;
    },
    get api() {
      if (!api) throw new Error('no command was run against an API yet');
      return api;
    },
    against: async (answer, ...args) => {
      api = await scriptedApi(answer);
      return interlock(args, { cwd: folder, env: { INTERLOCK_URL: api.url, INTERLOCK_TOKEN: 'hush' } });
    },
  };
}
