import type { RequestResult } from '../execute/run-request.js';
import type { MutationMethod } from '../plan/plan-mutation.js';
import { appliedPreferences, type HeededPreference, type Preferences } from '../request/preferences.js';
import type { RowRange } from '../request/query.js';
import { canonicalQuery, encodePart, type Pair } from '../request/query-string.js';
import { type Answer, type Header, withSettings } from './answer.js';
import { contentRange, readRange } from './content-range.js';

export type RowsResult = Extract<RequestResult, { kind: 'rows' }>;

/** What all answers to requests of one shape have in common. */
export interface RespondContext {
  readonly preferences: Preferences;
  readonly range: RowRange;
  readonly isHead: boolean;
  /** What tells of a body. */
  readonly content: readonly Header[];
  /** Preference-Applied, or nothing. */
  readonly applied: readonly Header[];
}

/** An answer to GET and HEAD on a table. Throws PGRST103, 111 and 112. */
export function respondRead(
  result: RowsResult,
  table: string,
  pairs: readonly Pair[],
  context: RespondContext,
): Answer {
  const { status, contentRange: range } = readRange(context.range, result.count, totalOf(result, context.preferences));
  const canonical = canonicalQuery(pairs);
  const headers: Header[] = [
    ['Content-Range', range],
    ['Content-Location', `/${encodePart(table)}${canonical === '' ? '' : `?${canonical}`}`],
    ...context.content,
    ...context.applied,
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
  change: { readonly method: MutationMethod; readonly table: string },
  context: RespondContext,
): Answer {
  const { preferences } = context;
  const full = preferences.representation === 'representation';
  const headers = [...rowHeaders(result, change, context), ...(full ? context.content : [])];
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
  { method, table }: { readonly method: MutationMethod; readonly table: string },
  { preferences, applied }: RespondContext,
): readonly Header[] {
  const total = preferences.count === 'exact' || preferences.count === 'estimated' ? result.count : undefined;
  switch (method) {
    case 'POST': {
      const location = result.location === undefined ? undefined : locationOf(table, result.location);
      return [
        ...(location === undefined ? [] : [['Location', location] as const]),
        ['Content-Range', contentRange(1, 0, total)],
        ...applied,
      ];
    }
    case 'PATCH':
      return [['Content-Range', contentRange(0, result.count - 1, total)], ...applied];
    case 'PUT':
      return applied;
    case 'DELETE':
      return [['Content-Range', contentRange(1, 0, total)], ...applied];
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
  const headers: Header[] = [['Content-Range', range], ...context.applied];
  if (returnsVoid) return withSettings({ status: 204, headers, body: undefined }, result);
  const body = context.isHead ? undefined : result.body;
  return withSettings({ status, headers: [...headers, ...context.content], body }, result);
}

export function respondPlan(plan: string, context: RespondContext): Answer {
  return { status: 200, headers: context.content, body: context.isHead ? undefined : plan };
}

/**
 * Content-Type, and Content-Profile where there are several schemas.
 * @param type As it is sent.
 */
export function contentHeaders(type: string, profile: string | undefined): readonly Header[] {
  const own: Header = ['Content-Type', type];
  return profile === undefined ? [own] : [own, ['Content-Profile', profile]];
}

/** @param heeded By this kind of request. */
export function appliedHeaders(preferences: Preferences, heeded: readonly HeededPreference[]): readonly Header[] {
  const value = appliedPreferences(preferences, heeded);
  return value === undefined ? [] : [['Preference-Applied', value]];
}

/** What a change of rows heeds. */
export function heededPreferences(method: MutationMethod, resolves: boolean): readonly HeededPreference[] {
  switch (method) {
    case 'POST':
      return resolves ? ['missing', 'representation', 'resolution'] : ['missing', 'representation'];
    case 'PATCH':
      return ['missing', 'representation', 'max-affected'];
    case 'PUT':
      return ['representation'];
    case 'DELETE':
      return ['representation', 'max-affected'];
  }
}
