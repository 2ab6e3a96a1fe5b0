/** How many units there are of resources that tasks count, for the whole deployment. */
export interface CapacityStore {
  /** True: it was not declared before. A task that waits goes by it as soon as the resource manager has read it. */
  declare(name: string, units: number): Promise<boolean>;
  /** False: it is not declared. */
  withdraw(name: string): Promise<boolean>;
  /** Of these names (at most 1,000) those that are declared, with their units. */
  of(names: readonly string[]): Promise<Map<string, number>>;
}
