import { request } from 'node:http';
import { statePaths } from '@holdfast/components/paths';
import type { HoldfastErrorFields } from '@holdfast/spec';
import { reportedError, supervisorSilent } from '../errors.js';
import type { SupervisorInfo } from './control-protocol.js';
import { shortSocketPath } from './control-socket.js';
import { readLockHolder } from './lock.js';

/** Long orders wait for grace periods; the supervisor bounds each of them itself. */
export const patience = { question: 3_000, order: 900_000 };

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMilliseconds: number;
  readonly signal: AbortSignal;
}

/** Undefined: no supervisor listens. Throws HF_RUNTIME_SUPERVISOR_SILENT, and every error that the supervisor reports. */
export async function askSupervisor<Answer>(
  stateDirectory: string,
  question: Question,
): Promise<{ readonly answer: Answer } | undefined> {
  const limit = AbortSignal.timeout(question.timeoutMilliseconds);
  let reply: Reply;
  try {
    reply = await exchange(stateDirectory, question, AbortSignal.any([question.signal, limit]));
  } catch (error) {
    question.signal.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    // It died with our question; without a holder of its lock nobody listens.
    const holder = readLockHolder(statePaths(stateDirectory).supervisorPid);
    if (!limit.aborted && holder === undefined) return undefined;
    const reason = limit.aborted ? `for ${question.timeoutMilliseconds / 1000} s` : (error as Error).message;
    throw supervisorSilent(holder?.pid, reason, error);
  }
  const value: unknown = reply.text === '' ? undefined : JSON.parse(reply.text);
  if (reply.status >= 400) throw reportedError(value as HoldfastErrorFields);
  return { answer: value as Answer };
}

export async function askInfo(stateDirectory: string, signal: AbortSignal): Promise<SupervisorInfo | undefined> {
  const reply = await askSupervisor<SupervisorInfo>(stateDirectory, {
    method: 'GET',
    path: '/',
    timeoutMilliseconds: patience.question,
    signal,
  });
  return reply?.answer;
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

async function exchange(stateDirectory: string, { method, path, body }: Question, signal: AbortSignal): Promise<Reply> {
  const socket = shortSocketPath(statePaths(stateDirectory).supervisorSocket);
  try {
    return await new Promise<Reply>((resolve, reject) => {
      const sent = request({ socketPath: socket.path, method, path, signal, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 500, text: Buffer.concat(chunks).toString() }),
        );
      });
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  } finally {
    socket.close();
  }
}
