import type { Task } from '../core/task.js';

/** Starts that this process answers for: being started, running, or ended but not yet recorded. Keyed by token and task. */
export class OwnTasks {
  readonly #keys = new Set<string>();
  readonly #tokens = new Set<string>();
  readonly #running = new Map<string, Task>();

  /** Before the start is asked for: from then on the database may name it as ours. */
  expect(id: string, token: string): void {
    this.#keys.add(key(id, token));
  }

  /** The same while it is not known which task it will be. */
  expectAny(token: string): void {
    this.#tokens.add(token);
  }

  forgetAny(token: string): void {
    this.#tokens.delete(token);
  }

  begin(task: Task): void {
    this.#running.set(task.id, task);
  }

  forget(id: string, token: string): void {
    this.#keys.delete(key(id, token));
    if (this.#running.get(id)?.run?.token === token) this.#running.delete(id);
  }

  has(id: string, token: string): boolean {
    return this.#keys.has(key(id, token)) || this.#tokens.has(token);
  }

  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  get running(): Task[] {
    return [...this.#running.values()];
  }

  /** The set as it is now, to compare with an answer that takes a while. */
  snapshot(): { has(id: string, token: string): boolean } {
    const [keys, tokens] = [new Set(this.#keys), new Set(this.#tokens)];
    return { has: (id, token) => keys.has(key(id, token)) || tokens.has(token) };
  }
}

function key(id: string, token: string): string {
  return `${id} ${token}`;
}
