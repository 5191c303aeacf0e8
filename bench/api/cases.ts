/** One kind of request: what the API is asked, and the SQL that a person would write for it by hand. */
export interface Case {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** Below /rest/v1. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Answers one column, the body. */
  readonly sql: string;
  readonly values: readonly string[];
  readonly writes: boolean;
}

export const schema = `
  CREATE TABLE public.author (id int PRIMARY KEY, name text NOT NULL);
  CREATE TABLE public.book (id int PRIMARY KEY, author int NOT NULL REFERENCES public.author, title text NOT NULL, price numeric);
  CREATE INDEX ON public.book (author);
  CREATE TABLE public.visit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, page text NOT NULL, at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE public.setting (name text PRIMARY KEY, value text NOT NULL);
  CREATE FUNCTION public.add(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
  INSERT INTO public.author SELECT n, 'author ' || n FROM generate_series(1, 100) AS n;
  INSERT INTO public.book SELECT n, 1 + n % 100, 'a book with the number ' || n, n % 50 FROM generate_series(1, 10000) AS n;
  GRANT ALL ON ALL TABLES IN SCHEMA public TO anon, authenticated, service_role;
  ANALYZE;
`;

const json = { 'content-type': 'application/json' };

export const cases: readonly Case[] = [
  {
    name: 'one row by key',
    method: 'GET',
    path: '/book?id=eq.4711',
    sql: "SELECT coalesce(json_agg(b), '[]')::text FROM (SELECT * FROM public.book WHERE id = $1::int) b",
    values: ['4711'],
    writes: false,
  },
  {
    name: 'a list of 25 rows',
    method: 'GET',
    path: '/book?price=gte.10&order=id&limit=25',
    sql: "SELECT coalesce(json_agg(b), '[]')::text FROM (SELECT * FROM public.book WHERE price >= $1::numeric ORDER BY id LIMIT 25) b",
    values: ['10'],
    writes: false,
  },
  {
    name: 'an author with its books',
    method: 'GET',
    path: '/author?id=eq.17&select=id,name,book(id,title)',
    sql: `SELECT coalesce(json_agg(x), '[]')::text FROM (SELECT a.id, a.name, coalesce((SELECT json_agg(b) FROM
      (SELECT id, title FROM public.book WHERE author = a.id) b), '[]') AS book FROM public.author a WHERE a.id = $1::int) x`,
    values: ['17'],
    writes: false,
  },
  {
    name: 'insert',
    method: 'POST',
    path: '/visit',
    headers: { ...json, prefer: 'return=minimal' },
    body: '{"page":"/start"}',
    sql: 'WITH i AS (INSERT INTO public.visit (page) SELECT page FROM json_to_record($1::json) AS r(page text) RETURNING 1) SELECT count(*)::text FROM i',
    values: ['{"page":"/start"}'],
    writes: true,
  },
  {
    name: 'upsert',
    method: 'POST',
    path: '/setting',
    headers: { ...json, prefer: 'resolution=merge-duplicates,return=minimal' },
    body: '{"name":"colour","value":"blue"}',
    sql: `WITH i AS (INSERT INTO public.setting (name, value) SELECT name, value FROM json_to_record($1::json) AS r(name text, value text)
      ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING 1) SELECT count(*)::text FROM i`,
    values: ['{"name":"colour","value":"blue"}'],
    writes: true,
  },
  {
    name: 'function',
    method: 'POST',
    path: '/rpc/add',
    headers: json,
    body: '{"a":3,"b":4}',
    sql: 'SELECT to_json(public.add(a, b))::text FROM json_to_record($1::json) AS r(a int, b int)',
    values: ['{"a":3,"b":4}'],
    writes: false,
  },
];
