import { closeSync, readdirSync, readFileSync } from 'node:fs';

const closeOnExec = 0o2000000;

/**
 * Closes what the starting process let through, for example the pipe of a shell's `$(…)`, whose reader would wait for us. Node
 * marks the descriptors that it opens close-on-exec, and of the inherited ones only the low ones up to the first gap: so what bears no mark
 * was inherited (proc_pid_fdinfo(5)).
 */
export function closeInheritedDescriptors(): void {
  const own = 2;
  for (const descriptor of readdirSync('/proc/self/fd').map(Number)) {
    if (descriptor > own && !isMarked(descriptor)) closeSync(descriptor);
  }
}

/** One that is closed already (the listing's own) counts as marked. */
function isMarked(descriptor: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'))?.[1];
    return flags === undefined || (Number.parseInt(flags, 8) & closeOnExec) !== 0;
  } catch {
    return true;
  }
}
