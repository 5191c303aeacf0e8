import type { ApiRequest } from '../request/api-request.js';
import type { Answer } from '../respond/answer.js';
import { respondInfo, rootMethods, routineMethods, tableMethods } from '../respond/respond-info.js';
import { findTable } from '../schema-cache/find-table.js';
import type { LoadedSchema } from '../schema-cache/watch-schema-cache.js';
import { routineOf } from './prepare-call.js';

/** OPTIONS: what may be done with a table or a function. Throws PGRST202, 203 and 205. */
export function handleInfo(request: ApiRequest, loaded: LoadedSchema): Answer {
  const { target, schema } = request;
  if (target.kind !== 'info' || target.about === 'root') return respondInfo(rootMethods);
  if (target.about === 'routine') return respondInfo(routineMethods(routineOf(request, loaded, target.name)));
  return respondInfo(tableMethods(findTable(loaded.schemaCache, { schema, name: target.name })));
}
