import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { gateQuestion } from '@holdfast/components';
import { isProof, makeNonce, makeProof } from './handshake.js';
import { readLines } from './lines.js';

/** Whoever connects and says nothing is not worth a descriptor. */
const firstLineMilliseconds = 2000;
const greetingMilliseconds = 1000;
/** Connections at once; HAProxy, the other agents and a few people. */
const mostConnections = 200;

export interface PortOptions {
  readonly host: string;
  readonly port: number;
  readonly me: string;
  readonly members: readonly string[];
  readonly secret: string;
  readonly onHttp: (request: IncomingMessage, response: ServerResponse) => void;
  /** HAProxy's question; the answer may take a while or never come: then `signal` aborts, since HAProxy has left. */
  readonly onGate: (signal: AbortSignal) => Promise<'up' | 'down' | undefined>;
}

/**
 * The agent's one port: HTTP; HAProxy's agent check, a line each way (HAProxy 2.6 configuration manual, 5.2 agent-check); and the other
 * agents, which are told reports for as long as they stay connected.
 */
export class AgentPort implements AsyncDisposable {
  readonly #options: PortOptions;
  readonly #http = createHttpServer({ requestTimeout: 5000, headersTimeout: 5000, keepAliveTimeout: 5000 });
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #listeners = new Set<Socket>();

  constructor(options: PortOptions) {
    this.#options = options;
    this.#http.on('request', options.onHttp);
    this.#server = createServer({ noDelay: true }, (socket) => this.#welcome(socket));
    this.#server.maxConnections = mostConnections;
  }

  async listen(): Promise<void> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: 128 }, () => resolve());
    });
  }

  /** To every agent that listens; one that does not read is cut off rather than waited for. */
  tell(line: string): void {
    for (const socket of this.#listeners) {
      if (socket.writableLength > 256 * 1024) socket.destroy();
      else socket.write(`${line}\n`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#listeners.delete(socket);
    });
    socket.on('error', () => {});
    socket.setTimeout(firstLineMilliseconds, () => socket.destroy());
    socket.once('data', (first) => {
      socket.setTimeout(0);
      const text = first.toString('latin1');
      if (text.startsWith('gate ')) void this.#answerGate(socket, text);
      else if (text.startsWith('peer ')) this.#answerPeer(socket, text);
      else {
        socket.pause();
        socket.unshift(first);
        this.#http.emit('connection', socket);
        socket.resume();
      }
    });
  }

  async #answerGate(socket: Socket, text: string): Promise<void> {
    const gone = new AbortController();
    socket.on('close', () => gone.abort());
    socket.resume();
    if (text.trim() !== gateQuestion) {
      socket.destroy();
      return;
    }
    const answer = await this.#options.onGate(gone.signal).catch(() => undefined);
    if (answer === undefined) socket.destroy();
    else socket.end(`${answer}\n`);
  }

  #answerPeer(socket: Socket, text: string): void {
    const { me, members, secret } = this.#options;
    const nonce = makeNonce();
    let name: string | undefined;
    socket.setTimeout(greetingMilliseconds, () => {
      if (!this.#listeners.has(socket)) socket.destroy();
    });
    readLines(socket, text, (line) => {
      if (name === undefined) {
        const [, caller = '', theirs = ''] = line.split(' ');
        if (!members.includes(caller) || theirs.length < 16 || theirs.length > 64) {
          socket.destroy();
          return;
        }
        name = caller;
        socket.write(`${nonce} ${makeProof(secret, 'answerer', me, theirs)}\n`);
      } else if (!this.#listeners.has(socket)) {
        if (isProof(line, secret, 'caller', name, nonce)) this.#listeners.add(socket);
        else socket.destroy();
      }
    });
  }
}
