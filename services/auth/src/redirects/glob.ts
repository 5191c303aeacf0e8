/**
 * A pattern of the allow list as GoTrue reads it (gobwas/glob with the separators `.` and `/`): `*` any characters but separators, `**` any
 * characters, `?` one character but no separator, `[a-z]` and `[!a]` one of a set, `{a,b}` one of several, `\` takes the next literally.
 * Undefined: it is no pattern.
 */
export function compileGlob(pattern: string): RegExp | undefined {
  let source = '';
  let depth = 0;
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern.charAt(index);
    if (character === '\\') {
      index++;
      source += escapeLiteral(pattern.charAt(index));
    } else if (character === '*') {
      const stars = /^\*+/.exec(pattern.slice(index))?.[0].length ?? 1;
      source += stars > 1 ? '.*' : '[^./]*';
      index += stars - 1;
    } else if (character === '?') {
      source += '[^./]';
    } else if (character === '[') {
      const [whole, not, set] = /^\[(!?)([^\]]+)\]/.exec(pattern.slice(index)) ?? [];
      if (whole === undefined || set === undefined) return undefined;
      source += `[${not === '!' ? '^' : ''}${set.replaceAll(/[\\^\]]/g, '\\$&')}]`;
      index += whole.length - 1;
    } else if (character === '{') {
      source += '(?:';
      depth++;
    } else if (character === '}' && depth > 0) {
      source += ')';
      depth--;
    } else if (character === ',' && depth > 0) {
      source += '|';
    } else {
      source += escapeLiteral(character);
    }
  }
  if (depth > 0) return undefined;
  try {
    return new RegExp(`^${source}$`, 'su');
  } catch {
    return undefined;
  }
}

function escapeLiteral(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
}
