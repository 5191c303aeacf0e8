import type { IncomingMessage } from 'node:http';

/** What `readBody` rejects with when a body is longer than it may be. The rest of it is not read: the connection must be closed after the answer. */
export class BodyTooLarge extends Error {
  constructor(readonly atMost: number) {
    super(`The request's body is longer than ${atMost} bytes.`);
  }
}

/** What `readBody` rejects with when the body ends before its time: the client hung up. */
export class BodyBroken extends Error {
  constructor(options?: ErrorOptions) {
    super("The request's body ended too early.", options);
  }
}

const none = Buffer.alloc(0);

/** The whole body. Rejects with BodyTooLarge beyond `atMost` bytes, and with BodyBroken; how long a client may take is the server's to bound. */
export async function readBody(request: IncomingMessage, atMost: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > atMost) throw new BodyTooLarge(atMost);
  return await new Promise<Buffer>((resolve, reject) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const end = () => {
      request.off('data', take).off('end', finish).off('error', fail).off('close', close);
    };
    const take = (piece: Buffer) => {
      length += piece.length;
      if (length > atMost) {
        end();
        request.pause();
        reject(new BodyTooLarge(atMost));
      } else pieces.push(piece);
    };
    const finish = () => {
      end();
      const [only = none] = pieces;
      resolve(pieces.length > 1 ? Buffer.concat(pieces, length) : only);
    };
    const fail = (cause: Error) => {
      end();
      // Whoever comes later with an error of the same stream must not end the process.
      request.on('error', () => {});
      reject(new BodyBroken({ cause }));
    };
    const close = () => fail(new Error('the connection was closed'));
    request.on('data', take).on('end', finish).on('error', fail).on('close', close);
  });
}
