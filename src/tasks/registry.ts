import { checkSchema } from './input.js';
import { TASK_NAME, isDefinition, type AnyFunction, type TaskDefinition } from './definition.js';
import { TaskModuleError, loadModule, type TaskModule } from './load-modules/load-modules.js';

interface Entry {
  definition: TaskDefinition;
  /** For messages: `export "sync" of ./tasks.ts`. */
  origin: string;
}

/** The task types of this process, by name and by the identity of their function. */
export class Registry {
  readonly #byName = new Map<string, Entry>();
  readonly #byFunction = new Map<AnyFunction, TaskDefinition>();

  /**
   * Loads task modules in order: paths (`.ts`, `.mts`, `.mjs`, `.js`; relative ones count from `fromDirectory`) or packages.
   * Exported definitions are taken as they are; every other exported function is a task `<file name>.<export>`.
   * Throws TaskModuleError for a module that cannot be loaded, and for a name that is taken or not allowed.
   */
  static async load(specifiers: readonly string[], fromDirectory: string): Promise<Registry> {
    const modules: TaskModule[] = [];
    for (const specifier of specifiers) modules.push(await loadModule(specifier, fromDirectory));
    return Registry.from(modules);
  }

  /** Of modules that are loaded already. Throws TaskModuleError as `load` does. */
  static from(modules: readonly TaskModule[]): Registry {
    const registry = new Registry();
    for (const module of modules) registry.#add(module);
    return registry;
  }

  /** A registry of exactly these, for tests. */
  static of(...definitions: readonly TaskDefinition[]): Registry {
    const registry = new Registry();
    for (const definition of definitions) registry.#enter({ definition, origin: `the definition "${definition.name}"` });
    return registry;
  }

  get(name: string): TaskDefinition | undefined {
    return this.#byName.get(name)?.definition;
  }

  /** All of them, by name. */
  list(): TaskDefinition[] {
    const entries = [...this.#byName.values()].sort((a, b) => (a.definition.name < b.definition.name ? -1 : 1));
    return entries.map(entry => entry.definition);
  }

  /** The type that this function or definition is; undefined when no loaded module exports it. */
  resolve(target: TaskDefinition | AnyFunction): TaskDefinition | undefined {
    if (typeof target === 'function') return this.#byFunction.get(target);
    return this.get(target.name) === target ? target : undefined;
  }

  #add(module: TaskModule): void {
    for (const [name, value] of Object.entries(module.exports)) {
      const origin = `export "${name}" of ${module.specifier}`;
      if (isDefinition(value)) this.#enter({ definition: value, origin });
      else if (isTaskFunction(value) && name !== 'module.exports') this.#enterFunction(value, `${module.prefix}.${name}`, origin);
    }
  }

  #enterFunction(handler: AnyFunction, name: string, origin: string): void {
    if (!TASK_NAME.test(name)) {
      throw new TaskModuleError(`The ${origin} would be the task "${name}", but task names hold only A-Z a-z 0-9 _ . : -`);
    }
    const definition: TaskDefinition = Object.freeze({ kind: 'interlock.task', name, plain: true, handler });
    this.#enter({ definition, origin });
    // A function that two modules export is two tasks; its own identity stands for the first.
    if (!this.#byFunction.has(handler)) this.#byFunction.set(handler, definition);
  }

  #enter(entry: Entry): void {
    const { name } = entry.definition;
    const known = this.#byName.get(name);
    if (known?.definition === entry.definition) return; // the same definition, exported again
    if (known)
      throw new TaskModuleError(`Two tasks are called "${name}": the ${known.origin} and the ${entry.origin}. Rename one.`);
    const problem = checkSchema(entry.definition);
    if (problem !== undefined)
      throw new TaskModuleError(`The input of the task "${name}" (${entry.origin}) is no valid schema: ${problem}`);
    this.#byName.set(name, entry);
  }
}

/** Classes are functions too, but cannot be called. */
function isTaskFunction(value: unknown): value is AnyFunction {
  return typeof value === 'function' && !Function.prototype.toString.call(value).startsWith('class');
}
