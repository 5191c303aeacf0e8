import { describe, expect, it } from 'vitest';
import { initTemplate } from '../src/init-template.js';
import { parseSpecFile } from '../src/parse-spec-file.js';
import { resolveSpec } from '../src/resolve-spec.js';
import { type SchemaField, schemaFields } from '../src/schema-fields.js';

const machine = { memoryBytes: 16 * 2 ** 30, cores: 8 };
const uncomment = (text: string) => text.replace(/^# /gm, '');

describe('initTemplate', () => {
  it('is the default cluster as it stands', () => expect(parseSpecFile(initTemplate(), 'f')).toEqual({}));

  it('names the schema first, and sets what was chosen', () => {
    const text = initTemplate({ schemaPath: './holdfast.schema.json', name: 'app', members: 5 });
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./holdfast.schema.json');
    expect(parseSpecFile(text, 'f')).toEqual({ name: 'app', members: 5 });
  });

  it('sets every field when all is uncommented, and says the defaults', () => {
    const file = parseSpecFile(uncomment(initTemplate()), 'f');
    const leaves = (fields: readonly SchemaField[]): readonly SchemaField[] =>
      fields.flatMap((field) => (field.fields.length === 0 ? [field] : leaves(field.fields)));
    for (const { path } of leaves(schemaFields())) expect(file).toHaveProperty(path);
    const { version, ...postgres } = file.postgres ?? {};
    // What depends on the machine, or on whom it is for, has examples.
    const { resources, dataDirectory, hosts, api, kubernetes, ...rest } = file;
    const { preset, storageClass, ingress, images, nodes, ...defaulted } = kubernetes ?? {};
    const { patroni, proxy, etcd, api: apiImage, ...pulling } = images ?? {};
    const examples = [
      version,
      resources,
      dataDirectory,
      hosts,
      api,
      preset,
      storageClass,
      ingress,
      nodes,
      patroni,
      proxy,
      etcd,
      apiImage,
    ];
    expect(examples).not.toContain(undefined);
    const shown = resolveSpec({ ...rest, postgres, kubernetes: { ...defaulted, images: pulling } }, machine, undefined);
    expect(shown).toEqual(resolveSpec({}, machine, undefined));
  });

  it('can be uncommented one group at a time', () => {
    const blocks = initTemplate().split('\n\n').slice(1);
    expect(blocks).toHaveLength(schemaFields().length);
    for (const block of blocks) expect(Object.keys(parseSpecFile(uncomment(block), 'f'))).toHaveLength(1);
  });

  it('has no long lines', () => {
    expect(
      initTemplate()
        .split('\n')
        .filter((line) => line.length > 100),
    ).toEqual([]);
  });
});
