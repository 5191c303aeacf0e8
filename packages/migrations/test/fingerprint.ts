import type { Connection } from '@holdfast/postgres';

/** Everything that a migration could have changed, as text. */
export async function fingerprint(connection: Connection): Promise<readonly unknown[]> {
  return await connection.query(`
    SELECT 'relation' AS kind, oid::regclass::text AS name, concat_ws(' ', relkind, relowner::regrole, relacl, relrowsecurity, reloptions) AS what
      FROM pg_class WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema|holdfast)'
    UNION ALL SELECT 'column', attrelid::regclass::text || '.' || attname, concat_ws(' ', atttypid::regtype, attnotnull, pg_get_expr(adbin, adrelid))
      FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
      WHERE attnum > 0 AND NOT attisdropped AND relnamespace::regnamespace::text !~ '^(pg_|information_schema|holdfast)'
    UNION ALL SELECT 'function', oid::regprocedure::text, concat_ws(' ', proowner::regrole, proacl, md5(prosrc), prosecdef, proconfig)
      FROM pg_proc WHERE pronamespace::regnamespace::text !~ '^(pg_|information_schema|holdfast)'
    UNION ALL SELECT 'constraint', conrelid::regclass::text || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
    UNION ALL SELECT 'trigger', tgrelid::regclass::text || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'policy', polrelid::regclass::text || '.' || polname, concat_ws(' ', pg_get_expr(polqual, polrelid)) FROM pg_policy
    UNION ALL SELECT 'role', rolname::text, concat_ws(' ', rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls) FROM pg_roles
    UNION ALL SELECT 'member', roleid::regrole::text, member::regrole::text FROM pg_auth_members
    UNION ALL SELECT 'setting', setrole::regrole::text, setconfig::text FROM pg_db_role_setting
    UNION ALL SELECT 'default', concat_ws(' ', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype), defaclacl::text FROM pg_default_acl
    UNION ALL SELECT 'schema', nspname::text, concat_ws(' ', nspowner::regrole, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL SELECT 'event trigger', evtname::text, evtenabled::text FROM pg_event_trigger
    UNION ALL SELECT 'publication', pubname::text, pubowner::regrole::text FROM pg_publication
    ORDER BY 1, 2, 3
  `);
}
