import { z } from 'zod';
import { changeByAdmin, createByAdmin, requireFreeContacts } from '../admin/change-user.js';
import { softDelete } from '../admin/soft-delete.js';
import { adminUserSchema, readAdminUser } from '../admin/user-body.js';
import { recordAudit } from '../audit.js';
import type { RegisterRoutes } from '../auth.js';
import { notFound, unprocessable, validationFailed } from '../errors.js';
import { requireAdmin } from '../http/authenticate.js';
import { clientAddress } from '../http/client-address.js';
import { readPage, sendPageHeaders } from '../http/pagination.js';
import { isUuid, optionalBoolean, parseBody, pathValue, queryValue } from '../http/parse-body.js';
import { checkPasswordStrength } from '../passwords/check-strength.js';
import { hashPassword, randomPassword } from '../passwords/hash-password.js';
import { ask, askOne, type Run } from '../store/query.js';
import { deleteUser, type FullUser, findUserById, listUsers } from '../store/users.js';
import { renderUser } from '../users/render-user.js';

/** /admin/users: list, make, read, change and delete users, with a key of an administrator. */
export const adminUsersRoutes: RegisterRoutes = (app, context) => {
  const { settings } = context;

  app.get('/admin/users', async (request, reply) => {
    await requireAdmin(request, context);
    const page = readPage(request);
    const { audience } = settings.jwt;
    const filter = queryValue(request, 'filter').slice(0, 255);
    const [{ users, total }] = await context.read(
      listUsers({ audience, limit: page.perPage, offset: page.offset, filter }),
    );
    sendPageHeaders(request, reply, page, total);
    return { users: users.map(renderUser), aud: audience };
  });

  app.post('/admin/users', async (request) => {
    await requireAdmin(request, context);
    const body = readAdminUser(context, parseBody(request, adminUserSchema));
    if (body.email === '' && body.phone === '') {
      throw validationFailed('Cannot create a user without either an email or phone');
    }
    if (body.password !== undefined && body.password_hash !== '') {
      throw validationFailed('Only a password or a password hash should be provided');
    }
    if (body.id !== '' && !isUuid(body.id)) throw validationFailed('ID must conform to the uuid v4 format');
    if (/^[0-]+$/.test(body.id)) throw validationFailed('ID cannot be a nil uuid');
    const hash =
      body.password_hash === ''
        ? await hashPassword(body.password || randomPassword(), settings.password.bcryptCost)
        : body.password_hash;
    const user = await context
      .transaction(async (run) => {
        await requireFreeContacts(run, context, body);
        return await createByAdmin(run, context, clientAddress(request), body, hash);
      })
      .catch((error: unknown) => {
        throw takenOr(error);
      });
    return renderUser(user);
  });

  app.get('/admin/users/:user_id', async (request) => {
    await requireAdmin(request, context);
    const [user] = await context.read(findUserById(readId(pathValue(request, 'user_id'))));
    if (user === undefined) throw userNotFound();
    return renderUser(user);
  });

  app.put('/admin/users/:user_id', async (request) => {
    await requireAdmin(request, context);
    const id = readId(pathValue(request, 'user_id'));
    const body = readAdminUser(context, parseBody(request, adminUserSchema));
    if (body.password !== undefined && body.password_hash !== '') {
      throw validationFailed('Only a password or a password hash should be provided');
    }
    if (body.password !== undefined) await checkPasswordStrength(context, body.password);
    const hash =
      body.password === undefined ? undefined : await hashPassword(body.password, settings.password.bcryptCost);
    const passwordHash = hash ?? (body.password_hash === '' ? undefined : body.password_hash);
    const user = await context
      .transaction(async (run) => {
        const found = await loadUser(run, id);
        await requireFreeContacts(run, context, body, found);
        return await changeByAdmin(run, context, clientAddress(request), { user: found, body, passwordHash });
      })
      .catch((error: unknown) => {
        throw takenOr(error);
      });
    return renderUser(user);
  });

  app.delete('/admin/users/:user_id', async (request) => {
    await requireAdmin(request, context);
    const id = readId(pathValue(request, 'user_id'));
    const { should_soft_delete: soft } = parseBody(request, z.object({ should_soft_delete: optionalBoolean }));
    await context.transaction(async (run) => {
      const user = await loadUser(run, id);
      const traits = { user_id: user.id, user_email: user.email ?? '', user_phone: user.phone ?? '' };
      const audit = recordAudit(context, clientAddress(request), 'service_role', 'user_deleted', traits);
      if (!soft) await ask(run, ...audit, deleteUser(id));
      else await ask(run, ...audit, ...(user.deleted_at === null ? softDelete(user, context.now()) : []));
    });
    return {};
  });
};

const userNotFound = () => notFound('user_not_found', 'User not found');

function readId(text: string): string {
  if (!isUuid(text)) throw notFound('validation_failed', 'user_id must be an UUID');
  return text;
}

async function loadUser(run: Run, id: string): Promise<FullUser> {
  const user = await askOne(run, findUserById(id, { forUpdate: true }));
  if (user === undefined) throw userNotFound();
  return user;
}

/** Somebody else was quicker. */
function takenOr(error: unknown): unknown {
  const { code, constraint } = error as { readonly code?: unknown; readonly constraint?: unknown };
  if (code !== '23505') return error;
  if (constraint === 'users_phone_key')
    return unprocessable('phone_exists', 'Phone number already registered by another user');
  if (constraint === 'users_pkey') return unprocessable('user_already_exists', 'A user with this id exists already');
  return unprocessable('email_exists', 'A user with this email address has already been registered');
}
