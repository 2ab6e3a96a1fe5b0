import { JOINS } from '../core/join.js';
import { SUBMIT_BODY, VISIBLE } from './submit-schema.js';

const MAX_NODES = 1_000;
/** Results of all of them go to the body together. */
const MAX_AFTER = 1_000;

const { properties: submitProperties, required } = SUBMIT_BODY;

/** `POST /workflows`, as it is served and checked. */
export const WORKFLOW_BODY = {
  $id: 'WorkflowBody',
  type: 'object',
  required: ['tasks'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 200, pattern: VISIBLE },
    tasks: {
      type: 'object',
      minProperties: 1,
      maxProperties: MAX_NODES,
      propertyNames: { type: 'string', pattern: '^[A-Za-z0-9_.-]{1,64}$' },
      additionalProperties: {
        type: 'object',
        required,
        additionalProperties: false,
        properties: {
          ...submitProperties,
          after: {
            type: 'array',
            items: { type: 'string' },
            maxItems: MAX_AFTER,
            uniqueItems: true,
            description: 'Names of the tasks that must come first; what they returned is in `ctx.dependencies`.',
          },
          join: {
            type: 'string',
            enum: [...JOINS],
            description:
              'It starts when all of those have completed (all-success, unless given), when all have ended, or when one has completed; it is skipped when that cannot be any more.',
          },
        },
      },
    },
  },
} as const;
