// A reaction is told to everybody, to each with what is its own.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { connect, groupOf, must, register, send } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

/** Registers many at once, a few at a time: each is a password to hash. */
async function people(count) {
	const all = [];
	while (all.length < count)
		all.push(...(await Promise.all([...Array(Math.min(8, count - all.length))].map((none, i) => register(stack, `Person ${i}`)))));
	return all;
}
const react = async (person, message, emoji) =>
	must(await person.api.put(`conversations/${message.conversation_id}/messages/${message.id}/reactions/${encodeURIComponent(emoji)}`), 204);
const mineOf = ({ reactions }) => reactions.filter(({ mine }) => mine).map(({ emoji }) => emoji);
const get = async (person, { conversation_id, id }) => must(await person.api.get(`conversations/${conversation_id}/messages/${id}`), 200);

it('each sees its own reactions as its own, on all its devices, and who is not in it sees nothing', async () => {
	const [ann, ben, cat, dan, eve] = await people(5);
	const group = await groupOf(ann, [ben, cat, dan]);
	const message = await send(ann, group, 'Look');
	const devices = await Promise.all([ann, ben, ben, cat, dan].map(async (person, i) => ({ person, device: await connect(person, { ws: i % 2 === 1 }) })));
	const stranger = await connect(eve);
	try {
		for (const [person, emoji] of [[ben, '👍'], [cat, '👍'], [ben, '🎉'], [ann, '❤️'], [cat, '🎉'], [dan, '❤️']]) {
			await react(person, message, emoji);
			for (const { person: reader, device } of devices) {
				const { data, rev } = await device.event('message.updated', group);
				assert.deepEqual(data, await get(reader, message));
				assert.equal(data.rev, rev);
			}
		}
		assert.deepEqual(mineOf(await get(ben, message)), ['👍', '🎉']);
		assert.deepEqual(mineOf(await get(dan, message)), ['❤️']);
		for (const { device } of devices) assert.equal(device.kept.filter(({ event }) => event.type === 'message.updated').length, 0);
		assert.equal(stranger.kept.filter(({ event }) => event.type?.startsWith('message')).length, 0);
	} finally {
		for (const { device } of devices) await device.end(true);
		await stranger.end(true);
	}
});

it('where people have reacted in more than 32 ways, those of the rarest are told to sync', async () => {
	const emojis = ['👍', '🎉', '❤️', '😀', '🚀', '👀', '🙏', '🔥', '💯'];
	const pairs = emojis.flatMap((one, i) => emojis.slice(i + 1).map((other) => [one, other]));
	const crowd = await people(35); // 33 ways, of which two people have the first, and one who has not reacted
	const group = await groupOf(crowd[0], crowd.slice(1));
	const message = await send(crowd[0], group, 'Look');
	const wayOf = (i) => (i === 33 ? pairs[0] : i < 33 ? pairs[i] : []);
	await Promise.all(crowd.flatMap((person, i) => wayOf(i).map((emoji, last) => (i === 0 && last ? undefined : react(person, message, emoji)))));
	const devices = await Promise.all(crowd.map((person) => connect(person)));
	try {
		await react(crowd[0], message, pairs[0][1]);
		const told = await Promise.all(
			devices.map(async (device) =>
				(await device.next(({ event }) => event?.type === 'sync.required' || event?.data?.id === message.id, 10_000)).event,
			),
		);
		const synced = told.filter(({ type }) => type === 'sync.required');
		assert.deepEqual(synced.map(({ data }) => data.reason), ['many_reactions']);
		for (const [i, event] of told.entries())
			if (event.type === 'message.updated') assert.deepEqual(mineOf(event.data).sort(), [...wayOf(i)].sort());
		// the most frequent way, and nobody's, are told whatever else there is
		for (const i of [0, 33, 34]) assert.equal(told[i].type, 'message.updated');
	} finally {
		for (const device of devices) await device.end(true);
	}
});
