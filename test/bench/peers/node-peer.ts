import { copyFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { npmPackages } from './packages.js';
import type { About, Load, Timing } from './peer.js';
import type { Site } from './site.js';
import type { Program } from './started.js';

const SCRIPTS = fileURLToPath(new URL('npm', import.meta.url));
/** As many jobs in one call as Interlock's clients may send. */
const BATCH = 1_000;

/** A peer that npm carries, by its script in `npm/`: `about`, `enqueue` and `work`. */
export class NodePeer {
  readonly #site: Site;
  readonly #script: string;
  readonly #where: Record<string, unknown>;

  private constructor(site: Site, script: string, where: Record<string, unknown>) {
    this.#site = site;
    this.#script = script;
    this.#where = where;
  }

  /** `where` is what each command of the script needs to reach its servers. */
  static async install(site: Site, name: string, where: Record<string, unknown>): Promise<NodePeer> {
    const packages = await npmPackages(site);
    const folder = site.folder(name);
    // Node looks for packages beside the script, and they are not to be found in the repository.
    for (const file of ['body.mjs', `${name}.mjs`]) copyFileSync(join(SCRIPTS, file), join(folder, file));
    symlinkSync(packages, join(folder, 'node_modules'));
    return new NodePeer(site, join(folder, `${name}.mjs`), where);
  }

  about(): Promise<About> {
    return this.#site.ask<About>(this.#program('about', {}));
  }

  /** `tuning` goes to the workers. Throws unless each measured task was run once and stored. */
  async measure(load: Load, queue: string, tuning: Record<string, unknown> = {}): Promise<Timing> {
    const asked = { ...load, queue, batch: BATCH, ...tuning };
    const { enqueueSeconds } = await this.#site.ask<{ enqueueSeconds: number }>(this.#program('enqueue', asked));
    const work = this.#program('work', asked);
    const { runSeconds, ran, stored } = await this.#site.ask<{ runSeconds: number; ran: number; stored: number }>(work);
    if (ran !== load.tasks || stored !== load.tasks)
      throw new Error(`${ran} of ${load.tasks} tasks were run, ${stored} are stored`);
    return { enqueueSeconds, runSeconds };
  }

  #program(command: string, asked: Record<string, unknown>): Program {
    const env = { PEER: JSON.stringify({ command, ...this.#where, ...asked }), NODE_ENV: 'production' };
    return { name: `${this.#script.replace(/^.*\/|\.mjs$/g, '')}-${command}`, command: [process.execPath, this.#script], env };
  }
}
