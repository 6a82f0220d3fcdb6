// Public keys of devices: set by the device, handed out to others, a one-time pre-key once, and gone with the last session.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { must, PASSWORD, register, signIn } from '../lib/client.mjs';
import { parley } from '../lib/operator.mjs';
import { interleaved, openSession, overtaken } from '../lib/processes.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const key = (bytes = 32) => randomBytes(bytes).toString('base64');
const prekeys = (from, count) => Array.from({ length: count }, (_, i) => ({ key_id: from + i, public_key: key() }));
const keysOf = (count = 0, more = {}) => ({
	identity_key: key(33),
	signed_prekey: { key_id: 1, public_key: key(33), signature: key(64) },
	one_time_prekeys: prekeys(1, count),
	...more,
});
const deviceOf = (person) => person.session.device.id;
const put = (person, keys, device = deviceOf(person)) => person.api.put(`devices/${device}/keys`, keys);
const own = (person, device = deviceOf(person)) => person.api.get(`devices/${device}/keys`);
const ask = (person, other, query = '') => person.api.get(`users/${other.id}/keys${query}`);
/** What one is given of the devices of another. */
const taken = async (person, other, query) => must(await ask(person, other, query), 200).data;
/** The one-time pre-key that one is given of the only device of another. */
const take = async (person, other) => (await taken(person, other))[0].one_time_prekey;
const set = async (person, keys) => must(await put(person, keys), 200).one_time_prekeys;
const conflict = (answer, code) => {
	assert.equal(answer.status, 409, answer.text);
	assert.equal(answer.body.code, code);
};
const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
/** Rows that the database has of a person: devices with an identity, those whose keys are handed out, one-time pre-keys, those that were taken. */
const rows = (person) =>
	stack.sql(`select (select count(*) from device_keys where user_id = '${person.id}'),
		(select count(signed_id) from device_keys where user_id = '${person.id}'),
		(select count(*) from one_time_prekeys where user_id = '${person.id}'),
		(select count(*) from one_time_prekeys where user_id = '${person.id}' and taken)`);

