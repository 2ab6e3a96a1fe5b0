import type { Document, Filter } from 'mongodb';
import { claimsOf, conflicts, type Claim, type Mode } from '../../core/reservation.js';
import { isPattern, patternsAbove } from '../../core/subtree.js';
import type { GrantRequest } from '../leases.js';
import type { Database } from './database.js';
import { above, COUNTS, sameOrBeneath, SPECIAL } from './reserving.js';
import { OPEN, type TaskDocument } from './task-documents.js';
import { STEP } from './transaction.js';

/** More names than a hundred tasks have, unless somebody reserves deep trees by the dozen: then there are several commands, none above 16 MiB. */
const NAMES = 10_000;
/** Whoever it is: what is asked then tells. Without the ids of the batch, which would be read and planned once more. */
const SOMETHING_SPECIAL = { 'grant.fence': { $gt: 0 }, ...SPECIAL };
/** Branches of one command, each of so many names at most. */
const MOST = 5;
/** By majority: an end that a deposed primary alone knows of may be undone. */
const MAJORITY = { readConcern: { level: 'majority' }, ...STEP } as const;

/** Requests that are asked for together, and whose holding is in nobody's way of them. */
interface Question {
  requests: readonly GrantRequest[];
  except: readonly string[];
}

/** A task that holds what keeps one of these out. A borrower is asked for alone: what its lenders hold is in the way of all others. */
export async function anyConflict(db: Database, requests: readonly GrantRequest[]): Promise<string | undefined> {
  const batch = requests.map(request => request.id);
  const plain = requests.filter(({ lenders }) => lenders === undefined);
  const opposed = await Promise.all([
    ...(plain.length > 0 ? [opposedHolder(db, { requests: plain, except: batch })] : []),
    ...requests.flatMap(each =>
      each.lenders ? [opposedHolder(db, { requests: [each], except: [...batch, ...each.lenders] })] : [],
    ),
    overfullHolder(db, { requests, except: batch }), // units are lent to nobody
  ]);
  return opposed.find(holder => holder !== undefined);
}

/**
 * Names are asked for as they are. Patterns above them, of which there are several for each name, and units only where somebody holds any: a batch of
 * plain names among such costs one branch more, of an empty index.
 */
async function opposedHolder(db: Database, question: Question): Promise<string | undefined> {
  const claims = question.requests.flatMap(claimsOf);
  const named = (...modes: Mode[]): string[] => claims.flatMap(({ mode, resource }) => (modes.includes(mode) ? [resource] : []));
  const [all, notShared] = [named('exclusive', 'shared', 'counted'), named('exclusive', 'counted')];
  const plain = [...inParts('exclusive', sameOrBeneath(all)), ...inParts('shared', sameOrBeneath(notShared))];
  const first = await holderOf(db, question, plain, [SOMETHING_SPECIAL]);
  if (first?.special !== true) return first?._id;
  const units = inParts('counted.name', sameOrBeneath(named('exclusive', 'shared'))).map(branch => ({ ...COUNTS, ...branch }));
  const patterns = [...inParts('exclusive', above(all)), ...inParts('shared', above(notShared))];
  return (await holderOf(db, question, [...plain, ...patterns, ...units]))?._id;
}

/** Any holder for which one of these holds, not of the batch itself; or one of `more`. */
async function holderOf(
  db: Database,
  question: Question,
  branches: readonly Document[],
  more: readonly Document[] = [],
): Promise<Pick<TaskDocument, '_id' | 'special'> | undefined> {
  const held = heldByOthers(question);
  const all = [...branches.map(branch => ({ ...held, ...branch })), ...more];
  for (const part of all.length > MOST ? all.map(branch => [branch]) : [all]) {
    const filter = { $or: part } as Filter<TaskDocument>;
    const holder = await db.grantedTasks.findOne(filter, { projection: { _id: 1, special: 1 }, ...MAJORITY });
    if (holder) return holder;
  }
  return undefined;
}

/** One that counts towards a resource of which the units of all together, those of the batch among them, are more than there are. */
async function overfullHolder(db: Database, question: Question): Promise<string | undefined> {
  const { requests } = question;
  const wanted = new Map<string, { units: number; capacity: number }>();
  for (const { mode, resource, units, capacity = 0 } of requests.flatMap(claimsOf)) {
    if (mode !== 'counted') continue;
    const sum = wanted.get(resource) ?? { units: 0, capacity };
    wanted.set(resource, { units: sum.units + units, capacity: Math.min(sum.capacity, capacity) });
  }
  if (wanted.size === 0) return undefined;
  const found = new Map((await heldUnits(db, question, [...wanted.keys()])).map(each => [each._id, each]));
  for (const [name, { units, capacity }] of wanted) {
    const held = found.get(name);
    if ((held?.units ?? 0) + units > capacity) return held?.holder ?? requests.find(counts(name))?.id;
  }
  return undefined;
}

const counts =
  (name: string) =>
  ({ counted = [] }: GrantRequest): boolean =>
    counted.some(each => each.name === name);

interface Held {
  _id: string;
  units: number;
  holder: string;
}

/** Units that are no number, of a damaged record, may be all there are. */
async function heldUnits(db: Database, question: Question, names: string[]): Promise<Held[]> {
  const ofThese = { 'counted.name': { $in: names } };
  const units = { $cond: [{ $isNumber: '$counted.units' }, '$counted.units', Infinity] };
  const pipeline = [
    { $match: { ...heldByOthers(question), ...COUNTS, ...ofThese } },
    { $project: { counted: 1 } },
    { $unwind: '$counted' },
    { $match: ofThese },
    { $group: { _id: '$counted.name', units: { $sum: units }, holder: { $first: '$_id' } } },
  ];
  return db.grantedTasks.aggregate<Held>(pipeline, MAJORITY).toArray();
}

function heldByOthers({ except }: Question): Document {
  return { 'grant.fence': { $gt: 0 }, state: OPEN, _id: { $nin: [...except] } };
}

function inParts(field: string, values: readonly unknown[]): Document[] {
  const parts: Document[] = [];
  for (let from = 0; from < values.length || from === 0; from += NAMES)
    parts.push({ [field]: { $in: values.slice(from, from + NAMES) } });
  return parts;
}

/** One of the batch that keeps another one of it out. The graph never puts two of a kind into one batch; if it did, no record would show it. */
export function rivalInBatch(requests: readonly GrantRequest[]): string | undefined {
  const earlier = new Map<string, Owned[]>();
  const withPatterns = requests.some(request => claimsOf(request).some(({ resource }) => isPattern(resource)));
  for (const { id, ...reservation } of requests) {
    const claims = claimsOf(reservation);
    for (const claim of claims) {
      const names = withPatterns ? related(claim.resource, earlier.keys()) : [claim.resource];
      const rival = rivalAmong(names, claim, earlier);
      if (rival !== undefined) return rival;
    }
    for (const claim of claims) earlier.set(claim.resource, [...(earlier.get(claim.resource) ?? []), { claim, id }]);
  }
  return undefined;
}

interface Owned {
  claim: Claim;
  id: string;
}

function rivalAmong(names: Iterable<string>, claim: Claim, earlier: ReadonlyMap<string, Owned[]>): string | undefined {
  for (const name of names) {
    const rival = earlier.get(name)?.find(other => conflicts(other.claim, claim));
    if (rival) return rival.id;
  }
  return undefined;
}

/** The names among which there may be one that overlaps with this. */
function related(name: string, all: Iterable<string>): Iterable<string> {
  return isPattern(name) ? all : [name, ...patternsAbove(name)];
}
