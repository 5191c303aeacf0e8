-- What Storage and Realtime do in SQL, each line an expectation; stops at the first one that is not met.
\set ON_ERROR_STOP 1
-- Which columns a role may read is part of what is looked at.
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM anon, authenticated, service_role;
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.eq(what text, have anyelement, want anyelement) RETURNS void LANGUAGE plpgsql AS $$
BEGIN IF have IS DISTINCT FROM want THEN RAISE EXCEPTION '%: have % want %', what, have, want; END IF; END $$;
CREATE FUNCTION pg_temp.fails(what text, sql text, state text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE sql; RAISE EXCEPTION 'no error: %', what USING ERRCODE='XX999';
EXCEPTION WHEN SQLSTATE 'XX999' THEN RAISE; WHEN OTHERS THEN
  IF state IS NOT NULL AND SQLSTATE <> state THEN RAISE EXCEPTION '%: % %', what, SQLSTATE, SQLERRM USING ERRCODE='XX999'; END IF;
END $$;
-- storage names
SELECT pg_temp.eq('folder', storage.foldername('a/b/c.txt'), ARRAY['a','b']), pg_temp.eq('folder0', storage.foldername('c.txt'), '{}'::text[]),
  pg_temp.eq('file', storage.filename('a/b/c.tar.gz'), 'c.tar.gz'), pg_temp.eq('ext', storage.extension('a.b/c.tar.gz'), 'gz'),
  pg_temp.eq('ext2', storage.extension('x/README'), 'README'), pg_temp.eq('file2', storage.filename('a/'), ''),
  pg_temp.eq('cp', storage.get_common_prefix('a/b/c','a/','/'), 'a/b/'), pg_temp.eq('cp0', storage.get_common_prefix('a/b','a/','/'), NULL::text),
  pg_temp.eq('cp1', storage.get_common_prefix('a/b','',''), NULL::text);
SET storage.operation = 'storage.object.upload';
SELECT pg_temp.eq('op', storage.allow_only_operation('object.upload'), true), pg_temp.eq('op2', storage.allow_any_operation(ARRAY['x','storage.object.upload']), true),
  pg_temp.eq('op3', storage.allow_only_operation('upload'), false), pg_temp.eq('op4', storage.allow_only_operation(NULL), false), pg_temp.eq('op5', storage.allow_any_operation(ARRAY['',NULL]), false);
RESET storage.operation;
SELECT pg_temp.eq('op6', storage.allow_only_operation('object.upload'), false);
-- storage rights
INSERT INTO storage.buckets (id, name) VALUES ('mine','mine') ON CONFLICT DO NOTHING;
CREATE POLICY own ON storage.objects TO authenticated USING (bucket_id = 'mine' AND (storage.foldername(name))[1] = auth.uid()::text);
BEGIN; SET LOCAL ROLE authenticated; SET LOCAL request.jwt.claims = '{"sub":"11111111-1111-1111-1111-111111111111"}';
INSERT INTO storage.objects (bucket_id, name) VALUES ('mine','11111111-1111-1111-1111-111111111111/a.txt');
SELECT pg_temp.fails('foreign folder', $$INSERT INTO storage.objects (bucket_id, name) VALUES ('mine','22222222-2222-2222-2222-222222222222/a.txt')$$, '42501');
SELECT pg_temp.eq('search sees own', (SELECT array_agg(name) FROM storage.search('', 'mine')), ARRAY['11111111-1111-1111-1111-111111111111']);
SELECT pg_temp.fails('can_insert yes', $$SELECT storage.can_insert_object('mine','11111111-1111-1111-1111-111111111111/b',NULL,NULL)$$, 'PT200');
SELECT pg_temp.fails('can_insert no', $$SELECT storage.can_insert_object('mine','b',NULL,NULL)$$, '42501');
SELECT pg_temp.fails('delete', 'DELETE FROM storage.objects', '42501');
COMMIT;
BEGIN; SET LOCAL ROLE anon; SELECT pg_temp.eq('anon sees none', (SELECT count(*) FROM storage.objects), 0::bigint);
SELECT pg_temp.fails('anon writes none', $$INSERT INTO storage.objects (bucket_id, name) VALUES ('mine','x')$$, '42501'); COMMIT;
BEGIN; SET LOCAL ROLE service_role; SET LOCAL storage.allow_delete_query = 'true'; SELECT pg_temp.eq('service sees', (SELECT count(*) FROM storage.objects WHERE bucket_id='mine'), 1::bigint);
DELETE FROM storage.objects WHERE bucket_id='mine'; COMMIT;
SELECT pg_temp.fails('long name', $$INSERT INTO storage.buckets (id,name) VALUES ('x', repeat('x',101))$$);
SELECT pg_temp.fails('lifecycle by postgres', $$UPDATE storage.buckets SET lifecycle_configuration='{"rules":[{}]}', lifecycle_configuration_generation=gen_random_uuid() WHERE id='mine'$$, 'PST01');
BEGIN; SET LOCAL ROLE service_role;
UPDATE storage.buckets SET lifecycle_configuration='{"rules":[{}]}', lifecycle_configuration_generation=gen_random_uuid() WHERE id='mine';
SELECT pg_temp.fails('same generation', $$UPDATE storage.buckets SET lifecycle_configuration='{"rules":[{"a":1}]}' WHERE id='mine'$$, '22023');
UPDATE storage.buckets SET lifecycle_configuration=NULL, lifecycle_configuration_generation=NULL WHERE id='mine'; COMMIT;
UPDATE storage.objects SET metadata='{}' ;
-- realtime: filters
SELECT pg_temp.eq('f:'||op||v1||t||v2, realtime.check_equality_op(op::realtime.equality_op, t::regtype, v1, v2, neg), want)
FROM (VALUES ('eq','int4','1','1',false,true),('eq','int4','1','2',false,false),('neq','text','a','b',false,true),('lt','int8','2','10',false,true),('lte','numeric','10','10.0',false,true),
 ('gt','text','b','a',false,true),('gte','timestamptz','2026-01-02','2026-01-01',false,true),('in','int4','3','{1,3}',false,true),('in','text','x','{a,b}',false,false),('in','text','x','{a,b}',true,true),
 ('like','varchar','abc','a%',false,true),('ilike','text','ABC','a%',false,true),('like','text','abc','b%',true,true),('is','int4',NULL,'null',false,true),('is','bool','t','true',false,true),('is','bool','t','true',true,false),('is','bool',NULL,'unknown',false,true),
 ('match','text','abc','^a',false,true),('imatch','text','ABC','^a',false,true),('isdistinct','int4',NULL,'1',false,true),('isdistinct','int4','1','1',false,false),('isdistinct','int4',NULL,NULL,true,true),
 ('eq','text',$$o'x$$,$$o'x$$,false,true),('eq','uuid','11111111-1111-1111-1111-111111111111','11111111-1111-1111-1111-111111111111',false,true),('eq','int4',NULL,'1',false,NULL),('eq','int4','1','1',NULL,true)) x(op,t,v1,v2,neg,want);
SELECT pg_temp.eq('4 args', realtime.check_equality_op('in','int4','3','{1,3}'), true), pg_temp.eq('cast', realtime.cast('12','int4'), '12'::jsonb), pg_temp.eq('cast null', realtime.cast(NULL,'int4'), NULL::jsonb),
 pg_temp.eq('cast bytea', realtime.cast('\xde','bytea'), '"\\xde"'::jsonb), pg_temp.eq('regrole', realtime.to_regrole('anon')::text, 'anon'), pg_temp.eq('esc', realtime.quote_wal2json('storage.objects'), 'storage.objects'),
 pg_temp.eq('esc2', realtime.wal2json_escape_identifier('a b.c,d\e'), 'a\ b\.c\,d\\e');
SELECT pg_temp.fails('injection', $$SELECT realtime.check_equality_op('is','bool','t','true; DROP TABLE x',false)$$);
SELECT pg_temp.fails('regrole unknown', $$SELECT realtime.to_regrole('nobody_at_all')$$);
CREATE TABLE public.notes (id int PRIMARY KEY, owner uuid, body text, "Odd name" text, hidden text, flag boolean, doc json);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
GRANT SELECT (id, owner, body, "Odd name", flag, doc) ON public.notes TO authenticated;
GRANT SELECT (body) ON public.notes TO anon;
CREATE POLICY own ON public.notes TO authenticated USING (owner = auth.uid());
INSERT INTO public.notes VALUES (1,'11111111-1111-1111-1111-111111111111','one','o','h',true), (2,'22222222-2222-2222-2222-222222222222','two','o','h',false);
CREATE FUNCTION pg_temp.sub(n int, role text, sub text, filters realtime.user_defined_filter[] DEFAULT '{}', cols text[] DEFAULT NULL, action text DEFAULT '*') RETURNS void LANGUAGE sql AS $$
 INSERT INTO realtime.subscription (subscription_id, entity, filters, claims, selected_columns, action_filter)
 VALUES (('00000000-0000-0000-0000-'||lpad(n::text,12,'0'))::uuid, 'public.notes', filters, jsonb_build_object('role',role,'sub',sub), cols, action) $$;
SELECT pg_temp.sub(1,'authenticated','11111111-1111-1111-1111-111111111111'), pg_temp.sub(2,'authenticated','22222222-2222-2222-2222-222222222222'), pg_temp.sub(3,'anon',NULL), pg_temp.sub(4,'authenticated','not-a-uuid'),
 pg_temp.sub(5,'authenticated','11111111-1111-1111-1111-111111111111', ARRAY[('body','eq','nope',false)::realtime.user_defined_filter]),
 pg_temp.sub(6,'authenticated','11111111-1111-1111-1111-111111111111', ARRAY[('id','in','{1,2}',NULL),('body','like','o%',false)]::realtime.user_defined_filter[], ARRAY['owner','body']),
 pg_temp.sub(7,'authenticated','11111111-1111-1111-1111-111111111111', '{}', '{}'), pg_temp.sub(8,'authenticated','11111111-1111-1111-1111-111111111111', '{}', NULL, 'DELETE');
SELECT pg_temp.eq('claims_role', (SELECT string_agg(DISTINCT claims_role::text, ',') FROM realtime.subscription), 'anon,authenticated');
SELECT pg_temp.eq('sorted', (SELECT array_agg(f.column_name) FROM realtime.subscription, unnest(filters) f WHERE cardinality(filters) = 2), ARRAY['body','id']);
SELECT pg_temp.fails(w, format('SELECT pg_temp.sub(90, %L, NULL, ARRAY[(%L,%L,%L,false)]::realtime.user_defined_filter[])', r, c, o, v)) FROM (VALUES
 ('unreadable','authenticated','hidden','eq','x'),('unknown','authenticated','zzz','eq','x'),('anon id','anon','id','eq','1'),('bad int','authenticated','id','eq','x'),('bad is','authenticated','id','is','true'),
 ('bad is2','authenticated','flag','is','maybe'),('like on int','authenticated','id','like','1%'),('bad regex','authenticated','body','match','('),('eq on json','authenticated','doc','eq','{}'),
 ('101','authenticated','id','in','{'||(SELECT string_agg(i::text,',') FROM generate_series(1,101) i)||'}')) x(w,r,c,o,v);
SELECT pg_temp.fails('bad column', $$SELECT pg_temp.sub(91,'authenticated',NULL,'{}',ARRAY['hidden'])$$);
SELECT pg_temp.fails('twice', $$SELECT pg_temp.sub(1,'authenticated','x')$$, '23505');
SELECT pg_temp.fails('bad action', $$SELECT pg_temp.sub(92,'authenticated','x','{}',NULL,'TRUNCATE')$$, '23514');
CREATE TABLE pg_temp.ins AS SELECT '{"action":"I","timestamp":"2026-11-22 10:00:00.123456+02","schema":"public","table":"notes","columns":[{"name":"id","type":"integer","typeoid":23,"value":1},{"name":"owner","type":"uuid","typeoid":2950,"value":"11111111-1111-1111-1111-111111111111"},{"name":"body","type":"text","typeoid":25,"value":"one"},{"name":"Odd name","type":"text","typeoid":25,"value":null},{"name":"hidden","type":"text","typeoid":25,"value":"h"},{"name":"flag","type":"boolean","value":true}],"pk":[{"name":"id","type":"integer","typeoid":23}]}'::jsonb AS wal;
CREATE TABLE pg_temp.got AS SELECT row_number() OVER () AS n, r.* FROM pg_temp.ins, realtime.apply_rls(wal) r;
SELECT n, wal, subscription_ids, errors FROM pg_temp.got;
CREATE FUNCTION pg_temp.ids(VARIADIC n int[]) RETURNS uuid[] LANGUAGE sql AS $$ SELECT array_agg(('00000000-0000-0000-0000-'||lpad(i::text,12,'0'))::uuid ORDER BY i) FROM unnest(n) i $$;
SELECT pg_temp.eq('anon 401', (SELECT (errors, subscription_ids)::text FROM pg_temp.got WHERE n=1), (ARRAY['Error 401: Unauthorized'], pg_temp.ids(3))::text),
 pg_temp.eq('authenticated all', (SELECT subscription_ids FROM pg_temp.got WHERE wal #>> '{record,body}' = 'one' AND wal->'record' ? 'flag'), pg_temp.ids(1)),
 pg_temp.eq('hidden column', (SELECT bool_or(wal::text LIKE '%hidden%') FROM pg_temp.got), false),
 pg_temp.eq('pk only', (SELECT wal->'record' FROM pg_temp.got WHERE subscription_ids = pg_temp.ids(7)), '{"id":1}'::jsonb),
 pg_temp.eq('selected', (SELECT (SELECT string_agg(k, ',' ORDER BY k) FROM jsonb_object_keys(wal->'record') k) FROM pg_temp.got WHERE subscription_ids = pg_temp.ids(6)), 'body,id,owner'),
 pg_temp.eq('time', (SELECT wal->>'commit_timestamp' FROM pg_temp.got WHERE subscription_ids = pg_temp.ids(1)), '2026-11-22T08:00:00.123Z');
SELECT pg_temp.eq('row 2', (SELECT array_agg(DISTINCT u) FROM (SELECT jsonb_set(jsonb_set(wal,'{columns,0,value}','2'),'{columns,1,value}','"22222222-2222-2222-2222-222222222222"') w FROM pg_temp.ins) x, realtime.apply_rls(w) r, unnest(r.subscription_ids) u WHERE r.errors = '{}'), pg_temp.ids(2));
SELECT pg_temp.eq('role is back', current_user::text, 'postgres');
SELECT pg_temp.eq('delete: keys only, to all', (SELECT array_agg(DISTINCT u ORDER BY u) FROM realtime.apply_rls('{"action":"D","timestamp":"2026-11-22 10:00:00+00","schema":"public","table":"notes","identity":[{"name":"id","type":"integer","typeoid":23,"value":1},{"name":"body","type":"text","typeoid":25,"value":"one"}],"pk":[{"name":"id"}]}') r, unnest(r.subscription_ids) u WHERE r.errors='{}' AND r.wal->'old_record' = '{"id":1}'), pg_temp.ids(1,2,4,6,7,8));
SELECT pg_temp.eq('no key', (SELECT array_agg(DISTINCT errors[1]) FROM pg_temp.ins, realtime.apply_rls(wal - 'pk')), ARRAY['Error 400: Bad Request, no primary key']);
SELECT pg_temp.eq('too large', (SELECT array_agg(DISTINCT errors[1] ORDER BY errors[1]) FROM pg_temp.ins, realtime.apply_rls(wal, 10)), ARRAY['Error 401: Unauthorized','Error 413: Payload Too Large']);
SELECT pg_temp.eq('gone table', (SELECT count(*) FROM realtime.apply_rls('{"action":"I","schema":"public","table":"gone"}')), 0::bigint);
SELECT pg_temp.eq('toast', (SELECT (r.wal->'record'->>'body', r.wal->'old_record'->>'body')::text FROM realtime.apply_rls('{"action":"U","timestamp":"2026-11-22 10:00:00+00","schema":"public","table":"notes","columns":[{"name":"id","type":"integer","typeoid":23,"value":1}],"identity":[{"name":"id","type":"integer","typeoid":23,"value":1},{"name":"body","type":"text","typeoid":25,"value":"long"}],"pk":[{"name":"id"}]}') r WHERE subscription_ids = pg_temp.ids(1)), '(long,long)');
-- as the realtime server connects when it is no superuser
GRANT USAGE ON SCHEMA public TO supabase_realtime_admin;
BEGIN; ALTER ROLE supabase_realtime_admin LOGIN REPLICATION; SET LOCAL SESSION AUTHORIZATION supabase_realtime_admin;
SELECT pg_temp.eq('as realtime admin', (SELECT count(*) FROM realtime.apply_rls('{"action":"I","timestamp":"2026-11-22 10:00:00+00","schema":"public","table":"notes","columns":[{"name":"id","type":"integer","typeoid":23,"value":1}],"pk":[{"name":"id"}]}') WHERE errors='{}' AND subscription_ids = pg_temp.ids(1)), 1::bigint);
ROLLBACK;
-- many subscribers of one role
DELETE FROM realtime.subscription;
SELECT count(pg_temp.sub(i,'authenticated',CASE WHEN i % 2 = 0 THEN '11111111-1111-1111-1111-111111111111' ELSE '22222222-2222-2222-2222-222222222222' END)) FROM generate_series(1,300) i;
\timing on
SELECT pg_temp.eq('300', (SELECT cardinality(subscription_ids) FROM pg_temp.ins, realtime.apply_rls(wal)), 150);
\timing off
-- messages
SELECT realtime.send('{"a":1}','ev','room',true), realtime.send('{"id":"mine"}','ev','room',false), realtime.send_binary('\x01','ev','room');
SELECT pg_temp.eq('sent', (SELECT count(*) FROM realtime.messages WHERE topic='room'), 3::bigint), pg_temp.eq('id', (SELECT count(*) FROM realtime.messages WHERE payload->>'id' = id::text), 1::bigint),
 pg_temp.eq('own id', (SELECT count(*) FROM realtime.messages WHERE payload->>'id'='mine' AND NOT private), 1::bigint), pg_temp.eq('partitions', (SELECT count(*) FROM pg_inherits WHERE inhparent='realtime.messages'::regclass), 5::bigint);
DO $$ DECLARE r record; BEGIN FOR r IN SELECT inhrelid::regclass AS t FROM pg_inherits WHERE inhparent='realtime.messages'::regclass LOOP EXECUTE 'DROP TABLE '||r.t; END LOOP; END $$;
CREATE FUNCTION public.notify() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM realtime.broadcast_changes('notes:'||COALESCE(NEW.id,OLD.id), TG_OP, TG_OP, TG_TABLE_NAME, TG_TABLE_SCHEMA, NEW, OLD); RETURN NULL; END $$;
CREATE TRIGGER n AFTER INSERT OR UPDATE OR DELETE ON public.notes FOR EACH ROW EXECUTE FUNCTION public.notify();
INSERT INTO public.notes (id, body) VALUES (9,'nine'); UPDATE public.notes SET body='neun' WHERE id=9; DELETE FROM public.notes WHERE id=9;
SELECT pg_temp.eq('broadcast', (SELECT string_agg(format('%s %s>%s', event, payload#>>'{old_record,body}', payload#>>'{record,body}'), ';' ORDER BY event DESC) FROM realtime.messages WHERE topic='notes:9'), 'UPDATE nine>neun;INSERT >nine;DELETE neun>');
DO $$ DECLARE r record; BEGIN FOR r IN SELECT inhrelid::regclass AS t FROM pg_inherits WHERE inhparent='realtime.messages'::regclass LOOP EXECUTE 'DROP TABLE '||r.t; END LOOP; END $$;
CREATE POLICY say ON realtime.messages FOR INSERT TO authenticated WITH CHECK (realtime.topic() = 'allowed');
BEGIN; SET LOCAL ROLE authenticated; SET LOCAL timezone = 'Pacific/Kiritimati'; SELECT realtime.send('{}','e','allowed'); SELECT realtime.send('{}','e','forbidden'); COMMIT;
SELECT pg_temp.eq('policy', (SELECT string_agg(topic, ',') FROM realtime.messages), 'allowed');
SELECT pg_temp.fails('statement', $$SELECT realtime.broadcast_changes('a','b','INSERT','t','s',ROW(1),ROW(1),'STATEMENT')$$), pg_temp.fails('op', $$SELECT realtime.broadcast_changes('a','b','TRUNCATE','t','s',ROW(1),ROW(1))$$);
-- webhooks
CREATE TRIGGER hook AFTER INSERT ON public.notes FOR EACH ROW EXECUTE FUNCTION supabase_functions.http_request('http://x/','POST','null','{"q":"1"}','500');
INSERT INTO public.notes (id, body) VALUES (21,'hook');
SELECT pg_temp.eq('hook', (SELECT format('%s %s %s %s', url, convert_from(body, 'utf8')::jsonb #>> '{record,body}', headers, timeout_milliseconds) FROM net.http_request_queue), 'http://x/?q=1 hook {"Content-Type": "application/json"} 500'),
 pg_temp.eq('hook row', (SELECT format('%s %s', hook_name, request_id = (SELECT id FROM net.http_request_queue)) FROM supabase_functions.hooks), 'hook t');
-- page views
BEGIN; SET LOCAL ROLE service_role; INSERT INTO _analytics.page_views (path, country) VALUES ('/', 'CH'); SELECT pg_temp.eq('views', (SELECT count(*) FROM _analytics.page_views), 1::bigint); SELECT pg_temp.fails('country', $$INSERT INTO _analytics.page_views (path, country) VALUES ('/', 'ch')$$, '23514'); COMMIT;
BEGIN; SET LOCAL ROLE anon; SELECT pg_temp.fails('anon views', 'SELECT * FROM _analytics.page_views', '42501'); COMMIT;
-- slots (test_decoding stands in for wal2json)
SELECT pg_temp.eq('slot', (SELECT slot_name::text FROM pg_create_logical_replication_slot('s1','test_decoding', true)), 's1');
INSERT INTO public.notes (id, body) VALUES (30,'a'),(31,'b');
SELECT pg_temp.eq('settled', (SELECT count(*) FROM realtime.settled_changes('s1', 100, 'include-xids', '0') WHERE data LIKE 'table public.notes:%'), 2::bigint), pg_temp.eq('settled again', (SELECT count(*) FROM realtime.settled_changes('s1', 100, 'include-xids', '0')), 0::bigint);
SELECT pg_temp.eq('options', (SELECT options[array_position(options,'add-tables')+1] || options[array_position(options,'actions')+1] FROM realtime.wal2json_options('supabase_realtime')), 'insert,update,delete'), pg_temp.eq('none', (SELECT count(*) FROM realtime.wal2json_options('nothing')), 0::bigint);
ALTER PUBLICATION supabase_realtime ADD TABLE public.notes;
SELECT pg_temp.eq('options2', (SELECT options[array_position(options,'add-tables')+1] FROM realtime.wal2json_options('supabase_realtime') WHERE has_tables), 'public.notes');
SELECT pg_temp.eq('rls_changes', (SELECT array_agg(slot_changes_count) FROM pg_temp.ins, realtime.rls_changes(ARRAY[wal,wal,wal - 'pk'], 100000)), ARRAY[3,3,3]::bigint[]), pg_temp.eq('rls_changes0', (SELECT array_agg(slot_changes_count) FROM realtime.rls_changes(NULL, 1)), ARRAY[0]::bigint[]);
SELECT pg_temp.fails('wal2json missing or options unknown', $$SELECT * FROM realtime.list_changes('supabase_realtime','s1',10,1000)$$);
\echo all as expected
