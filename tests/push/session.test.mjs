// A session ends on both planes at once: REST refuses from the 204 on, MQTT closes within a second, and the token that
// has not expired yet does not come back.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { api, connect, groupOf, must, PASSWORD, register, send } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';

const CLOSED_WITHIN_MS = 1000;

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const KINDS = [{ version: 5 }, { version: 4 }, { ws: true, version: 5 }, { ws: true, version: 4 }];

/** The same person signed in once more, on another device. */
async function signIn(person) {
	const body = must(await api(stack).post('auth/login', { handle: person.handle, password: PASSWORD }), 200);
	return { ...person, token: body.access_token, session: body.session, api: api(stack, body.access_token) };
}

const WAYS = [
	{ how: 'logging out', end: ({ phone }) => phone.api.post('auth/logout') },
	{ how: 'revoked by another session', end: ({ phone, laptop }) => laptop.api.delete(`sessions/${phone.session.id}`) },
	{ how: 'its device removed', end: ({ phone, laptop }) => laptop.api.delete(`devices/${phone.session.device.id}`) },
	{
		how: 'the password changed',
		end: ({ laptop }) => laptop.api.post('auth/password', { current: PASSWORD, new: 'another long password' }),
	},
	{ how: 'the account erased', end: ({ laptop }) => laptop.api.delete('users/me'), all: true },
];
for (const { how, end, all = false } of WAYS) {
	it(`${how}: refused by REST from the 204 on, closed by the broker, and not let in again`, async () => {
		const phone = await register(stack, 'Alice');
		const laptop = await signIn(phone);
		const devices = await Promise.all(KINDS.map((kind) => connect(phone, kind)));
		const other = await connect(laptop);
		must(await end({ phone, laptop }), 204);
		const begin = performance.now();
		must(await phone.api.get('users/me'), 401);
		for (const device of devices) await device.closed(CLOSED_WITHIN_MS);
		const took = performance.now() - begin;
		assert.ok(took < CLOSED_WITHIN_MS, `${took} ms`);
		for (const [i, kind] of KINDS.entries()) {
			if (kind.version === 5) assert.deepEqual(devices[i].disconnects, [0x98]);
			await assert.rejects(connect(phone, kind));
		}
		if (all) {
			await other.closed(CLOSED_WITHIN_MS);
			must(await laptop.api.get('users/me'), 401);
			await assert.rejects(connect(laptop));
		} else {
			must(await laptop.api.get('users/me'), 200);
			const room = await groupOf(laptop, []);
			await other.event('conversation.created', room);
			await other.end(true);
		}
	});
}

it('a refresh token used twice ends the session on MQTT, too', async () => {
	const alice = await register(stack, 'Alice');
	const device = await connect(alice);
	const refresh = () => api(stack).post('auth/refresh', { refresh_token: alice.refresh_token });
	must(await refresh(), 200);
	assert.equal(device.client.connected, true, 'refreshing closes nothing');
	must(await refresh(), 401);
	await device.closed(CLOSED_WITHIN_MS);
});

describe('who comes back with a fresh token', () => {
	it('gets what is sent from then on, and finds in the history what it missed', async () => {
		const [alice, bob] = [await register(stack, 'Alice'), await register(stack, 'Bob')];
		const group = await groupOf(bob, [alice]);
		const before_ = await connect(alice);
		await send(bob, group, 'one');
		await before_.event('message.created', group);
		must(await alice.api.post('auth/logout'), 204);
		await before_.closed(CLOSED_WITHIN_MS);
		await send(bob, group, 'two');
		const again = await signIn(alice);
		const after_ = await connect(again);
		const three = await send(bob, group, 'three');
		const { data } = await after_.event('message.created', group);
		assert.equal(data.id, three.id);
		const { data: page } = must(await again.api.get(`conversations/${group.id}/messages?after=1`), 200);
		assert.deepEqual(page.map(({ body }) => body), ['two', 'three']);
		await after_.end(true);
	});
});

describe('an account that is disabled', () => {
	it('ends on both planes within a second, and comes in again when it is enabled', async () => {
		const alice = await register(stack, 'Alice');
		const devices = await Promise.all(KINDS.map((kind) => connect(alice, kind)));
		await stack.sql(`select user_disable('${alice.id}', gen_random_uuid())`);
		const begin = performance.now();
		must(await alice.api.get('users/me'), 401);
		for (const device of devices) await device.closed(CLOSED_WITHIN_MS);
		assert.ok(performance.now() - begin < CLOSED_WITHIN_MS);
		await assert.rejects(connect(alice));
		must(await api(stack).post('auth/login', { handle: alice.handle, password: PASSWORD }), 401);
		await stack.sql(`select user_enable('${alice.id}', gen_random_uuid())`);
		const again = await signIn(alice);
		const device = await connect(again);
		const room = await groupOf(again, []);
		await device.event('conversation.created', room);
		await device.end(true);
	});
});
