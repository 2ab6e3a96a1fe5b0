import { closeContract } from './close.contract.js';
import { consumeContract } from './consume.contract.js';
import { controlContract } from './control.contract.js';
import { eventsContract } from './events.contract.js';
import { outageContract } from './outage.contract.js';
import { publishContract } from './publish.contract.js';
import { simulatedUnderTest } from './simulated-under-test.js';

describe('the simulated broker', () => {
  const under = simulatedUnderTest();
  consumeContract(under);
  publishContract(under);
  controlContract(under);
  eventsContract(under);
  outageContract(under);
  closeContract(under);
}).timeout(60_000);
