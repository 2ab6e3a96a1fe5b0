import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import type { Calls } from './cost.js';
import type { CpuProfile } from './profile.js';

const PRELOAD = new URL('./probe/preload.mjs', import.meta.url).href;
const ANSWER_MS = 20_000;

/** One process of the deployment that is measured. */
interface Probe {
  role: string;
  pid: number;
  ask: (what: string) => Promise<unknown>;
}

export interface Counted {
  role: string;
  pid: number;
  calls: Calls;
}

/** Bytes: resident, and what JavaScript holds, buffers included. */
export interface Memory {
  role: string;
  pid: number;
  rss: number;
  held: number;
}

type Message = { role: string; pid: number } | { id: number; answer?: unknown; error?: string };

/** The bench's end of test/bench/probe: asks the processes of a deployment what they have done. */
export class Probes {
  readonly #folder: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #connected = new Set<Probe>();

  private constructor(folder: string, server: Server) {
    this.#folder = folder;
    this.#server = server;
    server.on('connection', socket => this.#greet(socket));
  }

  static async listen(): Promise<Probes> {
    const folder = await mkdtemp(join(tmpdir(), 'interlock-bench-'));
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(join(folder, 'probes'), resolve);
    });
    return new Probes(folder, server);
  }

  /** What makes a process of a deployment connect. Children run task code: they get it only where they are to be profiled. */
  environment(children: boolean): Record<string, string> {
    return {
      NODE_OPTIONS: `--import ${PRELOAD}`,
      BENCH_PROBE_SOCKET: join(this.#folder, 'probes'),
      ...(children && { INTERLOCK_CHILD_ENVIRONMENT: 'NODE_OPTIONS,BENCH_PROBE_SOCKET' }),
    };
  }

  /** Of every role; children count nothing. */
  async counts(): Promise<Counted[]> {
    const answers = this.#roles.map(async ({ role, pid, ask }) => ({ role, pid, calls: (await ask('counts')) as Calls }));
    return Promise.all(answers);
  }

  /** Of every role: as it is, or after all garbage was collected. */
  async memory(when: 'as it is' | 'collected'): Promise<Memory[]> {
    const what = when === 'collected' ? 'collected-memory' : 'memory';
    const answers = this.#roles.map(async ({ role, pid, ask }) => ({
      ...{ role, pid },
      ...((await ask(what)) as Omit<Memory, 'role' | 'pid'>),
    }));
    return Promise.all(answers);
  }

  get #roles(): Probe[] {
    return [...this.#connected].filter(({ role }) => role !== 'child');
  }

  async startProfiles(): Promise<void> {
    await Promise.all([...this.#connected].map(({ ask }) => ask('start-profile')));
  }

  /** Of every process that is still there and was at the start. */
  async stopProfiles(): Promise<{ role: string; profile: CpuProfile }[]> {
    const stopped = await Promise.all(
      [...this.#connected].map(async ({ role, ask }) => ({ role, file: await ask('stop-profile') })),
    );
    const profiles: { role: string; profile: CpuProfile }[] = [];
    for (const { role, file } of stopped) {
      if (typeof file !== 'string') continue;
      profiles.push({ role, profile: JSON.parse(await readFile(file, 'utf8')) as CpuProfile });
      await rm(file);
    }
    return profiles;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #greet(socket: Socket): void {
    const asked = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
    let probe: Probe | undefined;
    const ask = (what: string): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const id = asked.size === 0 ? 1 : Math.max(...asked.keys()) + 1;
        asked.set(id, { resolve, reject });
        socket.write(`${JSON.stringify({ id, ask: what })}\n`);
        AbortSignal.timeout(ANSWER_MS).addEventListener('abort', () => reject(new Error(`No answer to ${what}`)));
      });
    this.#sockets.add(socket);
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (probe) this.#connected.delete(probe);
      // A child that is replaced has nothing to tell; a role that dies is found dead by the stage.
      for (const { resolve } of asked.values()) resolve(undefined);
    });
    createInterface({ input: socket }).on('line', line => {
      const message = JSON.parse(line) as Message;
      if ('role' in message) {
        probe = { ...message, ask };
        this.#connected.add(probe);
        return;
      }
      const waiting = asked.get(message.id);
      asked.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.answer);
      else waiting?.reject(new Error(message.error));
    });
  }
}
