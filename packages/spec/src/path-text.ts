/** `['postgres', 'hba', 0]` → `postgres.hba[0]`; the empty path → `(document)`. */
export function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '(document)';
  const text = path.map((key) => {
    if (typeof key === 'number') return `[${key}]`;
    return /^[\w-]+$/.test(String(key)) ? `.${String(key)}` : `[${JSON.stringify(String(key))}]`;
  });
  return text.join('').replace(/^\./, '');
}
