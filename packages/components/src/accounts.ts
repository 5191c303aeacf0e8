/** User name of Patroni's REST API and of HAProxy's statistics page; the passwords are secrets. */
export const apiUser = 'holdfast';

/** PostgreSQL roles that the parts use; the passwords are secrets. */
export const superuserRole = 'postgres';
export const replicationRole = 'replicator';
export const rewindRole = 'rewinder';
/** May call `pgbouncer.get_auth` and nothing else. */
export const poolerRole = 'pgbouncer';
