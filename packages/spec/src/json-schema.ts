import { z } from 'zod';
import { specSchema } from './schema.js';

/** The JSON Schema (draft 2020-12) of `holdfast.yaml`, for editors; without `$id`, so that it works from any place. */
export function renderJsonSchema(): string {
  const schema = z.toJSONSchema(specSchema, { io: 'input', target: 'draft-2020-12' });
  const titled = { ...schema, title: 'holdfast.yaml', description: 'A Holdfast cluster.' };
  return `${withShortLists(JSON.stringify(titled, null, 2))}\n`;
}

/** Lists of plain values on one line, as the formatter of this repository has them. */
function withShortLists(json: string): string {
  const inner = json.replace(
    /\[\n\s+([^[\]{}]*?)\n\s+\]/g,
    (_, items: string) => `[${items.replace(/,\n\s+/g, ', ')}]`,
  );
  // A list whose only item is such a list.
  return inner.replace(/\[\n\s+(\[[^[\]{}\n]*\])\n\s+\]/g, '[$1]');
}
