import type { Json, JsonObject } from '../core/json.js';
import type { TaskDefinition } from '../tasks/definition.js';
import { checkInput, type CheckedInput } from '../tasks/input.js';

/** What a submission needs to know of the loaded task types. */
export interface TypeCatalogue {
  get(name: string): TaskDefinition | undefined;
  /** All of them, by name. */
  list(): TaskDefinition[];
  /** Throws VALIDATION_FAILED with pointers into the submit body. */
  check(definition: TaskDefinition, args: Json[], kwargs: JsonObject): Promise<CheckedInput>;
}

export function catalogueOf(registry: Pick<TypeCatalogue, 'get' | 'list'>): TypeCatalogue {
  return { get: name => registry.get(name), list: () => registry.list(), check: checkInput };
}
