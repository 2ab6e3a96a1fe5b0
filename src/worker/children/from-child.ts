import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { Type, type Static } from 'typebox';

const closed = { additionalProperties: false };
const run = Type.Integer();
const TaskError = Type.Object({ code: Type.String(), message: Type.String(), traceback: Type.Optional(Type.String()) }, closed);
const ChildOutcome = Type.Union([
  Type.Object({ kind: Type.Literal('completed'), result: Type.Unknown() }, closed),
  Type.Object({ kind: Type.Literal('failed'), error: TaskError }, closed),
  Type.Object({ kind: Type.Literal('canceled') }, closed),
]);
const Report = Type.Object(
  {
    code: Type.String(),
    message: Type.String(),
    done: Type.Number(),
    total: Type.Union([Type.Number(), Type.Null()]),
    suffix: Type.Union([Type.String(), Type.Null()]),
    state: Type.Union([Type.Literal('running'), Type.Literal('completed')]),
  },
  closed,
);
const Level = Type.Union([Type.Literal('error'), Type.Literal('warn'), Type.Literal('info'), Type.Literal('debug')]);
const Fields = Type.Record(Type.String(), Type.Unknown());

const messages = {
  ready: Type.Object({ kind: Type.Literal('ready'), types: Type.Array(Type.String()) }, closed),
  unloadable: Type.Object({ kind: Type.Literal('unloadable'), message: Type.String() }, closed),
  report: Type.Object(
    { kind: Type.Literal('report'), run, progress: Type.Array(Report), created: Type.Array(Type.String()) },
    closed,
  ),
  log: Type.Object({ kind: Type.Literal('log'), run, level: Level, message: Type.String(), fields: Fields }, closed),
  spawn: Type.Object({ kind: Type.Literal('spawn'), run, id: Type.Integer(), body: Fields }, closed),
  service: Type.Object({ kind: Type.Literal('service'), run, id: Type.Integer(), name: Type.String(), input: Fields }, closed),
  directory: Type.Object({ kind: Type.Literal('directory'), run, id: Type.Integer() }, closed),
  /** A body failed where nobody could catch it, and its child goes on. */
  fault: Type.Object(
    {
      kind: Type.Literal('fault'),
      run,
      how: Type.Union([Type.Literal('rejection'), Type.Literal('exception')]),
      error: TaskError,
    },
    closed,
  ),
  /** `leftovers`: what of the body still runs in the child, by kind; if there is any, this child must not be used again. */
  outcome: Type.Object(
    { kind: Type.Literal('outcome'), run, outcome: ChildOutcome, leftovers: Type.Optional(Type.Array(Type.String())) },
    closed,
  ),
};

/** What a child says to its supervisor. */
export type FromChild = { [Kind in keyof typeof messages]: Static<(typeof messages)[Kind]> }[keyof typeof messages];
export type ChildOutcome = Static<typeof ChildOutcome>;
export type Ended = Static<typeof messages.outcome>;

const ajv = new Ajv2020({ strict: false });
// One for each kind: a union would try them in turn, and note why each of the others is wrong.
const known = new Map<unknown, ValidateFunction<FromChild>>(
  Object.entries(messages).map(([kind, schema]) => [kind, ajv.compile<FromChild>(schema)]),
);

/** Undefined for anything that no child of ours would send. */
export function parseFromChild(message: unknown): FromChild | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const isOne = known.get((message as { kind?: unknown }).kind);
  return isOne?.(message) === true ? message : undefined;
}
