import { fieldsAt, type SchemaField, schemaFields } from './schema-fields.js';

/** For a key that its group does not have. */
export function suggestKey(groupPath: readonly PropertyKey[], key: string): string {
  const siblings = fieldsAt(groupPath) ?? [];
  const known = flatten(schemaFields()).find(({ name }) => plain(name) === plain(key));
  const names = siblings.map(({ name }) => name);
  const near = names.find((name) => plain(name) === plain(key)) ?? known?.path ?? closest(key, names);
  if (near !== undefined) return `Did you mean \`${near}\`?`;
  return `Known here: ${names.join(', ')}.`;
}

/** For a value that its field does not take. */
export function suggestValue(path: readonly PropertyKey[]): string {
  const field = flatten(schemaFields())
    .filter(({ path: known }) => `${path.join('.')}.`.startsWith(`${known}.`))
    .at(-1);
  if (field === undefined) return 'See `holdfast init` for a file with every setting.';
  if (field.shown === undefined) return `It has: ${field.fields.map(({ name }) => name).join(', ')}.`;
  return `Write for example \`${field.name}: ${inline(field.shown)}\`.`;
}

function inline(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function flatten(fields: readonly SchemaField[]): readonly SchemaField[] {
  return fields.flatMap((field) => [field, ...flatten(field.fields)]);
}

function plain(word: string): string {
  return word.replace(/[_-]/g, '').toLowerCase();
}

/** The candidate that a slip of the finger or another way to write names would explain. */
function closest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(word);
  const allowed = wanted.length < 4 ? 1 : Math.max(2, Math.floor(wanted.length / 3));
  return candidates
    .map((candidate) => ({ candidate, distance: distance(wanted, plain(candidate), allowed) }))
    .filter((entry) => entry.distance <= allowed)
    .sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

/** Levenshtein's; words too different in length are not compared. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, char] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (char === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
