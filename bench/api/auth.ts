import { spawn } from 'node:child_process';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { measure } from './measure.js';
import type { Stage } from './stage.js';

export interface AuthFigures {
  readonly signInsPerSecond: number;
  readonly bcryptPerSecond: number;
  readonly refreshesPerSecond: number;
  /** Processes that the refreshes were spread over. */
  readonly workers: number;
}

const email = 'bench@example.com';
const password = 'correct horse battery';

/** Sign-ins beside what bcrypt alone does on this machine, and refreshes of sessions of their own. */
export async function measureAuth(stage: Stage, seconds: number): Promise<AuthFigures> {
  const headers = { apikey: stage.keys.publishable.current.value, 'content-type': 'application/json' };
  const call = async (path: string, body: unknown) => {
    const answer = await fetch(`${stage.api}/auth/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { readonly refresh_token?: string };
  };
  await call('/signup', { email, password });
  const bcryptPerSecond = await bareBcrypt(seconds);
  const signIn = await measure({
    url: `${stage.api}/auth/v1/token?grant_type=password`,
    method: 'POST',
    headers,
    body: JSON.stringify({ email, password }),
    connections: 16,
    seconds,
  });
  const refreshesPerSecond = await measureRefreshes(stage, headers, seconds);
  return { signInsPerSecond: signIn.perSecond, bcryptPerSecond, refreshesPerSecond, workers: stage.spread.workers };
}

/** Each of 16 sessions one refresh after the other, since each gives the token for the next. */
async function measureRefreshes(
  { spread }: Stage,
  headers: Readonly<Record<string, string>>,
  seconds: number,
): Promise<number> {
  // fetch takes more of the processors than what it asks.
  const agent = new Agent({ keepAlive: true });
  const token = async (grant: string, body: unknown) => {
    const { status, text } = await post(`${spread.url}/auth/v1/token?grant_type=${grant}`, headers, body, agent);
    const answer = JSON.parse(text) as { readonly refresh_token?: string };
    if (status !== 200 || answer.refresh_token === undefined) throw new Error(`${grant}: ${status} ${text}`);
    return answer.refresh_token;
  };
  const sessions = await Promise.all(
    Array.from({ length: 16 }, async () => await token('password', { email, password })),
  );
  const during = async (milliseconds: number) => {
    let refreshes = 0;
    const end = performance.now() + milliseconds;
    await Promise.all(
      sessions.map(async (_first, index) => {
        while (performance.now() < end) {
          sessions[index] = await token('refresh_token', { refresh_token: sessions[index] });
          refreshes += 1;
        }
      }),
    );
    return refreshes;
  };
  await during(1000);
  const refreshes = await during(seconds * 1000);
  agent.destroy();
  return refreshes / seconds;
}

async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  agent: Agent,
): Promise<{ readonly status: number; readonly text: string }> {
  return await new Promise((resolve, reject) => {
    const asked = request(url, { method: 'POST', headers: { ...headers }, agent, timeout: 30_000 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        text += piece;
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asked.on('timeout', () => asked.destroy(new Error(`${url} does not answer`)));
    asked.on('error', reject);
    asked.end(JSON.stringify(body));
  });
}

/** In a process of its own, as in the API's: comparisons at cost 10 a second, 16 at a time. */
async function bareBcrypt(seconds: number): Promise<number> {
  const program = fileURLToPath(new URL('../../api/bare-bcrypt.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, String(seconds)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  await new Promise((resolve) => child.once('close', resolve));
  return Number(text);
}
