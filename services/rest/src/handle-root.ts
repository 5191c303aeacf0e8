import { openApiDisabled } from './errors/request-errors.js';
import { handleCall, type Identity, type RequestEnvironment } from './handle-request.js';
import type { ApiRequest, HttpRequest } from './request/api-request.js';
import type { Answer } from './respond/answer.js';

/** GET and HEAD of the root: the function that is set for it, else OpenAPI. */
export async function handleRoot(
  http: HttpRequest,
  request: ApiRequest,
  identity: Identity,
  environment: RequestEnvironment,
): Promise<Answer> {
  const { settings } = environment.loaded;
  if (settings.rootSpec !== null) {
    return await handleCall({ http, request, identity, environment }, settings.rootSpec.name, 'GET');
  }
  throw openApiDisabled();
}
