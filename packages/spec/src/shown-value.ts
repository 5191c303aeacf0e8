const maximumLength = 80;
const secretName = /passw(?!ord_encryption)|passphrase|secret|conninfo|token/i;
const secretInside = /(passw\w*|passphrase\w*|\w*secrets?|token)["']?\s*[=:]/i;

/** A value as an error shows it: short, on one line; undefined where it or its name hints at a secret. */
export function shownValue(path: readonly PropertyKey[], value: unknown): string | undefined {
  if (value === undefined || path.some((key) => secretName.test(String(key)))) return undefined;
  return shownText(JSON.stringify(value));
}

/** Likewise for a piece of text. */
export function shownText(text: string): string | undefined {
  if (text === '' || secretInside.test(text)) return undefined;
  return text.length <= maximumLength ? text : `${text.slice(0, maximumLength)}…`;
}
