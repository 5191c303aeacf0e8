import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { measure } from './measure.js';
import type { Stage } from './stage.js';

export interface AuthFigures {
  readonly signInsPerSecond: number;
  readonly bcryptPerSecond: number;
  readonly refreshesPerSecond: number;
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
  const sessions = await Promise.all(
    Array.from({ length: 16 }, async () => await call('/token?grant_type=password', { email, password })),
  );
  let refreshes = 0;
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    sessions.map(async ({ refresh_token: first }) => {
      let token = first;
      while (performance.now() < end) {
        ({ refresh_token: token } = await call('/token?grant_type=refresh_token', { refresh_token: token }));
        refreshes += 1;
      }
    }),
  );
  return { signInsPerSecond: signIn.perSecond, bcryptPerSecond, refreshesPerSecond: refreshes / seconds };
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
