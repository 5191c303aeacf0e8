import { assignments, command, insertion, type Query, query } from './query.js';
import { allRows, json, maybeRow, optionalText, text, timestamp, truth } from './row.js';

export interface SsoProvider {
  readonly id: string;
  readonly resource_id: string | null;
  readonly disabled: boolean;
  readonly created_at: string | null;
  readonly updated_at: string | null;
  readonly saml: {
    readonly entity_id: string;
    readonly metadata_xml: string;
    readonly metadata_url: string | null;
    readonly attribute_mapping: Readonly<Record<string, unknown>> | null;
    readonly name_id_format: string | null;
  };
  readonly domains: readonly { readonly domain: string; readonly created_at: string; readonly updated_at: string }[];
}

const select = `SELECT p.id, p.resource_id, p.disabled, p.created_at, p.updated_at,
    s.entity_id, s.metadata_xml, s.metadata_url, s.attribute_mapping, s.name_id_format,
    (SELECT json_agg(json_build_object('domain', d.domain,
       'created_at', to_char(d.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       'updated_at', to_char(d.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) ORDER BY d.domain)
     FROM auth.sso_domains d WHERE d.sso_provider_id = p.id)
  FROM auth.sso_providers p JOIN auth.saml_providers s ON s.sso_provider_id = p.id`;

type Cells = readonly (string | null)[];

function read(row: Cells): SsoProvider {
  const cell = (index: number) => row[index] ?? null;
  return {
    id: text(cell(0)),
    resource_id: optionalText(cell(1)),
    disabled: truth(cell(2)),
    created_at: timestamp(cell(3)),
    updated_at: timestamp(cell(4)),
    saml: {
      entity_id: text(cell(5)),
      metadata_xml: text(cell(6)),
      metadata_url: optionalText(cell(7)),
      attribute_mapping: json<Readonly<Record<string, unknown>>>()(cell(8)),
      name_id_format: optionalText(cell(9)),
    },
    domains: json<SsoProvider['domains']>()(cell(10)) ?? [],
  };
}

export function listSsoProviders(): Query<readonly SsoProvider[]> {
  return query(`${select} ORDER BY p.created_at, p.id`, [], allRows(read));
}

export function findSsoProvider(id: string): Query<SsoProvider | undefined> {
  return query(`${select} WHERE p.id = $1`, [id], maybeRow(read));
}

/** By a name that the operator chose. */
export function findSsoProviderByResource(resourceId: string): Query<SsoProvider | undefined> {
  return query(`${select} WHERE lower(p.resource_id) = lower($1)`, [resourceId], maybeRow(read));
}

export function findSsoProviderByEntity(entityId: string): Query<SsoProvider | undefined> {
  return query(`${select} WHERE s.entity_id = $1`, [entityId], maybeRow(read));
}

/** Which providers have which of these domains. */
export function findSsoDomains(
  domains: readonly string[],
): Query<readonly { readonly domain: string; readonly providerId: string }[]> {
  const sql = 'SELECT domain, sso_provider_id FROM auth.sso_domains WHERE lower(domain) = ANY($1::text[])';
  const values = [domains.map((domain) => domain.toLowerCase())];
  return query(
    sql,
    values,
    allRows((row) => ({ domain: row[0] ?? '', providerId: row[1] ?? '' })),
  );
}

export function insertSsoProvider(
  id: string,
  saml: Readonly<Record<string, unknown>>,
  values: Readonly<Record<string, unknown>>,
  now: Date,
): readonly Query<number>[] {
  const times = { created_at: now, updated_at: now };
  const provider = insertion({ id, ...values, ...times });
  const details = insertion({ sso_provider_id: id, ...saml, ...times });
  return [
    command(`INSERT INTO auth.sso_providers ${provider.sql}`, provider.values),
    command(`INSERT INTO auth.saml_providers ${details.sql}`, details.values),
  ];
}

export function updateSsoProvider(
  id: string,
  saml: Readonly<Record<string, unknown>>,
  values: Readonly<Record<string, unknown>>,
  now: Date,
): readonly Query<number>[] {
  const provider = assignments({ ...values, updated_at: now }, 2);
  const details = assignments({ ...saml, updated_at: now }, 2);
  return [
    command(`UPDATE auth.sso_providers SET ${provider.sql} WHERE id = $1`, [id, ...provider.values]),
    command(`UPDATE auth.saml_providers SET ${details.sql} WHERE sso_provider_id = $1`, [id, ...details.values]),
  ];
}

/** The provider's domains are these from now on. */
export function replaceSsoDomains(id: string, domains: readonly string[], now: Date): readonly Query<number>[] {
  const lower = [...new Set(domains.map((domain) => domain.toLowerCase()))];
  const gone = 'DELETE FROM auth.sso_domains WHERE sso_provider_id = $1 AND lower(domain) <> ALL($2::text[])';
  const added = `INSERT INTO auth.sso_domains (id, sso_provider_id, domain, created_at, updated_at)
    SELECT gen_random_uuid(), $1, each, $3, $3 FROM unnest($2::text[]) AS each
    WHERE NOT EXISTS (SELECT FROM auth.sso_domains WHERE sso_provider_id = $1 AND lower(domain) = each)`;
  return [command(gone, [id, lower]), command(added, [id, lower, now.toISOString()])];
}

export function deleteSsoProvider(id: string): Query<number> {
  return command('DELETE FROM auth.sso_providers WHERE id = $1', [id]);
}
