import type { Task } from '../../../src/core/task.js';
import type { Lease, Store } from '../../../src/store/store.js';
import type { SeededRandom } from '../../support/random.js';
import { Chance } from './drift-chance.js';
import { pageOf } from './drift-pages.js';
import { LATE, OUTCOMES } from './drift-outcomes.js';
import { inHours } from './drift-rates.js';
import { Wishes } from './drift-wishes.js';

const HOUR = 3_600_000;

/** One call, made of chance and of what was answered before, so that it can be made to any store. */
export interface Step {
  name: string;
  call: (store: Store) => Promise<unknown>;
  /** The port leaves the order of the answer open. */
  unordered?: true;
}

/** Makes steps that often fit the records as they are, and often do not. */
export class Steps {
  readonly #chance: Chance;
  /** The store whose records the steps are made for. */
  readonly #model: Store;
  readonly #wishes: Wishes;
  readonly #tokens: string[] = ['token-0'];
  readonly #leases: Lease[] = [
    { name: 'resource-manager', holder: 'nobody', incarnation: 'nobody/1', epoch: 0, fence: 1, floor: 0 },
  ];
  /** The first of those that were taken last. */
  #last = 1;

  constructor(random: SeededRandom, model: Store) {
    this.#chance = new Chance(random);
    this.#wishes = new Wishes(this.#chance);
    this.#model = model;
  }

  async next(): Promise<Step> {
    const { items } = await this.#model.tasks.list({}, { limit: 1_000, newestFirst: false });
    return this.#chance
      .weighed([
        [1, this.#take],
        [5, this.#insert],
        [4, this.#start],
        [4, this.#end],
        [1, this.#giveBack],
        [1, this.#supersede],
        [1, this.#report],
        [4, this.#grant],
        [1, this.#unbind],
        [1, this.#cancel],
        [2, this.#delay],
        [1, this.#close],
        [2, this.#lead],
        [5, this.#process],
        [4, this.#read],
        [2, this.#view],
      ])
      .call(this, items);
  }

  #take(): Step {
    const count = 1 + this.#chance.below(4);
    return {
      name: `takeNumbers ${count}`,
      call: async ({ tasks }) => (this.#last = await tasks.takeNumbers(count)),
    };
  }

  /** Under fresh numbers, or under some that were given before; new tasks, or old ones again. */
  #insert(): Step {
    const wishes = Array.from({ length: 1 + this.#chance.below(3) }, () => this.#wishes.next());
    const { text, first } = this.#numbersFor(wishes.length);
    const name = `${JSON.stringify(wishes)} under ${text}`;
    return this.#chance.below(4) > 0
      ? { name: `insert ${name}`, call: async store => store.tasks.insert(wishes, await first(store)) }
      : { name: `insertAll ${name}`, call: async store => store.tasks.insertAll(wishes, await first(store)) };
  }

  /** Fresh ones, taken when the call is made, or some that were given before. */
  #numbersFor(count: number): { text: string; first: (store: Store) => Promise<number> } {
    if (this.#chance.below(4) > 0) {
      return { text: 'fresh numbers', first: async ({ tasks }) => (this.#last = await tasks.takeNumbers(count)) };
    }
    const old = Math.max(1, this.#last - this.#chance.below(5));
    return { text: `${old}`, first: () => Promise.resolve(old) };
  }

  #start(items: Task[]): Step {
    const ready = items.filter(task => task.waitingFor === 'worker');
    const starts = this.#chance.few(this.#chance.mostly(ready, items)).map(({ id, attempt, grant }) => ({
      id,
      attempt: Math.max(0, attempt - Number(this.#chance.rarely())),
      fence: (grant?.fence ?? 0) + Number(this.#chance.rarely()),
    }));
    const worker = this.#chance.one(['w', 'v']);
    const token = this.#chance.rarely() ? this.#chance.one(this.#tokens) : `token-${this.#tokens.length}`;
    this.#tokens.push(token);
    const run = { worker, incarnation: `${worker}/1`, token };
    const queues = this.#chance.some(['q', 'r']);
    return this.#chance.below(3) === 0
      ? { name: `startBest ${JSON.stringify({ queues, run })}`, call: ({ tasks }) => tasks.startBest(queues, run) }
      : { name: `start ${JSON.stringify({ starts, run })}`, call: ({ tasks }) => tasks.start(starts, run) };
  }

  #end(items: Task[]): Step {
    const endings = this.#started(items).map(start => ({ ...start, outcome: this.#chance.one(OUTCOMES) }));
    return { name: `finish ${JSON.stringify(endings)}`, call: ({ tasks }) => tasks.finish(endings) };
  }

  #giveBack(items: Task[]): Step {
    const [{ id, token } = NOBODY] = this.#started(items);
    return { name: `giveBack ${id} ${token}`, call: ({ tasks }) => tasks.giveBack(id, token) };
  }

  #supersede(items: Task[]): Step {
    const over = items.flatMap(({ id, attempts }) => attempts.map(({ token }) => ({ id, token })));
    const [{ id, token } = NOBODY] = this.#chance.few(this.#chance.mostly(over, this.#started(items)));
    const late = this.#chance.one(LATE);
    return { name: `supersede ${id} ${token} ${late.kind}`, call: ({ tasks }) => tasks.supersede(id, token, late) };
  }

  #report(items: Task[]): Step {
    const [{ id, token } = NOBODY] = this.#started(items);
    const bar = { code: 'c', message: '', done: 1, total: null, suffix: null };
    const progress = (['running', 'failed'] as const).map(state => ({ ...bar, state }));
    const latest = { progress, createdResources: ['/x'] };
    return { name: `report ${id} ${token}`, call: ({ tasks }) => tasks.report(id, token, latest) };
  }

  /** Starts that go on, now and then such as are over or have never been. */
  #started(items: Task[]): { id: string; token: string }[] {
    const active = items.filter(task => task.run);
    return this.#chance.few(this.#chance.mostly(active, items)).map(({ id, run, attempts }) => {
      const token = run?.token ?? attempts.at(-1)?.token ?? 'none';
      return { id, token: this.#chance.rarely() ? this.#chance.one(this.#tokens) : token };
    });
  }

  #grant(items: Task[]): Step {
    const lease = this.#lease();
    const name = JSON.stringify(lease);
    const waiting = items.filter(task => task.waitingFor === 'resources');
    const requests = this.#chance
      .few(this.#chance.mostly(waiting, items))
      .map(({ id, exclusive, shared, counted, maxAttempts }) => ({
        ...{ id, exclusive, shared, ...(counted && { counted }), maxAttempts },
        ...(this.#chance.below(4) === 0 ? { worker: this.#chance.one(['w', 'v']) } : {}),
      }));
    const last = { task: requests[0]?.id ?? 'nobody', fence: lease.fence };
    const bucket = { key: this.#chance.one(['k', 'l']), count: 1, perMs: 1_000, seq: this.#last, pending: 1, last };
    const buckets = this.#chance.maybe() ? [{ ...bucket, debtMs: 10 * HOUR }] : [];
    return {
      name: `grant ${JSON.stringify(requests)} ${name} ${JSON.stringify(buckets)}`,
      call: async ({ grants }) => {
        const verdict = await grants.grant(lease, requests, buckets);
        if (verdict.kind === 'granted') this.#leases.push({ ...lease, fence: verdict.fence });
        // Of several that conflict, any may be named.
        return verdict.kind === 'conflict' ? verdict.kind : verdict;
      },
    };
  }

  #unbind(): Step {
    const lease = this.#lease();
    const live = this.#chance.some(['w', 'v']);
    const move = {
      queue: this.#chance.one(['q', 'r']),
      name: 'n',
      ...(this.#chance.maybe() && { to: 'v', unbound: this.#chance.maybe() }),
    };
    const name = `unbind ${JSON.stringify({ live, move, lease })}`;
    return { name, call: ({ grants }) => grants.unbind(lease, live, move), unordered: true };
  }

  #cancel(items: Task[]): Step {
    const id = this.#chance.rarely() ? 'unknown' : (this.#chance.few(items)[0]?.id ?? 'void:1');
    if (this.#chance.below(3) === 0) return { name: `remove ${id}`, call: ({ tasks }) => tasks.remove(id) };
    const by = this.#chance.one(['ann', 'bob']);
    return { name: `cancel ${id} by ${by}`, call: ({ tasks }) => tasks.cancel(id, by, 'user') };
  }

  #delay(items: Task[]): Step {
    if (this.#chance.below(3) === 0) return { name: 'expire 1', call: ({ tasks }) => tasks.expire(1) };
    const delayed = items.filter(task => task.dueAt);
    const asked = this.#chance.few(this.#chance.mostly(delayed, items)).map(({ id, waitingFor, grant }) => ({
      ...{ id, holds: grant !== undefined },
      waitingFor: waitingFor === 'delay' || this.#chance.rarely() ? ('delay' as const) : ('retry' as const),
    }));
    if (this.#chance.maybe())
      return { name: `resume ${JSON.stringify(asked)}`, call: ({ tasks }) => tasks.resume(asked), unordered: true };
    const { text, first } = this.#numbersFor(asked.length);
    const call = async (store: Store): Promise<Task[]> => store.tasks.promote(asked, await first(store));
    return { name: `promote ${JSON.stringify(asked)} to ${text}`, call, unordered: true };
  }

  #close(): Step {
    const numbers = Array.from({ length: 1 + this.#chance.below(3) }, () => 1 + this.#chance.below(this.#last + 2));
    return { name: `voidNumbers ${numbers.join()}`, call: ({ tasks }) => tasks.voidNumbers(numbers) };
  }

  #lead(): Step {
    const lease = this.#lease();
    const { name } = lease;
    const ms = this.#chance.one([-1, HOUR]);
    const text = JSON.stringify(lease);
    const holder = { name: this.#chance.one(['m', 'n']), incarnation: `i/${this.#chance.below(3)}` };
    const acquire = async ({ leases }: Store): Promise<Lease | undefined> => {
      const taken = await leases.acquire(name, holder, ms);
      if (taken) this.#leases.push({ ...taken, floor: taken.floor + this.#last });
      return taken;
    };
    return this.#chance.one<Step>([
      { name: `acquire ${name} ${holder.name} ${ms}`, call: acquire },
      { name: `acquire ${name} ${holder.name} ${ms}`, call: acquire },
      { name: `renew ${text} ${ms}`, call: ({ leases }) => leases.renew(lease, ms) },
      { name: `resign ${text}`, call: ({ leases }) => leases.resign(lease) },
      { name: `read ${name}`, call: ({ leases }) => leases.read(name) },
    ]);
  }

  #process(): Step {
    const name = this.#chance.one(['w', 'v']);
    const incarnation = `${name}/${this.#chance.below(2)}`;
    const [ttlMs, watched] = [this.#chance.one([-HOUR, HOUR]), { name, incarnation, beat: this.#chance.below(2) }];
    const place = { host: 'h', bootId: 'b', pidNamespace: 'n', pid: 1, startTicks: 1 };
    const work = { role: 'worker' as const, queues: ['q'], dedicated: false, slots: 1, versions: { interlock: '0', node: '0' } };
    const process = { name, incarnation, ...place, ...work };
    const lapsed = this.#chance.maybe();
    return this.#chance.one<Step>([
      { name: `register ${incarnation} ${ttlMs}`, call: ({ processes }) => processes.register(process, ttlMs) },
      { name: `register ${incarnation} ${ttlMs}`, call: ({ processes }) => processes.register(process, ttlMs) },
      { name: `beat ${incarnation}`, call: ({ processes }) => processes.beat(name, incarnation, { ttlMs, deadlineMs: 4_000 }) },
      { name: `beat ${incarnation}`, call: ({ processes }) => processes.beat(name, incarnation, { ttlMs, deadlineMs: 4_000 }) },
      { name: `stop ${incarnation}`, call: ({ processes }) => processes.stop(name, incarnation) },
      {
        name: `declareMissing ${JSON.stringify({ watched, lapsed })}`,
        call: ({ processes }) => processes.declareMissing(watched, { lapsed }),
      },
      { name: `settle ${incarnation}`, call: ({ processes }) => processes.settle(name, incarnation) },
      { name: 'forget', call: ({ processes }) => processes.forget(-HOUR, 10), unordered: true },
      {
        name: `cancelAssigned ${incarnation}`,
        call: ({ tasks }) => tasks.cancelAssigned({ name, incarnation }),
        unordered: true,
      },
      { name: 'list', call: ({ processes }) => processes.list(), unordered: true },
      { name: 'earliest', call: async ({ processes }) => Math.sign((await processes.earliestLapseMs()) ?? 0) },
    ]);
  }

  #read(items: Task[]): Step {
    const [seq, limit, worker] = [this.#chance.below(this.#last), 1 + this.#chance.below(5), this.#chance.one(['w', 'v'])];
    const ids = this.#chance.few(items).map(task => task.id);
    const query = { queues: this.#chance.some(['q', 'r']), ...(this.#chance.maybe() ? { worker } : {}), limit };
    const waitingFor = this.#chance.one(['worker', 'resources'] as const);
    return this.#chance.one<Step>([
      { name: `claimable ${JSON.stringify(query)}`, call: ({ tasks }) => tasks.claimable(query) },
      { name: `range ${seq} ${limit}`, call: ({ tasks }) => tasks.range(seq, limit) },
      { name: 'byNumbers', call: ({ tasks }) => tasks.byNumbers([seq + 2, seq, seq + 1]) },
      { name: 'byIds', call: ({ tasks }) => tasks.byIds(ids), unordered: true },
      { name: 'holders', call: ({ tasks }) => tasks.holders(0, 1_000) },
      { name: 'holders, a page', call: ({ tasks }) => tasks.holders(2, 2) },
      { name: 'fences', call: ({ tasks }) => tasks.holderFences(1, 5) },
      { name: 'waiting numbers', call: ({ tasks }) => tasks.waitingNumbers(0, 5) },
      { name: 'counts', call: ({ tasks }) => tasks.countInLines(5, 3) },
      { name: `waitingForResources ${seq} ${limit}`, call: ({ tasks }) => tasks.waitingForResources(seq, limit) },
      { name: 'line', call: ({ tasks }) => tasks.line('b', limit) },
      { name: `namedBy ${worker}`, call: ({ tasks }) => tasks.namedBy(`${worker}/1`), unordered: true },
      { name: `active ${limit}`, call: ({ tasks }) => tasks.active(limit, ids[0]) },
      { name: `activeOfTheDead ${limit}`, call: ({ tasks }) => tasks.activeOfTheDead(limit, ids[0]) },
      { name: `due ${limit}`, call: ({ tasks }) => tasks.due(limit) },
      { name: 'endedWithin', call: ({ tasks }) => tasks.endedWithin(HOUR), unordered: true },
      { name: `readyFor ${waitingFor}`, call: ({ tasks }) => tasks.readyFor(waitingFor, -HOUR, limit) },
    ]);
  }

  #view(items: Task[]): Step {
    const { filter, page } = pageOf(items, this.#chance);
    const { limit } = page;
    return this.#chance.one<Step>([
      { name: `list ${JSON.stringify({ filter, page })}`, call: ({ tasks }) => tasks.list(filter, page) },
      { name: `count ${JSON.stringify(filter)}`, call: ({ tasks }) => tasks.count(filter, limit) },
      { name: 'standing', call: ({ rates }) => rates.standing('k', this.#last, limit) },
      { name: 'buckets', call: async ({ rates }) => (await rates.buckets(['k', 'l'])).map(inHours), unordered: true },
      { name: 'countByState', call: ({ tasks }) => tasks.countByState() },
      { name: 'byIdempotencyKey', call: ({ tasks }) => tasks.byIdempotencyKey('p', 'k1') },
    ]);
  }

  #lease(): Lease {
    const lease = this.#chance.rarely() ? this.#chance.one(this.#leases) : this.#leases.at(-1)!;
    return { ...lease, name: this.#chance.rarely() ? 'beat' : lease.name };
  }
}

const NOBODY = { id: 'nobody', token: 'none' };
