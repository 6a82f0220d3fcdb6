// The two lists of people that a person keeps: address book and blocks. What a block does is block.test.mjs.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { must, register } from '../lib/client.mjs';
import { overtaken } from '../lib/processes.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack, ann, ben, carol;
before(async () => {
	stack = await sharedStack();
	[ann, ben, carol] = await Promise.all(['Ann', 'Ben', 'Carol'].map((name) => register(stack, name)));
});
after(() => stack?.stop());

const faultsOf = (answer) => answer.body.errors.map(({ field, code }) => `${field} ${code}`);

for (const { path, since, other_id, put } of [
	{ path: 'contacts', since: 'added_at', other_id: 'contact_id', put: (one, other) => `select contact_put('${one}', '${other}', 99);` },
	{
		path: 'blocks',
		since: 'blocked_at',
		other_id: 'blocked_id',
		put: (one, other) => `select block_put('${one}', '${other}', 99, '${randomUUID()}');`,
	},
])
	describe(path, () => {
		const list = async (person, query = '') => must(await person.api.get(`${path}${query}`), 200);
		const ids = async (person) => (await list(person)).data.map(({ id }) => id);
		const add = async (person, other) => must(await person.api.put(`${path}/${other.id}`), 204);
		const remove = async (person, other) => must(await person.api.delete(`${path}/${other.id}`), 204);

		it('are profiles with a time, latest first, and nobody else’s', async () => {
			assert.deepEqual(await list(ann), { data: [], has_more: false, next: null });
			await add(ann, ben);
			await add(ann, carol);
			const { data } = await list(ann);
			assert.deepEqual(data.map(({ id }) => id), [carol.id, ben.id]);
			for (const item of data) {
				const { [since]: at, ...profile } = item;
				assert.deepEqual(profile, must(await ann.api.get(`users/${item.id}`), 200));
				assert.ok(Math.abs(Date.now() - Date.parse(at)) < 60_000, at);
			}
			assert.deepEqual(await ids(ben), []);
		});

		it('take somebody again and again, and keep the first time', async () => {
			const before_ = await list(ann);
			await add(ann, ben);
			assert.deepEqual(await list(ann), before_);
			await remove(ann, ben);
			await remove(ann, ben);
			assert.deepEqual(await ids(ann), [carol.id]);
			await add(ann, ben);
			assert.deepEqual(await ids(ann), [ben.id, carol.id]);
		});

		it('go page by page, also where many came at the same moment', async () => {
			const owner = await register(stack, 'Pages');
			const rows = `insert into users (id, handle, display_name)
				select gen_random_uuid(), 'page-' || left(replace(gen_random_uuid()::text, '-', ''), 20), 'Page' from generate_series(1, 7)
				returning id`;
			const people = (await stack.sql(rows)).split('\n').sort();
			await stack.sql(people.map((id) => put(owner.id, id)).join('\n'));
			await stack.sql(`update ${path} set ${since} = now() where user_id = '${owner.id}'`);
			const found = [];
			let cursor = '';
			do {
				const page = await list(owner, `?limit=3${cursor}`);
				assert.ok(page.data.length <= 3);
				found.push(...page.data.map(({ id }) => id));
				cursor = page.next && `&cursor=${page.next}`;
			} while (cursor);
			assert.deepEqual(found, people.reverse());
			for (const [query, fault] of [
				['cursor=x', 'cursor bad_format'],
				['limit=0', 'limit out_of_range'],
				['limit=201', 'limit out_of_range'],
			])
				assert.deepEqual(faultsOf(await owner.api.get(`${path}?${query}`)), [fault]);
		});

		it('take nobody who is not there, and not oneself', async () => {
			const gone = await register(stack, 'Gone');
			must(await gone.api.delete('users/me'), 204);
			for (const id of [randomUUID(), gone.id]) {
				const answer = await ann.api.put(`${path}/${id}`);
				assert.deepEqual([answer.status, answer.body.code], [404, 'not_found']);
				must(await ann.api.delete(`${path}/${id}`), 204);
			}
			const self = await ann.api.put(`${path}/${ann.id}`);
			assert.deepEqual([self.status, faultsOf(self)], [422, ['user not_allowed']]);
		});

		it('lose who erases the account, and go with one’s own', async () => {
			const [owner, other] = await Promise.all(['Owner', 'Other'].map((name) => register(stack, name)));
			await add(owner, other);
			await add(owner, ben);
			await add(other, owner);
			must(await other.api.delete('users/me'), 204);
			assert.deepEqual(await ids(owner), [ben.id]);
			must(await owner.api.delete('users/me'), 204);
			const rest = `select count(*) from ${path} where user_id in ('${owner.id}', '${other.id}')`;
			assert.equal(await stack.sql(rest), '0');
		});

		it('take nobody who is being erased', async () => {
			const other = await register(stack, 'Other');
			const erase = `select user_erase('${other.id}', 200, false, '${randomUUID()}');`;
			const answer = await overtaken(other, erase, () => ann.api.put(`${path}/${other.id}`));
			assert.equal(answer.status, 404);
			assert.ok(!(await ids(ann)).includes(other.id));
		});

		it('are not of who is being erased', async () => {
			const owner = await register(stack, 'Owner');
			const erase = `select user_erase('${owner.id}', 200, false, '${randomUUID()}');`;
			const answer = await overtaken(owner, erase, () => owner.api.put(`${path}/${ben.id}`));
			assert.equal(answer.status, 401);
			assert.equal(await stack.sql(`select count(*) from ${path} where user_id = '${owner.id}'`), '0');
		});

		it('lose who is in many of them as well', async () => {
			// more than go in one step of erasing
			const famous = await register(stack, 'Famous');
			await stack.sql(`with fan as (
					insert into users (id, handle, display_name)
					select gen_random_uuid(), 'fan-' || left(replace(gen_random_uuid()::text, '-', ''), 20), 'Fan'
					from generate_series(1, 450)
					returning id
				)
				insert into ${path} select id, '${famous.id}' from fan`);
			must(await famous.api.delete('users/me'), 204);
			assert.equal(await stack.sql(`select count(*) from ${path} where '${famous.id}' in (user_id, ${other_id})`), '0');
		});
	});
