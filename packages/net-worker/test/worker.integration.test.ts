import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type HttpServer, type Received, startHttpServer } from './support/http-server.js';
import { postgresBin, type QueueDatabase, startQueueDatabase, until } from './support/queue-database.js';

describe.skipIf(postgresBin === undefined)('the worker', () => {
  let database: QueueDatabase;
  let server: HttpServer;
  /** Requests to /hold are answered when it is called. */
  let release: () => void;

  beforeAll(async () => {
    database = await startQueueDatabase();
  });
  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await database.main.query('TRUNCATE net.http_request_queue, net._http_response, net._http_claim');
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    server = await startHttpServer(({ url }: Received, response) => {
      if (url.startsWith('/hold')) void held.then(() => response.end('held'));
      else if (url === '/bytes') response.end(Buffer.alloc(5_000_000));
      else if (url === '/latin') response.end(Buffer.from([0x61, 0xff, 0, 0x62]));
      else response.writeHead(201, { 'content-type': 'application/json' }).end('{"made": true}');
    });
  });
  afterEach(async () => {
    release();
    await server[Symbol.asyncDispose]();
  });

  const get = async (path: string, timeout = 20_000) =>
    await database.ask(`SELECT net.http_get('${server.url}${path}', timeout_milliseconds => ${timeout})`);
  const count = async (table: string) => await database.ask(`SELECT count(*) FROM net.${table}`);
  const received = async (times: number) =>
    await until(() => (server.received.length >= times ? server.received : undefined), 'nothing was received');

  test('makes a request and records its answer', async () => {
    await using _ = database.startWorker('one');
    const id = await database.ask(
      `SELECT net.http_post('${server.url}/hook', '{"a": "ü"}', params => '{"q": "a b"}', headers => '{"Authorization": "Bearer x", "X-Number": 5, "X-Null": null}')`,
    );
    expect(await database.answer(id)).toMatchObject({
      status_code: 201,
      content_type: 'application/json',
      headers: { 'content-type': 'application/json' },
      content: '{"made": true}',
      timed_out: false,
      error_msg: null,
    });
    expect(server.received).toMatchObject([
      {
        method: 'POST',
        url: '/hook?q=a%20b',
        body: '{"a": "ü"}',
        headers: { authorization: 'Bearer x', 'x-number': '5', 'content-type': 'application/json' },
      },
    ]);
    expect(server.received[0]?.headers).not.toHaveProperty('x-null');
    expect([await count('http_request_queue'), await count('_http_claim')]).toEqual([0, 0]);
    expect(
      await database.main.query('SELECT (r).status::text, (r).response.body FROM net.http_collect_response($1) AS r', [
        id,
      ]),
    ).toEqual([{ status: 'SUCCESS', body: '{"made": true}' }]);
  });

  test('makes what a transaction committed, not what it took back', async () => {
    await using _ = database.startWorker('one');
    await using other = await database.open();
    await other.query('BEGIN');
    await other.query(`SELECT net.http_get('${server.url}/rolled-back')`);
    await other.query('ROLLBACK');
    await other.query('BEGIN');
    await other.query(`SELECT net.http_get('${server.url}/committed')`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.received).toEqual([]);
    await other.query('COMMIT');
    await database.answers(1);
    expect(server.received.map(({ url }) => url)).toEqual(['/committed']);
  });

  test('records every kind of failure', async () => {
    await using _ = database.startWorker('one', [server.port]);
    await using allowed = await startHttpServer(({ url }, response) => {
      if (url === '/slow') setTimeout(() => response.end(), 5000).unref();
      else if (url === '/bytes') response.end(Buffer.alloc(5_000_000));
      else if (url === '/to-forbidden') response.writeHead(307, { location: `${server.url}/v3/kv/put` }).end();
      else response.end(Buffer.from([0x61, 0xff, 0, 0x62]));
    });
    const asked = {
      latin: `${allowed.url}/latin`,
      slow: `${allowed.url}/slow`,
      bytes: `${allowed.url}/bytes`,
      nobody: 'http://127.0.0.1:9/',
      noName: 'http://no-such-name.invalid/',
      forbidden: `${server.url}/v3/kv/put`,
      redirected: `${allowed.url}/to-forbidden`,
    };
    const ids: Record<string, number> = {};
    for (const [name, url] of Object.entries(asked))
      ids[name] = await database.ask(
        `SELECT net.http_post('${url}', timeout_milliseconds => ${name === 'slow' ? 300 : 20_000})`,
      );
    const of = async (name: keyof typeof asked) => await database.answer(ids[name] ?? 0);
    expect(await of('latin')).toMatchObject({ status_code: 200, content: 'a\uFFFD\uFFFDb', error_msg: null });
    expect(await of('slow')).toMatchObject({
      status_code: null,
      timed_out: true,
      error_msg: expect.stringMatching(/^Timeout of 300 ms reached/),
    });
    expect(await of('bytes')).toMatchObject({ timed_out: false, error_msg: 'the answer has more than 4194304 bytes' });
    expect(await of('nobody')).toMatchObject({ error_msg: expect.stringContaining("Couldn't connect to server") });
    expect(await of('noName')).toMatchObject({ error_msg: expect.stringContaining("Couldn't resolve host name") });
    expect(await of('forbidden')).toMatchObject({ error_msg: expect.stringMatching(/^refused: port/) });
    expect(await of('redirected')).toMatchObject({ error_msg: expect.stringMatching(/^refused: port/) });
    expect(server.received).toEqual([]);
  });

  test('answers rows that were put into the queue by hand', async () => {
    await using _ = database.startWorker('one');
    await database.main.query(`
      INSERT INTO net.http_request_queue (id, method, url, headers, body, timeout_milliseconds) VALUES
        (901, 'GET', 'file:///etc/passwd', NULL, NULL, 1000), (902, 'POST', '${server.url}', '[1]', repeat('x', 5000000)::bytea, 1000),
        (903, 'GET', '${server.url}/array', '[1]', NULL, 1000), (904, 'GET', '', '{}', NULL, -1)`);
    await database.main.query('SELECT net.wake()');
    expect((await database.answers(4)).map(({ error_msg }) => error_msg)).toEqual([
      'unsupported protocol file',
      expect.stringMatching(/^the request has 50000\d\d bytes; at most 4194304 are sent$/),
      null,
      'timeout_milliseconds must be between 1 and 300000, got -1',
    ]);
    expect(server.received.map(({ url }) => url)).toEqual(['/array']);
  });

  test('two at once make each of 1000 requests once', async () => {
    await using _one = database.startWorker('one');
    await using _two = database.startWorker('two');
    await database.main.query(`SELECT net.http_get('${server.url}/' || n) FROM generate_series(1, 1000) AS n`);
    const answers = await database.answers(1000);
    expect(answers.filter(({ status_code }) => status_code === 201)).toHaveLength(1000);
    const urls = server.received.map(({ url }) => url);
    expect(urls).toHaveLength(1000);
    expect(new Set(urls).size).toBe(1000);
    expect([await count('http_request_queue'), await count('_http_claim')]).toEqual([0, 0]);
  });

  test('takes 200 at a time, and others only when those are over', async () => {
    await using _ = database.startWorker('one');
    await database.main.query(
      `SELECT net.http_get('${server.url}/hold/' || n, timeout_milliseconds => 60000) FROM generate_series(1, 300) AS n`,
    );
    await received(200);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.received).toHaveLength(200);
    release();
    await database.answers(300);
    expect(server.received).toHaveLength(300);
  });

  test('goes on when its connection is lost, and makes what is under way once', async () => {
    await using _ = database.startWorker('one');
    const id = await get('/hold');
    await received(1);
    for (let time = 0; time < 3; time++) {
      const [ended] = await until(async () => {
        const rows = await database.main.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'holdfast_net'",
        );
        return rows.length > 0 ? rows : undefined;
      }, 'it is not connected');
      expect(ended).toEqual({ pg_terminate_backend: true });
    }
    release();
    expect(await database.answer(id)).toMatchObject({ status_code: 200, content: 'held' });
    const next = await get('/after');
    await database.answer(next);
    expect(server.received.map(({ url }) => url)).toEqual(['/hold', '/after']);
  });

  test('lets what is under way end when it is told to stop, and hands on what does not', async () => {
    const worker = database.startWorker('one');
    const quick = await get('/hold/quick');
    await received(1);
    setTimeout(release, 200);
    await worker[Symbol.asyncDispose]();
    expect(await database.answer(quick)).toMatchObject({ content: 'held' });

    await using silent = await startHttpServer(() => {});
    const first = database.startWorker('one');
    await database.ask(`SELECT net.http_get('${silent.url}/', timeout_milliseconds => 60000)`);
    await until(() => silent.received[0], 'nothing was received');
    const start = performance.now();
    await first[Symbol.asyncDispose]();
    expect(performance.now() - start).toBeLessThan(4500);
    await using _second = database.startWorker('two');
    await until(() => silent.received[1], 'nobody took over');
    expect(await database.main.query('SELECT attempts, worker FROM net._http_claim')).toEqual([
      { attempts: 2, worker: 'two' },
    ]);
    await silent[Symbol.asyncDispose]();
  });

  test('takes over what another one lost when its claim has run out, whose late answer does not count', async () => {
    const id = await get('/taken-over', 1);
    const [lost] = await database.main.query<{ id: string; token: string }>(
      "SELECT id, token FROM net._claim_requests('lost', 10, 1000, 1000, -1000)",
    );
    expect(Number(lost?.id)).toBe(id);
    await database.main.query('UPDATE net.http_request_queue SET timeout_milliseconds = 5000 WHERE id = $1', [id]);
    await using _ = database.startWorker('one');
    expect(await database.answer(id)).toMatchObject({ status_code: 201 });
    const late = JSON.stringify([{ ...lost, status_code: 999, timed_out: false }]);
    expect(await database.main.query('SELECT net._record_responses($1) AS recorded', [late])).toEqual([
      { recorded: 0 },
    ]);
    expect(await database.answer(id)).toMatchObject({ status_code: 201 });
  });

  test('deletes answers that are older than 6 hours, and only those', async () => {
    await database.main.query(`INSERT INTO net._http_response (id, created)
      SELECT n, now() - n * interval '1 hour' FROM generate_series(1, 12) AS n
      UNION ALL SELECT n, now() - interval '7 hours' FROM generate_series(101, 2600) AS n`);
    await using _ = database.startWorker('one');
    await until(async () => ((await count('_http_response')) <= 5 ? true : undefined), 'they are not deleted');
    expect(await count('_http_response')).toBe(5);
  });

  test('may do nothing else in the database', async () => {
    const { connect } = await import('@holdfast/postgres');
    const { password } = await import('./support/queue-database.js');
    const target = { ...database.server.target, user: 'holdfast_net', password };
    await using own = await connect(target, { timeoutMilliseconds: 5000, statementTimeoutMilliseconds: 5000 });
    for (const sql of [
      'SELECT * FROM net._http_response',
      'SELECT * FROM net.http_request_queue',
      'DELETE FROM net.http_request_queue',
      'SELECT * FROM net._http_claim',
      "SELECT net._enqueue('GET', 'http://x', '{}', '{}', NULL, 1)",
      'SELECT * FROM auth.users',
      'CREATE TABLE net.own ()',
      'SELECT rolpassword FROM pg_authid',
    ])
      await expect(own.query(sql), sql).rejects.toMatchObject({ code: '42501' });
    await using anon = await database.open();
    for (const role of ['anon', 'authenticated', 'service_role', 'supabase_functions_admin']) {
      await anon.query(`SET ROLE ${role}`);
      await expect(anon.query("SELECT net._claim_requests('x', 1, 1, 1, 1)"), role).rejects.toMatchObject({
        code: '42501',
      });
      await expect(anon.query("SELECT net._record_responses('[]')"), role).rejects.toMatchObject({ code: '42501' });
      await anon.query('RESET ROLE');
    }
  });

  test('a queue that nobody empties does not grow for ever', async () => {
    const fill = (from: number, to: number) =>
      `INSERT INTO net.http_request_queue (id, method, url, timeout_milliseconds) SELECT n, 'GET', 'http://127.0.0.1:9/', 1 FROM generate_series(${from}, ${to}) AS n`;
    await database.main.query(fill(1, 1_000_000));
    await expect(database.main.query(fill(1_000_001, 1_000_001))).rejects.toMatchObject({ code: '53400' });
    await database.main.query('DELETE FROM net.http_request_queue WHERE id BETWEEN 2 AND 999999');
    await database.main.query(fill(1_000_002, 1_000_010));
    await database.main.query('TRUNCATE net.http_request_queue');
  });
});

describe.skipIf(postgresBin === undefined)('a worker whose database is not ready', () => {
  test('waits for the role, its password and the schema, and then works', async () => {
    await using database = await startQueueDatabase({ bare: true });
    await using server = await startHttpServer();
    await using _ = database.startWorker('early');
    await new Promise((resolve) => setTimeout(resolve, 500));
    await database.migrate();
    const id = await database.ask(`SELECT net.http_get('${server.url}/')`);
    expect(await database.answer(id)).toMatchObject({ status_code: 200, content: 'ok' });
    await database.main.query('DROP SCHEMA net CASCADE');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await database.main.query('CREATE SCHEMA net');
  });
});
