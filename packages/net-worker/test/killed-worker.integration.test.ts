import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createThrowAwayFolder } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHttpServer } from './support/http-server.js';
import { password, postgresBin, type QueueDatabase, startQueueDatabase, until } from './support/queue-database.js';

/** What a unit runs; made by `npm run build`. */
const program = join(import.meta.dirname, '..', 'dist', 'net.mjs');

describe.skipIf(postgresBin === undefined)('the program', () => {
  let database: QueueDatabase;
  let folder: Awaited<ReturnType<typeof createThrowAwayFolder>>;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    if (!existsSync(program)) throw new Error(`${program} is not built`);
    database = await startQueueDatabase();
    folder = await createThrowAwayFolder();
    await writeFile(join(folder.path, 'net.json'), JSON.stringify({ ...database.configuration(), worker: 'test' }));
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await database?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  function start(): ChildProcess {
    const args = ['--max-old-space-size=128', '--max-semi-space-size=1', program, join(folder.path, 'net.json')];
    const child = spawn(process.execPath, args, {
      env: { HOLDFAST_NET_PASSWORD: password, http_proxy: 'http://127.0.0.1:9/', HTTPS_PROXY: 'http://127.0.0.1:9/' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    children.push(child);
    return child;
  }

  async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
    const ended = once(child, 'exit');
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  }

  test('killed in the middle, it makes the request again as soon as it is back', async () => {
    await using server = await startHttpServer((_request, response) => {
      if (server.received.length > 1) response.end('at last');
    });
    const first = start();
    const id = await database.ask(`SELECT net.http_get('${server.url}/', timeout_milliseconds => 60000)`);
    await until(() => server.received[0], 'nothing was received');
    await kill(first, 'SIGKILL');
    const since = performance.now();
    const second = start();
    expect(await database.answer(id)).toMatchObject({ status_code: 200, content: 'at last' });
    expect(performance.now() - since).toBeLessThan(10_000);
    expect(server.received).toHaveLength(2);
    expect(await kill(second, 'SIGTERM')).toBe(0);
  });

  test('a request that is lost with its worker again and again is given up, and its answer says so', async () => {
    await using server = await startHttpServer(() => {});
    const id = await database.ask(`SELECT net.http_get('${server.url}/', timeout_milliseconds => 60000)`);
    for (let time = 1; time <= 3; time++) {
      const child = start();
      await until(() => server.received[time - 1], `it was not made for the ${time}. time`);
      await kill(child, 'SIGKILL');
    }
    const last = start();
    expect(await database.answer(id)).toMatchObject({
      status_code: null,
      timed_out: false,
      error_msg: expect.stringContaining('given up: a worker was lost 3 times'),
    });
    expect(server.received).toHaveLength(3);
    expect(await kill(last, 'SIGTERM')).toBe(0);
  });

  test('shows its password to nobody, and tells what it does without what it sends', async () => {
    await using server = await startHttpServer();
    const child = start();
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const id = await database.ask(
      `SELECT net.http_get('${server.url}/secret-path', headers => '{"Authorization": "secret-header"}')`,
    );
    await database.answer(id);
    expect(await readFile(`/proc/${child.pid}/cmdline`, 'utf8')).not.toContain(password);
    expect(await kill(child, 'SIGTERM')).toBe(0);
    const events = log
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events).toEqual(['connected', 'stopped']);
    expect(log).not.toContain('secret');
  });

  test('answers as large as can be do not outgrow its memory', async () => {
    const body = Buffer.alloc(4 * 2 ** 20, 'ü');
    await using server = await startHttpServer((_request, response) => void response.end(body));
    const child = start();
    await database.main.query(
      `TRUNCATE net._http_response; SELECT net.http_get('${server.url}/', timeout_milliseconds => 60000) FROM generate_series(1, 60)`,
    );
    const answers = await database.answers(60);
    expect(answers.filter(({ content }) => content?.length === body.length / 2)).toHaveLength(60);
    expect(child.exitCode).toBeNull();
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
    expect(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1])).toBeLessThan(400_000);
    expect(await kill(child, 'SIGTERM')).toBe(0);
  });
});
