// Profiles: one's own, those of others, and changing one's own.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { api, directOf, groupOf, must, PASSWORD, register, send, signIn } from '../lib/client.mjs';
import { overtaken } from '../lib/processes.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const faultsOf = (answer) => answer.body.errors.map(({ field, code }) => `${field} ${code}`).sort();

describe('a profile', () => {
	it('shows others neither address nor language nor settings', async () => {
		const ann = await register(stack, 'Ann', { email: `${randomUUID()}@example.org`, locale: 'fr' });
		const ben = await register(stack, 'Ben');
		const seen = must(await ben.api.get(`users/${ann.id}`), 200);
		const { email, locale, settings, ...profile } = ann.user;
		assert.deepEqual(seen, profile);
		// nor to oneself by this way
		assert.deepEqual(must(await ann.api.get(`users/${ann.id}`), 200), profile);
	});
});

describe('changing the profile', () => {
	let ann, ben;
	before(async () => {
		ann = await register(stack, 'Ann', { email: `${randomUUID()}@example.org`, locale: 'fr' });
		ben = await register(stack, 'Ben');
	});
	const me = async () => must(await ann.api.get('users/me'), 200);

	it('changes what is named and nothing else', async () => {
		const before_ = await me();
		const changes = [
			{ display_name: 'Ann Other' },
			{ avatar_url: 'https://example.org/a.png?size=2#x' },
			{ bio: 'Two lines:\n\t“quoted” 👋' },
			{ locale: 'de-CH-1996' },
			{ settings: { theme: 'dark', nested: { list: [1, 2.5, null, true] } } },
		];
		let expected = before_;
		for (const change of changes) {
			expected = { ...expected, ...change };
			assert.deepEqual(must(await ann.api.patch('users/me', change), 200), expected);
			assert.deepEqual(await me(), expected);
		}
	});

	it('is seen by others at once, in conversations too', async () => {
		const conversation = await directOf(ben, ann);
		must(
			await ann.api.patch('users/me', { display_name: 'Renamed', avatar_url: 'http://example.org/' }),
			200,
		);
		assert.equal(must(await ben.api.get(`users/${ann.id}`), 200).display_name, 'Renamed');
		for (const found of [
			must(await ben.api.get(`conversations/${conversation.id}`), 200),
			must(await ben.api.get('conversations'), 200).data[0],
		]) {
			const member = found.members.find(({ user_id }) => user_id === ann.id);
			assert.deepEqual([member.display_name, member.avatar_url], ['Renamed', 'http://example.org/']);
		}
	});

	it('clears what is null, and leaves what is absent', async () => {
		must(
			await ann.api.patch('users/me', {
				avatar_url: 'https://example.org/b',
				bio: 'b',
				locale: 'en',
				settings: { a: 1 },
			}),
			200,
		);
		const kept = await me();
		assert.deepEqual(must(await ann.api.patch('users/me', {}), 200), kept);
		const cleared = must(
			await ann.api.patch('users/me', { avatar_url: null, bio: null, locale: null, settings: null }),
			200,
		);
		assert.deepEqual(cleared, { ...kept, avatar_url: null, bio: null, locale: null, settings: {} });
		assert.deepEqual(await me(), cleared);
	});

	it('replaces settings as a whole', async () => {
		must(await ann.api.patch('users/me', { settings: { a: 1, b: 2 } }), 200);
		assert.deepEqual(must(await ann.api.patch('users/me', { settings: { c: 3 } }), 200).settings, { c: 3 });
	});

	it('passes over what it does not know, and what nobody can change', async () => {
		const before_ = await me();
		const sent = {
			id: randomUUID(),
			handle: 'other-handle',
			email: 'other@example.org',
			created_at: 'x',
			deleted: true,
			colour: 'red',
		};
		assert.deepEqual(must(await ann.api.patch('users/me', sent), 200), before_);
	});

	const wrong = [
		[{ display_name: null }, ['display_name required']],
		[{ display_name: '' }, ['display_name too_short']],
		[{ display_name: 'x'.repeat(65) }, ['display_name too_long']],
		[{ display_name: 'a\u0007' }, ['display_name bad_format']],
		[{ avatar_url: 'javascript:alert(1)' }, ['avatar_url bad_format']],
		[{ avatar_url: '//example.org/a' }, ['avatar_url bad_format']],
		[{ avatar_url: 'https://user@example.org/' }, ['avatar_url bad_format']],
		[{ avatar_url: 'https://example.org/ä' }, ['avatar_url bad_format']],
		[{ avatar_url: `https://example.org/${'a'.repeat(2030)}` }, ['avatar_url too_long']],
		[{ bio: 'x'.repeat(501) }, ['bio too_long']],
		[{ bio: 'a\u0001' }, ['bio bad_format']],
		[{ bio: 5 }, ['bio bad_type']],
		[{ locale: 'e' }, ['locale bad_format']],
		[{ settings: [] }, ['settings bad_type']],
		[{ settings: { long: 'x'.repeat(16384) } }, ['settings too_long']],
		[
			{ display_name: '', bio: 1, locale: '?', avatar_url: 'x', settings: 1 },
			[
				'avatar_url bad_format',
				'bio bad_type',
				'display_name too_short',
				'locale bad_format',
				'settings bad_type',
			],
		],
	];
	for (const [sent, expected] of wrong)
		it(`refuses ${JSON.stringify(sent).slice(0, 60)}, and changes nothing`, async () => {
			const before_ = await me();
			const answer = await ann.api.patch('users/me', { bio: 'not this', ...sent });
			assert.equal(answer.status, 422);
			assert.deepEqual(faultsOf(answer), expected);
			assert.deepEqual(await me(), before_);
		});

	it('takes what is as long as it may be', async () => {
		const settings = { long: 'x'.repeat(16384 - '{"long":""}'.length) };
		const sent = { display_name: '👩'.repeat(64), bio: '👩'.repeat(500), settings };
		const now = must(await ann.api.patch('users/me', sent), 200);
		assert.deepEqual({ display_name: now.display_name, bio: now.bio, settings: now.settings }, sent);
	});
});