describe('the keys of a device', () => {
	it('are given to others as they were set, with a one-time pre-key each time', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const keys = keysOf(2);
		assert.equal((await own(ann)).status, 404);
		assert.deepEqual(await taken(ben, ann), []);
		assert.equal(await set(ann, keys), 2);
		const { identity_key, signed_prekey, one_time_prekeys } = keys;
		const common = { device_id: deviceOf(ann), identity_key, signed_prekey };
		assert.deepEqual(must(await own(ann), 200), { ...common, one_time_prekeys: 2 });
		for (const one_time_prekey of [...one_time_prekeys, null, null])
			assert.deepEqual(await taken(ben, ann), [{ ...common, one_time_prekey }]);
		assert.equal(must(await own(ann), 200).one_time_prekeys, 0);
	});

	it('are looked at with take=false and HEAD without taking', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		await set(ann, keysOf(1));
		assert.equal((await taken(ben, ann, '?take=false'))[0].one_time_prekey, null);
		const head = await ben.api.head(`users/${ann.id}/keys`);
		assert.equal(must(await own(ann), 200).one_time_prekeys, 1);
		const { text } = await ask(ben, ann, '?take=true');
		assert.equal(head.headers.get('Content-Length'), String(text.length));
		assert.equal(must(await own(ann), 200).one_time_prekeys, 0);
		for (const query of ['?take=1', '?take=', '?take=true&take=true']) {
			const answer = await ask(ben, ann, query);
			assert.equal(answer.status, 422, query);
			assert.equal(answer.body.errors[0].field, 'take');
		}
	});

	it('are of every device, but not of the one that asks', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const laptop = await signIn(ann);
		await signIn(ann); // has no keys
		await set(ann, keysOf(3));
		await set(laptop, keysOf(3));
		const devices = (list) => list.map(({ device_id }) => device_id);
		assert.deepEqual(devices(await taken(ben, ann)), [deviceOf(ann), deviceOf(laptop)].sort());
		assert.deepEqual(devices(await taken(ann, ann)), [deviceOf(laptop)]);
		assert.deepEqual(devices(await taken(laptop, ann)), [deviceOf(ann)]);
		assert.equal(must(await own(ann), 200).one_time_prekeys, 1, 'ben and the laptop have taken one each');
		assert.equal(must(await own(ann, deviceOf(laptop)), 200).one_time_prekeys, 1, 'any device of one’s own may look');
	});

	it('are set by the device itself, and by no other', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const laptop = await signIn(ann);
		const keys = keysOf(1);
		const answer = await put(laptop, keys, deviceOf(ann));
		assert.equal(answer.status, 403);
		assert.equal(answer.body.code, 'forbidden');
		for (const device of [deviceOf(ben), randomUUID()]) {
			assert.equal((await put(ann, keys, device)).status, 404);
			assert.equal((await own(ann, device)).status, 404);
		}
		// an id means something for its user alone
		const same = await signIn(ben, { device: { id: deviceOf(ann) } });
		await set(same, keys);
		assert.equal((await own(ann)).status, 404);
		assert.equal(await rows(ann), '0|0|0|0');
	});

	it('have to be keys by their form', async () => {
		const ann = await register(stack, 'Ann');
		const faults = async (keys) => {
			const answer = await put(ann, keys);
			assert.equal(answer.status, 422, answer.text);
			return answer.body.errors.map(({ field, code }) => `${field} ${code}`);
		};
		assert.deepEqual(await faults({}), ['identity_key required', 'signed_prekey required']);
		for (const bytes of [0, 31, 34]) assert.deepEqual(await faults(keysOf(0, { identity_key: key(bytes) })), ['identity_key bad_format']);
		assert.deepEqual(await faults(keysOf(0, { identity_key: Buffer.alloc(33, 0xff).toString('base64url') })), ['identity_key bad_format']);
		assert.deepEqual(await faults(keysOf(0, { one_time_prekeys: prekeys(1, 101) })), ['one_time_prekeys too_long']);
		assert.deepEqual(await faults(keysOf(0, { one_time_prekeys: [...prekeys(1, 2), ...prekeys(2, 1)] })), [
			'one_time_prekeys[2].key_id duplicate',
		]);
		assert.equal(await rows(ann), '0|0|0|0');
		assert.equal(await set(ann, keysOf(0, { one_time_prekeys: null })), 0);
	});
});

