// What one is signed in with and on: the lists, ending, refreshing, and the record of it in the log.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { api, must, PASSWORD, register, signIn } from '../lib/client.mjs';
import { overtaken } from '../lib/processes.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { statement } from '../load/statement.mjs';

const SLOT = 'tests_sessions';
let stack, guest;
const log = (text) => stack.sql(text, { superuser: true, database: 'parley' });
before(async () => {
	stack = await sharedStack();
	guest = api(stack);
	await log(`select pg_create_logical_replication_slot('${SLOT}', 'pgoutput')`);
});
after(async () => {
	await log(`select pg_drop_replication_slot('${SLOT}')`);
	await stack?.stop();
});

const refresh = (refresh_token) => guest.post('auth/refresh', { refresh_token });
const alive = async (session) => (await session.api.get('unread')).status === 200;
const idsOf = (answer) => must(answer, 200).data.map(({ id }) => id);
const faultsOf = (answer) => answer.body.errors.map(({ field, code }) => `${field} ${code}`).sort();

/** What the log has said since the last call of the end of a person's sessions. */
async function recordsOf(person) {
	const rows = await log(
		`select encode(data, 'escape') from pg_logical_slot_peek_binary_changes('${SLOT}', null, null,
			'proto_version', '1', 'publication_names', 'parley', 'messages', 'true')
		where position('session.revoked' in encode(data, 'escape')) > 0`,
	);
	return rows
		.split('\n')
		.filter((row) => row.includes(person.id))
		.map((row) => JSON.parse(row.slice(row.indexOf('{"type"'))));
}

/** The sessions of which the log says that they have ended, one list a record. */
const endedOf = async (person) => (await recordsOf(person)).map(({ session_ids }) => session_ids.sort());

describe('the list of sessions', () => {
	it('has each with its device, latest first, and knows the one that asks', async () => {
		const first = await register(stack, 'List', { device: { name: 'Phone', platform: 'ios' } });
		const second = await signIn(first, { device: { id: randomUUID(), name: null, platform: 'web' } });
		const page = must(await second.api.get('sessions'), 200);
		assert.deepEqual([page.has_more, page.next], [false, null]);
		assert.deepEqual(
			page.data.map(({ id, device, current }) => ({ id, device, current })),
			[
				{ ...second.session, current: true },
				{ ...first.session, current: false },
			],
		);
		for (const { created_at, last_used_at } of page.data) assert.equal(created_at, last_used_at);
	});

	it('comes in pages that neither repeat nor leave out', async () => {
		const person = await register(stack, 'Pages');
		const all = [person];
		for (let i = 0; i < 4; i++) all.unshift(await signIn(person));
		for (const [path, expected] of [
			['sessions', all.map(({ session }) => session.id)],
			['devices', all.map(({ session }) => session.device.id)],
		]) {
			const found = [];
			let cursor = '';
			do {
				const page = must(await person.api.get(`${path}?limit=2${cursor}`), 200);
				found.push(...page.data.map(({ id }) => id));
				cursor = page.next && `&cursor=${page.next}`;
			} while (cursor);
			assert.deepEqual(found, expected, path);
		}
	});

	it('refuses a cursor that is none, and a limit beyond the most', async () => {
		const person = await register(stack, 'Cursor');
		for (const path of ['sessions', 'devices'])
			for (const [query, fault] of [
				['cursor=x', 'cursor bad_format'],
				[`cursor=${'A'.repeat(32)}`, 'cursor bad_format'],
				['limit=0', 'limit out_of_range'],
				['limit=201', 'limit out_of_range'],
			]) {
				const answer = await person.api.get(`${path}?${query}`);
				assert.equal(answer.status, 422, `${path}?${query}`);
				assert.deepEqual(faultsOf(answer), [fault]);
			}
	});

	it('has nobody else’s, and none that has ended or run out', async () => {
		const person = await register(stack, 'Own');
		const [gone, late] = [await signIn(person), await signIn(person)];
		must(await gone.api.post('auth/logout'), 204);
		await stack.sql(`update sessions set refresh_expires_at = now() where id = '${late.session.id}'`);
		assert.deepEqual(idsOf(await person.api.get('sessions')), [person.session.id]);
		assert.deepEqual(idsOf(await person.api.get('devices')), [person.session.device.id]);
	});
});

