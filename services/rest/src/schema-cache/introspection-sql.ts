import type { Statement } from '@holdfast/postgres';

/*
 * Each statement answers one row of one column, a JSON array of objects: few bytes, one parse, arrays and booleans as they are. The search path is
 * empty while they run, so that PostgreSQL itself writes every name with its schema.
 */

function asJson(text: string, values: readonly unknown[] = []): Statement {
  return { text: `select coalesce(json_agg(answer), '[]') from (${text}) answer`, values };
}

export const emptySearchPath: Statement = { text: `set local search_path = ''` };

export interface TableRow {
  readonly id: number;
  readonly schema: string;
  readonly name: string;
  readonly description: string | null;
  readonly isView: boolean;
  /** Bits as pg_relation_is_updatable has them: 4 update, 8 insert, 16 delete. */
  readonly writable: number;
}

export function tablesStatement(schemas: readonly string[]): Statement {
  return asJson(
    `select c.oid::int8 as id, n.nspname as schema, c.relname as name, pg_catalog.obj_description(c.oid, 'pg_class') as description,
       c.relkind in ('v', 'm') as "isView",
       case when c.relkind in ('r', 'p') then 28 when c.relkind = 'm' then 0
         else pg_catalog.pg_relation_is_updatable(c.oid, true) end as writable
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and n.nspname = any($1::text[])
     order by n.nspname, c.relname`,
    [schemas],
  );
}

export interface ColumnRow {
  readonly tableId: number;
  readonly number: number;
  readonly name: string;
  readonly description: string | null;
  readonly nullable: boolean;
  readonly type: string;
  readonly baseType: string;
  readonly maxLength: number | null;
  readonly default: string | null;
  readonly enumLabels: readonly string[] | null;
}

/** Domains over domains are followed to their end. */
const baseTypes = `base_types as (
  with recursive chain as (
    select oid as type_id, oid as base_id, typbasetype as next_id, typtypmod as modifier from pg_catalog.pg_type
    union all
    select chain.type_id, t.oid, t.typbasetype, case when t.typtypmod = -1 then chain.modifier else t.typtypmod end
    from chain join pg_catalog.pg_type t on t.oid = chain.next_id where chain.next_id <> 0)
  select type_id, base_id, modifier from chain where next_id = 0)`;

export function columnsStatement(schemas: readonly string[]): Statement {
  return asJson(
    `with ${baseTypes}
     select a.attrelid::int8 as "tableId", a.attnum as number, a.attname as name,
       pg_catalog.col_description(a.attrelid, a.attnum) as description,
       not (a.attnotnull or t.typnotnull) as nullable,
       pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
       case when base.typnamespace = 'pg_catalog'::pg_catalog.regnamespace then pg_catalog.format_type(base.oid, null)
         else pg_catalog.format_type(base.oid, case when base.oid = a.atttypid then a.atttypmod else bt.modifier end) end as "baseType",
       information_schema._pg_char_max_length(base.oid, case when base.oid = a.atttypid then a.atttypmod else bt.modifier end) as "maxLength",
       case
         when a.attgenerated <> '' then null
         when a.attidentity = 'd' then (
           select pg_catalog.format('nextval(%L)', s.relnamespace::pg_catalog.regnamespace::text || '.' || pg_catalog.quote_ident(s.relname))
           from pg_catalog.pg_depend d join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
           where d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype = 'i'
             and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass limit 1)
         else coalesce(pg_catalog.pg_get_expr(ad.adbin, ad.adrelid), pg_catalog.pg_get_expr(t.typdefaultbin, 0))
       end as "default",
       case when base.typtype = 'e' then (
         select pg_catalog.array_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = base.oid)
       end as "enumLabels"
     from pg_catalog.pg_attribute a
     join pg_catalog.pg_class c on c.oid = a.attrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     join pg_catalog.pg_type t on t.oid = a.atttypid
     join base_types bt on bt.type_id = t.oid
     join pg_catalog.pg_type base on base.oid = bt.base_id
     left join pg_catalog.pg_attrdef ad on ad.adrelid = a.attrelid and ad.adnum = a.attnum
     where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
       and n.nspname = any($1::text[])
     order by a.attrelid, a.attnum`,
    [schemas],
  );
}

export interface ConstraintRow {
  readonly kind: 'p' | 'u' | 'f';
  readonly name: string;
  readonly tableId: number;
  readonly schema: string;
  readonly table: string;
  readonly columnNumbers: readonly number[];
  readonly columns: readonly string[];
  readonly foreignId: number | null;
  readonly foreignSchema: string | null;
  readonly foreignTable: string | null;
  readonly foreignNumbers: readonly number[] | null;
  readonly foreignColumns: readonly string[] | null;
}