describe('setting keys', () => {
	it('again is harmless, and brings back nothing that was taken', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const keys = keysOf(3);
		assert.equal(await set(ann, keys), 3);
		assert.equal(await set(ann, keys), 3);
		const [first, second, third] = keys.one_time_prekeys;
		assert.deepEqual(await take(ben, ann), first);
		assert.equal(await set(ann, keys), 2);
		assert.deepEqual(await take(ben, ann), second);
		assert.equal(await set(ann, { ...keys, one_time_prekeys: [first, second] }), 1);
		assert.deepEqual(await take(ben, ann), third);
		assert.equal(await set(ann, keys), 0);
		assert.equal(await take(ben, ann), null);
	});

	it('adds one-time pre-keys, in whatever order they are numbered', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const keys = keysOf(0, { one_time_prekeys: prekeys(2 ** 31 - 2, 2) });
		const late = prekeys(0, 2);
		assert.equal(await set(ann, keys), 2);
		assert.equal(await set(ann, { ...keys, one_time_prekeys: late }), 4);
		const got = [];
		for (let i = 0; i < 4; i++) got.push(await take(ben, ann));
		assert.deepEqual(got, [...late, ...keys.one_time_prekeys]);
	});

	it('refuses an id that is of another key, there or taken, and changes nothing', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const keys = keysOf(2);
		await set(ann, keys);
		await take(ben, ann);
		const before_ = must(await own(ann), 200);
		const fresh = prekeys(10, 1);
		const next = { ...keys.signed_prekey, key_id: 2 };
		for (const key_id of [1, 2])
			conflict(
				await put(ann, { ...keys, signed_prekey: next, one_time_prekeys: [...fresh, { key_id, public_key: key() }] }),
				'id_reused',
			);
		conflict(await put(ann, { ...keys, signed_prekey: { ...keys.signed_prekey, public_key: key() } }), 'id_reused');
		assert.deepEqual(must(await own(ann), 200), before_);
	});

	it('takes a new signed pre-key, and another signature of the same', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const keys = keysOf(1);
		await set(ann, keys);
		for (const signed_prekey of [
			{ ...keys.signed_prekey, signature: key(64) },
			{ key_id: 2, public_key: key(), signature: key(64) },
		]) {
			assert.equal(await set(ann, { ...keys, signed_prekey, one_time_prekeys: [] }), 1);
			assert.deepEqual((await taken(ben, ann, '?take=false'))[0].signed_prekey, signed_prekey);
		}
	});

	it('of another identity drops what belonged to the one before', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		await set(ann, keysOf(3));
		await take(ben, ann);
		const keys = keysOf(1);
		assert.equal(await set(ann, keys), 1);
		const [given] = await taken(ben, ann);
		assert.equal(given.identity_key, keys.identity_key);
		assert.deepEqual(given.one_time_prekey, keys.one_time_prekeys[0], 'whose id was of another key before');
		assert.equal(await take(ben, ann), null);
	});

	it('keeps two hundred one-time pre-keys at most', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const keys = keysOf(100);
		assert.equal(await set(ann, keys), 100);
		const more = { ...keys, one_time_prekeys: prekeys(101, 100) };
		assert.equal(await set(ann, more), 200);
		assert.equal(await set(ann, more), 200, 'the same again is no more');
		conflict(await put(ann, { ...keys, one_time_prekeys: prekeys(201, 1) }), 'conflict');
		await take(ben, ann);
		assert.equal(await set(ann, { ...keys, one_time_prekeys: prekeys(201, 1) }), 200);
	});

	it('is for a hundred devices at most', async () => {
		const ann = await register(stack, 'Ann');
		const signed = `1, '${key()}', '${key(64)}'`;
		await stack.sql(`with made as (insert into devices (user_id, id) select '${ann.id}', gen_random_uuid() from generate_series(1, 100) returning id),
			signed_in as (insert into sessions (id, user_id, device_id, refresh_hash, refresh_expires_at)
				select gen_random_uuid(), '${ann.id}', id, sha256(uuid_send(id)), now() + interval '1 hour' from made)
			insert into device_keys select '${ann.id}', id, '${key()}', ${signed} from made`);
		conflict(await put(ann, keysOf()), 'conflict');
		// those that have been away for long make room
		await stack.sql(`update sessions set refresh_expires_at = now() - interval '61 days'
			where user_id = '${ann.id}' and id <> '${ann.session.id}'`);
		await set(ann, keysOf());
		assert.equal(await rows(ann), '101|1|0|0');
		assert.equal((await taken(ann, ann)).length, 0);
	});
});

describe('who may ask for keys', () => {
	it('is not who is blocked, and a block of one’s own does not matter', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		await set(ann, keysOf(1));
		await set(ben, keysOf(1));
		must(await ann.api.put(`blocks/${ben.id}`), 204);
		for (const query of ['', '?take=false']) {
			const answer = await ask(ben, ann, query);
			assert.equal(answer.status, 403);
			assert.equal(answer.body.code, 'blocked');
		}
		assert.ok(await take(ann, ben));
		must(await ann.api.delete(`blocks/${ben.id}`), 204);
		assert.ok(await take(ben, ann), 'nothing was taken meanwhile');
	});

	it('is told nothing of who is not there', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		await set(ben, keysOf(1));
		must(await ben.api.delete('users/me'), 204);
		for (const id of [ben.id, randomUUID()]) assert.equal((await ask(ann, { id })).status, 404);
	});
});

