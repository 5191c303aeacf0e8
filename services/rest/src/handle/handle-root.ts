import { openApiDisabled } from '../errors/request-errors.js';
import { contextStatement } from '../execute/context-statement.js';
import { chooseOpenApi } from '../media/choose-media.js';
import { type Access, accessStatement, readAccess } from '../open-api/access.js';
import { openApiUrl, renderOpenApi } from '../open-api/render-open-api.js';
import type { Answer } from '../respond/answer.js';
import { qualified } from '../sql/sql-text.js';
import { handleCall } from './handle-call.js';
import { contextOf, type Work } from './work.js';

/**
 * GET and HEAD of the root: what the function returns that is set for it, else OpenAPI. Throws PGRST107 and 126.
 * @param prefix Of the plugin, as clients see it in their URLs.
 */
export async function handleRoot(work: Work, isHead: boolean, prefix: string): Promise<Answer> {
  const { http, request, environment } = work;
  const { settings, schemaCache } = environment.loaded;
  if (settings.rootSpec !== null) return await handleCall(work, settings.rootSpec.name, isHead ? 'HEAD' : 'GET');
  if (settings.openApiMode === 'disabled') throw openApiDisabled();
  const contentType = chooseOpenApi(http.headers.accept);
  const access = settings.openApiMode === 'follow-privileges' ? await askAccess(work) : undefined;
  const headers: (readonly [string, string])[] = [['Content-Type', contentType]];
  if (request.profile !== undefined) headers.push(['Content-Profile', request.profile]);
  if (isHead) return { status: 200, headers, body: undefined };
  const body = renderOpenApi({
    cache: schemaCache,
    schema: request.schema,
    access,
    security: settings.openApiSecurityActive,
    url: openApiUrl(settings.openApiServerProxyUri, http.headers.host, prefix),
  });
  return { status: 200, headers, body };
}

async function askAccess(work: Work): Promise<Access> {
  const { request, identity, environment } = work;
  const { settings, roleSettings } = environment.loaded;
  const role = roleSettings.get(identity.role);
  const results = await environment.database.pipeline(
    [
      contextStatement(contextOf(work, role?.settings ?? [])),
      ...(settings.preRequest === null ? [] : [{ text: `SELECT ${qualified(settings.preRequest)}()` }]),
      accessStatement(request.schema),
    ],
    { access: 'read only', isolation: role?.isolation ?? 'read committed', repeatable: true },
    environment.signal,
  );
  return readAccess(results.at(-1));
}
