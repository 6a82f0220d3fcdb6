// Typing: told to the others, for as long as it lasts, and nowhere kept.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { sharedStack } from '../lib/stack.mjs';

const DEBOUNCE_MS = 2000;
const LASTS_MS = 3000;

let stack, alice, bob, carol, phone, laptop, bobs, carols;
const devices = [];
before(async () => {
	stack = await sharedStack();
	[alice, bob, carol] = await Promise.all(['Alice', 'Bob', 'Carol'].map((name) => register(stack, name)));
	phone = await connect(alice);
	laptop = await connect(alice, { version: 4 });
	bobs = await connect(bob);
	carols = await connect(carol, { ws: true, version: 4 });
	devices.push(phone, laptop, bobs, carols);
});
after(async () => {
	for (const device of devices) await device.end(true);
	await stack?.stop();
});

const say = (device, conversation, typing = true, more = {}) =>
	device.publish(
		`users/${device.client.options.username}/commands/typing`,
		{ conversation_id: conversation.id, typing, ...more },
		{ qos: 0 },
	);
const take = (device, type, conversation, deadline) => device.event(`typing.${type}`, conversation, deadline);
const kept = (device, conversation) =>
	device.kept.filter(({ event }) => event?.type.startsWith('typing.') && event.conversation_id === conversation.id);

/** What was published to a device before has come. */
async function fence(device, person, conversation) {
	const { id } = await send(person, conversation, 'a fence');
	await device.next(({ event }) => event?.data?.id === id);
}

describe('a start', () => {
	it('is told to the others, in a form of its own, and not to oneself', async () => {
		const group = await groupOf(alice, [bob, carol]);
		await say(phone, group);
		for (const device of [bobs, carols]) {
			const message = await device.next(({ event }) => event?.type === 'typing.started');
			assert.match(message.topic, /\/typing$/);
			assert.equal(message.packet.qos, 0);
			assert.deepEqual(message.event.data, { conversation_id: group.id, user_id: alice.id });
			assert.ok(!('rev' in message.event));
		}
		await fence(phone, bob, group);
		assert.deepEqual([...kept(phone, group), ...kept(laptop, group)], []);
	});

	it('reaches MQTT 5 clients with an expiry of 3 s', async () => {
		const direct = await directOf(alice, bob);
		await say(phone, direct);
		const { packet } = await bobs.next(({ event }) => event?.type === 'typing.started' && event.conversation_id === direct.id);
		assert.ok(packet.properties.messageExpiryInterval > 0 && packet.properties.messageExpiryInterval <= 3);
	});

	it('is told once in 2 s, whichever device it comes from, and in each conversation', async () => {
		const [one, other] = [await groupOf(alice, [bob]), await groupOf(alice, [bob])];
		for (let i = 0; i < 5; i++) await say(i % 2 ? phone : laptop, one);
		await say(phone, other);
		await take(bobs, 'started', one);
		await take(bobs, 'started', other);
		await fence(bobs, bob, one);
		assert.deepEqual(kept(bobs, one), []);
	});

	it('that goes on lasts on, and is told again after 2 s', async () => {
		const group = await groupOf(alice, [bob]);
		const begin = performance.now();
		await say(phone, group);
		await take(bobs, 'started', group);
		const again = setInterval(() => say(phone, group), 400);
		await take(bobs, 'started', group, DEBOUNCE_MS + 1500);
		assert.ok(performance.now() - begin >= DEBOUNCE_MS - 50);
		await take(bobs, 'started', group, DEBOUNCE_MS + 1500);
		clearInterval(again);
		assert.deepEqual(kept(bobs, group), [], 'it did not stop in between');
		const last = performance.now();
		await take(bobs, 'stopped', group, LASTS_MS + 1500);
		assert.ok(performance.now() - last >= LASTS_MS - 500);
	});
});

