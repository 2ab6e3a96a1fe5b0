import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Who gives roles the addresses of names that end in `.lan`, all of them this machine. */
export interface NameServer {
  /** Of the roles that ask it, and their children. */
  readonly env: Record<string, string>;
  /** Comes before the command of such a role. */
  readonly launcher: readonly string[];
  /** Answers no question about these names until they are left out in another call; then also those from before. */
  silentAbout(...names: string[]): void;
  close(): Promise<void>;
}

const PRELOAD = pathToFileURL(fileURLToPath(new URL('./named-hosts.mjs', import.meta.url))).href;
let files = 0;
const newFile = (name: string): string => join(tmpdir(), `interlock-${process.pid}-${++files}.${name}`);

/** Lookups in Node's own API are kept waiting. Nothing of libuv and glibc is in it. */
export class StandInNameServer implements NameServer {
  readonly launcher = [];
  readonly #file = newFile('silent.json');
  readonly env = {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    NAMED_HOSTS_FILE: this.#file,
    INTERLOCK_CHILD_ENVIRONMENT: 'NODE_OPTIONS,NAMED_HOSTS_FILE',
  };

  constructor() {
    this.silentAbout();
  }

  silentAbout(...names: string[]): void {
    writeFileSync(`${this.#file}.new`, JSON.stringify(names));
    renameSync(`${this.#file}.new`, this.#file);
  }

  close(): Promise<void> {
    rmSync(this.#file);
    return Promise.resolve();
  }
}

interface Question {
  name: string;
  message: Buffer;
  from: RemoteInfo;
}

/** A role in a mount namespace of its own, with another `resolv.conf`. */
const WITH_RESOLV_CONF = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
/** An unanswered lookup holds its thread for 150 s, the longest that glibc can be told: longer than any role may take to end. */
const RESOLV_CONF = 'options timeout:30 attempts:5\n';

/** A real one, which glibc asks by UDP. Only root may listen on port 53 and mount. */
export class UdpNameServer implements NameServer {
  readonly env = {};
  readonly launcher: readonly string[];
  readonly #file: string;
  readonly #socket: Socket;
  #silent: readonly string[] = [];
  #held: Question[] = [];

  private constructor(socket: Socket, file: string) {
    this.#socket = socket;
    this.#file = file;
    this.launcher = ['unshare', '-m', 'sh', '-c', WITH_RESOLV_CONF, file];
    socket.on('message', (message, from) => {
      const question = { name: nameIn(message), message, from };
      if (this.#silent.includes(question.name)) this.#held.push(question);
      else this.#answer(question);
    });
  }

  static async start(): Promise<UdpNameServer> {
    const address = `127.53.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`;
    const socket = createSocket('udp4').bind(53, address);
    await once(socket, 'listening');
    const file = newFile('resolv.conf');
    writeFileSync(file, `nameserver ${address}\n${RESOLV_CONF}`);
    return new UdpNameServer(socket, file);
  }

  silentAbout(...names: string[]): void {
    this.#silent = names;
    const held = this.#held;
    this.#held = held.filter(({ name }) => names.includes(name));
    for (const question of held) if (!names.includes(question.name)) this.#answer(question);
  }

  async close(): Promise<void> {
    rmSync(this.#file);
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  /** RFC 1035 section 4: the question again, and for type A one record with the address. */
  #answer({ message, from }: Question): void {
    const end = 12 + lengthOf(message) + 4;
    const known = message.readUInt16BE(end - 4) === TYPE_A;
    const header = Buffer.from(message.subarray(0, 12));
    header.writeUInt16BE(0x8180, 2); // an answer, with recursion
    header.writeUInt16BE(known ? 1 : 0, 6);
    header.fill(0, 8, 12);
    const parts = [header, message.subarray(12, end), ...(known ? [HERE] : [])];
    this.#socket.send(Buffer.concat(parts), from.port, from.address);
  }
}

const TYPE_A = 1;
/** The name of the question, type A, class IN, good for no time, 4 bytes: 127.0.0.1. */
const HERE = Buffer.from([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);

/** Labels, each after its length; the last one has none. */
function labelsIn(message: Buffer): string[] {
  const labels: string[] = [];
  for (let at = 12; message[at] !== 0; at += 1 + (message[at] ?? 0))
    labels.push(message.toString('latin1', at + 1, at + 1 + (message[at] ?? 0)));
  return labels;
}

function nameIn(message: Buffer): string {
  return labelsIn(message).join('.').toLowerCase();
}

function lengthOf(message: Buffer): number {
  return labelsIn(message).reduce((sum, label) => sum + 1 + label.length, 1);
}
