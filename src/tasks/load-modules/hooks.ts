import { readFileSync } from 'node:fs';
import type { LoadFnOutput, LoadHookContext, ResolveFnOutput, ResolveHookContext } from 'node:module';
import { fileURLToPath } from 'node:url';

import { askedFrom, isTypeScript, twinsOf, withoutTypes, type HookData } from './rules.js';

type Next<Context, Output> = (what: string, context?: Partial<Context>) => Output;

/** Of `module.registerHooks`, as its documentation has it: the types of Node 20 do not know it. */
export interface Hooks {
  resolve(specifier: string, context: ResolveHookContext, next: Next<ResolveHookContext, ResolveFnOutput>): ResolveFnOutput;
  load(url: string, context: LoadHookContext, next: Next<LoadHookContext, LoadFnOutput>): LoadFnOutput;
}

/**
 * `interlock` means the running copy, wherever the importing module lies: a second copy would have its own "current task".
 * Relative imports may name a `.ts` file as TypeScript does: `./x.js`, `./x`.
 */
export function hooksOf({ surface, strip }: HookData): Hooks {
  return {
    resolve(specifier, context, next) {
      if (specifier === 'interlock') return { url: surface, shortCircuit: true };
      const asked = askedFrom(specifier);
      if (asked) return next(asked.name, { ...context, parentURL: asked.parentURL });
      try {
        return next(specifier, context);
      } catch (error) {
        const found = strip ? firstFound(twinsOf(specifier, error), twin => next(twin, context)) : undefined;
        if (found) return found;
        throw error;
      }
    },
    load(url, context, next) {
      if (!strip || !isTypeScript(url)) return next(url, context);
      const filePath = fileURLToPath(url);
      return { format: 'module', source: withoutTypes(readFileSync(filePath, 'utf8'), filePath), shortCircuit: true };
    },
  };
}

/** Those that are not there either tell nothing: the first error is the one to report. */
function firstFound(twins: readonly string[], find: (twin: string) => ResolveFnOutput): ResolveFnOutput | undefined {
  for (const twin of twins) {
    try {
      return find(twin);
    } catch {
      continue;
    }
  }
  return undefined;
}
