import { defineTask, Fatal } from 'interlock';
import { MongoClient, MongoServerError } from 'mongodb';
import { Type } from 'typebox';

interface Page {
  _id: string;
  fence: number;
  text: string;
}

/** Writes the text of a page unless a younger fence has: one compare-and-set, which the sink itself carries out. Throws Fatal: it was refused. */
export async function writePage(client: MongoClient, page: string, fence: number, text: string): Promise<void> {
  try {
    // Where a younger fence stands the filter finds nothing, the upsert inserts, and the `_id` is taken.
    await client
      .db()
      .collection<Page>('pages')
      .updateOne({ _id: page, fence: { $lte: fence } }, { $set: { fence, text } }, { upsert: true });
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
    const younger = await client
      .db()
      .collection<Page>('pages')
      .findOne({ _id: page, fence: { $gt: fence } });
    if (!younger) return writePage(client, page, fence, text); // two first writes met
    throw new Fatal(`"${page}" was written under the fence ${younger.fence}; ${fence} is older.`);
  }
}

const DUPLICATE_KEY = 11_000;

export const publishPage = defineTask({
  name: 'publish-page',
  input: Type.Object({ page: Type.String(), text: Type.String() }),
  resources: ({ page }) => ({ exclusive: [`page:${page}`] }),
  async handler({ page, text }, ctx) {
    const fence = ctx.fence(`page:${page}`);
    const client = await MongoClient.connect(process.env.PAGES_URL ?? '');
    try {
      await writePage(client, page, fence, text);
    } finally {
      await client.close();
    }
    return { fence };
  },
});