describe('keys end', () => {
	/** Somebody with keys, of which one has been taken; and who asks. */
	async function keyed() {
		const [ann, ben] = await people('Ann', 'Ben');
		const keys = keysOf(3);
		await set(ann, keys);
		assert.deepEqual(await take(ben, ann), keys.one_time_prekeys[0]);
		return { ann, ben, keys };
	}
	const again = (person) => signIn(person, { device: { id: deviceOf(person) } });

	for (const [what, end] of [
		['by logging out', (ann) => ann.api.post('auth/logout')],
		['with their session', (ann) => ann.api.delete(`sessions/${ann.session.id}`)],
		['with their device', (ann) => ann.api.delete(`devices/${deviceOf(ann)}`)],
	])
		it(`${what}, and what was handed out is not handed out again`, async () => {
			const { ann, ben, keys } = await keyed();
			must(await end(ann), 204);
			assert.deepEqual(await taken(ben, ann), []);
			assert.equal(await rows(ann), '1|0|1|1');
			const back = await again(ann);
			assert.equal((await own(back)).status, 404);
			assert.deepEqual(await taken(ben, ann), [], 'signed in again, it has to set them');
			assert.equal(await set(back, keys), 2);
			assert.deepEqual(await take(ben, ann), keys.one_time_prekeys[1]);
		});

	it('with the last session on the device, and not with another', async () => {
		const { ann, ben } = await keyed();
		const [second, laptop] = [await again(ann), await signIn(ann)];
		must(await ann.api.post('auth/logout'), 204);
		must(await laptop.api.post('auth/logout'), 204);
		assert.ok(await take(ben, ann));
		must(await second.api.post('auth/logout'), 204);
		assert.deepEqual(await taken(ben, ann), []);
	});

	it('for all other devices when the password is changed', async () => {
		const { ann, ben } = await keyed();
		const laptop = await signIn(ann);
		await set(laptop, keysOf(1));
		must(await ann.api.post('auth/password', { current: PASSWORD, new: 'another long password' }), 204);
		assert.deepEqual((await taken(ben, ann)).map(({ device_id }) => device_id), [deviceOf(ann)]);
	});

	it('when the account is disabled, and do not come back with it', async () => {
		const { ann, ben } = await keyed();
		await parley(stack, ['user', 'disable', ann.handle]);
		assert.deepEqual(await taken(ben, ann), []);
		await parley(stack, ['user', 'enable', ann.handle]);
		assert.deepEqual(await taken(ben, ann), []);
		assert.equal(await rows(ann), '1|0|1|1');
	});

	it('without a trace when the account is erased', async () => {
		const { ann } = await keyed();
		must(await ann.api.delete('users/me'), 204);
		assert.equal(await rows(ann), '0|0|0|0');
	});

	it('and are not shown while a session rests that has run out', async () => {
		const { ann, ben } = await keyed();
		await stack.sql(`update sessions set refresh_expires_at = now() where id = '${ann.session.id}'`);
		assert.deepEqual(await taken(ben, ann), []);
		const back = await again(ann);
		assert.equal(must(await own(back), 200).one_time_prekeys, 2, 'nobody has ended them');
	});

	it('of a provider’s session thirty days after its last token', async () => {
		const { ann, ben } = await keyed();
		const seen = (days) => stack.sql(`update sessions set refresh_hash = null, refresh_expires_at = now() - interval '${days} days'
			where id = '${ann.session.id}'`);
		await seen(29);
		assert.ok(await take(ben, ann));
		await seen(31);
		assert.deepEqual(await taken(ben, ann), []);
	});

	it('also for a device that was signed out long ago', async () => {
		const { ann, ben } = await keyed();
		await stack.sql(`delete from sessions where id = '${ann.session.id}'`);
		const laptop = await signIn(ann);
		must(await laptop.api.delete(`devices/${deviceOf(ann)}`), 204);
		await again(ann);
		assert.deepEqual(await taken(ben, ann), []);
	});
});