describe('signing in', () => {
	it('takes away, a few at a time, what was over long ago, and nothing else', async () => {
		const [person, other] = [await register(stack, 'Purge'), await register(stack, 'Other')];
		const own = async () =>
			(await stack.sql(`select id from sessions where user_id = '${person.id}' order by id`)).split('\n');
		const [ended, late, lately] = [[], [], []];
		for (let i = 0; i < 6; i++) ended.push((await signIn(person)).session.id);
		for (let i = 0; i < 6; i++) late.push((await signIn(person)).session.id);
		for (let i = 0; i < 2; i++) lately.push((await signIn(person)).session.id);
		for (const id of [...ended, lately[0]]) must(await person.api.delete(`sessions/${id}`), 204);
		const among = (ids) => ids.map((id) => `'${id}'`);
		await stack.sql(`update sessions set revoked_at = now() - interval '61 days' where id in (${among(ended)});
			update sessions set refresh_expires_at = now() - interval '61 days' where id in (${among(late)});
			update sessions set refresh_expires_at = now() - interval '59 days' where id = '${lately[1]}'`);
		const before_ = (await own()).length;
		const first = await signIn(person);
		assert.equal((await own()).length, before_ + 1 - 8);
		await signIn(other);
		assert.deepEqual((await own()).filter((id) => ended.includes(id)), [], 'what has ended, whoever signs in');
		const second = await signIn(person);
		assert.deepEqual(
			await own(),
			[person.session.id, ...lately, first.session.id, second.session.id].sort(),
		);
		assert.equal(await alive(person), true);
	});
});

describe('ending a session', () => {
	it('is 204 again and again, ends that one alone, and is told once', async () => {
		const person = await register(stack, 'End');
		const [other, third] = [await signIn(person), await signIn(person)];
		for (let i = 0; i < 3; i++) must(await person.api.delete(`sessions/${other.session.id}`), 204);
		assert.deepEqual([await alive(person), await alive(other), await alive(third)], [true, false, true]);
		assert.equal((await refresh(other.refresh_token)).status, 401);
		const [record, ...more] = await recordsOf(person);
		assert.equal(more.length, 0);
		assert.deepEqual(Object.keys(record), ['type', 'event_id', 'at', 'user_id', 'session_ids', 'until']);
		assert.deepEqual(
			[record.type, record.user_id, record.session_ids, record.until],
			['session.revoked', person.id, [other.session.id], null],
		);
		assert.match(record.event_id, /^[0-9a-f-]{36}$/);
	});

	it('of somebody else is as if there were none, and does nothing', async () => {
		const [ann, ben] = [await register(stack, 'Ann'), await register(stack, 'Ben')];
		const shown = ({ status, body: { request_id, ...body } }) => ({ status, body });
		for (const [path, id] of [
			['sessions', ben.session.id],
			['devices', ben.session.device.id],
		]) {
			const there = await ann.api.delete(`${path}/${id}`);
			assert.equal(there.status, 404);
			assert.deepEqual(shown(there), shown(await ann.api.delete(`${path}/${randomUUID()}`)));
		}
		assert.ok(await alive(ben));
		assert.deepEqual(await endedOf(ben), []);
	});

	it('may be one’s own: as logging out', async () => {
		const person = await register(stack, 'Self');
		must(await person.api.delete(`sessions/${person.session.id}`), 204);
		assert.ok(!(await alive(person)));
		assert.equal((await person.api.delete(`sessions/${person.session.id}`)).status, 401);
	});
});

