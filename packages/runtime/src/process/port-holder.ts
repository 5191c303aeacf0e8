import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { endianness } from 'node:os';
import { networkNamespacePath } from './network-namespace.js';
import { listPids, readStat } from './proc.js';

/** Who listens; the fields are undefined when this account may not know. */
export interface PortHolder {
  readonly pid: number | undefined;
  readonly name: string | undefined;
}

const listening = '0A';

/**
 * Who listens on a TCP port so that `host` is taken: on that address or on all of them; undefined: nobody.
 * From /proc/net/tcp and tcp6 (proc_pid_net(5)) and the descriptors below /proc/PID/fd. `namespace`: name of the network namespace to look
 * into instead of our own.
 */
export function portHolder(host: string, port: number, namespace?: string): PortHolder | undefined {
  const tables = netTables(namespace);
  if (tables === undefined) return undefined;
  const sockets = [...readTable(`${tables}/tcp`), ...readTable(`${tables}/tcp6`)].filter(
    (socket) => socket.state === listening && socket.port === port && covers(socket.address, host),
  );
  if (sockets.length === 0) return undefined;
  const links = new Set(sockets.map((socket) => `socket:[${socket.inode}]`));
  const pid = listPids().find((each) => holdsAny(each, links));
  return { pid, name: pid === undefined ? undefined : readStat(pid)?.name };
}

/** Where the network's tables are: those of any process in the namespace are the namespace's. Undefined: nothing runs in it. */
function netTables(namespace: string | undefined): string | undefined {
  if (namespace === undefined) return '/proc/net';
  const inode = attempt(() => statSync(networkNamespacePath(namespace)).ino, undefined);
  if (inode === undefined) return undefined;
  const link = `net:[${inode}]`;
  const inside = listPids().find((pid) => attempt(() => readlinkSync(`/proc/${pid}/ns/net`), '') === link);
  return inside === undefined ? undefined : `/proc/${inside}/net`;
}

interface Row {
  readonly address: string;
  readonly port: number;
  readonly state: string;
  readonly inode: string;
}

function readTable(path: string): Row[] {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const [address, port] = (fields[1] ?? '').split(':');
      const [state, inode] = [fields[3], fields[9]];
      if (address === undefined || port === undefined || state === undefined || inode === undefined) return [];
      return [{ address, port: Number.parseInt(port, 16), state, inode }];
    });
}

/** Addresses stand there as the words of memory, each in the machine's byte order. */
function covers(hex: string, host: string): boolean {
  if (/^0+$/.test(hex) || isIP(host) === 0 || host === '0.0.0.0' || host === '::') return true;
  return canonical(hex) === (isIP(host) === 4 ? host : canonicalV6(host));
}

function canonical(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => {
    const inMemory = word.match(/../g) ?? [];
    return endianness() === 'LE' ? inMemory.reverse() : inMemory;
  });
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.');
  const text = bytes.join('').toLowerCase();
  const mapped = /^0{20}ffff(.{8})$/.exec(text);
  if (mapped?.[1] !== undefined)
    return (mapped[1].match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).join('.');
  return canonicalV6((text.match(/.{4}/g) ?? []).join(':'));
}

function canonicalV6(host: string): string {
  return new URL(`http://[${host}]`).hostname;
}

function holdsAny(pid: number, links: ReadonlySet<string>): boolean {
  const folder = `/proc/${pid}/fd`;
  return attempt(() => readdirSync(folder), []).some((fd) =>
    links.has(attempt(() => readlinkSync(`${folder}/${fd}`), '')),
  );
}

/** Processes end and close descriptors while they are looked at. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
