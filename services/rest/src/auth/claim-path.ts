type Step =
  | { readonly kind: 'key'; readonly name: string }
  | { readonly kind: 'index'; readonly at: number }
  | { readonly kind: 'filter'; readonly matches: (text: string) => boolean }
  | { readonly kind: 'slice'; readonly from: number | undefined; readonly to: number | undefined };

/** Where a claim lies, as PostgREST's jwt-role-claim-key says it: `.a."b c"[0]`, `.list[?(@ ^== "role:")]`, `.text[2:]`. */
export type ClaimPath = readonly Step[];

const stepPattern =
  /\.(?:"(?<quoted>[^"]*)"|(?<name>[\w$@-]+))|\[(?<index>\d{1,9})\]|\[(?<from>-?\d{1,9})?:(?<to>-?\d{1,9})?\]|\[\?\(@\s*(?<operator>==\^|\^==|\*==|==|!=)\s*"(?<operand>[^"]*)"\)\]/uy;

const operators: Readonly<Record<string, (text: string, operand: string) => boolean>> = {
  '==': (text, operand) => text === operand,
  '!=': (text, operand) => text !== operand,
  '^==': (text, operand) => text.startsWith(operand),
  '==^': (text, operand) => text.endsWith(operand),
  '*==': (text, operand) => text.includes(operand),
};

/** Undefined: it is not such a path. */
export function parseClaimPath(text: string): ClaimPath | undefined {
  const steps: Step[] = [];
  stepPattern.lastIndex = 0;
  while (stepPattern.lastIndex < text.length) {
    const groups = stepPattern.exec(text)?.groups;
    if (groups === undefined) return undefined;
    steps.push(readStep(groups));
  }
  return steps.length === 0 ? undefined : steps;
}

function readStep(groups: Readonly<Record<string, string | undefined>>): Step {
  const { quoted, name, index, from, to, operator, operand = '' } = groups;
  if (quoted !== undefined || name !== undefined) return { kind: 'key', name: quoted ?? name ?? '' };
  if (index !== undefined) return { kind: 'index', at: Number(index) };
  if (operator !== undefined) {
    return { kind: 'filter', matches: (value) => operators[operator]?.(value, operand) ?? false };
  }
  const bound = (value: string | undefined): number | undefined => (value === undefined ? undefined : Number(value));
  return { kind: 'slice', from: bound(from), to: bound(to) };
}

/** The value there; undefined: none. */
export function walkClaims(claims: unknown, path: ClaimPath): unknown {
  let value = claims;
  for (const step of path) value = take(value, step);
  return value;
}

function take(value: unknown, step: Step): unknown {
  switch (step.kind) {
    case 'key': {
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
      return isObject && Object.hasOwn(value, step.name)
        ? (value as Readonly<Record<string, unknown>>)[step.name]
        : undefined;
    }
    case 'index':
      return Array.isArray(value) ? value[step.at] : undefined;
    case 'filter':
      return Array.isArray(value) ? value.find((entry) => typeof entry === 'string' && step.matches(entry)) : undefined;
    case 'slice':
      return typeof value === 'string' ? value.slice(step.from, step.to) : undefined;
  }
}
