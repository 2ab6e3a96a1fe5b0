import { SimulatedDatabase } from '../../simulation/store/database.js';
import { simulatedStore } from '../../simulation/store/store.js';
import type { Store } from '../../../src/store/store.js';
import { storeContract } from './store.contract.js';

describe('the simulated store', () => {
  let stores: Store[] = [];
  storeContract({
    store: () => stores[0]!,
    other: () => stores[1]!,
    clear() {
      const database = new SimulatedDatabase(() => new Date());
      stores = [simulatedStore(database), simulatedStore(database)];
      return Promise.resolve();
    },
  });
});
