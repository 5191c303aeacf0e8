import type { KeyMaterial } from '@holdfast/keys';
import type { Database } from '@holdfast/postgres';
import type { AuthSettingsInput } from './settings/schema.js';

export type { AuthSettings, AuthSettingsInput } from './settings/schema.js';
export { authSettings } from './settings/schema.js';

/** What the plugin needs from outside. */
export interface AuthOptions {
  /** As supabase_auth_admin. It stays the caller's to close. */
  readonly database: Database;
  /** Asked at each use, so that rotated keys count at once. The same object as long as nothing changed: imported keys are remembered by it. */
  readonly keys: () => KeyMaterial;
  readonly settings?: AuthSettingsInput;
  /** Aborts what is under way. Default: never. */
  readonly signal?: AbortSignal;
  /** Default: the machine's clock. */
  readonly now?: () => Date;
}
