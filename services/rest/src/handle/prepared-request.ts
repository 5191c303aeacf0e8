import type { RequestResult } from '../execute/run-request.js';
import type { ChosenMedia } from '../media/choose-media.js';
import type { ApiRequest } from '../request/api-request.js';
import type { Pair } from '../request/query-string.js';
import type { Answer } from '../respond/answer.js';
import type { Routine } from '../schema-cache/types.js';
import type { LoadedSchema } from '../schema-cache/watch-schema-cache.js';
import type { MainStatement } from '../sql/statement-sql.js';

/** What a request is prepared from. Where the request has slots, so have the statements. */
export interface Preparation {
  readonly request: ApiRequest;
  /** The header. */
  readonly accept: string | undefined;
  readonly loaded: LoadedSchema;
}

/** All that can be known of a request before it runs. It never changes, and serves all requests that differ in the values of its slots alone. */
export interface PreparedRequest {
  readonly main: MainStatement;
  /** Asks the planner how many rows there are; undefined: nobody wants to know. */
  readonly estimate: MainStatement | undefined;
  readonly media: ChosenMedia;
  readonly access: 'read only' | 'read write';
  /** Run twice, it leaves the same behind as once. */
  readonly repeatable: boolean;
  readonly routine: Routine | undefined;
  /**
   * Throws PGRST103, 111, 112, 116 and 124.
   * @param pairs The parameters of the query string.
   */
  readonly answer: (result: RequestResult, pairs: readonly Pair[]) => Answer;
}
