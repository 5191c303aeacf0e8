import { type SchemaField, schemaFields } from './schema-fields.js';

export interface InitOptions {
  /** Path or URL of holdfast.schema.json for editors, relative to the file. */
  readonly schemaPath?: string;
  /** Written uncommented. */
  readonly name?: string;
  /** Written uncommented. */
  readonly members?: number;
}

const width = 100;

/**
 * The holdfast.yaml that `holdfast init` writes: every setting with its description, commented out, at its default.
 * Taking `# ` from the front of any lines (what editors do to uncomment) turns settings on and leaves remarks alone.
 */
export function initTemplate(options: InitOptions = {}): string {
  const chosen: Readonly<Record<string, unknown>> = { name: options.name, members: options.members };
  const editor = options.schemaPath === undefined ? [] : [`# yaml-language-server: $schema=${options.schemaPath}`];
  const head = [
    ...editor,
    ...remark(
      'A Holdfast cluster. Everything is optional. What is commented out shows its default, or an example where the text says what holds without it; take away "# " to set it.',
      '## ',
    ),
  ];
  const body = schemaFields().flatMap((field) => {
    const value = chosen[field.name];
    const remarks = remark(field.description, '## ');
    if (value !== undefined) return ['', ...remarks, `${field.name}: ${scalar(value)}`];
    return ['', ...remarks, ...setting(field, '# ')];
  });
  return `${[...head, ...body].join('\n')}\n`;
}

function setting(field: SchemaField, indent: string): readonly string[] {
  if (field.fields.length === 0) return [`${indent}${field.name}: ${scalar(field.shown)}`];
  const inner = `${indent}  `;
  const lines = field.fields.flatMap((child) => [...remark(child.description, `${inner}# `), ...setting(child, inner)]);
  return [`${indent}${field.name}:`, ...lines];
}

function scalar(value: unknown): string {
  return typeof value === 'string' && /^[\w./-]+$/.test(value) ? value : JSON.stringify(value);
}

function remark(text: string, prefix: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && prefix.length + line.length + word.length >= width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((content) => `${prefix}${content}`);
}
