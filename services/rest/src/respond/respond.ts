import type { RequestResult } from '../execute/run-request.js';
import type { MutationMethod } from '../plan/plan-mutation.js';
import { appliedPreferences, type Preferences } from '../request/preferences.js';
import type { Query, RowRange } from '../request/query.js';
import { encodePart } from '../request/query-string.js';
import { type Answer, type Header, withSettings } from './answer.js';
import { contentRange, readRange } from './content-range.js';

export type RowsResult = Extract<RequestResult, { kind: 'rows' }>;

export interface RespondContext {
  readonly preferences: Preferences;
  readonly query: Query;
  readonly range: RowRange;
  /** Of the chosen media type, as it is sent. */
  readonly contentType: string;
  /** Undefined: there is but one schema. */
  readonly profile: string | undefined;
  readonly isHead: boolean;
}

/** An answer to GET and HEAD on a table. Throws PGRST103, 111 and 112. */
export function respondRead(result: RowsResult, table: string, context: RespondContext): Answer {
  const { status, contentRange: range } = readRange(context.range, result.count, totalOf(result, context.preferences));
  const { canonical } = context.query;
  const headers: Header[] = [
    ['Content-Range', range],
    ['Content-Location', `/${encodePart(table)}${canonical === '' ? '' : `?${canonical}`}`],
    ...contentHeaders(context),
    ...applied(context.preferences, []),
  ];
  return withSettings({ status, headers, body: context.isHead ? undefined : result.body }, result);
}

/** The exact count, the planner's, or the greater where both are known. */
function totalOf({ total, estimate }: RowsResult, { count }: Preferences): number | undefined {
  if (count === 'planned') return estimate;
  if (estimate === undefined || total === undefined) return total;
  return Math.max(total, estimate);
}

/** An answer to a change of rows. Throws PGRST111 and 112. */
export function respondMutation(
  result: RowsResult,
  change: { readonly method: MutationMethod; readonly table: string; readonly hasKey: boolean },
  context: RespondContext,
): Answer {
  const { preferences } = context;
  const full = preferences.representation === 'representation';
  const headers = [...rowHeaders(result, change, context), ...(full ? contentHeaders(context) : [])];
  const answer = { status: mutationStatus(result, change.method, preferences), headers };
  return withSettings({ ...answer, body: full ? result.body : undefined }, result);
}

function mutationStatus({ inserted }: RowsResult, method: MutationMethod, preferences: Preferences): number {
  const none = (inserted ?? 0) <= 0;
  if (method === 'POST') return none && preferences.resolution === 'merge-duplicates' ? 200 : 201;
  if (preferences.representation !== 'representation') return 204;
  return method === 'PUT' && !none ? 201 : 200;
}

function rowHeaders(
  result: RowsResult,
  { method, table, hasKey }: { readonly method: MutationMethod; readonly table: string; readonly hasKey: boolean },
  { preferences, query }: RespondContext,
): readonly Header[] {
  const total = preferences.count === 'exact' || preferences.count === 'estimated' ? result.count : undefined;
  switch (method) {
    case 'POST': {
      const resolves = hasKey || query.onConflict !== undefined;
      const heeded = ['missing', 'representation', ...(resolves ? (['resolution'] as const) : [])] as const;
      const location = result.location === undefined ? undefined : locationOf(table, result.location);
      return [
        ...(location === undefined ? [] : [['Location', location] as const]),
        ['Content-Range', contentRange(1, 0, total)],
        ...applied(preferences, heeded),
      ];
    }
    case 'PATCH':
      return [
        ['Content-Range', contentRange(0, result.count - 1, total)],
        ...applied(preferences, ['missing', 'representation', 'max-affected']),
      ];
    case 'PUT':
      return applied(preferences, ['representation']);
    case 'DELETE':
      return [
        ['Content-Range', contentRange(1, 0, total)],
        ...applied(preferences, ['representation', 'max-affected']),
      ];
  }
}

function locationOf(table: string, key: string): string | undefined {
  const parsed: unknown = JSON.parse(key);
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const entries = Object.entries(parsed);
  if (entries.length === 0) return undefined;
  const filters = entries.map(
    ([column, value]) => `${encodePart(column)}=${encodePart(value === null ? 'is.null' : `eq.${String(value)}`)}`,
  );
  return `/${encodePart(table)}?${filters.join('&')}`;
}

/** An answer to a call of a function. Throws PGRST103, 111 and 112. */
export function respondCall(result: RowsResult, returnsVoid: boolean, context: RespondContext): Answer {
  const { status, contentRange: range } = readRange(context.range, result.count, totalOf(result, context.preferences));
  const headers: Header[] = [['Content-Range', range], ...applied(context.preferences, ['max-affected'])];
  if (returnsVoid) return withSettings({ status: 204, headers, body: undefined }, result);
  const body = context.isHead ? undefined : result.body;
  return withSettings({ status, headers: [...headers, ...contentHeaders(context)], body }, result);
}

export function respondPlan(plan: string, context: RespondContext): Answer {
  return { status: 200, headers: contentHeaders(context), body: context.isHead ? undefined : plan };
}

function contentHeaders({ contentType, profile }: RespondContext): readonly Header[] {
  const type: Header = ['Content-Type', contentType];
  return profile === undefined ? [type] : [type, ['Content-Profile', profile]];
}

function applied(
  preferences: Preferences,
  heeded: Parameters<typeof appliedPreferences>[1],
): readonly (readonly [string, string])[] {
  const value = appliedPreferences(preferences, heeded);
  return value === undefined ? [] : [['Preference-Applied', value]];
}
