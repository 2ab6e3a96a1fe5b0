import { mongoUnderTest } from './mongo-under-test.js';
import { storeContract } from './store.contract.js';

describe('the MongoDB store', () => {
  storeContract(mongoUnderTest());
});
