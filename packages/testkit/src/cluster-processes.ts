import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface FoundProcess {
  readonly pid: number;
  readonly commandLine: string;
}

/** Every process that works below `folder`, or names something below it in its environment or command line. */
export function listProcessesOf(folder: string): readonly FoundProcess[] {
  const below = `${folder}/`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const commandLine = read(pid, 'cmdline');
      const belongs =
        commandLine.includes(below) ||
        `${workingDirectory(pid)}/`.startsWith(below) ||
        read(pid, 'environ').includes(below);
      return belongs && !hasEnded(pid)
        ? [{ pid: Number(pid), commandLine: commandLine.replaceAll('\0', ' ').trim() }]
        : [];
    });
}

/** What a power cut does: SIGKILL to all of them, the supervisor first, until none is left. */
export async function killProcessesOf(folder: string): Promise<void> {
  const end = performance.now() + 10_000;
  for (;;) {
    const found = listProcessesOf(folder);
    if (found.length === 0) return;
    if (performance.now() > end) throw new Error(`SIGKILL does not end ${JSON.stringify(found)}`);
    const isSupervisor = ({ commandLine }: FoundProcess) => commandLine.includes('/supervisor/');
    for (const { pid } of [...found.filter(isSupervisor), ...found]) signal(pid, 'SIGKILL');
    await sleep(20);
  }
}

/** False: it has ended meanwhile. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** False for one that nobody has reaped yet, too. */
export function isAlive(pid: number): boolean {
  return read(String(pid), 'stat') !== '' && !hasEnded(String(pid));
}

function hasEnded(pid: string): boolean {
  return /\) [ZX] /.test(read(pid, 'stat'));
}

function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
