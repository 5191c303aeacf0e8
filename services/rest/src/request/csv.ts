import { invalidBody } from '../errors/request-errors.js';

/** A CSV body with a header line as JSON text: an array of objects of texts; `NULL` is null. RFC 4180. Throws PGRST102. */
export function csvToJson(text: string): { readonly json: string; readonly keys: readonly string[] } {
  const records = parseCsv(text);
  const [header, ...rows] = records;
  if (header === undefined || (header.length === 1 && header[0] === '')) throw invalidBody('not enough input');
  const objects = rows.map((row) => {
    if (row.length !== header.length) throw invalidBody('All lines must have same number of fields');
    return Object.fromEntries(row.map((value, at) => [header[at] ?? '', value === 'NULL' ? null : value]));
  });
  return { json: JSON.stringify(objects), keys: [...new Set(header)] };
}

/** Records of fields. A line that is empty does not count. */
export function parseCsv(text: string): readonly (readonly string[])[] {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (record.length === 0 && (text[at] === '\n' || text.startsWith('\r\n', at))) {
      at += text[at] === '\n' ? 1 : 2;
      continue;
    }
    const [field, end] = text[at] === '"' ? quotedField(text, at) : plainField(text, at);
    record.push(field);
    at = end;
    const next = text[at];
    if (next === ',') {
      at++;
      if (at < text.length) continue;
      record.push('');
    } else if (next === '\r' && text[at + 1] === '\n') at += 2;
    else if (next === '\n' || next === '\r') at += 1;
    else if (next !== undefined) throw invalidBody('Failed reading: a quoted field must end at a comma or line end');
    records.push(record);
    record = [];
  }
  return records;
}

function plainField(text: string, at: number): [string, number] {
  let end = at;
  while (end < text.length && text[end] !== ',' && text[end] !== '\n' && text[end] !== '\r') end++;
  return [text.slice(at, end), end];
}

function quotedField(text: string, at: number): [string, number] {
  let field = '';
  let here = at + 1;
  for (;;) {
    const quote = text.indexOf('"', here);
    if (quote < 0) throw invalidBody('Failed reading: a quoted field does not end');
    field += text.slice(here, quote);
    if (text[quote + 1] !== '"') return [field, quote + 1];
    field += '"';
    here = quote + 2;
  }
}
