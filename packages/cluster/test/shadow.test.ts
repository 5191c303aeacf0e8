import { expect, test } from 'vitest';
import { startShadow } from '../src/supabase/shadow.js';

test('a shadow of a version that is not installed is refused with what to install', async () => {
  const original = { major: 9, encoding: 'UTF8', collate: 'C', ctype: 'C', preload: '', extensions: [], recorded: [] };
  const options = { signal: new AbortController().signal, limitMilliseconds: 10_000 };
  await expect(startShadow(original, [], options)).rejects.toMatchObject({
    code: 'HF_SHADOW_NO_POSTGRES',
    suggestion: expect.stringContaining('postgresql-9'),
  });
});
