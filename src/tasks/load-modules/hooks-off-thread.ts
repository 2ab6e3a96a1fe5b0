import { readFile } from 'node:fs/promises';
import type { InitializeHook, LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';

import { askedFrom, isTypeScript, twinsOf, withoutTypes, type HookData } from './rules.js';

// The same as hooks.ts, for a Node that has no `module.registerHooks` (before 22.15): there hooks live in a thread of their own, and are told by
// messages. To go when Node 20 does.

let data: HookData = { surface: '', strip: false };

export const initialize: InitializeHook<HookData> = given => {
  data = given;
};

export const resolve: ResolveHook = async (specifier, context, next) => {
  if (specifier === 'interlock') return next(data.surface, context);
  const asked = askedFrom(specifier);
  if (asked) return next(asked.name, { ...context, parentURL: asked.parentURL });
  try {
    return await next(specifier, context);
  } catch (error) {
    for (const twin of data.strip ? twinsOf(specifier, error) : []) {
      const found = await Promise.resolve(next(twin, context)).catch(() => undefined); // the first error is the one to report
      if (found) return found;
    }
    throw error;
  }
};

export const load: LoadHook = async (url, context, next) => {
  if (!data.strip || !isTypeScript(url)) return next(url, context);
  const filePath = fileURLToPath(url);
  return { format: 'module', source: withoutTypes(await readFile(filePath, 'utf8'), filePath), shortCircuit: true };
};
