import { expect, test } from 'vitest';
import { forAnyHost, passfileOf, quoteSetting, redirect } from '../src/receive-wal.js';

// As Patroni writes it: values not in quotes, with a backslash before what would end them.
const conninfo = 'user=replicator passfile=/srv/my\\ cluster/pgpass host=10.0.0.1 port=5432 sslmode=prefer';

test('the conninfo of another source: what comes later counts', () => {
  expect(redirect(conninfo, { host: '10.0.0.3', port: 5434 }, "/srv/o'clock")).toBe(
    `${conninfo} host='10.0.0.3' port=5434 passfile='/srv/o\\'clock'`,
  );
  expect(redirect('user=x', { host: '::1', port: 5434 }, undefined)).toBe("user=x host='::1' port=5434");
});

test('the passfile of a conninfo', () => {
  expect(passfileOf(conninfo)).toBe('/srv/my cluster/pgpass');
  expect(passfileOf('passfile=/a')).toBe('/a');
  expect(passfileOf('user=replicator password=passfile')).toBeUndefined();
});

test('a passfile for any host keeps database, user and password', () => {
  expect(forAnyHost('10.0.0.1:5432:*:replicator:a\\:b:c\\\\\n')).toBe('*:*:*:replicator:a\\:b:c\\\\\n');
  expect(forAnyHost('\\:\\:1:5432:*:r:x\nhost:5432:*:r:y\n')).toBe('*:*:*:r:x\n*:*:*:r:y\n');
});

test('a value in a configuration file', () => {
  expect(quoteSetting("it's a \\ and a\nline")).toBe("'it''s a \\\\ and a\\nline'");
});
