import { describe, expect, it } from 'vitest';
import { generateKeyMaterial, parseKeyMaterial, renderKeyMaterial } from '../src/index.js';

const material = generateKeyMaterial(new Date('2026-01-02T03:04:05Z'));
const text = renderKeyMaterial(material);

it('reads what it wrote', () => {
  expect(parseKeyMaterial(text, 'keys.json')).toEqual(material);
  expect(material['jwt-secret'].current.value).toMatch(/^[\w-]{48}$/);
});

describe('damage is an error that names the place and shows nothing', () => {
  const { d } = material.signing.current.value;
  const damages: readonly (readonly [string, string])[] = [
    ['it is not JSON', text.slice(0, -10)],
    ['it is not JSON', `x${text}`],
    ['it is not JSON', ''],
    ['expected object', 'null'],
    ['version', text.replace('"version": 1', '"version": 2')],
    ['signing.current.value.d', text.replace(d, d.slice(1))],
    ['signing.current.value.crv', text.replace('P-256', 'P-384')],
    ['secret.current.value', text.replace(/sb_secret_./, 'sb_secret_!')],
    ['publishable.current.value', text.replaceAll('sb_publishable_', 'sb_secret_')],
    ['jwt-secret.current.value', text.replace(material['jwt-secret'].current.value, 'short')],
    ['createdAt', text.replace('2026-01-02T', 'yesterday ')],
    ['jwt-secret.previous', text.replace('"previous"', '"earlier"')],
    ['jwt-secret', text.replace('"jwt-secret"', '"jwtSecret"')],
  ];
  it.each(damages)('%s', (place, damaged) => {
    const error = errorOf(() => parseKeyMaterial(damaged, '/state/keys.json'));
    expect(error).toMatchObject({ code: 'HF_KEYS_DAMAGED', exitCode: 4 });
    const shown = `${error.message}${error.stack}${JSON.stringify(error)}${String(error.cause)}`;
    expect(error.message).toContain('/state/keys.json');
    expect(error.message).toContain(place);
    for (const kind of ['jwt-secret', 'publishable', 'secret'] as const)
      expect(shown).not.toContain(material[kind].current.value.slice(-12));
    expect(shown).not.toContain(d.slice(-12));
  });
});

function errorOf(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('it did not fail');
}
