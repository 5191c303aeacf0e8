import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderTemplate } from '../src/mail/render-template.js';

const values = { Email: 'a@b.c', Data: { name: '<Ada>', tags: [1], empty: '' }, Token: '123456', Nothing: '' };

describe('a template', () => {
  test.each([
    ['{{ .Email }}', 'a@b.c'],
    ['{{.Email}}{{ .Token }}', 'a@b.c123456'],
    ['{{ .Data.name }}', '&lt;Ada&gt;'],
    ['{{ .Unknown }}{{ .Data.unknown.more }}{{ .Email.length }}', ''],
    ['{{ .Data.constructor }}{{ .__proto__ }}', ''],
    ['a {{- .Token -}} b', 'a123456b'],
    ['{{ if .Email }}yes{{ else }}no{{ end }}', 'yes'],
    ['{{ if .Nothing }}yes{{ else }}no{{ end }}', 'no'],
    ['{{ if .Nothing }}1{{ else if .Email }}2{{ else }}3{{ end }}', '2'],
    ['{{ if .Nothing }}{{ if .Email }}x{{ end }}{{ .Email }}{{ end }}!', '!'],
    ['{{ "text" }}', 'text'],
    ['{{ .Data.tags }}', '[1]'],
    ['{{ end }}{{ else }}{{ if }}x', ''],
    ['no { braces } at }} all {{', 'no { braces } at }} all {{'],
  ])('%s gives %j', (template, expected) => {
    expect(renderTemplate(template, values, 'html')).toBe(expected);
  });

  test('of a subject is not escaped', () => {
    expect(renderTemplate('{{ .Data.name }}', values, 'text')).toBe('<Ada>');
  });

  test('never throws, nor lets a value become HTML', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (template, name) => {
        renderTemplate(template, { Name: name }, 'html');
        expect(renderTemplate('{{ .Name }}', { Name: name }, 'html')).not.toMatch(/[<>"']/);
      }),
    );
  });
});
