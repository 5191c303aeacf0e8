import { setMaxListeners } from 'node:events';
import { createService, startHttpServer } from '@holdfast/http';
import { openDatabase } from '@holdfast/postgres';
import { cases } from './cases.js';

/**
 * What the API is measured against: `node bare-server.js PORT DATABASE_PORT CONNECTIONS`. A Fastify route for each case that sends SQL written by hand through the
 * same driver in the same kind of transaction, with what Row Level Security needs to know (the settings that PostgREST gives to each transaction), and
 * does nothing else: it looks at no key and no token.
 */
const [, , port = '0', databasePort = '5432', connections = '10'] = process.argv;
const target = {
  host: '127.0.0.1',
  port: Number(databasePort),
  user: 'authenticator',
  password: '',
  database: 'postgres',
};
const database = openDatabase(target, { connectionsAtMost: Number(connections) });
const never = new AbortController().signal;
setMaxListeners(0, never);
const context = {
  name: 'context',
  text: `SELECT set_config('search_path', $1, true), set_config('role', $2, true), set_config('request.jwt.claims', $3, true),
    set_config('request.method', $4, true), set_config('request.path', $5, true), set_config('request.headers', $6, true),
    set_config('request.cookies', $7, true)`,
};

const service = createService();
service.removeAllContentTypeParsers();
service.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
cases.forEach(({ method, sql, writes, path, body, values }, index) => {
  const statement = { name: `case ${index}`, text: sql };
  service.route({
    method,
    url: `/${index}`,
    handler: async (request, reply) => {
      const headers = JSON.stringify(request.headers);
      const settings = ['"public", "extensions"', 'anon', '{"role":"anon"}', method, path, headers, '{}'];
      const given = body === undefined ? values : [String(request.body)];
      const [, result] = await database.pipeline(
        [
          { ...context, values: settings },
          { ...statement, values: given },
        ],
        { access: writes ? 'read write' : 'read only' },
        never,
      );
      reply.type('application/json; charset=utf-8');
      return result?.rows[0]?.[0] ?? '[]';
    },
  });
});
await service.ready();
await startHttpServer({
  host: '127.0.0.1',
  port: Number(port),
  onRequest: (request, response) => service.routing(request, response),
});
