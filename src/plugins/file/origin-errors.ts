import { SyncFailure, codeOf } from './failure.js';
import { shown } from './origin-url.js';
import type { Settings } from './settings.js';

type Timeouts = Pick<Settings, 'connect_timeout' | 'read_timeout' | 'proxy_url'>;

const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']);
const TLS = /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO$)/;

/**
 * Says in the plugin's words what undici, TLS or the socket threw. With a proxy, every connection that fails is the one to the proxy
 * (undici has no code of its own for a tunnel that was refused, only this message).
 */
export function originFailure(error: unknown, url: URL, settings: Timeouts): SyncFailure {
  if (error instanceof SyncFailure) return error;
  const code = codeOf(error);
  const why = error instanceof Error ? error.message : String(error);
  const to = shown(url);
  const failure = (as: SyncFailure['code'], message: string, retryable = false): SyncFailure =>
    new SyncFailure(as, message, { cause: error, retryable });

  if (/^Proxy response|Proxy Authentication Required/.test(why) || code === 'UND_ERR_PRX_TLS') {
    return failure('PROXY_ERROR', `The proxy ${settings.proxy_url} refused the way to ${to}: ${why}`);
  }
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return failure('ORIGIN_TIMEOUT', `No connection for ${to} within ${settings.connect_timeout} s (connect_timeout).`);
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return failure('ORIGIN_TIMEOUT', `Nothing came from ${to} for ${settings.read_timeout} s (read_timeout).`);
  }
  if (TLS.test(code)) return failure('TLS_ERROR', `No secure connection for ${to}: ${why} (${code}).`);
  if (isParserError(error) || code === 'UND_ERR_HEADERS_OVERFLOW')
    return failure('ORIGIN_ERROR', `What ${to} answered is no HTTP: ${why}.`);
  if (BROKEN.has(code)) {
    const hint =
      url.protocol === 'https:' ? ' (Some servers hang up like this on a client certificate that they do not accept.)' : '';
    return failure('ORIGIN_UNREACHABLE', `The connection for ${to} broke: ${why}.${hint}`, true);
  }
  if (settings.proxy_url !== null) return failure('PROXY_ERROR', `The proxy ${settings.proxy_url} cannot be reached: ${why}.`);
  return failure('ORIGIN_UNREACHABLE', `${to} cannot be reached: ${why}.`);
}

/** The one error of undici that comes without a code. */
function isParserError(error: unknown): boolean {
  return error instanceof Error && error.name === 'HTTPParserError';
}
