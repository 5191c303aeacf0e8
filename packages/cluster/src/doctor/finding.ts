/** One thing that was looked at. `remedy` names what to do, with a command where there is one; only `ok` and `info` may lack it. */
export interface Finding {
  /** Stable: the check, then what it looked at: `etcd.quorum`, `lag.pg2`. */
  readonly id: string;
  readonly severity: 'ok' | 'info' | 'warning' | 'error';
  /** For people. */
  readonly what: string;
  readonly remedy?: string;
}

export function ok(id: string, what: string): Finding {
  return { id, severity: 'ok', what };
}

export function info(id: string, what: string, remedy?: string): Finding {
  return { id, severity: 'info', what, ...(remedy === undefined ? {} : { remedy }) };
}

export function warning(id: string, what: string, remedy: string): Finding {
  return { id, severity: 'warning', what, remedy };
}

export function error(id: string, what: string, remedy: string): Finding {
  return { id, severity: 'error', what, remedy };
}

/** `1.5 GiB` */
export function showBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit]}`;
}
