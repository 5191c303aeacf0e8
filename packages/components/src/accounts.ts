/** User name of Patroni's REST API and of HAProxy's statistics page; the passwords are secrets. */
export const apiUser = 'holdfast';

/** HAProxy's user that may mark servers up and down; the password is a secret. */
export const agentUser = 'agent';

/** User of PgBouncer's console; the password is a secret. */
export const poolerAdmin = 'holdfast_admin';

/** PostgreSQL roles that the parts use; the passwords are secrets. */
export const superuserRole = 'postgres';
export const replicationRole = 'replicator';
export const rewindRole = 'rewinder';
/** May call `pgbouncer.get_auth` and nothing else. */
export const poolerRole = 'pgbouncer';
/** Takes requests out of pg_net's queue and records their answers. */
export const netRole = 'holdfast_net';
