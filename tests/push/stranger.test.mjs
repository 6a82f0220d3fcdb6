// Who is not in a conversation hears nothing of it, whatever it subscribes to, through the whole stack.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack, alice, bob, eve;
before(async () => {
	stack = await sharedStack();
	[alice, bob, eve] = [await register(stack, 'Alice'), await register(stack, 'Bob'), await register(stack, 'Eve')];
});
after(() => stack?.stop());

it('a stranger gets no event of others', async () => {
	const device = await connect(eve);
	const bobs = await connect(bob);
	const own = await directOf(eve, alice);
	await device.event('conversation.created', own);

	const conversation = await directOf(alice, bob);
	const group = await groupOf(alice, [bob]);
	for (const room of [conversation, group]) {
		const { seq } = await send(alice, room, 'not for Eve');
		must(await bob.api.post(`conversations/${room.id}/delivered`, { seq }), 200);
		must(await bob.api.post(`conversations/${room.id}/read`, { seq }), 200);
		await bobs.event('receipt.read', room);
	}
	// she hears of her own conversation all the same, and that comes behind all of those
	const fence = await send(alice, own, 'for Eve');
	await device.next(({ event }) => event?.data?.id === fence.id);
	assert.deepEqual(
		device.kept.filter(({ event }) => event?.conversation_id !== own.id).map(({ topic, event }) => [topic, event]),
		[],
	);
	for (const one of [device, bobs]) await one.end(true);
});

describe('a subscription that is refused', () => {
	const filters = [
		['all topics', () => '#'],
		['everybody', () => 'users/#'],
		['everybody, by level', () => 'users/+/messages'],
		['another one', () => `users/${alice.id}/#`],
		["another one's messages", () => `users/${alice.id}/messages`],
		['a share of oneself', () => `$share/group/users/${eve.id}/#`],
		['the broker', () => '$SYS/#'],
		['the control topic', () => '$CONTROL/#'],
		['everybody\'s presence', () => 'presence/+'],
		['all presences', () => 'presence/#'],
	];
	for (const version of [4, 5]) {
		for (const [what, filter] of filters) {
			it(`${what}, MQTT ${version === 4 ? '3.1.1' : '5'}`, async () => {
				const device = await connect(eve, { version });
				assert.deepEqual(await device.subscribe([filter()]), [version === 4 ? 0x80 : 0x87]);
				await device.end(true);
			});
		}
	}

	it('gives nothing later either', async () => {
		const device = await connect(eve);
		for (const [, filter] of filters) await device.subscribe([filter()]);
		const bobs = await connect(bob);
		const conversation = await directOf(alice, bob);
		const secret = await send(alice, conversation, 'still not for Eve');
		await bobs.next(({ event }) => event?.data?.id === secret.id);
		const own = await directOf(eve, alice);
		const fence = await send(alice, own, 'for Eve');
		await device.next(({ event }) => event?.data?.id === fence.id);
		assert.ok(device.kept.every(({ topic }) => topic.startsWith(`users/${eve.id}/`)));
		assert.ok(device.kept.every(({ payload }) => !payload.includes(secret.id)));
		for (const one of [device, bobs]) await one.end(true);
	});
});

it('nobody can publish an event: not for another, not for oneself', async () => {
	const bobs = await connect(bob);
	const device = await connect(eve);
	const forged = JSON.stringify({ type: 'message.created', event_id: randomUUID() });
	const topics = [`users/${bob.id}/messages`, `users/${eve.id}/messages`, `presence/${bob.id}`, '$CONTROL/parley/v1'];
	for (const topic of topics)
		await assert.rejects(device.publish(topic, forged), /Not authorized|135/i, topic);
	const conversation = await directOf(alice, bob);
	const fence = await send(alice, conversation, 'a true one');
	await bobs.next(({ event }) => event?.data?.id === fence.id);
	assert.ok(bobs.kept.every(({ payload }) => payload.toString() !== forged));
	assert.ok(device.kept.every(({ payload }) => payload.toString() !== forged));
	for (const one of [device, bobs]) await one.end(true);
});

describe('a login that is refused', () => {
	const logins = [
		["another's client id", () => ({ clientId: `${alice.id}/phone` })],
		["another's name", () => ({ username: alice.id })],
		['a name and client id of another with the own token', () => ({ username: alice.id, clientId: `${alice.id}/phone` })],
		['a client id without a device', () => ({ clientId: eve.id })],
		['no token', () => ({ password: undefined })],
		['a token that is none', () => ({ password: 'secret' })],
		['a token with a changed signature', () => ({ password: eve.token.replace(/.{8}$/, 'AAAAAAAA') })],
		["the daemon's name", () => ({ username: 'parley-push', clientId: 'parley-push/x' })],
	];
	for (const ws of [false, true]) {
		for (const [what, changes] of logins) {
			it(`${what}, ${ws ? 'WebSocket' : 'TCP'}`, async () => {
				await assert.rejects(connect(eve, { ws, client: changes() }), /Not authorized|Bad User Name or Password/i);
			});
		}
	}
});
