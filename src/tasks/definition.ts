import type { Static, TSchema } from 'typebox';

import type { Json, JsonObject } from '../core/json.js';
import type { OnWorkerLoss } from '../core/task.js';
import type { TaskContext } from './context.js';

/** A resource is named by a string, or by anything that has an address. */
export type ResourceLike = string | { href: string };

export interface ResourceWish {
  exclusive?: ResourceLike[];
  shared?: ResourceLike[];
}

/** The part of Standard Schema v1 (standardschema.dev) that is used: zod, valibot, arktype and others have it. */
export interface StandardSchema<Output = unknown> {
  '~standard': {
    version: 1;
    vendor: string;
    validate(value: unknown): StandardResult<Output> | Promise<StandardResult<Output>>;
    types?: { input: unknown; output: Output } | undefined;
  };
}
export type StandardResult<Output> =
  | { value: Output; issues?: undefined }
  | { issues: readonly { message: string; path?: readonly (PropertyKey | { key: PropertyKey })[] | undefined }[] };

/** Every option of the submit body that a type may preset; what the caller gives wins. Durations in seconds. */
export interface TaskDefaults {
  queue?: string;
  priority?: number;
  maxAttempts?: number;
  onWorkerLoss?: OnWorkerLoss;
  tags?: string[];
}

export interface TaskOptions<Input> extends TaskDefaults {
  /** `[A-Za-z0-9_.:-]{1,200}`. */
  name: string;
  /** Added to what the caller reserves. Runs where the task is submitted, on checked input. */
  resources?(input: Input): ResourceWish;
  handler(input: Input, ctx: TaskContext): Promise<Json | void> | Json | void;
}

/** A defined task, or a plain exported function seen as one (`plain`: it takes positional arguments). */
export interface TaskDefinition<Input = JsonObject> extends TaskDefaults {
  readonly kind: 'interlock.task';
  readonly name: string;
  readonly plain: boolean;
  /** TypeBox or other JSON Schema, or a Standard Schema; absent: unchecked. */
  readonly input?: TSchema | StandardSchema;
  readonly resources?: (input: Input) => ResourceWish;
  readonly handler: (...args: never[]) => unknown;
}

export type InputOf<S> = S extends StandardSchema<infer Output> ? Output : S extends TSchema ? Static<S> : JsonObject;
