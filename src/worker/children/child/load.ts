import { labelOf } from '../../../core/task-type.js';
import { installRegistry } from '../../../tasks/enqueue.js';
import { Registry } from '../../../tasks/registry.js';
import type { ToChild } from '../ipc.js';
import type { Loaded } from './run-one.js';
import type { Supervisor } from './supervisor.js';

/** Loads the task modules and says so, or why they cannot be loaded. `onLoaded` comes before any task does. */
export async function load(
  { modules, base, resultLimitBytes }: Extract<ToChild, { kind: 'load' }>,
  supervisor: Supervisor,
  onLoaded: (loaded: Loaded) => void,
): Promise<void> {
  try {
    const registry = await Registry.load(modules, base);
    installRegistry(registry);
    onLoaded({ registry, resultLimitBytes });
    supervisor.send({ kind: 'ready', types: registry.list().map(labelOf) });
  } catch (error) {
    supervisor.send({ kind: 'unloadable', message: error instanceof Error ? error.message : String(error) });
  }
}
