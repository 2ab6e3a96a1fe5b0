import { transform } from 'sucrase';

/** Prefix of the specifiers by which `load-modules.ts` asks for a package as seen from some folder. */
const PACKAGE_FROM = 'interlock-package:';
const RELATIVE_OR_FILE = /^(\.{1,2}\/|\/|file:)/;

export interface HookData {
  /** URL of the running copy's public surface. */
  surface: string;
  /** Whether `.ts` is ours to strip; false where something else in this process already does. */
  strip: boolean;
}

/** How to ask for a package as the module at `parentURL` would. */
export function packageFrom(name: string, parentURL: string): string {
  return `${PACKAGE_FROM}${encodeURIComponent(name)}?${encodeURIComponent(parentURL)}`;
}

/** What `packageFrom` was given; undefined for any other specifier. */
export function askedFrom(specifier: string): { name: string; parentURL: string } | undefined {
  if (!specifier.startsWith(PACKAGE_FROM)) return undefined;
  const [name = '', parentURL = ''] = specifier.slice(PACKAGE_FROM.length).split('?').map(decodeURIComponent);
  return { name, parentURL };
}

/** What else a specifier that leads nowhere may mean: TypeScript lets `./x.js` and `./x` stand for `./x.ts`. */
export function twinsOf(specifier: string, error: unknown): string[] {
  if (!isMissing(error) || !RELATIVE_OR_FILE.test(specifier)) return [];
  const match = /^(.*)\.(m?)js$/.exec(specifier);
  if (match) return [`${match[1] ?? ''}.${match[2] ?? ''}ts`];
  return /\.[a-z]+$/.test(specifier) ? [] : [`${specifier}.ts`, `${specifier}.mts`, `${specifier}/index.ts`];
}

function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_UNSUPPORTED_DIR_IMPORT' || code === 'MODULE_NOT_FOUND';
}

export function isTypeScript(url: string): boolean {
  return /^file:.*\.m?ts(\?|$)/.test(url);
}

/** Types are stripped in place: lines and columns of a stack trace are those of the file. */
export function withoutTypes(source: string, filePath: string): string {
  return transform(source, { transforms: ['typescript'], disableESTransforms: true, filePath }).code;
}
