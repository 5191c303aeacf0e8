import { request } from 'node:http';
import { connect } from 'node:net';
import type { Probe } from '@holdfast/components';
import { timeLimit } from '@holdfast/spec';

/** Asks once. Never throws: whatever goes wrong means not ready. */
export function isReady(probe: Probe, signal: AbortSignal): Promise<boolean> {
  if (probe.kind === 'running') return Promise.resolve(!signal.aborted);
  const limit = timeLimit(signal, probe.timeoutMilliseconds);
  return probe.kind === 'http' ? answers(probe.url, probe.statuses, limit) : accepts(probe.host, probe.port, limit);
}

function answers(url: string, statuses: readonly number[], signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(url, { agent: false, signal }, (response) => {
      response.on('error', () => resolve(false));
      response.destroy();
      resolve(statuses.includes(response.statusCode ?? 0));
    });
    sent.on('error', () => resolve(false));
    sent.end();
  });
}

function accepts(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal });
    const answer = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.on('connect', () => answer(true));
    socket.on('error', () => answer(false));
    socket.on('close', () => answer(false));
  });
}
