import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refuseAddresses } from '../src/refused-addresses.js';

const refuses = refuseAddresses(
  { addresses: ['10.0.0.7', '2001:db8::7', 'db.example.org'], ports: [2379, 8008] },
  () => ['192.168.5.9', 'fd12::9'],
);

describe('refuseAddresses', () => {
  test.each([
    '127.0.0.1',
    '127.9.8.7',
    '0.0.0.0',
    '0.1.2.3',
    '::1',
    '::',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:0.0.0.0',
    '::ffff:10.0.0.7',
    '10.0.0.7',
    '2001:db8::7',
    '2001:0db8:0:0:0:0:0:7',
    '192.168.5.9',
    '::ffff:192.168.5.9',
    'fd12::9',
  ])("the cluster's ports at %s", (address) => {
    expect(refuses(address, 2379)).toBe(`port 2379 at ${address} is the cluster's own`);
    expect(refuses(address, 8008)).toContain('8008');
    expect(refuses(address, 3000)).toBeUndefined();
  });

  test.each(['10.0.0.8', '93.184.216.34', '2001:db8::8', '::ffff:10.0.0.8'])(
    'the same port at %s is not',
    (address) => {
      expect(refuses(address, 2379)).toBeUndefined();
    },
  );

  test.each(['169.254.169.254', '169.254.0.1', '::ffff:169.254.169.254', 'fe80::1', 'febf::1', 'fd00:ec2::254'])(
    'nothing at %s is for requests',
    (address) => {
      expect(refuses(address, 80)).toBe(`${address} is a link-local address`);
    },
  );

  test('whatever way a loopback address is written in a URL', () => {
    void fc.assert(
      fc.property(
        fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)),
        fc.constantFrom('dotted', 'number', 'hex', 'octal'),
        ([b, c, d], form) => {
          const number = 127 * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
          const written = {
            dotted: `127.${b}.${c}.${d}`,
            number: String(number),
            hex: `0x${number.toString(16)}`,
            octal: `0${number.toString(8)}`,
          }[form];
          expect(refuses(new URL(`http://${written}:2379/`).hostname, 2379)).toBeDefined();
        },
      ),
    );
  });

  test("this machine's addresses are those of its interfaces", () => {
    expect(refuseAddresses({ addresses: [], ports: [1] })('127.0.0.1', 1)).toBeDefined();
  });
});
