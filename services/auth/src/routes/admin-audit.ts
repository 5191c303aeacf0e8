import type { RegisterRoutes } from '../auth.js';
import { validationFailed } from '../errors.js';
import { requireAdmin } from '../http/authenticate.js';
import { readPage, sendPageHeaders } from '../http/pagination.js';
import { queryValue } from '../http/parse-body.js';
import { listAuditEntries } from '../store/audit-log.js';

/** What may be searched, and the keys of the payload that it stands for. */
const columns: Readonly<Record<string, readonly string[]>> = {
  author: ['actor_username', 'actor_name'],
  action: ['action'],
  type: ['log_type'],
};

/** GET /admin/audit?page&per_page&query=author:text: what was done, newest first. */
export const adminAuditRoutes: RegisterRoutes = (app, context) => {
  app.get('/admin/audit', async (request, reply) => {
    await requireAdmin(request, context);
    const page = readPage(request);
    const filter = readFilter(queryValue(request, 'query'));
    const [{ entries, total }] = await context.read(
      listAuditEntries({ limit: page.perPage, offset: page.offset }, filter),
    );
    sendPageHeaders(request, reply, page, total);
    return entries.map(({ id, payload, created_at, ip_address }) => ({ id, payload, created_at, ip_address }));
  });
};

function readFilter(query: string) {
  if (query === '') return undefined;
  const [, names = '', contains = ''] = /^([^:]*):(.*)$/s.exec(query) ?? [];
  const keys = names.split(',').flatMap((name) => columns[name.trim()] ?? []);
  if (keys.length === 0) throw validationFailed(`Invalid query scope: ${query.slice(0, 100)}`);
  return { keys, contains: contains.slice(0, 255) };
}
