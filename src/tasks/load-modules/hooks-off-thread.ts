import { readFile } from 'node:fs/promises';
import type { InitializeHook, LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';

import { transform } from 'sucrase';

import { PACKAGE_FROM, type HookData } from './hook-data.js';

let data: HookData = { surface: '', strip: false };

export const initialize: InitializeHook<HookData> = given => {
  data = given;
};

/**
 * `interlock` means the running copy, wherever the importing module lies: a second copy would have its own "current task".
 * Relative imports may name a `.ts` file as TypeScript does: `./x.js`, `./x`.
 */
export const resolve: ResolveHook = async (specifier, context, next) => {
  if (specifier === 'interlock') return next(data.surface, context);
  if (specifier.startsWith(PACKAGE_FROM)) {
    const [name = '', parentURL = ''] = specifier.slice(PACKAGE_FROM.length).split('?').map(decodeURIComponent);
    return next(name, { ...context, parentURL });
  }
  try {
    return await next(specifier, context);
  } catch (error) {
    for (const twin of data.strip && isMissing(error) ? twins(specifier) : []) {
      const found = await Promise.resolve(next(twin, context)).catch(() => undefined); // the first error is the one to report
      if (found) return found;
    }
    throw error;
  }
};

/** Types are stripped in place: lines and columns of a stack trace are those of the file. */
export const load: LoadHook = async (url, context, next) => {
  if (!data.strip || !/^file:.*\.m?ts(\?|$)/.test(url)) return next(url, context);
  const filePath = fileURLToPath(url);
  const { code } = transform(await readFile(filePath, 'utf8'), {
    transforms: ['typescript'],
    disableESTransforms: true,
    filePath,
  });
  return { format: 'module', source: code, shortCircuit: true };
};

function twins(specifier: string): string[] {
  if (!/^(\.{1,2}\/|\/|file:)/.test(specifier)) return [];
  const match = /^(.*)\.(m?)js$/.exec(specifier);
  if (match) return [`${match[1] ?? ''}.${match[2] ?? ''}ts`];
  return /\.[a-z]+$/.test(specifier) ? [] : [`${specifier}.ts`, `${specifier}.mts`, `${specifier}/index.ts`];
}

function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_UNSUPPORTED_DIR_IMPORT';
}