describe('erasing the account', () => {
	const login = (more) => api(stack).post('auth/login', { password: PASSWORD, ...more });

	it('leaves nothing of who it was, for anybody, and frees the handle and the address', async () => {
		const email = `${randomUUID()}@example.org`;
		const ann = await register(stack, 'Ann', { email, locale: 'fr', device: { name: 'Ann’s phone', platform: 'ios' } });
		const ben = await register(stack, 'Ben');
		must(await ann.api.patch('users/me', { bio: 'x', avatar_url: 'https://example.org/a', settings: { a: 1 } }), 200);
		assert.equal(must(await ann.api.delete('users/me'), 204), undefined);
		assert.deepEqual(must(await ben.api.get(`users/${ann.id}`), 200), {
			id: ann.id,
			handle: must(await ben.api.get(`users/${ann.id}`), 200).handle,
			display_name: 'Deleted user',
			avatar_url: null,
			bio: null,
			created_at: ann.user.created_at,
			deleted: true,
		});
		const kept = `select to_json(u)::text || (select json_agg(d)::text from devices d where d.user_id = u.id) from users u where id = '${ann.id}'`;
		const row = await stack.sql(kept);
		for (const word of [ann.handle, email, 'Ann', 'fr', 'argon2', 'example.org', 'ios'])
			assert.ok(!row.includes(word), `${word} in ${row}`);
		for (const way of [{ handle: ann.handle }, { email }, { handle: JSON.parse(row.slice(0, row.indexOf('}[') + 1)).handle }])
			assert.equal((await login(way)).status, 401);
		must(await api(stack).post('auth/register', { handle: ann.handle, display_name: 'New', password: PASSWORD, email }), 201);
	});

	it('keeps messages, order and counts, and the direct conversation for the other', async () => {
		const [ann, ben] = [await register(stack, 'Ann'), await register(stack, 'Ben')];
		const room = await directOf(ann, ben);
		await send(ann, room, 'one');
		await send(ann, room, 'two');
		const unread = must(await ben.api.get('unread'), 200);
		must(await ann.api.delete('users/me'), 204);
		assert.deepEqual(must(await ben.api.get('unread'), 200), unread);
		const { data } = must(await ben.api.get(`conversations/${room.id}/messages`), 200);
		assert.deepEqual(data.map(({ body, sender_id }) => [body, sender_id]), [['two', ann.id], ['one', ann.id]]);
		const [found] = must(await ben.api.get('conversations'), 200).data;
		assert.equal(found.members.find(({ user_id }) => user_id === ann.id).display_name, 'Deleted user');
		assert.equal((await send(ben, room, 'three')).seq, 3);
		const carol = await register(stack, 'Carol');
		const answer = await carol.api.post('conversations', { kind: 'direct', member_ids: [ann.id] });
		assert.deepEqual([answer.status, faultsOf(answer)], [422, ['member_ids unknown']]);
	});

	it('leaves every group, and hands over where nobody else owns it', async () => {
		const [ann, ben, carol] = await Promise.all(['Ann', 'Ben', 'Carol'].map((name) => register(stack, name)));
		const alone = await groupOf(ann, []);
		const plain = await groupOf(ann, [ben, carol]);
		const withAdmin = await groupOf(ann, [ben, carol]);
		const shared = await groupOf(ann, [ben, carol]);
		const others = await groupOf(ben, [ann, carol]);
		must(await ann.api.put(`conversations/${withAdmin.id}/members/${carol.id}`, { role: 'admin' }), 204);
		must(await ann.api.put(`conversations/${shared.id}/members/${carol.id}`, { role: 'owner' }), 204);
		const message = await send(ben, plain, 'Who has read this?');
		for (const person of [ann, ben, carol]) {
			if (person !== ann) must(await person.api.post(`conversations/${plain.id}/read`), 200);
		}
		must(await ann.api.delete('users/me'), 204);
		const rolesOf = async (room) => {
			const { members, member_count } = must(await carol.api.get(`conversations/${room.id}`), 200);
			assert.equal(member_count, 2);
			return Object.fromEntries(members.map(({ user_id, role }) => [user_id === ben.id ? 'ben' : user_id === carol.id && 'carol', role]));
		};
		const heirs = Object.values(await rolesOf(plain)).sort();
		assert.deepEqual(heirs, ['member', 'owner']);
		assert.deepEqual(await rolesOf(withAdmin), { ben: 'member', carol: 'owner' });
		assert.deepEqual(await rolesOf(shared), { ben: 'member', carol: 'owner' });
		assert.deepEqual(await rolesOf(others), { ben: 'owner', carol: 'member' });
		// who is gone holds up no message: all who still are recipients have read it
		const path = `conversations/${plain.id}/messages/${message.id}`;
		assert.equal(must(await ben.api.get(path), 200).status, 'read');
		assert.equal(await stack.sql(`select member_count from conversations where id = '${alone.id}'`), '0');
	});

	it('of somebody in hundreds of groups takes its time, and ends all of it', async () => {
		const [ann, ben] = [await register(stack, 'Ann'), await register(stack, 'Ben')];
		await stack.sql(`select count(conversation_create(gen_random_uuid(), 'group', '${ann.id}', 'x', null, null, 'all',
			array['${ben.id}']::uuid[], gen_random_uuid())) from generate_series(1, 450)`);
		must(await ann.api.delete('users/me'), 204);
		const counts = `select count(*) filter (where left_at is null and user_id = '${ann.id}'),
			count(*) filter (where role = 'owner' and user_id = '${ben.id}') from members where user_id in ('${ann.id}', '${ben.id}')`;
		assert.equal(await stack.sql(counts), '0|450');
	});

	it('overtakes who adds the person to a conversation: nobody erased is in one', async () => {
		const [ann, ben] = [await register(stack, 'Ann'), await register(stack, 'Ben')];
		const open = () => ann.api.post('conversations', { kind: 'group', member_ids: [ben.id] });
		const erase = `select user_erase('${ben.id}', 200, false, '${randomUUID()}');`;
		const answer = await overtaken(ben, erase, open);
		assert.deepEqual([answer.status, answer.body.code], [503, 'unavailable']);
		assert.deepEqual(faultsOf(await open()), ['member_ids unknown']);
		assert.deepEqual(must(await ann.api.get('conversations'), 200).data, []);
	});

	it('of two in the same groups at once ends both', async () => {
		const [ann, ben, carol] = await Promise.all(['Ann', 'Ben', 'Carol'].map((name) => register(stack, name)));
		const rooms = [];
		for (let i = 0; i < 8; i++) rooms.push(await groupOf(i % 2 ? ann : ben, [i % 2 ? ben : ann, carol]));
		const answers = await Promise.all([ann, ben].map((person) => person.api.delete('users/me')));
		for (const answer of answers) must(answer, 204);
		for (const room of rooms) {
			const { members } = must(await carol.api.get(`conversations/${room.id}`), 200);
			assert.deepEqual(members.map(({ user_id, role }) => [user_id, role]), [[carol.id, 'owner']]);
		}
	});
});

