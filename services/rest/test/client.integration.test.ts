import { PostgrestClient } from '@supabase/postgrest-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canRunPostgres, openShop, type Shop, tokenOf } from './support/shop.js';

function clientOf(url: string, headers: Record<string, string>) {
  return new PostgrestClient(url, { schema: 'shop', headers });
}

describe.runIf(canRunPostgres)('the official client', () => {
  let shop: Shop;
  let visitor: ReturnType<typeof clientOf>;
  let customer: ReturnType<typeof clientOf>;

  beforeAll(async () => {
    shop = await openShop();
    visitor = clientOf(shop.url, {});
    customer = clientOf(shop.url, { Authorization: `Bearer ${await tokenOf('customer', { sub: 'c1' })}` });
  });

  afterAll(async () => {
    await shop[Symbol.asyncDispose]();
  });

  it('reads with filters, order, limit, count and aliases', async () => {
    const { data, count, status, error } = await visitor
      .from('items')
      .select('what:name, price::text, detail->size->>mm, shout', { count: 'exact' })
      .gte('price', 0.1)
      .order('price', { ascending: false })
      .range(0, 1);
    expect(error).toBeNull();
    expect(status).toBe(206);
    expect(count).toBe(4);
    expect(data).toEqual([
      { what: 'hammer', price: '19.90', mm: '300', shout: 'HAMMER' },
      { what: 'odd*thing%', price: '7.00', mm: null, shout: 'ODD*THING%' },
    ]);
  });

  it.each([
    ['in', async () => await visitor.from('items').select('id').in('name', ['glue, (strong)', 'nail'])],
    ['or', async () => await visitor.from('items').select('id').or('id.eq.1,and(maker_id.eq.2,price.lt.6)')],
    ['contains', async () => await visitor.from('items').select('id').or('tags.cs.{iron,small},id.eq.3')],
  ])('finds rows 1 and 3 by %s', async (_name, ask) => {
    const { data, error } = await ask();
    expect(error).toBeNull();
    expect(data).toEqual([{ id: 1 }, { id: 3 }]);
  });

  it('embeds in both directions, through a junction and with conditions', async () => {
    const { data, error } = await visitor
      .from('makers')
      .select('name, items!inner(name, labels(text))')
      .eq('items.name', 'nail')
      .order('text', { referencedTable: 'items.labels', ascending: false });
    expect(error).toBeNull();
    expect(data).toEqual([{ name: 'Acme', items: [{ name: 'nail', labels: [{ text: 'sale' }, { text: 'new' }] }] }]);
    const view = await visitor.from('cheap').select('name, ...makers(maker:name)').eq('id', 3).single();
    expect(view.data).toEqual({ name: 'glue, (strong)', maker: 'Bolt' });
    const spread = await visitor.from('makers').select('name, ...items(item_names:name)').order('id');
    expect(spread.data?.[1]).toEqual({ name: 'Bolt', item_names: ['glue, (strong)'] });
  });

  it('answers one row, none, or 406', async () => {
    const one = await visitor.from('items').select('id').eq('id', 1).single();
    expect(one.data).toEqual({ id: 1 });
    const none = await visitor.from('items').select('id').eq('id', 0).maybeSingle();
    expect(none).toMatchObject({ data: null, error: null });
    const several = await visitor.from('items').select('id').single();
    expect(several.error).toMatchObject({ code: 'PGRST116' });
    expect(several.status).toBe(406);
  });

  it('writes, changes and deletes; what fails one row is not committed', async () => {
    const inserted = await customer
      .from('items')
      .insert([{ name: 'saw' }, { name: 'axe', price: 3 }], { defaultToNull: false })
      .select('id, price');
    expect(inserted.status).toBe(201);
    expect(inserted.data).toEqual([
      { id: 101, price: 1 },
      { id: 102, price: 3 },
    ]);
    const changed = await customer.from('items').update({ price: 4 }).gt('id', 100).select('id, price');
    expect(changed.data?.map(({ price }) => price)).toEqual([4, 4]);
    const refused = await customer.from('items').delete().gt('id', 100).select('id').single();
    expect(refused.error).toMatchObject({ code: 'PGRST116' });
    const still = await customer.from('items').select('*', { head: true, count: 'exact' }).gt('id', 100);
    expect(still.count).toBe(2);
    const limited = await customer
      .from('items')
      .delete()
      .gt('id', 100)
      .setHeader('Prefer', 'handling=strict, max-affected=1');
    expect(limited.error).toMatchObject({ code: 'PGRST124' });
    const gone = await customer.from('items').delete({ count: 'exact' }).gt('id', 100);
    expect(gone).toMatchObject({ status: 204, count: 2 });
  });

  it('writes rows of nothing but defaults', async () => {
    await shop.sql(`create table shop.visits (id int generated always as identity primary key, page text default 'home');
      grant all on shop.visits to customer; notify pgrst`);
    await expect
      .poll(async () => (await customer.from('visits').insert({}).select('page').single()).data, { timeout: 10_000 })
      .toEqual({ page: 'home' });
    const { data, error } = await customer.from('visits').insert([{}, {}]).select('page');
    expect(error).toBeNull();
    expect(data).toEqual([{ page: 'home' }, { page: 'home' }]);
    const byDefault = await customer.from('visits').insert({}, { defaultToNull: false }).select('page').single();
    expect(byDefault.data).toEqual({ page: 'home' });
    await shop.sql('drop table shop.visits');
  });

  it('upserts', async () => {
    const label = { id: 3, text: 'rare' };
    expect((await customer.from('labels').upsert(label)).status).toBe(201);
    expect((await customer.from('labels').upsert(label)).status).toBe(200);
    const { data } = await customer
      .from('labels')
      .upsert({ id: 4, text: 'rare' }, { onConflict: 'text', ignoreDuplicates: true })
      .select();
    expect(data).toEqual([]);
    await customer.from('labels').delete().eq('id', 3);
  });

  it('changes and deletes only the first rows where a limit says so', async () => {
    await customer.from('labels').insert([10, 11, 12].map((id) => ({ id, text: `t${id}` })));
    const url = `${shop.url}/labels?id=gte.10&order=id.desc&limit=1`;
    const headers = { Authorization: `Bearer ${await tokenOf('customer')}`, 'Content-Type': 'application/json' };
    const changed = await fetch(url, {
      method: 'PATCH',
      headers: { ...headers, Prefer: 'return=representation' },
      body: '{"text":"last"}',
    });
    expect(await changed.json()).toEqual([{ id: 12, text: 'last' }]);
    expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(204);
    const left = await customer.from('labels').select('id').gte('id', 10);
    expect(left.data).toEqual([{ id: 10 }, { id: 11 }]);
    await customer.from('labels').delete().gte('id', 10);
  });

  it('calls functions of every kind', async () => {
    expect((await visitor.rpc('add', { a: 1, b: 2 })).data).toBe(3);
    expect((await visitor.rpc('add', { a: 1 }, { get: true })).data).toBe(2);
    expect((await visitor.rpc('total', { numbers: [1, 2, 3] })).data).toBe(6);
    const rows = await visitor.rpc('items_of', { maker: 1 }).select('name, shout, makers(name)').eq('id', 2);
    expect(rows.data).toEqual([{ name: 'hammer', shout: 'HAMMER', makers: { name: 'Acme' } }]);
    expect(await customer.rpc('stock', { name: 'x' })).toMatchObject({ status: 204, error: null });
    await customer.from('items').delete().eq('name', 'x');
    const written = await customer.rpc('stock', { name: 'x' }, { get: true });
    expect(written.error).toMatchObject({ code: '25006' });
    expect(written.status).toBe(405);
    const text = await fetch(`${shop.url}/rpc/echo`, {
      method: 'POST',
      body: 'as it is',
      headers: { 'Content-Type': 'text/plain' },
    });
    expect(await text.json()).toBe('as it is');
    const pot = await fetch(`${shop.url}/rpc/teapot`, { method: 'POST' });
    expect(pot.status).toBe(418);
    expect(pot.headers.get('x-pot')).toBe('short');
  });

  it('gives a transaction its role, claims, path and the settings of the role', async () => {
    expect((await customer.rpc('who')).data).toMatchObject({
      user: 'customer',
      claims: { role: 'customer', sub: 'c1' },
      path: '/rpc/who',
      timeout: '2s',
    });
    expect((await visitor.rpc('who')).data).toMatchObject({ user: 'visitor', claims: { role: 'visitor' } });
    const slow = await customer.rpc('sleep', { seconds: 20 });
    expect(slow.error).toMatchObject({ code: '57014' });
  });

  it('answers CSV, plain errors of rights and another schema', async () => {
    const { data } = await visitor.from('labels').select('id,text').order('id').csv();
    expect(data).toBe('id,text\n1,new\n2,sale');
    const refused = await visitor.from('items').insert({ name: 'x' });
    expect(refused).toMatchObject({ status: 401, error: { code: '42501' } });
    const office = await visitor.schema('office').from('notes').select();
    expect(office.data).toEqual([{ id: 1, text: 'a note' }]);
    const hidden = await visitor.schema('hidden').from('secrets').select();
    expect(hidden).toMatchObject({ status: 406, error: { code: 'PGRST106' } });
  });

  it('describes itself at the prefix, with a slash and without', async () => {
    for (const url of [shop.url, `${shop.url}/`]) {
      const answer = await fetch(url);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/openapi+json; charset=utf-8');
      expect(await answer.json()).toMatchObject({ swagger: '2.0', paths: { '/items': {}, '/rpc/add': {} } });
    }
    const allowed = await fetch(`${shop.url}/items`, { method: 'OPTIONS' });
    expect(allowed.headers.get('allow')).toBe('OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE');
    const beside = await fetch(`${shop.url}items`);
    expect(beside).toMatchObject({ status: 404 });
    expect(await beside.json()).toMatchObject({ code: 'PGRST125' });
  });

  it('refuses bodies and URLs that are too long', async () => {
    const long = await fetch(`${shop.url}/items`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: `[${'{},'.repeat(4_000_000)}{}]`,
    }).catch(() => undefined);
    expect([413, undefined]).toContain(long?.status);
    expect((await visitor.from('items').select('id').eq('id', 1)).status).toBe(200);
  });

  it('learns of new tables without a restart', async () => {
    await shop.sql(`create table shop.late (id int primary key); grant select on shop.late to visitor; notify pgrst`);
    await expect
      .poll(async () => (await visitor.from('late').select()).status, { timeout: 20_000, interval: 100 })
      .toBe(200);
  });

  it('stops the work of a client that hangs up', async () => {
    const keeper = { Authorization: `Bearer ${await tokenOf('keeper')}` };
    const running = fetch(`${shop.url}/rpc/sleep`, {
      method: 'POST',
      headers: { ...keeper, 'Content-Type': 'application/json' },
      body: '{"seconds": 300}',
      signal: AbortSignal.timeout(1500),
    });
    await expect(running).rejects.toThrow();
    await expect
      .poll(
        async () =>
          await shop.sql(
            `select 1 from pg_stat_activity where state = 'active' and query like '%sleep%' and pid <> pg_backend_pid()`,
          ),
        { timeout: 20_000, interval: 200 },
      )
      .toEqual([]);
  });
});
