import { eachAddress } from '../core/address-list.js';

/**
 * The two server addresses, looked at before anything connects: what would be refused later, or would quietly weaken
 * what is promised, is refused here. Each answers with what was expected instead, or nothing.
 */
export function mongoAddressProblem(url: string): string | undefined {
  // Not `new URL`: it refuses the list of hosts of a replica set.
  const match = /^mongodb(?:\+srv)?:\/\/(?:[^@/]*@)?([^/?@]+)(?:\/[^?]*)?(?:\?(.*))?$/.exec(url);
  if (!match)
    return 'mongodb://[user:password@]host[:port][,host…]/[database][?options], special characters of the password as %xx';
  const options = new URLSearchParams(match[2] ?? '');
  if ((options.get('w') ?? 'majority') !== 'majority')
    return 'no other w than majority: with less, a failover takes accepted tasks back';
  if (options.get('retryWrites') === 'false') return 'no retryWrites=false';
  if ((options.get('readPreference') ?? 'primary') !== 'primary') return 'no other readPreference than primary';
  if (options.get('directConnection') === 'true') return 'no directConnection=true: it cannot follow a failover';
  const insecure = [...options.keys()].find(name => INSECURE.test(name) && options.get(name) !== 'false');
  if (insecure !== undefined)
    return `no ${insecure}: whoever sits between would not be noticed; name the authority with mongo.tls.caFile`;
  return undefined;
}

const INSECURE = /^(?:tlsInsecure|tlsAllowInvalid.*|sslValidate|tlsDisable.*)$/i;
const AMQP_OPTIONS = ['heartbeat', 'frameMax', 'channelMax', 'locale', 'connection_timeout'];

export function amqpAddressProblem(url: string): string | undefined {
  // Whatever reads it takes the last one for the end of the password, and not everything agrees on what is before it.
  const [authority = ''] = url.replace(/^[a-z]+:\/\//i, '').split(/[/?#]/, 1);
  if (authority.split('@').length > 2) return '@ in the password as %40';
  return eachAddress(url)
    .map(singleAddressProblem)
    .find(problem => problem !== undefined);
}

function singleAddressProblem(url: string): string | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^amqps?:$/.test(parsed.protocol) || parsed.hostname === '') {
    return 'amqp[s]://[user:password@]host[:port][,host…][/vhost], special characters of the password as %xx, the vhost / as %2F';
  }
  if (parsed.hash !== '') return '# in the password or vhost as %23';
  if (parsed.pathname.slice(1).includes('/')) return '/ in the name of the vhost as %2F';
  for (const key of parsed.searchParams.keys())
    if (!AMQP_OPTIONS.includes(key)) return `no other option than ${AMQP_OPTIONS.join(', ')}`;
  if (parsed.searchParams.get('heartbeat') === '0') return 'no heartbeat=0: a dead connection would never be noticed';
  return undefined;
}
