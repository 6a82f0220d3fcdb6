// Two people talk, over every way in which a client can connect: what one does arrives at the other, and
// at one's own other devices.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { checkEvent } from '../lib/contract.mjs';
import { sharedStack } from '../lib/stack.mjs';

const WAYS = [
	{ name: 'TCP, MQTT 5', options: { ws: false, version: 5 } },
	{ name: 'TCP, MQTT 3.1.1', options: { ws: false, version: 4 } },
	{ name: 'WebSocket, MQTT 5', options: { ws: true, version: 5 } },
	{ name: 'WebSocket, MQTT 3.1.1', options: { ws: true, version: 4 } },
];

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

/** A device whose every event is held against the contract; what does not fit fails the next look. */
async function device(person, options) {
	const one = await connect(person, options);
	const faults = [];
	one.client.on('message', (topic, payload, packet) => {
		try {
			checkEvent(topic, payload, packet);
		} catch (error) {
			faults.push(error.message);
		}
	});
	return Object.assign(one, { faults });
}

/** Takes an event of a type; it is on the topic where it belongs. */
async function take(one, topic, type, conversation) {
	const message = await one.next(
		({ event }) => event?.type === type && event.conversation_id === conversation.id,
	);
	assert.match(message.topic, new RegExp(`^users/${one.client.options.username}/${topic}$`));
	assert.equal(message.packet.qos, 1);
	assert.equal(message.packet.retain, false);
	assert.deepEqual(one.faults, []);
	return { ...message.event, text: message.payload.toString() };
}

/** The text of an event's data, cut out of the event as it came. */
function dataText(event) {
	const data = event.text.slice(event.text.indexOf('"data":') + '"data":'.length, -1);
	assert.deepEqual(JSON.parse(data), event.data);
	return data;
}

const withoutStatus = (text) => text.replace(/,"status":"[a-z]+"\}$/, '}');

