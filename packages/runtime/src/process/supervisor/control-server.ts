import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { statePaths } from '@holdfast/components/paths';
import { HoldfastError } from '@holdfast/spec/errors';
import {
  type ApplyRequest,
  type DownRequest,
  routes,
  type SupervisorInfo,
  type UnitOrder,
  unitOrders,
} from '../control-protocol.js';
import { shortSocketPath } from '../control-socket.js';
import type { Supervisor } from './supervisor.js';

export interface ControlServer {
  close(): Promise<void>;
}

export interface Control {
  readonly supervisor: Supervisor;
  readonly info: SupervisorInfo;
  readonly log: (text: string) => void;
  /** Called after the answer to an order to end was sent. */
  readonly leave: (reason: Leaving) => void;
}

/** The lock must be held: a socket file that is there was left behind. */
export async function startControlServer(stateDirectory: string, control: Control): Promise<ControlServer> {
  const file = statePaths(stateDirectory).supervisorSocket;
  rmSync(file, { force: true });
  const socket = shortSocketPath(file);
  const server = createServer((incoming, response) => {
    void respond(incoming, control).then(({ status, body, leaves }) => {
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
      response.end(
        body === undefined ? undefined : JSON.stringify(body),
        () => leaves !== undefined && control.leave(leaves),
      );
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket.path, resolve);
  });
  chmodSync(file, 0o600);
  return { close: () => close(server).finally(socket.close) };
}

/** Everything was stopped, or another supervisor takes over. */
export type Leaving = 'down' | 'leave';

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly leaves?: Leaving;
}

async function respond(incoming: IncomingMessage, control: Control): Promise<Answer> {
  const what = `${incoming.method} ${incoming.url}`;
  try {
    if (incoming.method === 'POST') control.log(what);
    return await answer(incoming, control);
  } catch (error) {
    control.log(`${what} failed: ${(error as Error).message}`);
    if (error instanceof HoldfastError) return { status: 409, body: { ...error.toJSON(), exitCode: error.exitCode } };
    const body = { code: 'HF_RUNTIME_SUPERVISOR', message: `The supervisor failed: ${(error as Error).message}.` };
    return { status: 500, body };
  }
}

async function answer(incoming: IncomingMessage, { supervisor, info }: Control): Promise<Answer> {
  const { method, url = '' } = incoming;
  if (method === 'GET' && url === routes.info) return { status: 200, body: info };
  if (method === 'GET' && url === routes.units) return { status: 200, body: supervisor.status() };
  if (method === 'POST' && url === routes.leave) return { status: 204, leaves: 'leave' };
  if (method === 'POST' && url === routes.apply) {
    const { plan, startEnvironment } = (await readJson(incoming)) as ApplyRequest;
    return { status: 200, body: await supervisor.apply(plan, startEnvironment) };
  }
  if (method === 'POST' && url === routes.down) {
    const { groups } = (await readJson(incoming)) as DownRequest;
    await supervisor.down(groups);
    return { status: 204, leaves: 'down' };
  }
  const [, id, order] = /^\/units\/([^/]+)\/([a-z]+)$/.exec(url) ?? [];
  if (method === 'POST' && id !== undefined && unitOrders.includes(order as UnitOrder)) {
    await obey(supervisor, decodeURIComponent(id), order as UnitOrder);
    return { status: 204 };
  }
  return {
    status: 404,
    body: { code: 'HF_RUNTIME_SUPERVISOR', message: `The supervisor does not know ${method} ${url}.` },
  };
}

async function obey(supervisor: Supervisor, id: string, order: UnitOrder): Promise<void> {
  const unit = supervisor.unit(id);
  switch (order) {
    case 'start':
      return unit.start();
    case 'stop':
      return await unit.stop({ remember: true });
    case 'restart':
      return await unit.restart();
    case 'kill':
      return await unit.kill();
  }
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
