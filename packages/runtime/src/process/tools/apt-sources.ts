/**
 * Pure: the mirror that this machine fetches Debian from, taken from its own sources (sources.list(5): one-line and deb822 style),
 * so that an extra suite comes from the same place.
 */
export interface AptSourceFile {
  readonly name: string;
  readonly text: string;
}

/** URI of the entry that serves `codename` itself (not its updates or security suites), components `main`; undefined: none. */
export function findMirror(files: readonly AptSourceFile[], codename: string): string | undefined {
  for (const file of files) {
    const found = file.name.endsWith('.sources') ? fromDeb822(file.text, codename) : fromList(file.text, codename);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fromDeb822(text: string, codename: string): string | undefined {
  for (const paragraph of text.split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    let key = '';
    for (const line of paragraph.split('\n')) {
      if (line.startsWith('#') || line.trim() === '') continue;
      const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (match?.[1] !== undefined) {
        key = match[1].toLowerCase();
        fields.set(key, match[2] ?? '');
      } else {
        fields.set(key, `${fields.get(key) ?? ''} ${line.trim()}`);
      }
    }
    const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
    if (fields.get('enabled')?.trim() === 'no') continue;
    if (!words('types').includes('deb') || !words('suites').includes(codename) || !words('components').includes('main'))
      continue;
    const uri = words('uris')[0];
    if (uri !== undefined) return uri;
  }
  return undefined;
}

function fromList(text: string, codename: string): string | undefined {
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line);
    if (match?.[2] === codename && (match[3] ?? '').split(/\s+/).includes('main')) return match[1];
  }
  return undefined;
}
