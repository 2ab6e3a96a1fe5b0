import type * as typebox from 'typebox';

type Builder = Pick<
  typeof typebox.Type,
  'Array' | 'Boolean' | 'Integer' | 'Literal' | 'Number' | 'Object' | 'Optional' | 'String' | 'Union' | 'Unknown'
>;

const optional = new WeakSet<object>();

/**
 * What task modules of tests use of TypeBox. The real one is 700 files, which each child and each role would load through the hooks of task modules: a
 * second of CPU for each of them, several times what everything else at their start takes.
 */
export const Type = {
  Array: (items: object) => ({ type: 'array', items }),
  Boolean: () => ({ type: 'boolean' }),
  Integer: () => ({ type: 'integer' }),
  Literal: (value: unknown) => ({ const: value }),
  Number: () => ({ type: 'number' }),
  Object: (properties: Record<string, object>) => ({
    type: 'object',
    properties,
    required: Object.keys(properties).filter(name => !optional.has(properties[name]!)),
  }),
  Optional: (schema: object) => (optional.add(schema), schema),
  String: () => ({ type: 'string' }),
  Union: (anyOf: object[]) => ({ anyOf }),
  Unknown: () => ({}),
} as unknown as Builder;
