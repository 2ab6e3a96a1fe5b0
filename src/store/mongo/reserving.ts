import { BSONRegExp, type Document } from 'mongodb';
import { isPattern, patternsAbove, prefixOf, topOf } from '../../core/subtree.js';

/** Values for `$in`: names, and what names begin with. */
type Values = (string | BSONRegExp)[];

/** These names and, of a pattern, all that it covers. */
export function sameOrBeneath(names: Iterable<string>): Values {
  const equal = new Set<string>();
  const beneath = new Set<string>();
  for (const name of names) {
    equal.add(name);
    if (!isPattern(name)) continue;
    equal.add(topOf(name));
    beneath.add(prefixOf(name));
  }
  return [...equal, ...beginningWith(beneath)];
}

/** The patterns that cover one of these names. */
export function above(names: Iterable<string>): Values {
  return [...new Set([...names].flatMap(patternsAbove))];
}

/** Tasks that reserve what has something in common with one of these names. The words of partial indexes stand in each branch, so that each finds its own. */
export function reservingAny(names: readonly string[], also: Document): Document {
  const values = { $in: [...sameOrBeneath(names), ...above(names)] };
  return {
    $or: [
      { ...also, exclusive: values },
      { ...also, shared: values },
      { ...also, ...COUNTS, 'counted.name': { $in: sameOrBeneath(names) } },
    ],
  };
}

/** Word for word the filters of partial indexes: of what counts something, and of what reserves more than plain names. */
export const COUNTS = { 'counted.0': { $exists: true } };
export const SPECIAL = { special: true };

/** An anchored one without any operator is a range of the index. */
function beginningWith(prefixes: Iterable<string>): BSONRegExp[] {
  return [...prefixes].map(prefix => new BSONRegExp(`^${prefix.replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&')}`));
}
