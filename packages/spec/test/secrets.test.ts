import { expect, it } from 'vitest';
import { fillTemplate, generateSecrets, redactTemplate, secret, secretNames } from '../src/secrets.js';

it('generates every secret, long, different and free of characters that need quotes', () => {
  const first = generateSecrets();
  expect(Object.keys(first).toSorted()).toEqual([...secretNames].toSorted());
  const values = [...Object.values(first), ...Object.values(generateSecrets())];
  expect(new Set(values).size).toBe(values.length);
  for (const value of values) {
    expect(value).toMatch(/^[A-Za-z][A-Za-z0-9_-]+$/);
    expect(Buffer.from(value, 'base64url').length).toBeGreaterThanOrEqual(32);
  }
});

it('fills and redacts templates', () => {
  const secrets = generateSecrets();
  const template = ['user:', secret('postgres'), '!'];
  expect(fillTemplate(template, secrets)).toBe(`user:${secrets.postgres}!`);
  expect(redactTemplate(template)).toBe('user:<secret:postgres>!');
  expect(fillTemplate('plain', secrets)).toBe(redactTemplate('plain'));
});
