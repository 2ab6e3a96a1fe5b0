import { isLent, lenderChain } from './lending.js';
import type { Lender } from './task.js';
import type { Place } from './line-queue.js';
import { Lines } from './lines.js';
import type { Claim } from './reservation.js';

/** A task in the graph. */
export interface Node {
  readonly id: string;
  readonly seq: number;
  places: Place<Node>[];
  granted: boolean;
  /** Lines in which it is not at the front. 0: nothing stands in its way. */
  blockers: number;
  /** Stands in the ready queue. */
  queued: boolean;
}

export interface LoansDeps {
  /** The lines in which everybody stands. */
  main: Lines<Node>;
  moved: (node: Node, by: number) => void;
  capacities: ReadonlyMap<string, number>;
  /** A task that holds. */
  holder: (id: string) => Node | undefined;
  fenceOf: (id: string) => number | undefined;
}

interface Borrower {
  readonly node: Node;
  readonly claims: readonly Claim[];
  readonly under: Lender;
  /** Where it stands in lines of lenders. */
  readonly rooms: Map<Lines<Node>, Place<Node>[]>;
  /** Those of its claims for which it waits there alone, until it is granted. */
  lent: readonly Claim[];
}

/** A lender, as its borrowers see it. */
interface Found {
  node: Node;
  fence: number | undefined;
  under: Lender | undefined;
}

/**
 * Tasks under the reservation of another one. As long as that one holds, its borrowers wait for what it lends in lines of its own, a room in which
 * nobody else stands: by number, and in conflict with one another as usual. Once granted, a borrower stands in the lines of everybody as any holder
 * does, so that it keeps others out when its lender is gone. With the lender goes the room, and who waited there joins the lines of everybody by number.
 * Where nobody borrows, none of this costs more than a look at an empty map.
 */
export class Loans {
  readonly #deps: LoansDeps;
  readonly #borrowers = new Map<Node, Borrower>();
  /** By the id of their lender, be it here or not. */
  readonly #byLender = new Map<string, Set<Borrower>>();
  readonly #rooms = new Map<Node, Lines<Node>>();

  constructor(deps: LoansDeps) {
    this.#deps = deps;
  }

  /** In place of entering the main lines. */
  enter(node: Node, claims: readonly Claim[], under: Lender): void {
    const borrower: Borrower = { node, claims, under, rooms: new Map(), lent: [] };
    this.#borrowers.set(node, borrower);
    const same = this.#byLender.get(under.task) ?? new Set();
    this.#byLender.set(under.task, same.add(borrower));
    this.#place(borrower);
  }

  /** It waited, and has been granted; it holds in the main lines already where it stood there. */
  hold(node: Node): void {
    const borrower = this.#borrowers.get(node);
    if (!borrower) return;
    for (const room of borrower.rooms.keys()) room.hold(node);
    if (borrower.lent.length > 0) this.#deps.main.enter(node, borrower.lent);
    borrower.lent = [];
  }

  /** It has left the main lines. */
  leave(node: Node): void {
    const borrower = this.#borrowers.get(node);
    if (!borrower) return;
    this.#leaveRooms(borrower);
    this.#borrowers.delete(node);
    const same = this.#byLender.get(borrower.under.task);
    same?.delete(borrower);
    if (same?.size === 0) this.#byLender.delete(borrower.under.task);
  }

  lendersOf(node: Node): string[] {
    const borrower = this.#borrowers.get(node);
    return borrower ? this.#chain(borrower.under).map(lender => lender.node.id) : [];
  }

  /** It holds now, or no longer: its borrowers, and theirs, take their places anew. */
  lenderChanged(id: string): void {
    const seen = new Set<Borrower>(this.#byLender.get(id));
    for (const borrower of seen) for (const next of this.#byLender.get(borrower.node.id) ?? []) seen.add(next);
    for (const borrower of seen) this.#replace(borrower);
    for (const [lender, room] of this.#rooms) if (room.empty) this.#rooms.delete(lender);
  }

  #replace(borrower: Borrower): void {
    const { node } = borrower;
    const { queued } = node;
    node.queued = true; // not offered in the middle of it
    this.#deps.main.leave(node);
    this.#leaveRooms(borrower);
    node.places = [];
    node.blockers = 0;
    this.#place(borrower);
    node.queued = queued;
    this.#deps.moved(node, 0);
  }

  #place(borrower: Borrower): void {
    const { node, claims, under } = borrower;
    const chain = this.#chain(under);
    const lenders = claims.map(claim => chain.find(lender => isLent(claim, heldBy(lender.node))));
    for (const lender of new Set(lenders)) {
      if (lender)
        this.#room(lender.node).enter(
          node,
          claims.filter((_, at) => lenders[at] === lender),
        );
    }
    borrower.lent = node.granted ? [] : claims.filter((_, at) => lenders[at] !== undefined);
    const own = node.granted ? claims : claims.filter((_, at) => lenders[at] === undefined);
    if (own.length > 0) this.#deps.main.enter(node, own);
  }

  #leaveRooms({ node, rooms }: Borrower): void {
    for (const room of rooms.keys()) room.leave(node);
    rooms.clear();
  }

  #room(lender: Node): Lines<Node> {
    const known = this.#rooms.get(lender);
    if (known) return known;
    const { moved, capacities } = this.#deps;
    const placesOf = (node: Node): Place<Node>[] => this.#borrowers.get(node)?.rooms.get(room) ?? [];
    const room: Lines<Node> = new Lines<Node>({
      placesOf,
      keep: (node, places) => void this.#borrowers.get(node)?.rooms.set(room, places),
      moved,
      capacities,
    });
    this.#rooms.set(lender, room);
    return room;
  }

  #chain(under: Lender): Found[] {
    const { holder, fenceOf } = this.#deps;
    const known = new Map<string, Found>();
    return lenderChain(under, id => {
      const node = holder(id);
      if (!node) return undefined;
      const found = known.get(id) ?? { node, fence: fenceOf(id), under: this.#borrowers.get(node)?.under };
      known.set(id, found);
      return found;
    });
  }
}

/** What a holder has asked for by name; its intentions are nothing that it could lend. */
function heldBy({ places }: Node): Claim[] {
  return places.flatMap(({ resource, units, queue }): Claim[] => {
    if (queue?.stance === 'exclusive') return [{ resource, mode: 'exclusive', units }];
    if (queue?.stance === 'shared' || queue?.stance === 'SIX') return [{ resource, mode: 'shared', units }];
    return [];
  });
}
