import { readClientTls, tlsFilesOf } from '../client/tls.js';
import type { ClientOptions } from '../client/transport.js';
import { UsageError } from './exit-codes.js';
import { profileNamed, readProfiles, type Profile } from './profiles.js';

/** Where the API is, with which token, and the files of TLS. */
export type Address = Partial<Profile>;

/**
 * What names it, the first that does: `--url`; `--profile` or INTERLOCK_PROFILE; INTERLOCK_URL; the profile in use. A token goes only where it belongs: that
 * of a profile to its own address, INTERLOCK_TOKEN to every other one and to a profile without a token. Throws UsageError.
 */
export function addressOf(options: { url?: string; profile?: string }): Address {
  if (options.url !== undefined && options.profile !== undefined) throw new UsageError('Give either --url or --profile.');
  const named = options.profile ?? variable('INTERLOCK_PROFILE');
  const url = options.url ?? (named === undefined ? variable('INTERLOCK_URL') : undefined);
  if (url !== undefined) return withToken({ url });
  if (named !== undefined) return withToken(profileNamed(named, readProfiles()));
  const profiles = readProfiles();
  return withToken(profiles.current === undefined ? {} : profileNamed(profiles.current, profiles));
}

/** The options of a client: files are read here. Throws UsageError. */
export function clientOptions({ url, token, ...files }: Address): ClientOptions {
  const named = tlsFilesOf({
    INTERLOCK_CA_FILE: variable('INTERLOCK_CA_FILE'),
    INTERLOCK_CLIENT_CERTIFICATE_FILE: variable('INTERLOCK_CLIENT_CERTIFICATE_FILE'),
    INTERLOCK_CLIENT_KEY_FILE: variable('INTERLOCK_CLIENT_KEY_FILE'),
  });
  try {
    const tls = readClientTls({ ...named, ...files });
    return { ...(url !== undefined && { url }), ...(token !== undefined && { token }), ...(tls && { tls }) };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function withToken(address: Address): Address {
  const token = address.token ?? variable('INTERLOCK_TOKEN');
  return { ...address, ...(token !== undefined && { token }) };
}

function variable(name: string): string | undefined {
  const value = process.env[name];
  if (value === '') throw new UsageError(`The variable ${name} is set but empty.`);
  return value;
}
