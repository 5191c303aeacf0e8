/** What a client may call its request: printable, short, nothing that a log could take for something else. Pure. */
export function parseRequestId(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' && /^[\w.:/+=@-]{1,128}$/.test(value) ? value : undefined;
}
