import { RestError } from './rest-error.js';

/** PGRST100; `message` and `details` as the parser words them. */
export function queryParseError(message: string, details: string): RestError {
  return new RestError({ status: 400, code: 'PGRST100', message, details });
}

/** PGRST101, only for functions. */
export function invalidRpcMethod(method: string): RestError {
  return new RestError({ status: 405, code: 'PGRST101', message: `Cannot use the ${method} method on RPC` });
}

/** PGRST102 */
export function invalidBody(message: string): RestError {
  return new RestError({ status: 400, code: 'PGRST102', message });
}

/** PGRST103. `total`: the rows that there are, where they were counted. */
export function invalidRange(details: string, total?: number): RestError {
  return new RestError({
    status: 416,
    code: 'PGRST103',
    message: 'Requested range not satisfiable',
    details,
    ...(total === undefined ? {} : { headers: [['Content-Range', `*/${total}`]] }),
  });
}

/** PGRST105, of PUT. */
export function invalidFilters(): RestError {
  const message = "Filters must include all and only primary key columns with 'eq' operators";
  return new RestError({ status: 405, code: 'PGRST105', message });
}

/** PGRST106 */
export function unacceptableSchema(schema: string, exposed: readonly string[]): RestError {
  return new RestError({
    status: 406,
    code: 'PGRST106',
    message: `Invalid schema: ${schema}`,
    hint: `Only the following schemas are exposed: ${exposed.join(', ')}`,
  });
}

/** PGRST107; `accepted` as the client wrote them. */
export function noMediaType(accepted: readonly string[]): RestError {
  return new RestError({
    status: 406,
    code: 'PGRST107',
    message: `None of these media types are available: ${accepted.join(', ')}`,
  });
}

/** PGRST108 */
export function notEmbedded(name: string): RestError {
  return new RestError({
    status: 400,
    code: 'PGRST108',
    message: `'${name}' is not an embedded resource in this request`,
    hint: `Verify that '${name}' is included in the 'select' query parameter.`,
  });
}

/** PGRST111 */
export function gucHeadersError(): RestError {
  const message = 'response.headers guc must be a JSON array composed of objects with a single key and a string value';
  return new RestError({ status: 500, code: 'PGRST111', message });
}

/** PGRST112 */
export function gucStatusError(): RestError {
  return new RestError({ status: 500, code: 'PGRST112', message: 'response.status guc must be a valid status code' });
}

/** PGRST114 */
export function putLimitNotAllowed(): RestError {
  const message = 'limit/offset querystring parameters are not allowed for PUT';
  return new RestError({ status: 400, code: 'PGRST114', message });
}

/** PGRST115 */
export function putMismatch(): RestError {
  const message = 'Payload values do not match URL in primary key column(s)';
  return new RestError({ status: 400, code: 'PGRST115', message });
}

/** PGRST116 */
export function notSingular(count: number): RestError {
  return new RestError({
    status: 406,
    code: 'PGRST116',
    message: 'Cannot coerce the result to a single JSON object',
    details: `The result contains ${count} rows`,
  });
}

/** PGRST117 */
export function unsupportedMethod(method: string): RestError {
  return new RestError({ status: 405, code: 'PGRST117', message: `Unsupported HTTP method: ${method}` });
}

/** PGRST118 */
export function relatedOrderNotToOne(origin: string, name: string): RestError {
  return new RestError({
    status: 400,
    code: 'PGRST118',
    message: `A related order on '${name}' is not possible`,
    details: `'${origin}' and '${name}' do not form a many-to-one or one-to-one relationship`,
  });
}

/** PGRST122 */
export function invalidPreferences(preferences: readonly string[]): RestError {
  return new RestError({
    status: 400,
    code: 'PGRST122',
    message: 'Invalid preferences given with handling=strict',
    details: `Invalid preferences: ${preferences.join(', ')}`,
  });
}

/** PGRST123 */
export function aggregatesNotAllowed(): RestError {
  return new RestError({ status: 400, code: 'PGRST123', message: 'Use of aggregate functions is not allowed' });
}

/** PGRST124 */
export function maxAffectedExceeded(count: number): RestError {
  return new RestError({
    status: 400,
    code: 'PGRST124',
    message: 'Query result exceeds max-affected preference constraint',
    details: `The query affects ${count} rows`,
  });
}

/** PGRST125 */
export function invalidPath(): RestError {
  return new RestError({ status: 404, code: 'PGRST125', message: 'Invalid path specified in request URL' });
}

/** PGRST126 */
export function openApiDisabled(): RestError {
  return new RestError({ status: 404, code: 'PGRST126', message: 'Root endpoint metadata is disabled' });
}

/** PGRST127 */
export function notImplemented(details: string): RestError {
  return new RestError({ status: 400, code: 'PGRST127', message: 'Feature not implemented', details });
}

/** PGRST128 */
export function maxAffectedNeedsSet(): RestError {
  const message = 'Function must return SETOF or TABLE when max-affected preference is used with handling=strict';
  return new RestError({ status: 400, code: 'PGRST128', message });
}