/** Of the whole database: a view shows the keys of tables that may lie anywhere. */
export function constraintsStatement(): Statement {
  const names = (relation: string, numbers: string) =>
    `(select pg_catalog.array_agg(a.attname order by o) from pg_catalog.unnest(${numbers}) with ordinality as k(number, o)
      join pg_catalog.pg_attribute a on a.attrelid = ${relation} and a.attnum = k.number)`;
  return asJson(
    `select con.contype as kind, con.conname as name, con.conrelid::int8 as "tableId", n.nspname as schema, c.relname as table,
       con.conkey as "columnNumbers", ${names('con.conrelid', 'con.conkey')} as columns,
       f.oid::int8 as "foreignId", fn.nspname as "foreignSchema", f.relname as "foreignTable",
       con.confkey as "foreignNumbers", ${names('con.confrelid', 'con.confkey')} as "foreignColumns"
     from pg_catalog.pg_constraint con
     join pg_catalog.pg_class c on c.oid = con.conrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     left join pg_catalog.pg_class f on f.oid = con.confrelid and con.contype = 'f'
     left join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
     where con.contype in ('p', 'u', 'f') and con.conparentid = 0 and n.nspname not in ('pg_catalog', 'information_schema')
     order by con.conrelid, con.conname`,
  );
}

export interface ViewRow {
  readonly id: number;
  readonly schema: string;
  readonly name: string;
  /** PostgreSQL's pg_node_tree. */
  readonly definition: string;
}

export function viewsStatement(schemas: readonly string[]): Statement {
  return asJson(
    `select c.oid::int8 as id, n.nspname as schema, c.relname as name, r.ev_action::text as definition
     from pg_catalog.pg_class c
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     join pg_catalog.pg_rewrite r on r.ev_class = c.oid and r.ev_type = '1'
     where c.relkind in ('v', 'm') and n.nspname = any($1::text[])`,
    [schemas],
  );
}

export interface ComputedRelationshipRow {
  readonly schema: string;
  readonly name: string;
  readonly sourceSchema: string;
  readonly sourceName: string;
  readonly targetSchema: string;
  readonly targetName: string;
  readonly isToOne: boolean;
}

export function computedRelationshipsStatement(): Statement {
  return asJson(
    `select pn.nspname as schema, p.proname as name, sn.nspname as "sourceSchema", s.relname as "sourceName",
       tn.nspname as "targetSchema", t.relname as "targetName", not p.proretset or p.prorows = 1 as "isToOne"
     from pg_catalog.pg_proc p
     join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace
     join pg_catalog.pg_class s on s.reltype = p.proargtypes[0] and s.relkind in ('r', 'p', 'v', 'm', 'f')
     join pg_catalog.pg_namespace sn on sn.oid = s.relnamespace
     join pg_catalog.pg_class t on t.reltype = p.prorettype and t.relkind in ('r', 'p', 'v', 'm', 'f')
     join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
     where p.pronargs = 1 and p.prokind = 'f' and pn.nspname not in ('pg_catalog', 'information_schema')`,
  );
}

export interface RoutineRow {
  readonly id: number;
  readonly schema: string;
  readonly name: string;
  readonly description: string | null;
  readonly parameters:
    | readonly {
        readonly name: string | null;
        readonly type: string;
        readonly required: boolean;
        readonly variadic: boolean;
      }[]
    | null;
  readonly resultSchema: string;
  readonly resultName: string;
  readonly isSet: boolean;
  readonly isComposite: boolean;
  readonly isCompositeAlias: boolean;
  readonly volatility: 'i' | 's' | 'v';
  readonly hasVariadic: boolean;
  readonly settings: readonly string[] | null;
}

