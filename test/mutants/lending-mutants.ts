import type { Mutant } from './mutant.js';

const STORE = 'test/contract/store/mongo.test.ts';

/** What awaiting needs: a body that waits gives its slot back, and a child may run under its parent's reservation. */
export const LENDING_MUTANTS: readonly Mutant[] = [
  {
    name: 'an end leaves the mark of a lender',
    file: 'src/store/mongo/finish.ts',
    find: "...without('run', 'awaiting', 'lends'),",
    replace: "...without('run', 'awaiting'),",
    breaks: 'its next start gives its place away, though nobody has borrowed from it',
    caughtBy: { test: STORE, grep: 'tasks that lend' },
  },
  {
    name: 'a lender that is queued again keeps its grant',
    file: 'src/store/mongo/finish.ts',
    find: "const retried = { $and: [queuedAgain, { $or: [{ $eq: ['$ending.kind', 'retried'] }, '$lends'] }] };",
    replace: "const retried = { $and: [queuedAgain, { $eq: ['$ending.kind', 'retried'] }] };",
    breaks: 'its next start runs beside what its first one called',
    caughtBy: { test: STORE, grep: 'tasks that lend' },
  },
  {
    name: 'the lender of one excuses all of a batch',
    file: 'src/store/mongo/rivals.ts',
    find: 'opposedHolder(db, { requests: plain, except: batch })',
    replace: 'opposedHolder(db, { requests: plain, except: [...batch, ...requests.flatMap(each => each.lenders ?? [])] })',
    breaks: 'a stranger runs beside the holder',
    caughtBy: { test: STORE, grep: 'grants of borrowers' },
  },
  {
    name: 'who comes back takes the slot of a claim that is under way',
    file: 'src/worker/slots.ts',
    find: 'while (this.idle > this.#promised) {',
    replace: 'while (this.idle > 0) {',
    breaks: 'more bodies run than there are slots',
    caughtBy: { test: 'test/unit/worker/places.test.ts' },
  },
  {
    name: 'a borrower that is kept out deposes its leader',
    file: 'src/resource-manager/granting.ts',
    find: 'if (requests.some(isBorrower)) {',
    replace: 'if (requests.some(isBorrower) && requests.length < 0) {',
    breaks: 'all grants stop again and again until the holder has ended',
    caughtBy: { seeds: 6_000 },
  },
];
