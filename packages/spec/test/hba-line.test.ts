import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHbaLine } from '../src/hba-line.js';
import { acceptedLines, openLines } from './hba-lines.js';

describe('readHbaLine', () => {
  it.each(acceptedLines)('accepts %s', (line) => expect(readHbaLine(line)).toMatchObject({ ok: true }));

  it.each(openLines)('sees that it is open to all: %s', (line) =>
    expect(readHbaLine(line)).toMatchObject({ ok: true, line: { open: true } }),
  );

  it('sees that it is not', () => {
    expect(readHbaLine('host all all 10.0.0.0/8 scram-sha-256')).toMatchObject({ line: { open: false } });
    expect(readHbaLine('host all all "all" scram-sha-256')).toMatchObject({ line: { open: false } });
  });

  it.each([
    ['host all all 10.0.0.0/8 trust', 'without a password'],
    ['host all all 10.0.0.0/8 "trust"', 'without a password'],
    ['local all all trust # scram-sha-256', 'without a password'],
    ['host all all 10.0.0.0 255.0.0.0 md5', 'easily broken'],
    ['host all all 10.0.0.0/8 password', 'clear text'],
    ['host all all 10.0.0.0/8 ident', "client's machine"],
    ['host all all 10.0.0.0/8 ldap ldapserver=x', 'clear text'],
    ['host all all all gss', 'every address'],
    ['host all all a"ll" gss', 'every address'],
    ['host all @users samenet scram-sha-256', 'nobody checked'],
    ['host a, b c 0.0.0.0/0 trust', 'without a password'],
  ])('refuses %s', (line, reason) => {
    const reading = readHbaLine(line);
    expect(reading).toMatchObject({ ok: false, problem: expect.stringContaining(reason) });
  });

  it.each([
    '',
    '# only a remark',
    'host',
    'host all all',
    'host all all 10.0.0.0/8',
    'host all all 10.0.0.0/33 scram-sha-256',
    'host all all ::1/129 scram-sha-256',
    'host all all 10.0.0/8 scram-sha-256',
    'host all all 0/0 scram-sha-256',
    'host all all 10.0.0.1 scram-sha-256',
    'host all all 10.0.0.1 ffff:: scram-sha-256',
    'host all all, 10.0.0.0/8 scram-sha-256',
    'host all all 10.0.0.0/8, scram-sha-256',
    'host all all * scram-sha-256',
    'host all all 10.0.0.0/8 SCRAM-SHA-256',
    'host all all 10.0.0.0/8 scram',
    'host all all 10.0.0.0/8 scram-sha-256 extra',
    'host all all 10.0.0.0/8 peer',
    'host all all 10.0.0.0/8 cert',
    'local all all gss',
    'host all all 10.0.0.0/8 constructor',
    'host all all 10.0.0.0/8 scram-sha-256 map=x',
    'host all all 10.0.0.0/8 scram-sha-256 clientcert=verify-full',
    'hostssl all all 10.0.0.0/8 cert map=a,clientname=DN',
    'host all all\u00a010.0.0.0/8 scram-sha-256',
    `host ${'a'.repeat(300)} all 10.0.0.0/8 scram-sha-256`,
    'hosts all all 10.0.0.0/8 scram-sha-256',
    'host "all all 10.0.0.0/8 scram-sha-256',
    'include other.conf',
    'host all all 10.0.0.0/8 scram-sha-256\nhost all all all trust',
    'host all all 10.0.0.0/8 scram-sha-256 \\',
  ])('calls malformed: %j', (line) => {
    expect(readHbaLine(line)).toMatchObject({ ok: false, problem: expect.stringContaining('not a usable') });
  });

  it('never throws, and never accepts a weak method', () => {
    const words = [
      'host',
      'local',
      'all',
      'a,b',
      '"',
      '""',
      ',',
      '#',
      '10.0.0.0/8',
      '0.0.0.0',
      'samenet',
      'trust',
      'md5',
    ];
    const line = fc.array(fc.oneof(fc.constantFrom(...words, 'scram-sha-256'), fc.string()), { maxLength: 9 });
    fc.assert(
      fc.property(line, (parts) => {
        const reading = readHbaLine(parts.join(' '));
        expect(reading.ok && ['trust', 'md5', 'password', 'ident'].includes(reading.line.method)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
