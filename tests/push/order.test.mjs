// Many write at once: everybody sees everything, in the order of the conversation, and never before it
// can be read.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { connect, groupOf, register, send } from '../lib/client.mjs';
import { checkHistory, Received } from '../lib/load.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { waitForReplica } from '../lib/replica.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const SENDERS = 8;
const EACH = 40;

let stack;
let people;
before(async () => {
	stack = await sharedStack();
	people = [];
	for (let i = 0; i < SENDERS; i++) people.push(await register(stack, `Writer ${i}`));
});
after(() => stack?.stop());

it(`${SENDERS} at once in one conversation: every subscriber sees every seq, in order, without a gap`, async () => {
	const group = await groupOf(people[0], people.slice(1));
	const devices = await Promise.all(
		people.map((person, i) => connect(person, { ws: i % 2 === 0, version: i % 4 < 2 ? 4 : 5 })),
	);
	const inboxes = devices.map((device) => new Received(device));
	const sent = (
		await Promise.all(
			people.map(async (person) => {
				const own = [];
				for (let i = 0; i < EACH; i++) {
					const body = `${person.user.display_name}: ${i}`;
					const { id, seq } = await send(person, group, body);
					own.push({ conversation: group.id, id, seq, body });
				}
				for (let i = 1; i < EACH; i++) assert.ok(own[i].seq > own[i - 1].seq, 'what one sends later has a higher seq');
				return own;
			}),
		)
	).flat();
	assert.equal(sent.length, SENDERS * EACH);
	for (const inbox of inboxes) {
		await inbox.all(sent);
		assert.equal(inbox.checkOrder(), 0, 'nothing comes twice when nothing breaks');
		assert.equal(inbox.count, sent.length);
		assert.equal(inbox.byConversation.size, 1);
	}
	await checkHistory(people[0], group, sent);
	for (const device of devices) await device.end(true);
});

it('an event is never ahead of its commit: an immediate GET finds the message', async () => {
	const group = await groupOf(people[0], people.slice(1));
	const reader = people.at(-1);
	const device = await connect(reader);
	const looks = [];
	device.client.on('message', (topic, payload) => {
		const event = JSON.parse(payload);
		if (event.type !== 'message.created') return;
		looks.push(reader.api.get(`conversations/${group.id}/messages/${event.data.id}`));
	});
	const inbox = new Received(device);
	const sent = (
		await Promise.all(
			people.slice(0, 4).map(async (person) => {
				const own = [];
				for (let i = 0; i < 25; i++) own.push(await send(person, group, `look ${i}`));
				return own;
			}),
		)
	).flat();
	await inbox.all(sent);
	const answers = await Promise.all(looks);
	assert.equal(answers.length, sent.length);
	assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
	await device.end(true);
});

it('nothing is told while its commit cannot be seen, as while a replica is waited for', async () => {
	const group = await groupOf(people[0], people.slice(1));
	const [sender, reader] = people;
	const device = await connect(reader);
	const early = [];
	device.client.on('message', (topic, payload) => {
		const { type, conversation_id } = JSON.parse(payload);
		if (type === 'message.created' && conversation_id === group.id) early.push(type);
	});
	const release = await waitForReplica(stack);
	let sending;
	try {
		sending = send(sender, group, 'not to be seen yet');
		await waitFor(async () => (await metricsOf(stack)).value('parley_push_held') === 1, 4000, 'parley-push holds it');
		const { data } = (await reader.api.get(`conversations/${group.id}/messages`)).body;
		assert.deepEqual([data, early], [[], []]);
	} finally {
		await release();
	}
	const { id } = await sending;
	const { event } = await device.next(({ event }) => event?.data?.id === id);
	assert.equal(event.type, 'message.created');
	assert.equal((await metricsOf(stack)).value('parley_push_held'), 0);
	await device.end(true);
});

it('conversations side by side are each in order', async () => {
	const groups = [];
	for (let i = 0; i < 4; i++) groups.push(await groupOf(people[0], people.slice(1)));
	const device = await connect(people[7]);
	const inbox = new Received(device);
	const sent = (
		await Promise.all(
			people.map(async (person, i) => {
				const own = [];
				for (let n = 0; n < 20; n++) own.push(await send(person, groups[(i + n) % 4], `number ${n}`));
				return own;
			}),
		)
	).flat();
	await inbox.all(sent);
	assert.equal(inbox.checkOrder(), 0);
	assert.equal(inbox.byConversation.size, 4);
	await device.end(true);
});
