import { ADAPTER_MUTANTS } from './adapter-mutants.js';
import { LENDING_MUTANTS } from './lending-mutants.js';
import type { Mutant } from './mutant.js';
import { PROTOCOL_MUTANTS } from './protocol-mutants.js';

/** Every rule of docs/architecture.md and of the protocol that was ever broken, or whose absence broke a model of it. */
export const CATALOGUE: readonly Mutant[] = [...PROTOCOL_MUTANTS, ...ADAPTER_MUTANTS, ...LENDING_MUTANTS];
