/**
 * The part of Go's templates that mails use: `{{ .Name }}`, `{{ .Data.key }}`, `{{ if .Name }}…{{ else }}…{{ end }}`, with `-` at the braces to
 * trim blanks. In HTML, values are escaped. What is not known is left out.
 */
export function renderTemplate(
  template: string,
  values: Readonly<Record<string, unknown>>,
  form: 'html' | 'text',
): string {
  const parts = split(template);
  const show = form === 'html' ? escapeHtml : (text: string) => text;
  let output = '';
  /** For each open `if`: whether we are in its part that counts, and whether a part did count. */
  const open: { active: boolean; done: boolean }[] = [];
  for (const part of parts) {
    const active = open.every((each) => each.active);
    if (part.kind === 'text') {
      if (active) output += part.text;
      continue;
    }
    const [word = '', ...rest] = part.text.split(/\s+/);
    const top = open.at(-1);
    if (word === 'if') {
      const holds = isTrue(lookUp(rest.join(' '), values));
      open.push({ active: holds, done: holds });
    } else if (word === 'else' && top !== undefined) {
      const holds = !top.done && (rest[0] !== 'if' || isTrue(lookUp(rest.slice(1).join(' '), values)));
      top.active = holds;
      top.done ||= holds;
    } else if (word === 'end') {
      open.pop();
    } else if (active) {
      output += show(toText(lookUp(part.text, values)));
    }
  }
  return output;
}

interface Part {
  readonly kind: 'text' | 'action';
  readonly text: string;
}

function split(template: string): readonly Part[] {
  const parts: Part[] = [];
  let at = 0;
  let trim = false;
  const addText = (text: string, trimEnd: boolean) => {
    const start = trim ? text.trimStart() : text;
    parts.push({ kind: 'text', text: trimEnd ? start.trimEnd() : start });
  };
  for (const match of template.matchAll(/\{\{(-\s)?([^{}]*?)(\s-)?\}\}/g)) {
    addText(template.slice(at, match.index), match[1] !== undefined);
    parts.push({ kind: 'action', text: (match[2] ?? '').trim() });
    trim = match[3] !== undefined;
    at = match.index + match[0].length;
  }
  addText(template.slice(at), false);
  return parts;
}

/** `.A.b`, also in brackets, or a text between quotes. */
function lookUp(expression: string, values: Readonly<Record<string, unknown>>): unknown {
  const path = expression.replace(/^\((.*)\)$/, '$1').trim();
  const [, quoted] = /^"([^"]*)"$/.exec(path) ?? [];
  if (quoted !== undefined) return quoted;
  if (!/^(\.[\w-]+)+$/.test(path)) return undefined;
  let value: unknown = values;
  for (const name of path.slice(1).split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

function isTrue(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function toText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&#34;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