describe('at the same moment', () => {
	it('forty take thirty: each is given once, and then there is none', async () => {
		const ann = await register(stack, 'Ann');
		const askers = await people('Ben', 'Cat', 'Dan', 'Eve');
		const keys = keysOf(30);
		await set(ann, keys);
		const given = await Promise.all(Array.from({ length: 40 }, (_, i) => take(askers[i % 4], ann)));
		const keyed = given.filter(Boolean);
		assert.equal(keyed.length, 30);
		assert.deepEqual(keyed.sort((a, b) => a.key_id - b.key_id), keys.one_time_prekeys);
		assert.equal(await take(askers[0], ann), null);
	});

	it('one who takes does not wait for another, and gets the next', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const keys = keysOf(2);
		await set(ann, keys);
		const session = `begin; update one_time_prekeys set taken = true where user_id = '${ann.id}' and key_id = 1;`;
		const other = await openSession(stack);
		try {
			await other.run(session);
			assert.deepEqual(await take(ben, ann), keys.one_time_prekeys[1]);
			assert.equal(await take(ben, ann), null);
			await other.run('rollback;');
			assert.deepEqual(await take(ben, ann), keys.one_time_prekeys[0]);
		} finally {
			await other.end();
		}
	});

	it('several devices’ keys are set, again and again, while others take: nothing is given twice', async () => {
		const ann = await register(stack, 'Ann');
		const laptop = await signIn(ann);
		const askers = await people('Ben', 'Cat');
		const sets = [ann, laptop].map((device) => ({ device, keys: keysOf(20) }));
		for (const { device, keys } of sets) await set(device, keys);
		const given = [];
		await Promise.all([
			...sets.flatMap(({ device, keys }) => Array.from({ length: 10 }, () => set(device, keys))),
			...Array.from({ length: 30 }, async (_, i) => {
				for (const { device_id, one_time_prekey } of await taken(askers[i % 2], ann))
					if (one_time_prekey) given.push(`${device_id} ${one_time_prekey.public_key}`);
			}),
		]);
		for (const { device, keys } of sets) assert.equal(await set(device, keys), 0);
		assert.equal(given.length, 40);
		assert.equal(new Set(given).size, 40);
	});

	it('an identity is changed: what is given is of one identity, never of two', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const belongs = new Map();
		const change = async () => {
			const keys = keysOf(5);
			for (const { public_key } of keys.one_time_prekeys) belongs.set(public_key, keys.identity_key);
			await set(ann, keys);
		};
		await change();
		let changing = true;
		const look = async () => {
			while (changing) {
				const [{ identity_key, one_time_prekey }] = await taken(ben, ann);
				if (one_time_prekey) assert.equal(belongs.get(one_time_prekey.public_key), identity_key);
			}
		};
		const looking = [look(), look(), look()];
		try {
			for (let i = 0; i < 25; i++) await change();
		} finally {
			changing = false;
			await Promise.all(looking);
		}
	});

	it('the session ends: keys do not come after it', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const end = `select session_end('${ann.id}', '${ann.session.id}', null, null, '${randomUUID()}');`;
		const answer = await overtaken(ann, end, () => put(ann, keysOf(1)));
		assert.equal(answer.status, 401);
		assert.equal(await rows(ann), '0|0|0|0');
		assert.deepEqual(await taken(ben, ann), []);
	});

	it('the account is erased: it waits for nobody, and nothing stays', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		await set(ann, keysOf(10));
		await Promise.all([
			ann.api.delete('users/me').then((answer) => must(answer, 204)),
			...Array.from({ length: 8 }, () => ask(ben, ann).then(({ status }) => assert.ok([200, 404].includes(status), String(status)))),
		]);
		assert.equal(await rows(ann), '0|0|0|0');
	});

	it('two set the same: both are answered, and each key is there once', async () => {
		const ann = await register(stack, 'Ann');
		const keys = keysOf(50);
		const answer = await interleaved(
			stack,
			`select 1 from users where id = '${ann.id}' for update;`,
			() => Promise.all([put(ann, keys), put(ann, keys)]),
		);
		for (const one of answer) assert.equal(must(one, 200).one_time_prekeys, 50);
	});
});
