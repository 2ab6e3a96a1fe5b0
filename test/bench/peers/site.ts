import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Cache } from '../../../src/servers/binaries/cache.js';
import { startGuardian } from '../../../src/servers/processes/guardian.js';
import { createRunFolder, removeRunFolder, sweepRunFolders } from '../../../src/servers/processes/run-folder.js';
import { launch, logTail, type Keeper, type ServerProcess } from '../../../src/servers/processes/server-process.js';
import type { TestServers } from '../../support/servers.js';
import { Started, type Program } from './started.js';

const STATE = fileURLToPath(new URL('../../../.interlock', import.meta.url));

/** Where the peers live: their packages, the folder of this run, and their processes, which end with the bench however it ends. */
export class Site {
  static readonly #open = new Set<Site>();
  readonly testServers: TestServers;
  /** Debian's packages. */
  readonly servers: Cache;
  /** What npm and pip have installed. */
  readonly packages: Cache;
  readonly #keeper: Keeper;
  readonly #launched: ServerProcess[] = [];
  readonly #atEnd: (() => Promise<void>)[] = [];
  #closed: Promise<void> | undefined;

  private constructor(testServers: TestServers, say: (line: string) => void) {
    this.testServers = testServers;
    this.servers = { folder: process.env.INTERLOCK_SERVERS_CACHE ?? join(STATE, 'servers'), report: say };
    this.packages = { folder: join(STATE, 'peers'), report: say };
    const folder = createRunFolder(join(STATE, 'run'));
    this.#keeper = { folder, guardian: startGuardian(folder, 0), tell: say };
    Site.#open.add(this);
  }

  static async open(testServers: TestServers, say: (line: string) => void): Promise<Site> {
    await sweepRunFolders(join(STATE, 'run'));
    return new Site(testServers, say);
  }

  /** For an end by signal. */
  static async closeAll(): Promise<void> {
    await Promise.all([...Site.#open].map(site => site.close()));
  }

  /** An empty folder that goes with the run. */
  folder(name: string): string {
    const path = join(this.#keeper.folder.path, `${this.#launched.length}-${name}`);
    mkdirSync(path);
    return path;
  }

  start({ name, command, env = {}, cwd = this.#keeper.folder.path }: Program): Started {
    // Its guardian is leaving: nobody would end what begins now.
    if (this.#closed) throw new Error(`${name} cannot be started: the site is closed`);
    const logFile = join(this.#keeper.folder.path, `${this.#launched.length}-${name}.log`);
    const { PATH = '/usr/bin:/bin' } = process.env;
    const launched = launch({ name, command, env: { PATH, HOME: cwd, LANG: 'C.UTF-8', ...env }, cwd, logFile }, this.#keeper);
    this.#launched.push(launched);
    return new Started(name, launched, () => ({ text: readFileSync(logFile, 'utf8'), tail: logTail(logFile) }));
  }

  /** Runs a program to its answer. */
  async ask<T>(program: Program): Promise<T> {
    const started = this.start(program);
    try {
      return await started.answer<T>();
    } finally {
      await started.end();
    }
  }

  /** Runs a program to its good end. */
  async run(program: Program): Promise<void> {
    const started = this.start(program);
    try {
      await started.succeeded();
    } finally {
      await started.end();
    }
  }

  /** Done when the site is closed, after all processes have ended. */
  atEnd(work: () => Promise<void>): void {
    this.#atEnd.push(work);
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    await Promise.all(this.#launched.map(each => each.end(0)));
    const ends = await Promise.allSettled(this.#atEnd.map(work => work()));
    for (const end of ends)
      if (end.status === 'rejected') this.#keeper.tell(`a peer left something behind: ${String(end.reason)}`);
    this.#keeper.guardian.dismiss();
    removeRunFolder(this.#keeper.folder);
    Site.#open.delete(this);
  }
}
