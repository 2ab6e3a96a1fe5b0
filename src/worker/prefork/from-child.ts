import { Ajv2020 } from 'ajv/dist/2020.js';
import { Type, type Static } from 'typebox';

const closed = { additionalProperties: false };
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

const FromChild = Type.Union([
  Type.Object({ kind: Type.Literal('ready'), types: Type.Array(Type.String()) }, closed),
  Type.Object({ kind: Type.Literal('unloadable'), message: Type.String() }, closed),
  Type.Object({ kind: Type.Literal('report'), progress: Type.Array(Report), created: Type.Array(Type.String()) }, closed),
  Type.Object({ kind: Type.Literal('log'), level: Level, message: Type.String(), fields: Fields }, closed),
  Type.Object({ kind: Type.Literal('spawn'), id: Type.Integer(), body: Fields }, closed),
  Type.Object({ kind: Type.Literal('service'), id: Type.Integer(), name: Type.String(), input: Fields }, closed),
  /** `leftovers`: what of the body still runs in the child, by kind; not empty: this child must not be used again. */
  Type.Object(
    { kind: Type.Literal('outcome'), task: Type.String(), outcome: ChildOutcome, leftovers: Type.Array(Type.String()) },
    closed,
  ),
]);

/** What a child says to its supervisor. */
export type FromChild = Static<typeof FromChild>;
export type ChildOutcome = Static<typeof ChildOutcome>;

const isFromChild = new Ajv2020({ strict: false }).compile<FromChild>(FromChild);

/** Undefined for anything that no child of ours would send. */
export function parseFromChild(message: unknown): FromChild | undefined {
  return isFromChild(message) ? message : undefined;
}
