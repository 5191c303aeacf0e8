import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** A service as the gateway sees it. The request has its prefix taken off and its headers set. */
export interface Backend extends AsyncDisposable {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Without it an upgrade is refused. */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Whether it can answer now. */
  health(signal: AbortSignal): Promise<'ready' | 'starting' | 'unreachable'>;
}
