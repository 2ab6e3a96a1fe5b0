import { fileServices, type Service } from '../plugins/file/services.js';
import type { Parts } from './compose.js';

/** What plugins offer to task code, by name; called in the supervisor, where the database is. */
export function pluginServices({ store, config }: Pick<Parts, 'store' | 'config'>): Record<string, Service> {
  return fileServices({ documents: store.documents, dataDirectory: config.dataDirectory, settings: config.file });
}
