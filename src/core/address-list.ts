/**
 * The addresses of a server that runs on several hosts, as `scheme://user:password@a:1,b:2/path?options`: one address per host, in
 * order. An address with one host comes back as it is; whatever is no address at all, too.
 */
export function eachAddress(url: string): string[] {
  const [, before, hosts = '', after] = /^([a-z]+:\/\/(?:[^/?#]*@)?)([^@/?#]*)(.*)$/is.exec(url) ?? [];
  if (!hosts.includes(',')) return [url];
  return hosts.split(',').map(host => `${before}${host}${after}`);
}
