import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { recordAudit } from '../audit.js';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { notFound, unprocessable, validationFailed } from '../errors.js';
import { requireAdmin } from '../http/authenticate.js';
import { clientAddress } from '../http/client-address.js';
import { isUuid, optionalString, parseBody, pathValue } from '../http/parse-body.js';
import { factorMethods, isUsableFactor } from '../mfa/factor-methods.js';
import { deleteFactor, downgradeSessions, findFactor, updateFactor } from '../store/mfa-factors.js';
import { type FullUser, findUserById } from '../store/users.js';
import { renderFactor } from '../users/render-user.js';
import { loadFactor } from './factors.js';

const updateBody = z.object({ friendly_name: optionalString, phone: optionalString });

/** GET /admin/users/:id/factors, PUT and DELETE /admin/users/:id/factors/:factor. */
export const adminFactorRoutes: RegisterRoutes = (app, context) => {
  app.get('/admin/users/:id/factors', async (request) => {
    const user = await loadUser(request, context);
    return user.factors.map(renderFactor);
  });
  app.delete('/admin/users/:id/factors/:factor', async (request) => {
    const user = await loadUser(request, context);
    const factor = await loadFactor(context, pathValue(request, 'factor'), user.id);
    const now = context.now();
    const methods = isUsableFactor(factor.factor_type) ? [factorMethods[factor.factor_type]] : ['recovery_code'];
    await context.write(
      ...downgradeSessions(factor.id, methods, now),
      deleteFactor(factor.id),
      ...recordAudit(context, clientAddress(request), user, 'factor_deleted', {
        user_id: user.id,
        factor_id: factor.id,
      }),
    );
    return { id: factor.id };
  });
  app.put('/admin/users/:id/factors/:factor', async (request) => {
    const user = await loadUser(request, context);
    const factor = await loadFactor(context, pathValue(request, 'factor'), user.id);
    const { friendly_name: name, phone } = parseBody(request, updateBody);
    if (phone !== '' && !/^\+?[1-9]\d{1,14}$/.test(phone)) {
      throw validationFailed('Invalid phone number format (E.164 required)');
    }
    await renameFactor(context, factor.id, {
      ...(name === '' ? {} : { friendly_name: name }),
      ...(phone === '' || factor.factor_type !== 'phone' ? {} : { phone: phone.replace(/^\+/, '') }),
    });
    await context.write(
      ...recordAudit(context, clientAddress(request), user, 'factor_updated', {
        user_id: user.id,
        factor_id: factor.id,
        factor_type: factor.factor_type,
      }),
    );
    const [updated] = await context.read(findFactor(factor.id, user.id));
    if (updated === undefined) throw notFound('mfa_factor_not_found', 'Factor not found');
    return renderFactor({ ...updated, created_at: updated.created_at ?? '', updated_at: updated.updated_at ?? '' });
  });
};

async function renameFactor(
  context: AuthContext,
  id: string,
  values: Readonly<Record<string, unknown>>,
): Promise<void> {
  try {
    await context.write(updateFactor(id, values, context.now()));
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== '23505') throw error;
    throw unprocessable('mfa_factor_name_conflict', 'A factor with this name or number for this user already exists');
  }
}

/** The user that the path names, for an administrator. 404 user_not_found. */
export async function loadUser(request: FastifyRequest, context: AuthContext): Promise<FullUser> {
  await requireAdmin(request, context);
  const id = pathValue(request, 'id');
  if (!isUuid(id)) throw notFound('validation_failed', 'user_id must be an UUID');
  const [user] = await context.read(findUserById(id));
  if (user === undefined) throw notFound('user_not_found', 'User not found');
  return user;
}
