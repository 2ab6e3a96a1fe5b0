import type { Static, TSchema } from 'typebox';

import type { Json, JsonObject } from '../core/json.js';
import type { ResourceLike, SubmitPresets, UniqueWish } from '../core/submit-body.js';

export interface ResourceWish {
  exclusive?: readonly ResourceLike[] | undefined;
  shared?: readonly ResourceLike[] | undefined;
  counted?: Readonly<Record<string, number>> | undefined;
}

/** The part of Standard Schema v1 (standardschema.dev) that is used: zod, valibot, arktype and others have it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}
export type StandardResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly StandardIssue[] };
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Every option of the submit body that a type may preset; what the caller gives wins. */
export type TaskDefaults = {
  [Option in Exclude<keyof SubmitPresets, 'unique' | 'rateKey' | 'concurrency'>]?: SubmitPresets[Option] | undefined;
};

/** How many at a time: of the type as a whole, or of what has the same key. A function is given checked input. */
export type ConcurrencyLimit<Input> = number | { max: number; key: string | ((input: Input) => string) };

/** Errors by their class, or by a function that tells. */
export type ErrorMatch = (abstract new (...args: never[]) => unknown) | ((error: unknown) => boolean);

/**
 * A defined task, or a plain exported function seen as one (`plain`: it takes positional arguments).
 * `Input` is what callers give (before defaults and transforms of a Standard Schema), `Result` what the handler returns.
 */
export interface TaskDefinition<Input = unknown, Result = unknown> extends TaskDefaults {
  readonly kind: 'interlock.task';
  readonly name: string;
  readonly plain: boolean;
  /** Raised when tasks of this type can no longer be run by older code. */
  readonly version?: number | undefined;
  /** TypeBox or other JSON Schema, or a Standard Schema; absent: unchecked. */
  readonly input?: TSchema | StandardSchema;
  readonly resources?: (input: never) => ResourceWish;
  readonly unique?: UniqueWish | ((input: never) => UniqueWish | undefined) | undefined;
  readonly rateKey?: string | ((input: never) => string | undefined) | undefined;
  readonly concurrency?: ConcurrencyLimit<never> | undefined;
  readonly retryOn?: readonly ErrorMatch[];
  readonly noRetryOn?: readonly ErrorMatch[];
  readonly handler: (...args: never[]) => unknown;
  /** For the compiler only; never set. */
  readonly types?: { readonly input: Input; readonly result: Result };
}

/** What a caller gives to a type with this schema. */
export type InputOf<S> = S extends StandardSchema<infer Input, unknown> ? Input : Parsed<S>;
/** What its handler gets. */
export type ParsedInputOf<S> = S extends StandardSchema<unknown, infer Output> ? Output : Parsed<S>;
type Parsed<S> = S extends TSchema ? Static<S> : JsonObject;

export type AnyFunction = (...args: never[]) => unknown;

const PRESETS = [
  'queue',
  'priority',
  'maxAttempts',
  'retry',
  'onWorkerLoss',
  'softTimeLimit',
  'timeLimit',
  'stallAfter',
  'rateLimit',
  'tags',
] as const satisfies (keyof TaskDefaults)[];

/** What of a definition presets the submit body. */
export function presetsOf(definition: TaskDefaults): TaskDefaults {
  return Object.fromEntries(PRESETS.filter(name => definition[name] !== undefined).map(name => [name, definition[name]]));
}

export function isDefinition(value: unknown): value is TaskDefinition {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'interlock.task';
}

export function isStandardSchema(schema: object): schema is StandardSchema {
  return '~standard' in schema;
}

export const TASK_NAME = /^[A-Za-z0-9_.:-]{1,200}$/;

/** The result of a definition, for typed clients. */
export type ResultOf<D> = D extends TaskDefinition<unknown, infer Result> ? Result : Json;
