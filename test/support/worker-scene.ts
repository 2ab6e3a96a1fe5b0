import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Deployment, type Role, type TaskView } from './deployment.js';
import { overlaps, readSpans, type Asked } from './evidence.js';
import { until } from './wait.js';

/** Everything but workers once, for all tests of a block; each has workers and a file of evidence of its own. */
export class WorkerScene {
  #deployment: Deployment | undefined;
  #tests = 0;

  constructor(timingScale?: number) {
    before(async () => {
      this.#deployment = await Deployment.create(timingScale === undefined ? {} : { timingScale });
      await this.#deployment.startCore();
    });
    beforeEach(() => void (this.#tests += 1));
    afterEach(() => this.deployment.stopWorkers());
    after(() => this.#deployment?.destroy());
  }

  get deployment(): Deployment {
    return this.#deployment!;
  }

  get file(): string {
    return join(this.deployment.directory, `evidence-${this.#tests}`);
  }

  /** A worker of one slot. */
  start(name: string, ...args: string[]): Role {
    return this.deployment.start('worker', ['-n', name, '-c', '1', ...args]);
  }

  /** The same, when it works. */
  async ready(...given: Parameters<WorkerScene['start']>): Promise<Role> {
    const worker = this.start(...given);
    await this.deployment.healthy();
    return worker;
  }

  /** Submits a body that leaves evidence on one exclusive resource. */
  evidence(label: string, ms: number, more: Record<string, unknown> = {}): Promise<TaskView> {
    const { name = 'test.evidence', exclusive = ['repo'], stubborn = false, ...rest } = more;
    return this.deployment.submit({ name, exclusive, kwargs: { file: this.file, label, ms, stubborn }, ...rest });
  }

  async begun(label: string): Promise<number> {
    const span = await until(`${label} has begun`, () => readSpans(this.file).find(each => each.label === label));
    return span.pid;
  }

  expectNoOverlap(labels: string[]): void {
    const asked: Asked[] = labels.map(label => ({ label, exclusive: ['repo'], shared: [] }));
    expect(overlaps(readSpans(this.file), asked)).to.deep.equal([]);
  }

  linesOf(label: string): number {
    return readFileSync(this.file, 'utf8')
      .split('\n')
      .filter(line => line.includes(`"label":"${label}"`)).length;
  }
}
