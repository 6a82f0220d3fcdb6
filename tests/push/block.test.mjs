// What a block does over MQTT: commands, typing, and the presence of who has blocked somebody.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack, ann, ben, carol, room, group, anns, bens, carols;
const devices = [];
before(async () => {
	stack = await sharedStack();
	[ann, ben, carol] = await Promise.all(['Ann', 'Ben', 'Carol'].map((name) => register(stack, name)));
	room = await directOf(ann, ben);
	group = await groupOf(carol, [ann, ben]);
	[anns, bens, carols] = [
		await connect(ann),
		await connect(ben, { version: 4 }),
		await connect(carol, { ws: true }),
	];
	devices.push(anns, bens, carols);
});
after(async () => {
	for (const device of devices) await device.end(true);
	await stack?.stop();
});

const block = async (one, other) => must(await one.api.put(`blocks/${other.id}`), 204);
const unblock = async (one, other) => must(await one.api.delete(`blocks/${other.id}`), 204);

/** What was committed and published before has come to the device. */
async function fence(device) {
	const { id } = await send(carol, group, 'a fence');
	await device.next(({ event }) => event?.data?.id === id);
}

/** The answer to a message by command. */
async function command(device, message) {
	const topic = `users/${device.client.options.username}/commands/send`;
	await device.publish(topic, { conversation_id: room.id, ...message });
	return (await device.next(({ topic: from, event }) => from.endsWith('/replies') && event.id === message.id)).event;
}

describe('a command', () => {
	it('sends nothing between the two, either way, and repeats what was acknowledged', async () => {
		const once = { id: randomUUID(), body: 'once' };
		const { seq } = await command(bens, once);
		await block(ann, ben);
		for (const device of [anns, bens]) {
			const message = { id: randomUUID(), body: 'refused' };
			const answer = await command(device, message);
			assert.deepEqual([answer.status, answer.code], [403, 'blocked']);
			const again = await command(bens, once);
			assert.deepEqual([again.status, again.seq], [200, seq]);
		}
		const { data } = must(await ann.api.get(`conversations/${room.id}/messages`), 200);
		assert.ok(!data.some(({ body }) => body === 'refused'));
		await unblock(ann, ben);
		for (const device of [anns, bens]) assert.equal((await command(device, { id: randomUUID(), body: 'again' })).status, 201);
	});
});

describe('typing', () => {
	const types = (device, conversation) =>
		device.publish(
			`users/${device.client.options.username}/commands/typing`,
			{ conversation_id: conversation.id, typing: true },
			{ qos: 0 },
		);

	it('is told to neither, and in groups as ever', async () => {
		const { seq } = await send(ann, room, 'to be received');
		await block(ann, ben);
		await types(bens, room);
		// runs behind it, as all commands of a conversation do
		await bens.publish(`users/${ben.id}/commands/receipt`, { conversation_id: room.id, delivered: seq });
		await anns.next(({ event }) => event?.type === 'receipt.delivered' && event.data.seq === seq);
		assert.ok(!anns.kept.some(({ event }) => event?.type === 'typing.started' && event.conversation_id === room.id));
		await types(bens, group);
		await anns.event('typing.started', group);
		await unblock(ann, ben);
	});
});

describe('presence', () => {
	const online = (device, person) => device.next(({ topic, event }) => topic === `presence/${person.id}` && event.status === 'online');

	it('is not for whom one has blocked, not even by a watch that exists, until it is again', async () => {
		const dan = await register(stack, 'Dan');
		const topic = `presence/${dan.id}`;
		for (const device of [bens, carols]) assert.deepEqual(await device.subscribe([topic]), [1]);
		await block(dan, ben);
		await fence(bens);
		const dans = await connect(dan);
		devices.push(dans);
		await online(carols, dan);
		await fence(bens);
		assert.ok(!bens.kept.some((message) => message.topic === topic));

		const other = await connect(ben, { version: 5, subscribe: [`users/${ben.id}/#`] });
		devices.push(other);
		assert.deepEqual(await other.subscribe([topic]), [0x87]);
		assert.deepEqual(await bens.subscribe([topic]), [128]);
		// the other way round, and of anybody else
		assert.deepEqual(await dans.subscribe([`presence/${ben.id}`]), [1]);
		await online(dans, ben);
		assert.deepEqual(await other.subscribe([`presence/${carol.id}`]), [1]);

		await unblock(dan, ben);
		await fence(other);
		assert.deepEqual(await other.subscribe([topic]), [1]);
		await online(other, dan);
	});

	it('is for nobody less when an account is erased that had blocked somebody, or was', async () => {
		const [eve, fay] = [await register(stack, 'Eve'), await register(stack, 'Fay')];
		await block(fay, ben);
		await block(fay, eve);
		await block(eve, ben);
		must(await fay.api.delete('users/me'), 204);
		await fence(bens);
		assert.deepEqual(await bens.subscribe([`presence/${fay.id}`]), [1]);
		assert.deepEqual(await bens.subscribe([`presence/${eve.id}`]), [128]);
	});
});
