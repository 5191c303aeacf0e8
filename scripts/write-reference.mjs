/**
 * Writes what docs/reference takes from the code, between `<!-- NAME:start -->` and `<!-- NAME:end -->`: the fields of the spec and the
 * help of each command. After a build: node scripts/write-reference.mjs; with --check it writes nothing and ends with 1 if a page is old.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProgram } from '../apps/cli/dist/program.js';
import { managedParameters, parseSpecFile, SpecInvalidError } from '../packages/spec/dist/index.js';
import { schemaFields } from '../packages/spec/dist/schema-fields.js';

const folder = join(import.meta.dirname, '..', 'docs', 'reference');
/** What these take: the error about them speaks for the whole group. */
const inUnion = {
  'synchronous.mode': 'off, on, strict or quorum',
  'synchronous.standbys': 'a whole number from 1 to 14',
};
const check = process.argv.includes('--check');

const pages = {
  'spec.md': { fields: renderFields(), managed: renderManagedParameters() },
  'cli.md': Object.fromEntries(
    commands(createProgram()).map((command) => [`help ${path(command)}`, renderHelp(command)]),
  ),
};

for (const [name, regions] of Object.entries(pages)) {
  const file = join(folder, name);
  const before = readFileSync(file, 'utf8');
  const after = Object.entries(regions).reduce(
    (text, [region, content]) => replaceRegion(text, region, content),
    before,
  );
  if (after === before) continue;
  if (check) {
    process.stderr.write(`${file} is old: run node scripts/write-reference.mjs\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, after);
  }
}

function replaceRegion(text, region, content) {
  const [start, end] = [`<!-- ${region}:start -->`, `<!-- ${region}:end -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`There is no ${start} … ${end}.`);
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}

function renderFields() {
  const rows = leaves(schemaFields()).map(
    ({ path, shown, description }) =>
      `| \`${path}\` | ${cell(allowedValues(path))} | ${shown === undefined ? '' : `\`${cell(JSON.stringify(shown))}\``} | ${cell(description)} |`,
  );
  return ['| setting | value | default, or an example | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** Fields with a value of their own; `synchronous` and `ports` take one, and are groups too. */
function leaves(fields) {
  return fields.flatMap((field) => [...(field.shown === undefined ? [] : [field]), ...leaves(field.fields)]);
}

/** What the field's own error says about a value that no field takes. */
function allowedValues(path) {
  if (inUnion[path] !== undefined) return inUnion[path];
  const file = path.split('.').reduceRight((inner, name) => ({ [name]: inner }), null);
  try {
    parseSpecFile(JSON.stringify(file), 'holdfast.yaml');
  } catch (error) {
    const issue = error instanceof SpecInvalidError ? error.issues.find((each) => each.path === path) : undefined;
    if (issue !== undefined) return issue.problem.replace(/^must be /, '').replace(/, such as .*/, '');
  }
  throw new Error(`What ${path} takes could not be found out.`);
}

function renderManagedParameters() {
  return Object.entries(managedParameters)
    .map(([name, reason]) => `- \`${name}\`: ${reason}`)
    .join('\n');
}

/** Those that do something, not those that only hold others. */
function commands(parent) {
  return parent.commands.flatMap((command) => (command.commands.length > 0 ? commands(command) : [command]));
}

function path(command) {
  return command.parent?.parent ? `${path(command.parent)} ${command.name()}` : command.name();
}

function renderHelp(command) {
  let text = '';
  command.configureOutput({
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => 110,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return `\`\`\`text\n${text.trim()}\n\`\`\``;
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
