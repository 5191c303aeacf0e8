import { type HttpRequest, parseBodyOf, parseHead, type RequestHead } from '../request/api-request.js';
import { type Body, shapeOfBody } from '../request/body.js';
import { BoundedCache } from '../request/bounded-cache.js';
import type { Pair } from '../request/query-string.js';
import { shapeOf, withSlots } from '../request/request-shape.js';
import type { LoadedSchema } from '../schema-cache/watch-schema-cache.js';
import { prepareRequest } from './prepare-request.js';
import type { PreparedRequest } from './prepared-request.js';
import type { Given } from './work.js';

/** A request that is understood. Its head has slots where `key` is not undefined. */
export interface Understood extends Given {
  readonly head: RequestHead;
  /** As it came. */
  readonly body: Body | undefined;
  readonly key: string | undefined;
}

/** Shapes: an application has some hundreds at most. */
const rememberedAtMost = 500;

/**
 * Understands requests and prepares them, and remembers both by the shape of the request: parsing, planning and writing the SQL are done once for all
 * requests that differ in values alone. What was prepared with a schema that is not the present one is forgotten.
 */
export class PreparedRequests {
  #loaded: LoadedSchema | undefined;
  #heads = new BoundedCache<RequestHead>(rememberedAtMost);
  #prepared = new BoundedCache<PreparedRequest>(rememberedAtMost);

  /** Throws what `parseHead` and `parseBodyOf` do. */
  understand(http: HttpRequest, loaded: LoadedSchema): Understood {
    if (loaded !== this.#loaded) this.#forget(loaded);
    const { key, pairs, values } = shapeOf(http);
    const known = key === undefined ? undefined : this.#heads.get(key);
    const head = known ?? this.#parse(http, key, pairs, loaded);
    return { head, body: parseBodyOf(head, http.body), key, values, pairs };
  }

  /** Of a table or a function. Throws what `prepareRequest` does. */
  prepare(
    { head, body, key, values, pairs }: Understood,
    accept: string | undefined,
    loaded: LoadedSchema,
  ): { readonly prepared: PreparedRequest; readonly given: Given } {
    const shape = body === undefined ? undefined : shapeOfBody(body, values.length);
    if (key === undefined || loaded !== this.#loaded || (body !== undefined && shape === undefined)) {
      return { prepared: prepareRequest({ request: { ...head, body }, accept, loaded }), given: { values, pairs } };
    }
    const whole = shape === undefined ? key : `${key}\n${shape.key}`;
    let prepared = this.#prepared.get(whole);
    if (prepared === undefined) {
      prepared = prepareRequest({ request: { ...head, body: shape?.body }, accept, loaded });
      this.#prepared.set(whole, prepared);
    }
    return { prepared, given: { values: shape === undefined ? values : [...values, ...shape.values], pairs } };
  }

  #parse(http: HttpRequest, key: string | undefined, pairs: readonly Pair[], loaded: LoadedSchema): RequestHead {
    const { settings, schemaCache } = loaded;
    const head = parseHead(http, key === undefined ? pairs : withSlots(pairs), settings, schemaCache.timeZones);
    if (key !== undefined) this.#heads.set(key, head);
    return head;
  }

  #forget(loaded: LoadedSchema): void {
    this.#loaded = loaded;
    this.#heads = new BoundedCache(rememberedAtMost);
    this.#prepared = new BoundedCache(rememberedAtMost);
  }
}
