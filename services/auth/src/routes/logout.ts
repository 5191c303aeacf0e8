import { recordAudit } from '../audit.js';
import type { RegisterRoutes } from '../auth.js';
import { validationFailed } from '../errors.js';
import { requireUser } from '../http/authenticate.js';
import { clientAddress } from '../http/client-address.js';
import { queryValue } from '../http/parse-body.js';
import { deleteOtherSessions, deleteSession, deleteSessionsOfUser } from '../store/sessions.js';

/** POST /logout?scope=global|local|others: ends all sessions, this one, or all but this one. 204. */
export const logoutRoutes: RegisterRoutes = (app, context) => {
  app.post('/logout', async (request, reply) => {
    const scope = queryValue(request, 'scope') || 'global';
    if (scope !== 'global' && scope !== 'local' && scope !== 'others') {
      throw validationFailed(`Unsupported logout scope "${scope.slice(0, 100)}"`);
    }
    const { user, session } = await requireUser(request, context);
    // A token of another issuer names no session: then nothing less than all can be meant.
    const ending =
      session === undefined || scope === 'global'
        ? deleteSessionsOfUser(user.id)
        : scope === 'local'
          ? deleteSession(session.id)
          : deleteOtherSessions(user.id, session.id);
    await context.write(...recordAudit(context, clientAddress(request), user, 'logout'), ending);
    return await reply.code(204).send();
  });
};