describe('an account that an operator disables', () => {
	const disable = (person) => `select user_disable('${person.id}', '${randomUUID()}');`;
	const enable = (person) => `select user_enable('${person.id}', '${randomUUID()}');`;
	const login = (person, password) => api(stack).post('auth/login', { handle: person.handle, password });

	it('has no session and gets none, until it is enabled again', async () => {
		const ben = await register(stack, 'Ben', { locale: 'fr' });
		const other = await signIn(ben);
		assert.equal(await stack.sql(disable(ben)), 't');
		for (const person of [ben, other]) {
			assert.equal((await person.api.get('users/me')).status, 401);
			const refreshed = await api(stack).post('auth/refresh', { refresh_token: person.refresh_token });
			assert.equal(refreshed.status, 401);
		}
		// as for a password that is wrong, to the letter
		const [refused, wrong] = [await login(ben, PASSWORD), await login(ben, 'a wrong password')];
		for (const answer of [refused, wrong]) delete answer.body.request_id;
		assert.equal(refused.status, 401);
		assert.deepEqual(refused.body, wrong.body);

		assert.equal(await stack.sql(disable(ben)), 't');
		assert.equal(await stack.sql(enable(ben)), 't');
		assert.equal(await stack.sql(enable(ben)), 't');
		assert.equal((await ben.api.get('users/me')).status, 401);
		const back = await signIn(ben);
		assert.equal(must(await back.api.get('users/me'), 200).locale, 'fr');
	});

	it('overtakes a sign-in under way', async () => {
		const ben = await register(stack, 'Ben');
		const answer = await overtaken(ben, disable(ben), () => login(ben, PASSWORD));
		assert.equal(answer.status, 401);
	});

	it('is told of only where there is one', async () => {
		const [ben, nobody] = [await register(stack, 'Ben'), { id: randomUUID() }];
		must(await ben.api.delete('users/me'), 204);
		for (const person of [ben, nobody]) {
			assert.equal(await stack.sql(disable(person)), 'f');
			assert.equal(await stack.sql(enable(person)), 'f');
		}
	});
});