/** Those that can be called with named arguments, or with one unnamed argument that a whole body can be. */
export function routinesStatement(schemas: readonly string[]): Statement {
  return asJson(
    `with ${baseTypes}
     select p.oid::int8 as id, n.nspname as schema, p.proname as name, pg_catalog.obj_description(p.oid, 'pg_proc') as description,
       arguments.list as parameters, tn.nspname as "resultSchema", coalesce(c.relname, t.typname) as "resultName", p.proretset as "isSet",
       t.typtype = 'c' or coalesce(p.proargmodes::text[] && '{t,b,o}', false) as "isComposite",
       bt.type_id <> bt.base_id as "isCompositeAlias", p.provolatile as volatility, p.provariadic <> 0 as "hasVariadic",
       p.proconfig as settings
     from pg_catalog.pg_proc p
     join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     join base_types bt on bt.type_id = p.prorettype
     join pg_catalog.pg_type t on t.oid = bt.base_id
     join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
     left join pg_catalog.pg_class c on c.oid = t.typrelid
     left join lateral (
       select pg_catalog.json_agg(pg_catalog.json_build_object(
           'name', i.name, 'type', pg_catalog.format_type(i.type, null), 'required', i.o <= p.pronargs - p.pronargdefaults,
           'variadic', p.provariadic <> 0 and i.o = p.pronargs) order by i.o) as list,
         pg_catalog.count(*) filter (where coalesce(i.name, '') = '') as unnamed,
         pg_catalog.bool_or(coalesce(i.name, '') = '' and i.type in (
           'pg_catalog.bytea'::pg_catalog.regtype, 'pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.jsonb'::pg_catalog.regtype,
           'pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.xml'::pg_catalog.regtype)) as "takesBody"
       from (
         select types.type, types.o, names.name from pg_catalog.unnest(p.proargtypes) with ordinality as types(type, o)
         left join (
           select name, pg_catalog.row_number() over (order by position) as o
           from pg_catalog.unnest(p.proargnames) with ordinality as given(name, position)
           where p.proargmodes is null or p.proargmodes[position] in ('i', 'b', 'v')
         ) names on names.o = types.o) i
     ) arguments on true
     where p.prokind = 'f' and t.oid <> 'pg_catalog.trigger'::pg_catalog.regtype and n.nspname = any($1::text[])
       and (coalesce(arguments.unnamed, 0) = 0 or (arguments.unnamed = 1 and arguments."takesBody"))`,
    [schemas],
  );
}

export interface RepresentationRow {
  readonly source: string;
  readonly target: string;
  readonly schema: string;
  readonly name: string;
}

/** Only implicit casts by a function from or to a domain, with json or text on the other side. */
export function representationsStatement(): Statement {
  return asJson(
    `select pg_catalog.format_type(k.castsource, null) as source, pg_catalog.format_type(k.casttarget, null) as target,
       n.nspname as schema, p.proname as name
     from pg_catalog.pg_cast k
     join pg_catalog.pg_type s on s.oid = k.castsource
     join pg_catalog.pg_type t on t.oid = k.casttarget
     join pg_catalog.pg_proc p on p.oid = k.castfunc
     join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where k.castcontext = 'i' and k.castmethod = 'f' and pg_catalog.has_function_privilege(p.oid, 'execute')
       and ((s.typtype = 'd' and k.casttarget in ('pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.text'::pg_catalog.regtype))
         or (t.typtype = 'd' and k.castsource in ('pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.text'::pg_catalog.regtype)))`,
  );
}

export interface MediaHandlerRow {
  readonly kind: 'aggregate' | 'routine';
  readonly schema: string;
  readonly name: string;
  readonly targetSchema: string;
  readonly targetName: string;
  readonly mediaType: string;
}

export function mediaHandlersStatement(schemas: readonly string[]): Statement {
  return asJson(
    `with media_types as (
       select oid, pg_catalog.lower(typname) as name from pg_catalog.pg_type
       where typtype = 'd' and (typname = '*/*' or typname ~* '^[a-z0-9.-]+/[a-z0-9.+-]+$'))
     select 'aggregate' as kind, n.nspname as schema, p.proname as name, tn.nspname as "targetSchema", t.typname as "targetName",
       m.name as "mediaType"
     from media_types m
     join pg_catalog.pg_proc p on p.prorettype = m.oid and p.prokind = 'a' and p.pronargs = 1
     join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     join pg_catalog.pg_type t on t.oid = p.proargtypes[0]
     join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
     where n.nspname = any($1::text[]) and (t.oid = 'pg_catalog.anyelement'::pg_catalog.regtype
       or exists (select from pg_catalog.pg_class c where c.reltype = t.oid and c.relkind in ('r', 'p', 'v', 'm', 'f')))
     union all
     select 'routine', n.nspname, p.proname, n.nspname, p.proname, m.name
     from media_types m
     join pg_catalog.pg_proc p on p.prorettype = m.oid and p.prokind = 'f' and not p.proretset
     join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where n.nspname = any($1::text[])`,
    [schemas],
  );
}

export interface SchemaRow {
  readonly name: string;
  readonly description: string | null;
}

export function schemasStatement(schemas: readonly string[]): Statement {
  return asJson(
    `select nspname as name, pg_catalog.obj_description(oid, 'pg_namespace') as description
     from pg_catalog.pg_namespace where nspname = any($1::text[])`,
    [schemas],
  );
}

/** Slow, since PostgreSQL reads a file for each; they do not change while it runs. */
export function timeZonesStatement(): Statement {
  return asJson('select name from pg_catalog.pg_timezone_names');
}
