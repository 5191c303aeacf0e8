/** What a PostgreSQL type is in JSON Schema as Swagger 2.0 has it; undefined: anything. */
export type SwaggerType = 'string' | 'boolean' | 'integer' | 'number' | 'array' | undefined;

const known: Readonly<Record<string, SwaggerType>> = {
  boolean: 'boolean',
  smallint: 'integer',
  integer: 'integer',
  bigint: 'integer',
  numeric: 'number',
  real: 'number',
  'double precision': 'number',
};

export function swaggerType(type: string): SwaggerType {
  if (type === 'json' || type === 'jsonb') return undefined;
  if (type.endsWith('[]')) return 'array';
  return Object.hasOwn(known, type) ? known[type] : 'string';
}

/** `type` and, of arrays, `items`; what is undefined does not get into JSON. */
export function typeFields(type: string): Readonly<Record<string, unknown>> {
  const swagger = swaggerType(type);
  const fields = { type: swagger, format: type };
  return swagger === 'array' ? { ...fields, items: { type: swaggerType(elementType(type)) } } : fields;
}

export function elementType(type: string): string {
  return type.replace(/\[\]$/, '');
}

/** A column's default where it is a plain value: PostgreSQL writes `'a'::text`, `1`, `true`; what is computed is left out, but for text, as it stands. */
export function defaultValue(type: string, text: string): unknown {
  if (swaggerType(type) === 'string') {
    const suffix = `::${type}`;
    return text.endsWith(suffix) ? text.slice(0, -suffix.length).replaceAll(/^'+|'+$/g, '') : text;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The first line is the summary, the rest the description. */
export function splitComment(comment: string | null): {
  readonly summary?: string;
  readonly description?: string;
} {
  if (comment === null) return {};
  const at = comment.indexOf('\n');
  if (at === -1) return { summary: comment };
  const description = comment.slice(at).replace(/^\n+/, '');
  return { summary: comment.slice(0, at), ...(description === '' ? {} : { description }) };
}
