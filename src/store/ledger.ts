/** What an audit reads: records as they are, of whose shape nothing is believed. */
export interface LedgerStore {
  /**
   * Task records in order of id, after this one, at most `limit`; without what users wrote (arguments, results, progress). `readAt`: server time
   * just before they were read, undefined for an empty page. Majority read. Throws StoreError.
   */
  page(limit: number, afterId?: string): Promise<{ records: { id: string }[]; readAt: Date | undefined }>;
}
