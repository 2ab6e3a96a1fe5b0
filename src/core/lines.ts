import type { Member, Place } from './line-queue.js';
import type { Claim } from './reservation.js';
import { intentionOf, together, type Stance } from './stance.js';
import { isPattern, patternsAbove } from './subtree.js';
import { Subtrees } from './subtrees.js';
import { WaitingLine } from './waiting-line.js';

export interface LinesDeps<T extends Member> {
  /** A task's places among these lines. */
  placesOf: (member: T) => Place<T>[];
  keep: (member: T, places: Place<T>[]) => void;
  /** It is ahead of `by` more of those that stood in its way; negative: behind. */
  moved: (member: T, by: number) => void;
  capacities: ReadonlyMap<string, number>;
}

/** In what way a task stands in a line. */
type Standing = Pick<Place<Member>, 'resource' | 'units' | 'limit'> & { stance: Stance };

/**
 * One line per resource. A pattern has a line only while somebody asks for that pattern; whoever asks for a name beneath it stands there too, by
 * intention. While there is none, patterns cost one comparison a task. The first one of a pattern, and its last one, cost O(tasks beneath it).
 */
export class Lines<T extends Member> {
  readonly #deps: LinesDeps<T>;
  readonly #lines = new Map<string, WaitingLine<T>>();
  readonly #subtrees = new Subtrees(this.#lines);
  /** Lines of patterns. */
  #patterns = 0;
  /** One for all lines: there may be as many of them as tasks. */
  readonly #frontChanged = ({ member, front }: Place<T>): void => this.#deps.moved(member, front ? 1 : -1);

  constructor(deps: LinesDeps<T>) {
    this.#deps = deps;
  }

  get empty(): boolean {
    return this.#lines.size === 0;
  }

  /** Puts a task in the lines of these claims, beside those where it stands already. */
  enter(member: T, claims: readonly Claim[]): void {
    for (const { resource } of claims) if (isPattern(resource)) this.#openPattern(resource);
    const standings = this.#patterns === 0 ? claims.map(ownStanding) : this.#allStandings(claims);
    const places = standings.map(standing => placeOf(member, standing));
    const { placesOf, keep, moved } = this.#deps;
    const before = placesOf(member);
    keep(member, before.length === 0 ? places : [...before, ...places]);
    moved(member, -places.length);
    places.forEach((place, at) => this.#line(place.resource).join(place, standings[at]?.stance ?? 'exclusive'));
  }

  leave(member: T): void {
    const places = this.#deps.placesOf(member);
    for (const place of places) this.#lines.get(place.resource)?.leave(place);
    for (const { resource } of places) this.#tidy(resource);
  }

  /** It waited, and has been granted. */
  hold(member: T): void {
    for (const place of this.#deps.placesOf(member)) this.#lines.get(place.resource)?.hold(place);
  }

  has(resource: string): boolean {
    return this.#lines.has(resource);
  }

  /** As it holds now, also of those who bring it along; undefined where there is no line. */
  capacityOf(resource: string): number | undefined {
    return this.#lines.get(resource)?.capacity;
  }

  setCapacity(resource: string, units: number): void {
    this.#lines.get(resource)?.setCapacity(units);
  }

  #line(resource: string): WaitingLine<T> {
    let line = this.#lines.get(resource);
    if (line) return line;
    line = new WaitingLine(this.#frontChanged);
    this.#lines.set(resource, line);
    this.#subtrees.add(resource);
    const capacity = this.#deps.capacities.get(resource);
    if (capacity !== undefined) line.setCapacity(capacity);
    return line;
  }

  /** A line goes with the last one in it; that of a pattern as soon as nobody asks for the pattern itself. */
  #tidy(resource: string): void {
    const line = this.#lines.get(resource);
    if (!line || !(line.empty || (isPattern(resource) && line.intentionsOnly))) return;
    const { placesOf, keep, moved } = this.#deps;
    this.#lines.delete(resource);
    this.#subtrees.delete(resource);
    if (isPattern(resource)) this.#patterns--;
    for (const [place] of line.places()) {
      const { member } = place;
      keep(
        member,
        placesOf(member).filter(each => each !== place),
      );
      moved(member, place.front ? 0 : 1);
    }
  }

  /** The line of a pattern, where there is none yet. Whoever asks for something beneath it enters, by number. */
  #openPattern(pattern: string): void {
    if (this.#lines.has(pattern)) return;
    const { placesOf, keep, moved } = this.#deps;
    const found = new Map<T, Stance>();
    for (const name of this.#subtrees.beneath(pattern)) {
      for (const [{ member }, stance] of this.#lines.get(name)?.places() ?? []) {
        const intention = intentionOf(stance);
        found.set(member, together(found.get(member) ?? intention, intention));
      }
    }
    this.#patterns++;
    const line = this.#line(pattern);
    for (const [member, stance] of [...found].sort(([a], [b]) => a.seq - b.seq)) {
      const place = placeOf(member, { resource: pattern, stance, units: 1, limit: 0 });
      keep(member, [...placesOf(member), place]);
      moved(member, -1);
      line.join(place, stance);
    }
  }

  /** As asked, and by intention with every pattern above that somebody asks for: in each line once. */
  #allStandings(claims: readonly Claim[]): Standing[] {
    const found = new Map<string, Standing>();
    const add = (standing: Standing): void => {
      const known = found.get(standing.resource);
      found.set(standing.resource, known ? { ...standing, stance: together(known.stance, standing.stance) } : standing);
    };
    for (const claim of claims) {
      const own = ownStanding(claim);
      add(own);
      for (const resource of patternsAbove(claim.resource))
        if (this.#lines.has(resource)) add({ resource, stance: intentionOf(own.stance), units: 1, limit: 0 });
    }
    return [...found.values()];
  }
}

function ownStanding({ resource, mode, units, capacity }: Claim): Standing {
  return { resource, stance: mode, units, limit: capacity ?? 0 };
}

function placeOf<T extends Member>(member: T, { resource, units, limit }: Standing): Place<T> {
  return { member, resource, units, limit, front: false, queue: undefined, previous: undefined, next: undefined };
}
