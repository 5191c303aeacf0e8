/**
 * Processes as the kernel shows them in /proc (proc(5)). Everything here is synchronous: a look takes microseconds, and a
 * process that was verified must not have time to change before it is signalled.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A pid alone may be somebody else's tomorrow; with the start time it is one process for as long as the machine runs. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot: field 22 of /proc/PID/stat. */
  readonly startTime: number;
}

/** What /proc/PID/stat says; readable for every process, whoever owns it. */
export interface ProcessStat extends ProcessIdentity {
  readonly ppid: number;
  readonly session: number;
  /** 0: no controlling terminal. */
  readonly tty: number;
  /** The kernel's short name, at most 15 bytes. */
  readonly name: string;
  /** R, S, D, T, Z …; of the first thread. */
  readonly state: string;
  readonly threads: number;
}

export interface ProcessInfo extends ProcessStat {
  readonly cmdline: readonly string[];
  /** Effective user; undefined: it ended while being read. */
  readonly uid: number | undefined;
  /** Undefined: not permitted, or it ended. A folder that was deleted is given without the kernel's remark. */
  readonly cwd: string | undefined;
}

let cachedBootId: string | undefined;

/** Another one after each boot. */
export function bootId(): string {
  cachedBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return cachedBootId;
}

export function readStat(pid: number): ProcessStat | undefined {
  const text = readProc(pid, 'stat')?.toString('latin1');
  if (text === undefined) return undefined;
  // The name stands in parentheses and may itself contain spaces and parentheses: the last one closes it.
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  const number = (field: number) => Number(fields[field - 3]);
  return {
    pid,
    name: text.slice(text.indexOf('(') + 1, close),
    state: fields[0] ?? '?',
    ppid: number(4),
    session: number(6),
    tty: number(7),
    threads: number(20),
    startTime: number(22),
  };
}

/** A process that ended but was not reaped yet does not count as alive. */
export function isAlive(process: ProcessIdentity): boolean {
  const stat = readStat(process.pid);
  return stat !== undefined && stat.startTime === process.startTime && !isDead(stat);
}

/** While other threads are still ending, files, ports and locks of the process are still held. */
export function isDead(stat: ProcessStat): boolean {
  return (stat.state === 'Z' && stat.threads <= 1) || stat.state === 'X';
}

/** Signals exactly this process; false when it is gone or its pid is somebody else's by now. */
export function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false;
  try {
    return process.kill(target.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

export function listPids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

export function readProcess(pid: number): ProcessInfo | undefined {
  const stat = readStat(pid);
  if (stat === undefined) return undefined;
  return { ...stat, cmdline: readCmdline(pid), uid: readUid(pid), cwd: readCwd(pid) };
}

export function listProcesses(): ProcessInfo[] {
  return listPids().flatMap((pid) => readProcess(pid) ?? []);
}

export function readCmdline(pid: number): string[] {
  return readProc(pid, 'cmdline')?.toString('utf8').replace(/\0+$/, '').split('\0') ?? [];
}

export function readUid(pid: number): number | undefined {
  const found = /^Uid:\s+\d+\s+(\d+)/m.exec(readProc(pid, 'status')?.toString('latin1') ?? '');
  return found === null ? undefined : Number(found[1]);
}

export function readCwd(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '');
  } catch {
    return undefined;
  }
}

/** One variable of the environment that the process was started with; it may have overwritten it since. */
export function readEnvironmentVariable(pid: number, name: string): string | undefined {
  const environment = readProc(pid, 'environ');
  if (environment === undefined || !environment.includes(name)) return undefined;
  const entry = environment
    .toString('utf8')
    .split('\0')
    .find((each) => each.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

function readProc(pid: number, file: string): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`);
  } catch {
    return undefined;
  }
}
