import { readFileSync } from 'node:fs';
import { buildConnector } from 'undici';

/** Files in PEM, absolute paths. */
export interface TlsFiles {
  /** Whom to trust. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Certificates are replaced while a process runs; what is read from them is good for so long. */
const goodMilliseconds = 60_000;

/** How undici connects: with a client certificate where there are files, and plainly to `http://` in any case. */
export function createConnector(timeoutMilliseconds: number, files?: TlsFiles): buildConnector.connector {
  if (files === undefined) return buildConnector({ timeout: timeoutMilliseconds });
  let connect: buildConnector.connector | undefined;
  let readAt = 0;
  return (options, callback) => {
    try {
      if (connect === undefined || performance.now() - readAt > goodMilliseconds) {
        connect = buildConnector({
          timeout: timeoutMilliseconds,
          ca: readFileSync(files.ca),
          cert: readFileSync(files.certificate),
          key: readFileSync(files.key),
        });
        readAt = performance.now();
      }
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)), null);
      return;
    }
    connect(options, callback);
  };
}
