import type { TaskContext } from '../../../tasks/context.js';
import { contextHere } from '../../../tasks/current.js';
import type { BodyRun } from '../../children/child/body-run.js';

/** The bodies that run now, and whose is what the process does at this moment. */
export class Bodies {
  readonly #byNumber = new Map<number, BodyRun>();
  readonly #byTask = new Map<string, BodyRun>();

  add(body: BodyRun): void {
    this.#byNumber.set(body.number, body);
    this.#byTask.set(body.facts.id, body);
  }

  delete(body: BodyRun): void {
    this.#byNumber.delete(body.number);
    if (this.#byTask.get(body.facts.id) === body) this.#byTask.delete(body.facts.id);
  }

  get(number: number): BodyRun | undefined {
    return this.#byNumber.get(number);
  }

  /** Undefined for one whose end has been told. */
  of({ id, attempt }: TaskContext): BodyRun | undefined {
    const body = this.#byTask.get(id);
    return body?.facts.attempt === attempt ? body : undefined;
  }

  /** Whose code is running; undefined for code that is of no body, or of one whose end has been told. */
  here(): BodyRun | undefined {
    const context = contextHere();
    return context && this.of(context);
  }
}
