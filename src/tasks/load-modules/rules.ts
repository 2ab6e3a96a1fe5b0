/** Prefix of the specifiers by which `load-modules.ts` asks for a package as seen from some folder. */
export const PACKAGE_FROM = 'interlock-package:';

/** What this thread is told when it is registered. */
export interface HookData {
  /** URL of the running copy's public surface. */
  surface: string;
  /** Whether `.ts` is ours to strip; false where something else in this process already does. */
  strip: boolean;
}
