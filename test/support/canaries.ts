import { randomBytes } from 'node:crypto';

/** What must not be seen: planted where it is used, and looked for in everything that anybody says. */
export class Canaries {
  readonly #planted = new Map<string, string>();
  /** By where it was said. */
  readonly #said = new Map<string, string>();

  /** @param secret the one that is there anyway; else one is made up */
  plant(kind: string, secret = `canary-${kind}-${randomBytes(12).toString('hex')}`): string {
    if (secret.length <= 12) throw new Error(`${kind}: "${secret}" may stand somewhere by chance`);
    this.#planted.set(kind, secret);
    return secret;
  }

  /** Which of them this text holds. */
  kindsIn(text: string): string[] {
    return [...this.#planted].filter(([, secret]) => disguises(secret).some(each => text.includes(each))).map(([kind]) => kind);
  }

  hear(where: string, text: string): void {
    this.#said.set(`${this.#said.size} ${where}`, text);
  }

  /** What was said at the places whose names fit. */
  heard(where: RegExp): string[] {
    return [...this.#said].filter(([place]) => where.test(place)).map(([, text]) => text);
  }

  /** Each place where one is seen, but for those where it may be, by its kind. */
  seen(mayBe: Readonly<Record<string, RegExp>> = {}): string[] {
    return [...this.#said].flatMap(([where, text]) =>
      this.kindsIn(text)
        .filter(kind => !mayBe[kind]?.test(where))
        .map(kind => `${kind} in ${where}`),
    );
  }
}

/** As it is, in an address, and in base64, whatever stands before it there. */
function disguises(secret: string): string[] {
  const encoded = ['', 'x', 'xx'].map(before => Buffer.from(before + secret).toString('base64'));
  return [secret, encodeURIComponent(secret), ...encoded.map(text => text.slice(4, -4))];
}
