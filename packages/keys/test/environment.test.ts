import { parseSpecFile, resolveSpec } from '@holdfast/spec';
import { describe, expect, it } from 'vitest';
import { describeEnvironment } from '../src/index.js';

const resolve = (text: string) => resolveSpec(parseSpecFile(text, 'f'), { memoryBytes: 2 ** 34, cores: 4 }, undefined);
const keys = { anon: 'A', serviceRole: 'SR', publishable: 'P', secret: 'S', jwtSecret: 'J' };
const describeFor = (text: string, prefix?: string) =>
  describeEnvironment({ spec: resolve(text), password: 'p', keys, ...(prefix === undefined ? {} : { prefix }) });

describe('describeEnvironment', () => {
  it('has the official names', () => {
    const direct = 'postgresql://postgres:p@127.0.0.1:5000/postgres';
    const pooled = 'postgresql://postgres:p@127.0.0.1:6543/postgres';
    expect(describeFor('')).toEqual({
      SUPABASE_URL: 'http://127.0.0.1:8000',
      SUPABASE_PUBLISHABLE_KEY: 'P',
      SUPABASE_SECRET_KEY: 'S',
      SUPABASE_ANON_KEY: 'A',
      SUPABASE_SERVICE_ROLE_KEY: 'SR',
      SUPABASE_JWT_SECRET: 'J',
      SUPABASE_DB_URL: direct,
      DATABASE_URL: `${pooled}?pgbouncer=true`,
      DIRECT_URL: direct,
      API_URL: 'http://127.0.0.1:8000',
      DB_URL: direct,
      PUBLISHABLE_KEY: 'P',
      SECRET_KEY: 'S',
      JWT_SECRET: 'J',
      ANON_KEY: 'A',
      SERVICE_ROLE_KEY: 'SR',
      POSTGRES_URL: pooled,
      POSTGRES_PRISMA_URL: `${pooled}?pgbouncer=true`,
      POSTGRES_URL_NON_POOLING: direct,
      POSTGRES_USER: 'postgres',
      POSTGRES_DATABASE: 'postgres',
      SUPABASE_PUBLIC_URL: 'http://127.0.0.1:8000',
      API_EXTERNAL_URL: 'http://127.0.0.1:8000',
      POSTGRES_HOST: '127.0.0.1',
      POSTGRES_PORT: '5000',
      POSTGRES_DB: 'postgres',
      POSTGRES_PASSWORD: 'p',
    });
  });

  it('follows the spec: address, ports, no pooler', () => {
    expect(describeFor('{listen: "::1", ports: {readWrite: 5999}, pooler: {enabled: false}}')).toMatchObject({
      SUPABASE_URL: 'http://[::1]:8000',
      DATABASE_URL: 'postgresql://postgres:p@[::1]:5999/postgres',
      DIRECT_URL: 'postgresql://postgres:p@[::1]:5999/postgres',
      POSTGRES_HOST: '::1',
      POSTGRES_PORT: '5999',
    });
  });

  it('gives under a prefix only what browsers may know', () => {
    const prefixed = Object.entries(describeFor('', 'VITE_')).filter(([name]) => name.startsWith('VITE_'));
    expect(Object.fromEntries(prefixed)).toEqual({
      VITE_SUPABASE_URL: 'http://127.0.0.1:8000',
      VITE_SUPABASE_PUBLISHABLE_KEY: 'P',
      VITE_SUPABASE_ANON_KEY: 'A',
    });
  });
});
