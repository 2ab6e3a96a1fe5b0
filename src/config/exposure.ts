import { eachAddress } from '../core/address-list.js';
import { isLoopback, withoutBrackets } from '../core/loopback.js';
import type { Problem } from './config-error.js';
import type { Origins } from './collect.js';
import type { Settings } from './schema.js';
import type { Environment } from './sources.js';

/** Settings of which one asks for TLS and another one does without. */
export function tlsContradictions({ mongo, amqp }: Settings, origins: Origins, env: Environment): Problem[] {
  const problems: Problem[] = [];
  const add = (key: string, detail: string): void => void problems.push({ key, source: origins.get(key) ?? 'default', detail });
  const [mongoFile, amqpFile] = [named(mongo.tls), named(amqp.tls)];
  if (amqp.url !== null && amqpFile !== undefined && !eachAddress(amqp.url).every(url => url.startsWith('amqps:')))
    add('amqp.url', `amqp.tls.${amqpFile} is set: expected amqps://, with amqp:// everything would travel in the open`);
  if (mongo.url !== null && mongoFile !== undefined && mongoOptions(mongo.url).get('tls') === 'false')
    add('mongo.url', `mongo.tls.${mongoFile} is set: expected no tls=false, with which everything would travel in the open`);
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    const detail = 'turns every check of certificates off: expected no such variable; name the authority with a caFile instead';
    problems.push({ key: 'NODE_TLS_REJECT_UNAUTHORIZED', source: 'environment', detail });
  }
  return problems;
}

/** What is legal and mostly a mistake. */
export function exposureWarnings({ mongo, amqp }: Settings): string[] {
  const warnings: string[] = [];
  const brokers = amqp.url === null ? [] : eachAddress(amqp.url).map(url => new URL(url));
  const remote = brokers.filter(({ hostname }) => !isLoopback(withoutBrackets(hostname)));
  if (remote.some(({ protocol }) => protocol === 'amqp:'))
    warnings.push(
      'amqp.url leads to another machine without TLS: what is sent there, the password too, can be read on the way. Use amqps://.',
    );
  const asGuest = remote.find(({ username }) => username === 'guest' || username === '');
  if (asGuest !== undefined)
    warnings.push(
      `amqp.url names the default user (guest) at ${asGuest.hostname}: RabbitMQ refuses it from other machines, and where it does not, everybody may come in. Give Interlock a user of its own.`,
    );
  if (mongo.url !== null && named(mongo.tls) === undefined && !encrypted(mongo.url) && !mongoHosts(mongo.url).every(isLoopback))
    warnings.push(
      'mongo.url leads to another machine without TLS: what is sent there can be read on the way. Set mongo.tls.caFile.',
    );
  return warnings;
}

function named(files: object): string | undefined {
  return Object.entries(files).find(([, path]) => path !== null)?.[0];
}

function encrypted(url: string): boolean {
  const tls = mongoOptions(url).get('tls') ?? (url.startsWith('mongodb+srv:') ? 'true' : 'false');
  return tls === 'true';
}

/** `ssl` is the older name. */
function mongoOptions(url: string): Map<string, string> {
  const query = new URLSearchParams(/\?(.*)$/s.exec(url)?.[1] ?? '');
  const options = new Map([...query].map(([name, value]) => [name.toLowerCase(), value.toLowerCase()]));
  const ssl = options.get('ssl');
  return ssl === undefined ? options : new Map([['tls', ssl], ...options]);
}

/** Without ports and brackets. */
function mongoHosts(url: string): string[] {
  const [, hosts = ''] = /^[a-z+]+:\/\/(?:[^@/]*@)?([^/?]*)/.exec(url) ?? [];
  return hosts.split(',').map(host => withoutBrackets(host.replace(/:\d*$/, '')));
}