describe('a device', () => {
	it('ends with all of its sessions, leaves the list, and comes back with a new sign-in', async () => {
		const person = await register(stack, 'Device');
		const device = { id: randomUUID(), name: 'Laptop', platform: 'linux' };
		const [one, two] = [await signIn(person, { device }), await signIn(person, { device })];
		const there = must(await one.api.get('devices'), 200).data;
		assert.deepEqual(there[0], { ...there[0], ...device, current: true });
		assert.deepEqual([there.length, there[1].current], [2, false]);
		for (let i = 0; i < 2; i++) must(await person.api.delete(`devices/${device.id}`), 204);
		assert.deepEqual([await alive(person), await alive(one), await alive(two)], [true, false, false]);
		assert.deepEqual(idsOf(await person.api.get('devices')), [person.session.device.id]);
		assert.deepEqual(await endedOf(person), [[one.session.id, two.session.id].sort()]);
		const again = await signIn(person, { device: { id: device.id } });
		const back = must(await again.api.get('devices'), 200).data;
		assert.equal(back.length, 2);
		assert.deepEqual(back[0], { ...there[0], last_used_at: back[0].last_used_at }, 'it is the one that it was');
	});
});

describe('refreshing', () => {
	it('gives a new pair for the same session, again and again', async () => {
		const person = await register(stack, 'Refresh', { device: { name: 'Phone', platform: 'ios' } });
		let token = person.refresh_token;
		const seen = new Set([token]);
		for (let i = 0; i < 4; i++) {
			const body = must(await refresh(token), 200);
			assert.deepEqual([body.user, body.session], [person.user, person.session]);
			must(await api(stack, body.access_token).get('unread'), 200);
			token = body.refresh_token;
			seen.add(token);
		}
		assert.equal(seen.size, 5);
		// an access token that has not expired is as good as the new one
		assert.ok(await alive(person));
		const [session] = must(await person.api.get('sessions'), 200).data;
		const [device] = must(await person.api.get('devices'), 200).data;
		assert.ok(session.last_used_at > session.created_at && device.last_used_at > device.created_at);
		assert.deepEqual(await endedOf(person), []);
	});

	for (const back of [1, 3])
		it(`with a token of ${back} before ends the session`, async () => {
			const person = await register(stack, 'Reuse');
			const other = await signIn(person);
			const tokens = [person.refresh_token];
			for (let i = 0; i < 3; i++) tokens.push(must(await refresh(tokens.at(-1)), 200).refresh_token);
			const answer = await refresh(tokens.at(-1 - back));
			assert.deepEqual([answer.status, answer.body.code], [401, 'unauthorized']);
			assert.deepEqual([await alive(person), await alive(other)], [false, true]);
			assert.equal((await refresh(tokens.at(-1))).status, 401, 'the valid one has gone with it');
			assert.equal((await refresh(tokens[0])).status, 401);
			assert.deepEqual(await endedOf(person), [[person.session.id]], 'told once');
		});

	it('twice at once with one token gives one pair, and ends the session', async () => {
		for (let round = 0; round < 5; round++) {
			const person = await register(stack, 'Twice');
			const answers = await Promise.all([1, 2, 3].map(() => refresh(person.refresh_token)));
			assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401, 401]);
			const { access_token, refresh_token } = answers.find(({ status }) => status === 200).body;
			assert.equal((await api(stack, access_token).get('unread')).status, 401);
			assert.equal((await refresh(refresh_token)).status, 401);
			assert.deepEqual(await endedOf(person), [[person.session.id]]);
		}
	});

	it('is refused alike for whatever is no valid token, which ends nothing', async () => {
		const person = await register(stack, 'None');
		const foreign = (await register(stack, 'Foreign')).refresh_token;
		const tries = [
			'',
			'x',
			'A'.repeat(43),
			`${person.refresh_token}=`,
			person.refresh_token.toLowerCase() === person.refresh_token ? 'x' : person.refresh_token.toLowerCase(),
			// the half that is new in each, behind the other half of nobody's
			foreign.slice(0, 20).split('').reverse().join('') + person.refresh_token.slice(20),
			person.token,
		];
		for (const token of tries) {
			const answer = await refresh(token);
			assert.deepEqual([answer.status, answer.body.code], [401, 'unauthorized'], token);
		}
		assert.ok(await alive(person));
		must(await refresh(person.refresh_token), 200);
	});

	it('is refused when the token has run out', async () => {
		const person = await register(stack, 'Late');
		await stack.sql(`update sessions set refresh_expires_at = now() where id = '${person.session.id}'`);
		assert.equal((await refresh(person.refresh_token)).status, 401);
	});

	it('tells what is missing', async () => {
		for (const [sent, fault] of [
			[{}, 'refresh_token required'],
			[{ refresh_token: null }, 'refresh_token required'],
			[{ refresh_token: 7 }, 'refresh_token bad_type'],
		]) {
			const answer = await guest.post('auth/refresh', sent);
			assert.equal(answer.status, 422);
			assert.deepEqual(faultsOf(answer), [fault]);
		}
	});
});

