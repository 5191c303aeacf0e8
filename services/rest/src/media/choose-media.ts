import { noMediaType } from '../errors/request-errors.js';
import type { CustomMediaHandler, QualifiedName, SchemaCache } from '../schema-cache/types.js';
import type { Handler } from '../sql/answer-sql.js';
import { anyType, contentTypeOf, type MediaType, type PlanFormat, showMediaType } from './media-type.js';
import { parseAccept } from './parse-accept.js';

export interface ChosenMedia {
  readonly handler: Handler;
  /** The Content-Type header. */
  readonly contentType: string;
  /** Instead of the result its plan is wanted; options in capitals as EXPLAIN takes them. */
  readonly plan: { readonly format: PlanFormat; readonly options: readonly string[] } | undefined;
}

export interface MediaOffer {
  readonly cache: Pick<SchemaCache, 'mediaHandlers'>;
  /** The table, the table whose rows a function returns, or else the function itself. */
  readonly relation: QualifiedName;
  /** Rows are whole: only these can be given to a handler of the relation's own type. */
  readonly defaultSelect: boolean;
  readonly planEnabled: boolean;
}

type Choice = Pick<ChosenMedia, 'handler' | 'contentType'>;

const json: Handler = { kind: 'json', stripNulls: false, single: false };

const builtIn: Readonly<Record<string, { readonly handler: Handler; readonly type: string }>> = {
  [anyType]: { handler: json, type: 'application/json' },
  'application/json': { handler: json, type: 'application/json' },
  'text/csv': { handler: { kind: 'csv' }, type: 'text/csv' },
  'application/geo+json': { handler: { kind: 'geojson' }, type: 'application/geo+json' },
};

/** The first of the accepted types that can be made. Throws PGRST107. */
export function chooseMedia(accept: string | undefined, offer: MediaOffer): ChosenMedia {
  const accepted = parseAccept(accept);
  for (const type of accepted) {
    const chosen = choose(type, offer);
    if (chosen !== undefined) return chosen;
  }
  throw noMediaType(accepted.map(showMediaType));
}

/** What the root answers with: OpenAPI, also to whoever asks for JSON. Throws PGRST107. */
export function chooseOpenApi(accept: string | undefined): string {
  const accepted = parseAccept(accept);
  const offered = ['application/openapi+json', 'application/json', anyType];
  if (accepted.some((type) => type.kind === 'plain' && offered.includes(type.name))) {
    return contentTypeOf({ kind: 'plain', name: 'application/openapi+json' });
  }
  throw noMediaType(accepted.map(showMediaType));
}

function choose(type: MediaType, offer: MediaOffer): ChosenMedia | undefined {
  if (type.kind !== 'plan') {
    const choice = chooseHandler(type, offer);
    return choice === undefined ? undefined : { ...choice, plan: undefined };
  }
  const choice = offer.planEnabled ? chooseHandler(type.of, offer) : undefined;
  if (choice === undefined) return undefined;
  const options = type.options.map((option) => option.toUpperCase());
  return { handler: choice.handler, contentType: contentTypeOf(type), plan: { format: type.format, options } };
}

/** The service's own types have a fixed meaning; all others can be taken over by the database, the relation's own handlers first. */
function chooseHandler(type: Exclude<MediaType, { kind: 'plan' }>, offer: MediaOffer): Choice | undefined {
  if (type.kind === 'object') {
    const handler: Handler = { kind: 'json', stripNulls: type.stripNulls, single: true };
    return { handler, contentType: contentTypeOf(type) };
  }
  if (type.kind === 'stripped-array') {
    return { handler: { kind: 'json', stripNulls: true, single: false }, contentType: contentTypeOf(type) };
  }
  const { mediaHandlers } = offer.cache;
  if (mediaHandlers.length > 0) {
    const own = offer.defaultSelect
      ? mediaHandlers.filter(({ target }) => target !== null && isSame(target, offer.relation))
      : [];
    const custom =
      own.find(({ isAny }) => isAny) ??
      own.find(({ mediaType }) => mediaType === type.name) ??
      mediaHandlers.find(({ target, mediaType }) => target === null && mediaType === type.name);
    if (custom !== undefined) return customChoice(custom);
  }
  const found = Object.hasOwn(builtIn, type.name) ? builtIn[type.name] : undefined;
  if (found === undefined) return undefined;
  return { handler: found.handler, contentType: contentTypeOf({ kind: 'plain', name: found.type }) };
}

/** A handler for anything says by response.headers what it made; until then it is bytes. */
function customChoice({ kind, function: name, target, mediaType, isAny }: CustomMediaHandler): Choice {
  return {
    handler: kind === 'routine' ? { kind: 'value' } : { kind: 'custom', function: name, target },
    contentType: contentTypeOf({ kind: 'plain', name: isAny ? 'application/octet-stream' : mediaType }),
  };
}

function isSame(left: QualifiedName, right: QualifiedName): boolean {
  return left.schema === right.schema && left.name === right.name;
}
