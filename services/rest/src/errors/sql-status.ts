/** Classes of SQLSTATE (its first two characters) that are not the client's fault, or that forbid. */
const statusOfClass: Readonly<Record<string, number>> = {
  '08': 503,
  '09': 500,
  '0L': 403,
  '0P': 403,
  '25': 500,
  '28': 403,
  '2D': 500,
  '38': 500,
  '39': 500,
  '3B': 500,
  '40': 500,
  '53': 503,
  '54': 500,
  '55': 500,
  '57': 500,
  '58': 500,
  F0: 500,
  HV: 500,
  P0: 500,
  XX: 500,
};

const statusOfCode: Readonly<Record<string, number>> = {
  '23503': 409,
  '23505': 409,
  '25006': 405,
  '42883': 404,
  '42P01': 404,
  '42P17': 500,
  '53400': 500,
  '57P01': 503,
  P0001: 400,
};

/** The HTTP status of an SQLSTATE, as PostgREST maps them (its docs: errors, "HTTP Status Codes"). `authenticated`: the request carried a token. */
export function statusOfSqlState(code: string, message: string, authenticated: boolean): number {
  if (code === '42501') return authenticated ? 403 : 401;
  // pg-safeupdate refuses with the code that PostgreSQL uses for subqueries of several rows.
  if (code === '21000') return message.endsWith('requires a WHERE clause') ? 400 : 500;
  if (code === '22023' && message.startsWith('role') && message.endsWith('does not exist')) return 401;
  // text/xml was asked for rows: PostgreSQL cannot make XML of that type.
  if (code === '42883' && message.startsWith('function xmlagg(')) return 406;
  return statusOfCode[code] ?? statusOfClass[code.slice(0, 2)] ?? 400;
}
