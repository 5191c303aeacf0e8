import { invalidPreferences, notSingular } from '../errors/request-errors.js';
import { type ChosenMedia, chooseMedia } from '../media/choose-media.js';
import { hasDefaultSelect, type ReadNode } from '../plan/read-plan.js';
import type { ApiRequest } from '../request/api-request.js';
import type { HeededPreference } from '../request/preferences.js';
import { appliedHeaders, contentHeaders, type RespondContext, type RowsResult } from '../respond/respond.js';
import type { QualifiedName } from '../schema-cache/types.js';
import type { Handler } from '../sql/answer-sql.js';
import type { Guard } from '../sql/guard-sql.js';
import type { CountOptions } from '../sql/statement-sql.js';
import type { Preparation } from './prepared-request.js';

export function affectedGuard({ handling, maxAffected }: ApiRequest['preferences']): Guard | undefined {
  return handling === 'strict' && maxAffected !== undefined ? { kind: 'most', rows: maxAffected } : undefined;
}

export const none: Handler = { kind: 'none' };

export function mediaFor({ accept, loaded }: Preparation, relation: QualifiedName, root: ReadNode): ChosenMedia {
  return chooseMedia(accept, {
    cache: loaded.schemaCache,
    relation,
    defaultSelect: hasDefaultSelect(root),
    planEnabled: loaded.settings.planEnabled,
  });
}

export function isSingle({ handler, plan }: ChosenMedia): boolean {
  return plan === undefined && handler.kind === 'json' && handler.single;
}

export function judgeSingle(media: ChosenMedia, { count }: RowsResult): void {
  if (isSingle(media) && count !== 1) throw notSingular(count);
}

export function judgePreferences({ preferences: { handling, invalid } }: ApiRequest): void {
  if (handling === 'strict' && invalid.length > 0) throw invalidPreferences(invalid);
}

export function countOf({ preferences: { count } }: ApiRequest, maxRows: number | null): CountOptions | undefined {
  if (count === 'exact') return { limit: null };
  // One more than may be read already tells that the estimate is wanted.
  return count === 'estimated' ? { limit: maxRows === null ? null : maxRows + 1 } : undefined;
}

/** @param heeded Preferences that this kind of request heeds. */
export function respondContext(
  { preferences, profile }: ApiRequest,
  { contentType }: ChosenMedia,
  { range }: ReadNode,
  { isHead, heeded }: { readonly isHead: boolean; readonly heeded: readonly HeededPreference[] },
): RespondContext {
  const content = contentHeaders(contentType, profile);
  return { preferences, range, isHead, content, applied: appliedHeaders(preferences, heeded) };
}
