import { execFileSync } from 'node:child_process';
import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderEnvironment } from '../src/index.js';

/** What a program finds in its environment after sh read the text. */
function readBySh(text: string, names: readonly string[]): Readonly<Record<string, string | undefined>> {
  const script = `set -a\n${text}\n"$0" -e 'process.stdout.write(JSON.stringify(process.env))'`;
  const output = execFileSync('sh', ['-c', script, process.execPath], { encoding: 'utf8', env: {} });
  const found = JSON.parse(output) as Record<string, string | undefined>;
  return Object.fromEntries(names.map((name) => [name, found[name]]));
}

describe('dotenv', () => {
  it.each([
    ['abc', 'A=abc'],
    ['', "A=''"],
    ['postgresql://u:p%40@[::1]:6543/db?pgbouncer=true', "A='postgresql://u:p%40@[::1]:6543/db?pgbouncer=true'"],
    ['postgresql://u:p@127.0.0.1:6543/db?pgbouncer=true', 'A=postgresql://u:p@127.0.0.1:6543/db?pgbouncer=true'],
    ['a b', "A='a b'"],
    ['a#b', "A='a#b'"],
    ['~/a', "A='~/a'"],
    ['{"k":"v"}', `A='{"k":"v"}'`],
    ['a&b;c|d', "A='a&b;c|d'"],
    ["it's", 'A="it\'s"'],
  ])('%s', (value, line) => expect(renderEnvironment({ A: value }, 'dotenv')).toBe(`${line}\n`));

  it.each(['a\nb', 'a\\', '$HOME', "`id`'", '"\'', '\0'])('refuses %j rather than change it', (value) => {
    expect(() => renderEnvironment({ NAME: value }, 'dotenv')).toThrow(
      expect.objectContaining({ code: 'HF_ENV_VALUE', message: expect.stringContaining('NAME') }),
    );
  });

  it('comes through a parser of .env files and through sh unharmed', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { maxLength: 40 }), (texts) => {
        const values = Object.fromEntries(texts.filter(isRenderable).map((text, index) => [`V${index}`, text]));
        const text = renderEnvironment(values, 'dotenv');
        expect({ ...parseEnv(text) }).toEqual(values);
        expect(readBySh(text, Object.keys(values))).toEqual(values);
      }),
      { numRuns: 25 },
    );
  });
});

function isRenderable(text: string): boolean {
  try {
    return renderEnvironment({ A: text }, 'dotenv') !== '';
  } catch {
    return false;
  }
}

it('shell: every text comes through sh unharmed', () => {
  const text = fc.string({ unit: 'grapheme' }).map((each) => `${each.replaceAll('\0', '')}'\n$(id)\`id\`\\`);
  fc.assert(
    fc.property(fc.array(text, { maxLength: 40 }), (texts) => {
      const values = Object.fromEntries(texts.map((each, index) => [`V${index}`, each]));
      expect(readBySh(renderEnvironment(values, 'shell'), Object.keys(values))).toEqual(values);
    }),
    { numRuns: 25 },
  );
});

it('json: one object', () => {
  const values = { A: '1', B: 'x\n"' };
  expect(JSON.parse(renderEnvironment(values, 'json'))).toEqual(values);
});
