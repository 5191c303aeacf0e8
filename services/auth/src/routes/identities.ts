import type { RegisterRoutes } from '../auth.js';
import { forbidden, notFound } from '../errors.js';
import { beginSignIn } from '../external/begin-sign-in.js';
import { requireUser } from '../http/authenticate.js';
import { clientAddress } from '../http/client-address.js';
import { isUuid, pathValue, queryValue } from '../http/parse-body.js';
import { requireManualLinking } from '../identities/link-identity.js';
import { unlinkIdentity } from '../identities/unlink-identity.js';

/** GET /user/identities/authorize, DELETE /user/identities/:id. */
export const identityRoutes: RegisterRoutes = (app, context) => {
  app.get('/user/identities/authorize', async (request, reply) => {
    const { user } = await requireUser(request, context);
    requireManualLinking(context);
    const url = await beginSignIn(request, context, user.id);
    if (queryValue(request, 'skip_http_redirect') === 'true') return { url };
    return await reply.redirect(url, 302);
  });
  app.delete('/user/identities/:id', async (request) => {
    const { user, claims } = await requireUser(request, context);
    requireManualLinking(context);
    const id = pathValue(request, 'id');
    if (!isUuid(id)) throw notFound('validation_failed', 'identity_id must be an UUID');
    if ([claims.aud].flat()[0] !== context.settings.jwt.audience) {
      throw forbidden('unexpected_audience', "Token audience doesn't match request audience");
    }
    await unlinkIdentity(context, user.id, clientAddress(request), id);
    return {};
  });
};