describe('changing the password', () => {
	const NEW = 'another long password';

	it('ends every other session, and the old password', async () => {
		const person = await register(stack, 'Password');
		const [one, two] = [await signIn(person), await signIn(person)];
		must(await one.api.post('auth/password', { current: PASSWORD, new: NEW }), 204);
		assert.deepEqual([await alive(person), await alive(one), await alive(two)], [false, true, false]);
		assert.equal((await refresh(person.refresh_token)).status, 401);
		must(await refresh(one.refresh_token), 200);
		const login = (password) => guest.post('auth/login', { handle: person.handle, password });
		assert.equal((await login(PASSWORD)).status, 401);
		must(await login(NEW), 200);
		assert.deepEqual(await endedOf(person), [[person.session.id, two.session.id].sort()]);
	});

	it('is forbidden to whoever does not know it, and then changes nothing', async () => {
		const person = await register(stack, 'Wrong');
		const other = await signIn(person);
		for (const current of [`${PASSWORD}x`, 'x', NEW]) {
			const answer = await person.api.post('auth/password', { current, new: NEW });
			assert.deepEqual([answer.status, answer.body.code], [403, 'forbidden']);
		}
		assert.ok(await alive(other));
		must(await guest.post('auth/login', { handle: person.handle, password: PASSWORD }), 200);
	});

	it('tells every bad field in one answer', async () => {
		const person = await register(stack, 'Fields');
		const answer = await person.api.post('auth/password', { new: 'short' });
		assert.equal(answer.status, 422);
		assert.deepEqual(faultsOf(answer), ['current required', 'new too_short']);
	});

	it('twice at once from one password succeeds once', async () => {
		const person = await register(stack, 'Both');
		const other = await signIn(person);
		const answers = await Promise.all(
			[person, other].map((session) => session.api.post('auth/password', { current: PASSWORD, new: NEW + session.token.at(-1) })),
		);
		const good = answers.filter(({ status }) => status === 204).length;
		assert.equal(good, 1, answers.map(({ status }) => status).join());
		assert.ok(answers.every(({ status }) => [204, 401, 403].includes(status)));
	});
});

describe('a change of the password under way', () => {
	it('by a session that is ended meanwhile comes to nothing', async () => {
		const NEW = 'another long password';
		const person = await register(stack, 'Overtaken');
		const change = () => person.api.post('auth/password', { current: PASSWORD, new: NEW });
		const end = `select session_end('${person.id}', '${person.session.id}', null, null, '${randomUUID()}');`;
		assert.equal((await overtaken(person, end, change)).status, 401);
		const login = (password) => guest.post('auth/login', { handle: person.handle, password });
		assert.equal((await login(NEW)).status, 401);
		must(await login(PASSWORD), 200);
	});
});