for (const { name, options } of WAYS) {
	describe(`over ${name}`, () => {
		let alice, bob, conversation;
		let phone, laptop, bobs;
		const devices = [];
		const open = async (person) => {
			const one = await device(person, options);
			devices.push(one);
			return one;
		};
		before(async () => {
			alice = await register(stack, 'Alice');
			bob = await register(stack, 'Bob');
			phone = await open(alice);
			laptop = await open(alice);
			bobs = await open(bob);
		});
		after(() => Promise.all(devices.map((one) => one.end(true))));

		it('conversation.created arrives at both, with the members and without me', async () => {
			conversation = await directOf(alice, bob);
			const events = await Promise.all(
				devices.map((one) => take(one, 'conversations', 'conversation.created', conversation)),
			);
			for (const event of events) {
				assert.equal(event.text, events[0].text);
				assert.equal(event.rev, 1);
				assert.equal(event.data.id, conversation.id);
				assert.deepEqual(event.data.members.map((member) => member.user_id).sort(), [alice.id, bob.id].sort());
				assert.ok(!('me' in event.data));
			}
		});

		it('opening the same conversation again is not an event', async () => {
			assert.equal((await directOf(bob, alice)).id, conversation.id);
			// what is sent now comes behind anything that the opening might have caused
			const message = await send(alice, conversation, 'a fence');
			await bobs.next(({ event }) => event?.data?.id === message.id);
			assert.ok(!bobs.kept.some(({ event }) => event?.type === 'conversation.created'));
			for (const one of [phone, laptop]) await one.next(({ event }) => event?.data?.id === message.id);
		});

		it('a message arrives at the other and at the own other device, as GET has it byte by byte', async () => {
			const sent = await send(alice, conversation, 'Grüße, "Bob"! 👋 \u2028 \\ \u007f', {
				metadata: { z: 1, a: [1.5, null, 'x'], nested: { deep: true } },
			});
			const path = `conversations/${conversation.id}/messages/${sent.id}`;
			for (const one of devices) {
				const event = await take(one, 'messages', 'message.created', conversation);
				assert.equal(event.data.id, sent.id);
				assert.equal(event.rev, sent.rev);
				assert.equal(event.at, sent.created_at);
				for (const person of [alice, bob]) {
					const { text } = await person.api.get(path);
					assert.equal(withoutStatus(dataText(event)), withoutStatus(text));
				}
			}
		});

		it('rev rises by one from event to event, and every event has an id of its own', async () => {
			const ids = new Set();
			let { rev } = must(await alice.api.get(`conversations/${conversation.id}`), 200);
			for (let i = 0; i < 5; i++) {
				await send(i % 2 ? alice : bob, conversation, `number ${i}`);
				const event = await take(bobs, 'messages', 'message.created', conversation);
				assert.equal(event.rev, ++rev);
				ids.add(event.event_id);
			}
			assert.equal(ids.size, 5);
			for (const one of [phone, laptop])
				for (let i = 0; i < 5; i++) await take(one, 'messages', 'message.created', conversation);
		});

		it('the same message sent twice arrives once', async () => {
			const id = randomUUID();
			const first = await send(alice, conversation, 'only once', { id });
			const again = await alice.api.post(`conversations/${conversation.id}/messages`, { id, body: 'only once' });
			assert.equal(again.status, 200);
			assert.equal(again.body.seq, first.seq);
			const fence = await send(alice, conversation, 'behind it');
			for (const one of devices) {
				const ids = [];
				while (ids.at(-1) !== fence.id)
					ids.push((await take(one, 'messages', 'message.created', conversation)).data.id);
				assert.deepEqual(ids, [id, fence.id]);
			}
		});

		it('sent, delivered, read: each only when the recipient says so', async () => {
			const conversation = await groupOf(alice, [bob]);
			const sent = await send(alice, conversation, 'How far did I come?');
			const path = `conversations/${conversation.id}/messages/${sent.id}`;
			const status = async (person) => must(await person.api.get(path), 200).status;
			assert.equal(sent.status, 'sent');
			// it has been published and received, and that is no delivery
			const event = await take(bobs, 'messages', 'message.created', conversation);
			assert.equal(event.data.status, 'sent');
			for (const person of [alice, bob]) assert.equal(await status(person), 'sent');

			must(await bob.api.post(`conversations/${conversation.id}/delivered`, { seq: sent.seq }), 200);
			for (const one of devices) {
				const { data } = await take(one, 'receipts', 'receipt.delivered', conversation);
				assert.deepEqual([data.user_id, data.seq], [bob.id, sent.seq]);
			}
			for (const person of [alice, bob]) assert.equal(await status(person), 'delivered');

			must(await bob.api.post(`conversations/${conversation.id}/read`, { seq: sent.seq }), 200);
			for (const one of devices) {
				const { data, ...receipt } = await take(one, 'receipts', 'receipt.read', conversation);
				assert.deepEqual([data.user_id, data.seq, data.conversation_id], [bob.id, sent.seq, conversation.id]);
				assert.ok(!('rev' in receipt));
			}
			for (const person of [alice, bob]) assert.equal(await status(person), 'read');
		});

		it('a receipt that changes nothing is no event', async () => {
			const room = await groupOf(alice, [bob]);
			await send(alice, room, 'one');
			const { seq } = await send(alice, room, 'two');
			const say = async (what, upTo) =>
				must(await bob.api.post(`conversations/${room.id}/${what}`, { seq: upTo }), 200);
			await say('read', seq);
			for (const again of ['read', 'delivered']) {
				await say(again, seq);
				await say(again, 1);
			}
			const fence = await send(alice, room, 'behind the receipts');
			for (const one of devices) {
				await one.next(({ event }) => event?.data?.id === fence.id);
				const receipts = one.kept.filter(
					({ event }) => event?.conversation_id === room.id && event.type.startsWith('receipt.'),
				);
				assert.deepEqual(
					receipts.map(({ event }) => [event.type, event.data.user_id, event.data.seq]),
					[['receipt.read', bob.id, seq]],
				);
			}
		});

		it('who answers has read what was there: the others get receipt.read', async () => {
			const conversation = await groupOf(alice, [bob]);
			await send(alice, conversation, 'Will you answer?');
			const answer = await send(bob, conversation, 'I do.');
			for (const one of devices) {
				const { data } = await take(one, 'receipts', 'receipt.read', conversation);
				assert.deepEqual([data.user_id, data.seq], [bob.id, answer.seq]);
			}
			const mine = must(await bob.api.get(`conversations/${conversation.id}`), 200).me;
			assert.deepEqual([mine.last_read_seq, mine.unread_count], [answer.seq, 0]);
		});
	});
}

describe('a group', () => {
	it('gets read and delivered from each of its members', async () => {
		const people = [];
		for (const name of ['Ann', 'Ben', 'Cem']) people.push(await register(stack, name));
		const [ann, ben, cem] = people;
		const group = await groupOf(ann, [ben, cem]);
		const devices = [];
		for (const person of people) devices.push(await device(person));
		try {
			const sent = await send(ann, group, 'for both');
			const status = async () => must(await ann.api.get(`conversations/${group.id}/messages/${sent.id}`), 200).status;
			const steps = [
				[ben, 'read', 'sent'],
				[cem, 'delivered', 'delivered'],
				[cem, 'read', 'read'],
			];
			for (const [person, what, expected] of steps) {
				must(await person.api.post(`conversations/${group.id}/${what}`, { seq: sent.seq }), 200);
				for (const one of devices) {
					const { data } = await take(one, 'receipts', `receipt.${what}`, group);
					assert.deepEqual([data.user_id, data.seq], [person.id, sent.seq]);
				}
				assert.equal(await status(), expected);
			}
		} finally {
			for (const one of devices) await one.end(true);
		}
	});
});
