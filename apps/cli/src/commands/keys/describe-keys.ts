import {
  type ApiRole,
  defaultLifetimeSeconds,
  type Key,
  type KeyKind,
  type KeyMaterial,
  keyKinds,
  type RetiredKey,
  type SigningJwk,
  signApiToken,
} from '@holdfast/keys';
import pc from 'picocolors';
import { renderTable } from '../../terminal/table.js';

/** One key for people and for --json. */
export interface KeyRow {
  readonly what: ApiRole | KeyKind;
  /** Of a token: that of the secret that signs it. */
  readonly id: string;
  readonly createdAt: string;
  /** Null: when it is rotated. */
  readonly expiresAt: string | null;
  readonly state: 'in use' | 'retired' | 'expired';
  readonly value: string;
}

/** Every key with its value: first the two tokens, then what can be rotated. */
export async function listKeys(material: KeyMaterial, now: Date): Promise<readonly KeyRow[]> {
  const tokens = (['anon', 'service_role'] as const).map((role) => tokenRow(role, material, now));
  const rows = keyKinds.flatMap((kind) => {
    const { current, previous } = material[kind];
    return [keyRow(kind, current, now), ...previous.map((key) => keyRow(kind, key, now))];
  });
  return [...(await Promise.all(tokens)), ...rows];
}

async function tokenRow(role: ApiRole, material: KeyMaterial, now: Date): Promise<KeyRow> {
  const { id, createdAt } = material['jwt-secret'].current;
  const end = Date.parse(createdAt) + defaultLifetimeSeconds * 1000;
  return {
    what: role,
    id,
    createdAt,
    expiresAt: new Date(end).toISOString(),
    state: end > now.getTime() ? 'in use' : 'expired',
    value: await signApiToken(role, material),
  };
}

type AnyKey = Key<string | SigningJwk> | RetiredKey<string | SigningJwk>;

function keyRow(what: KeyKind, key: AnyKey, now: Date): KeyRow {
  const expiresAt = 'expiresAt' in key ? key.expiresAt : null;
  const retired = expiresAt !== null && Date.parse(expiresAt) > now.getTime() ? 'retired' : 'expired';
  return {
    what,
    id: key.id,
    createdAt: key.createdAt,
    expiresAt,
    state: expiresAt === null ? 'in use' : retired,
    value: typeof key.value === 'string' ? key.value : JSON.stringify(key.value),
  };
}

/** Values only with `reveal`. */
export function renderKeys(rows: readonly KeyRow[], reveal: boolean): string {
  const head = ['KEY', 'ID', 'MADE', 'VALID UNTIL', 'STATE', ...(reveal ? ['VALUE'] : [])];
  return renderTable(
    head,
    rows.map(({ what, id, createdAt, expiresAt, state, value }) => [
      pc.bold(what),
      id,
      shortTime(createdAt),
      expiresAt === null ? 'rotated' : shortTime(expiresAt),
      state === 'in use' ? pc.green(state) : pc.yellow(state),
      ...(reveal ? [value] : []),
    ]),
  );
}

/** `2026-01-02 03:04 UTC` */
export function shortTime(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}
