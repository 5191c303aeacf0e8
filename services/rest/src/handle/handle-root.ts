import { openApiDisabled } from '../errors/request-errors.js';
import { contextStatement } from '../execute/context-statement.js';
import { chooseOpenApi } from '../media/choose-media.js';
import { type Access, accessStatement, readAccess } from '../open-api/access.js';
import { openApiUrl, renderOpenApi } from '../open-api/render-open-api.js';
import type { Answer } from '../respond/answer.js';
import { qualified } from '../sql/sql-text.js';
import { prepareCall } from './prepare-call.js';
import { contextOf, type Given, runPrepared, type Work } from './work.js';

/**
 * GET and HEAD of the root: what the function returns that is set for it, else OpenAPI. Throws PGRST107 and 126.
 * @param prefix Of the plugin, as clients see it in their URLs.
 */
export async function handleRoot(work: Work, given: Given, isHead: boolean, prefix: string): Promise<Answer> {
  const { http, head, environment } = work;
  const { settings, schemaCache } = environment.loaded;
  if (settings.rootSpec !== null) {
    const preparation = {
      request: { ...head, body: undefined },
      accept: http.headers.accept,
      loaded: environment.loaded,
    };
    const prepared = prepareCall(preparation, settings.rootSpec.name, isHead ? 'HEAD' : 'GET');
    return await runPrepared(work, prepared, given);
  }
  if (settings.openApiMode === 'disabled') throw openApiDisabled();
  const contentType = chooseOpenApi(http.headers.accept);
  const access = settings.openApiMode === 'follow-privileges' ? await askAccess(work) : undefined;
  const headers: (readonly [string, string])[] = [['Content-Type', contentType]];
  if (head.profile !== undefined) headers.push(['Content-Profile', head.profile]);
  if (isHead) return { status: 200, headers, body: undefined };
  const body = renderOpenApi({
    cache: schemaCache,
    schema: head.schema,
    access,
    security: settings.openApiSecurityActive,
    url: openApiUrl(settings.openApiServerProxyUri, http.headers.host, prefix),
  });
  return { status: 200, headers, body };
}

async function askAccess(work: Work): Promise<Access> {
  const { head, identity, environment } = work;
  const { settings, roleSettings } = environment.loaded;
  const role = roleSettings.get(identity.role);
  const results = await environment.database.pipeline(
    [
      contextStatement(contextOf(work, role?.settings ?? [])),
      ...(settings.preRequest === null ? [] : [{ text: `SELECT ${qualified(settings.preRequest)}()` }]),
      accessStatement(head.schema),
    ],
    { access: 'read only', isolation: role?.isolation ?? 'read committed', repeatable: true },
    environment.signal,
  );
  return readAccess(results.at(-1));
}