describe('it stops', () => {
	it('by itself, 3 s after the start', async () => {
		const group = await groupOf(alice, [bob]);
		await say(phone, group);
		await take(bobs, 'started', group);
		const begin = performance.now();
		const { data } = await take(bobs, 'stopped', group, LASTS_MS + 1500);
		assert.deepEqual(data, { conversation_id: group.id, user_id: alice.id });
		const took = performance.now() - begin;
		assert.ok(took >= LASTS_MS - 100 && took < LASTS_MS + 1000, `${took} ms`);
	});

	it('when the client says so, once', async () => {
		const group = await groupOf(alice, [bob]);
		await say(phone, group, false);
		await say(phone, group);
		await take(bobs, 'started', group);
		await say(phone, group, false);
		await say(phone, group, false);
		await take(bobs, 'stopped', group, 1000);
		await fence(bobs, bob, group);
		assert.deepEqual(kept(bobs, group), []);
	});

	for (const [how, write] of [
		['over REST', (group) => send(alice, group, 'done')],
		['by a command', (group) =>
			phone.publish(`users/${alice.id}/commands/send`, { id: randomUUID(), conversation_id: group.id, body: 'done' })],
	])
		it(`with the message, sent ${how}, and is then not stopped again`, async () => {
			const group = await groupOf(alice, [bob]);
			await say(phone, group);
			await take(bobs, 'started', group);
			await write(group);
			await take(bobs, 'stopped', group, 1000);
			await bobs.event('message.created', group);
			// another's typing in the same place outlives the time at which it would have stopped by itself
			await say(carols, group);
			await say(bobs, group);
			await take(phone, 'started', group);
			await take(phone, 'stopped', group, LASTS_MS + 1500);
			assert.deepEqual(kept(bobs, group), []);
		});

	it('another\'s message does not end it', async () => {
		const group = await groupOf(alice, [bob]);
		await say(phone, group);
		await take(bobs, 'started', group);
		await fence(bobs, bob, group);
		assert.deepEqual(kept(bobs, group), []);
		await take(bobs, 'stopped', group, LASTS_MS + 1500);
	});
});

describe('when members come and go', () => {
	it('who joins is told of the next start, and who was removed of nothing, not even the end', async () => {
		const group = await groupOf(alice, [bob]);
		await say(phone, group);
		await take(bobs, 'started', group);
		must(await alice.api.put(`conversations/${group.id}/members/${carol.id}`, {}), 204);
		await carols.event('member.added', group);
		must(await alice.api.delete(`conversations/${group.id}/members/${bob.id}`), 204);
		await bobs.event('member.removed', group);
		const again = setInterval(() => say(phone, group), 500);
		await take(carols, 'started', group, DEBOUNCE_MS + 1500);
		clearInterval(again);
		await take(carols, 'stopped', group, LASTS_MS + 1500);
		await fence(bobs, bob, await groupOf(bob, [alice]));
		assert.deepEqual(kept(bobs, group), []);
	});

	it('the typing of who is removed stops at once', async () => {
		const group = await groupOf(alice, [bob, carol]);
		await say(bobs, group);
		await take(phone, 'started', group);
		must(await alice.api.delete(`conversations/${group.id}/members/${bob.id}`), 204);
		const { data } = await take(carols, 'stopped', group, 1000);
		assert.equal(data.user_id, bob.id);
	});
});

describe('what is bad is answered', () => {
	const bad = [
		['in a conversation that one is not in', () => ({ conversation_id: randomUUID(), typing: true }), 404, 'not_found'],
		['without a conversation', () => ({ typing: true }), 422, 'invalid_input'],
		['without a truth', (group) => ({ conversation_id: group.id }), 422, 'invalid_input'],
		['with a word for a truth', (group) => ({ conversation_id: group.id, typing: 'yes' }), 422, 'invalid_input'],
	];
	for (const [what, content, status, code] of bad)
		it(what, async () => {
			const id = randomUUID();
			const group = await groupOf(alice, [bob]);
			await say(phone, {}, null, { id, ...content(group) });
			const { event } = await phone.next(({ topic, event }) => topic.endsWith('/replies') && event.id === id);
			assert.deepEqual([event.command, event.status, event.code], ['typing', status, code]);
		});

	it('and tells nobody', async () => {
		const foreign = await groupOf(bob, [carol]);
		await say(phone, foreign);
		await phone.next(({ topic, event }) => topic.endsWith('/replies') && event.code === 'not_found');
		await fence(bobs, bob, foreign);
		assert.deepEqual([...kept(bobs, foreign), ...kept(carols, foreign)], []);
	});
});

it('is counted, and is nothing that the log of the database would have brought', async () => {
	const group = await groupOf(alice, [bob]);
	const counts = async () => {
		const metrics = await metricsOf(stack);
		const ofType = (type) => metrics.value('parley_push_events_total', { type });
		return [ofType('typing.started'), ofType('typing.stopped'), metrics.value('parley_push_publishes_total')];
	};
	await fence(bobs, bob, group);
	const [started, stopped, publishes] = await counts();
	await say(phone, group);
	await take(bobs, 'started', group);
	await say(phone, group, false);
	await take(bobs, 'stopped', group);
	assert.deepEqual(await counts(), [started + 1, stopped + 1, publishes]);
});
