import type { JsonObject, JsonValue } from '@holdfast/components';

/**
 * Pure: what Patroni's dynamic configuration must become: everything in `after`, and null (which removes a key) for what an earlier plan
 * put there and this one does not name any more. Settings that somebody else made are not mentioned, so they stay.
 */
export function wantedSettings(before: JsonObject, after: JsonObject): JsonObject {
  const wanted: Record<string, JsonValue> = { ...after };
  for (const [key, value] of Object.entries(before)) {
    const next = after[key];
    if (next === undefined) wanted[key] = null;
    else if (isObject(value) && isObject(next)) wanted[key] = wantedSettings(value, next);
  }
  return wanted;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