describe('a sign-in under way', () => {
	const login = (person) => () => guest.post('auth/login', { handle: person.handle, password: PASSWORD });

	it('with a password that is changed meanwhile comes to nothing', async () => {
		const person = await register(stack, 'Overtaken');
		const answer = await overtaken(
			person,
			`select user_password_change('${person.id}', null, 'x', null, '${randomUUID()}');`,
			login(person),
		);
		assert.equal(answer.status, 401);
		assert.equal(await stack.sql(`select count(*) from sessions where user_id = '${person.id}' and revoked_at is null`), '0');
	});

	it('to an account that is erased meanwhile comes to nothing', async () => {
		const person = await register(stack, 'Overtaken');
		const erase = `select user_erase('${person.id}', 200, false, '${randomUUID()}');`;
		assert.equal((await overtaken(person, erase, login(person))).status, 401);
		assert.equal(await stack.sql(`select count(*) from sessions where user_id = '${person.id}' and revoked_at is null`), '0');
	});

	it('by refreshing comes to nothing either', async () => {
		for (const change of ['user_erase', 'session_end']) {
			const person = await register(stack, 'Overtaken');
			const more = change === 'session_end' ? 'null, null, null,' : '200, false,';
			const answer = await overtaken(
				person,
				`select ${change}('${person.id}', ${more} '${randomUUID()}');`,
				() => refresh(person.refresh_token),
			);
			assert.equal(answer.status, 401, change);
		}
	});

	it('that is not overtaken waits and succeeds', async () => {
		const person = await register(stack, 'Patient');
		assert.equal((await overtaken(person, "update users set bio = 'x' where false;", login(person))).status, 200);
	});

	it('races with erasing, and never leaves a session behind', async () => {
		for (let round = 0; round < 5; round++) {
			const person = await register(stack, 'Race');
			const answers = await Promise.all([
				...Array.from({ length: 4 }, () => login(person)()),
				refresh(person.refresh_token),
				person.api.delete('users/me'),
			]);
			must(answers.pop(), 204);
			for (const { status, body } of answers) {
				assert.ok([200, 401].includes(status), `${status}`);
				if (status === 200) assert.equal((await api(stack, body.access_token).get('unread')).status, 401);
			}
		}
	});
});

describe('what has ended lately', () => {
	it('is found by the time of its end, page by page', async () => {
		const person = await register(stack, 'Lately');
		for (let i = 0; i < 3; i++) await signIn(person);
		const ids = idsOf(await person.api.get('sessions')).sort();
		must(await person.api.delete('users/me'), 204);
				const page = async (after_, rows) => {
			const text = statement('session_revoked').replaceAll(/\$(\d)/g, (all, n) => [60, after_, rows][n - 1]);
			return (await stack.sql(text)).split('\n').filter(Boolean).map((row) => row.split('|')[0]);
		};
		const all = await page('null', 10_000);
		assert.deepEqual(all, [...all].sort());
		assert.deepEqual(all.filter((id) => ids.includes(id)), ids);
		assert.deepEqual(await page(`'${ids[1]}'`, 1), [all[all.indexOf(ids[1]) + 1]]);
	});
});

describe('who is barred', () => {
	it('is found latest first, page by page: who is disabled, and who is erased', async () => {
		const [shut, erased, opened] = [await register(stack, 'Shut'), await register(stack, 'Erased'), await register(stack, 'Opened')];
		for (const { id } of [shut, opened]) await stack.sql(`select user_disable('${id}', gen_random_uuid())`);
		must(await erased.api.delete('users/me'), 204);
		await stack.sql(`select user_enable('${opened.id}', gen_random_uuid())`);
		const page = async (at, id, rows) => {
			const text = statement('user_barred').replaceAll(/\$(\d)/g, (all, n) => [at, id, rows][n - 1]);
			return (await stack.sql(text)).split('\n').filter(Boolean).map((row) => row.split('|'));
		};
		const all = await page('null', 'null', 10_000);
		const mine = all.filter(([id]) => [shut.id, erased.id, opened.id].includes(id)).map(([id]) => id);
		assert.deepEqual(mine, [erased.id, shut.id]);
		const one = async (behind) => (await page(`'${behind[1]}'`, `'${behind[0]}'`, 1))[0];
		const first = all.findIndex(([id]) => id === erased.id);
		for (let i = first; i + 1 < all.length && i < first + 3; i++) assert.deepEqual(await one(all[i]), all[i + 1]);
		assert.deepEqual((await page('null', 'null', 1))[0], all[0]);
	});
});
