/** What crosses the REST API and the pipe to a child: plain JSON, nothing else. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}
