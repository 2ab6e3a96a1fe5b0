import { OWN_COLLECTIONS } from '../../../src/store/mongo/indexes.js';
import type { Store } from '../../../src/store/store.js';
import { SimulatedDatabase } from '../../../src/testing/store/database.js';
import { simulatedStore } from '../../../src/testing/store/store.js';
import { storeContract } from './store.contract.js';

describe('the simulated store', () => {
  let stores: Store[] = [];
  storeContract({
    store: () => stores[0]!,
    other: () => stores[1]!,
    clear() {
      const database = new SimulatedDatabase(() => new Date());
      stores = [simulatedStore(database, OWN_COLLECTIONS), simulatedStore(database, OWN_COLLECTIONS)];
      return Promise.resolve();
    },
  });
});
