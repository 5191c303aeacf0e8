import { describe, expect, test } from 'vitest';
import { applyInDatabaseSettings, readQualifiedName } from '../../src/schema-cache/in-database-settings.js';
import { defaultSettings } from '../../src/settings.js';

const apply = (...pairs: readonly (readonly [string, string])[]) => applyInDatabaseSettings(defaultSettings, pairs);

describe('settings in the database', () => {
  test('go before those given', () => {
    const settings = apply(
      ['pgrst.db_schemas', 'api, storage'],
      ['pgrst.db_max_rows', '1000'],
      ['pgrst.db_anon_role', 'anon'],
      ['pgrst.db_tx_end', 'rollback-allow-override'],
      ['pgrst.db_aggregates_enabled', 'TRUE'],
      ['pgrst.db_pre_request', 'auth.check'],
      ['pgrst.openapi_mode', 'disabled'],
      ['app.settings.jwt_exp', '3600'],
    );
    expect(settings).toMatchObject({
      schemas: ['api', 'storage'],
      maxRows: 1000,
      anonymousRole: 'anon',
      transactionEnd: 'rollback-allow-override',
      aggregatesEnabled: true,
      preRequest: { schema: 'auth', name: 'check' },
      openApiMode: 'disabled',
    });
    expect(settings.appSettings.get('jwt_exp')).toBe('3600');
  });

  test('that are unknown, or whose value does not fit, change nothing', () => {
    const { appSettings, ...rest } = apply(
      ['pgrst.nonsense', '1'],
      ['pgrst.constructor', '1'],
      ['pgrst.db_schemas', ' , '],
      ['pgrst.db_max_rows', '-1'],
      ['pgrst.db_tx_end', 'never'],
      ['pgrst.db_plan_enabled', 'yes'],
      ['other.db_max_rows', '5'],
    );
    const { appSettings: given, ...defaults } = defaultSettings;
    expect(rest).toEqual(defaults);
    expect(appSettings).toEqual(given);
  });

  test('empty ones take a value away', () => {
    const given = { ...defaultSettings, maxRows: 5, preRequest: { schema: 'a', name: 'b' } };
    expect(
      applyInDatabaseSettings(given, [
        ['pgrst.db_max_rows', ''],
        ['pgrst.db_pre_request', ''],
      ]),
    ).toMatchObject({ maxRows: null, preRequest: null });
  });
});

test('the name of a function may have a schema', () => {
  expect(readQualifiedName('auth.check')).toEqual({ schema: 'auth', name: 'check' });
  expect(readQualifiedName('check')).toEqual({ schema: '', name: 'check' });
});
