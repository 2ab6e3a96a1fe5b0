import { acceptContract } from './accept.contract.js';
import { cancelContract } from './cancel.contract.js';
import { documentsContract } from './documents.contract.js';
import { finishContract } from './finish.contract.js';
import { grantsContract } from './grants.contract.js';
import { joinsContract } from './joins.contract.js';
import { leasesContract } from './leases.contract.js';
import { linesContract } from './lines.contract.js';
import { lostContract } from './lost.contract.js';
import { processesContract } from './processes.contract.js';
import { retryContract } from './retry.contract.js';
import { schedulesContract } from './schedules.contract.js';
import { startContract } from './start.contract.js';
import type { StoreUnderTest } from './support.js';
import { uniqueContract } from './unique.contract.js';
import { viewsContract } from './views.contract.js';

/** All that every adapter of the port `Store` must do. */
export function storeContract(under: StoreUnderTest): void {
  acceptContract(under);
  startContract(under);
  finishContract(under);
  retryContract(under);
  joinsContract(under);
  uniqueContract(under);
  cancelContract(under);
  linesContract(under);
  viewsContract(under);
  processesContract(under);
  lostContract(under);
  leasesContract(under);
  grantsContract(under);
  schedulesContract(under);
  documentsContract(under);
}
