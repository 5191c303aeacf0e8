export type PlanFormat = 'text' | 'json';

/** In the order in which PostgREST names them. */
export const planOptions = ['analyze', 'verbose', 'settings', 'buffers', 'wal'] as const;

export type PlanOption = (typeof planOptions)[number];

/** A media type as the service tells them apart; parameters count only in its own (`vnd.pgrst.…`). */
export type MediaType =
  /** Its name in lower case, such as `text/csv`, or the any type. */
  | { readonly kind: 'plain'; readonly name: string }
  | { readonly kind: 'object'; readonly stripNulls: boolean }
  | { readonly kind: 'stripped-array' }
  | {
      readonly kind: 'plan';
      readonly format: PlanFormat;
      readonly of: Exclude<MediaType, { kind: 'plan' }>;
      readonly options: readonly PlanOption[];
    };

export const anyType = '*/*';

const json: MediaType & { kind: 'plain' } = { kind: 'plain', name: 'application/json' };

/** One media type with its parameters. */
export function parseMediaType(text: string): MediaType {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim());
  switch (name.toLowerCase()) {
    case 'application/vnd.pgrst.plan':
    case 'application/vnd.pgrst.plan+text':
      return planType('text', parameters);
    case 'application/vnd.pgrst.plan+json':
      return planType('json', parameters);
    default:
      return parsePlainType(name, parameters);
  }
}

function parsePlainType(name: string, parameters: readonly string[]): Exclude<MediaType, { kind: 'plan' }> {
  const stripNulls = parameters.length === 1 && parameters[0] === 'nulls=stripped';
  switch (name.toLowerCase()) {
    case 'application/vnd.pgrst.object':
    case 'application/vnd.pgrst.object+json':
      return { kind: 'object', stripNulls };
    case 'application/vnd.pgrst.array':
    case 'application/vnd.pgrst.array+json':
      return stripNulls ? { kind: 'stripped-array' } : json;
    default:
      return { kind: 'plain', name: name.toLowerCase() };
  }
}

function planType(format: PlanFormat, parameters: readonly string[]): MediaType {
  const find = (key: string): string | undefined =>
    parameters.find((parameter) => parameter.startsWith(`${key}=`))?.slice(key.length + 1);
  const wanted = find('options')?.split('|') ?? [];
  const [name = '', ...inner] = (find('for') ?? json.name).replaceAll(/^"+|"+$/g, '').split(';');
  return {
    kind: 'plan',
    format,
    of: parsePlainType(name, inner),
    options: planOptions.filter((option) => wanted.includes(option)),
  };
}

/** Without a charset, as errors and headers show it. */
export function showMediaType(type: MediaType): string {
  switch (type.kind) {
    case 'plain':
      return type.name;
    case 'object':
      return `application/vnd.pgrst.object+json${type.stripNulls ? ';nulls=stripped' : ''}`;
    case 'stripped-array':
      return 'application/vnd.pgrst.array+json;nulls=stripped';
    case 'plan': {
      const options = type.options.length === 0 ? '' : `; options=${type.options.join('|')}`;
      return `application/vnd.pgrst.plan+${type.format}; for="${showMediaType(type.of)}"${options}`;
    }
  }
}

/** Types whose text the service knows to be UTF-8; what others mean is their own matter. */
const textTypes: ReadonlySet<string> = new Set([
  'application/json',
  'application/geo+json',
  'application/openapi+json',
  'application/x-www-form-urlencoded',
  'text/csv',
  'text/plain',
  'text/xml',
  anyType,
]);

/** The Content-Type header. */
export function contentTypeOf(type: MediaType): string {
  const isText = type.kind !== 'plain' || textTypes.has(type.name);
  return `${showMediaType(type)}${isText ? '; charset=utf-8' : ''}`;
}
