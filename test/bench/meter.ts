import { added, addedCalls, NOTHING, usedBetween, type Calls, type Usage } from './cost.js';
import { cpuOf, cpuOfChildren } from './cpu.js';
import type { Probes } from './probes.js';
import { profileOf, type CpuProfile, type RoleProfile } from './profile.js';

export interface MeterOptions {
  probes: Probes;
  /** Pids of what the deployment uses, by name. */
  servers: Record<string, number>;
  profile: boolean;
}

/** Measures what a deployment uses between `resume` and `pause`, and adds it up. */
export class Meter {
  readonly #options: MeterOptions;
  readonly #profiles: { role: string; profile: CpuProfile }[] = [];
  #used = NOTHING;
  #since: Usage | undefined;

  constructor(options: MeterOptions) {
    this.#options = options;
  }

  async resume(): Promise<void> {
    if (this.#options.profile) await this.#options.probes.startProfiles();
    this.#since = await this.#read();
  }

  async pause(): Promise<void> {
    if (this.#since === undefined) throw new Error('The meter was not running.');
    this.#used = added(this.#used, usedBetween(this.#since, await this.#read()));
    this.#since = undefined;
    if (this.#options.profile) this.#profiles.push(...(await this.#options.probes.stopProfiles()));
  }

  get used(): Usage {
    return this.#used;
  }

  /** Of each role, most busy first; empty unless they were asked for. */
  get profiles(): RoleProfile[] {
    const roles = [...new Set(this.#profiles.map(({ role }) => role))];
    return roles
      .map(role =>
        profileOf(
          role,
          this.#profiles.filter(each => each.role === role).map(({ profile }) => profile),
        ),
      )
      .sort((a, b) => b.busy - a.busy);
  }

  async #read(): Promise<Usage> {
    const { probes, servers } = this.#options;
    const calls: Record<string, Calls> = {};
    const cpu: Record<string, number> = { bench: cpuOf(process.pid) };
    for (const { role, pid, calls: made } of await probes.counts()) {
      calls[role] = addedCalls(calls[role] ?? {}, made);
      cpu[role] = (cpu[role] ?? 0) + cpuOf(pid);
      if (role === 'worker') cpu.children = (cpu.children ?? 0) + cpuOfChildren(pid);
    }
    for (const [name, pid] of Object.entries(servers)) cpu[name] = cpuOf(pid);
    return { seconds: performance.now() / 1_000, calls, cpu };
  }
}
