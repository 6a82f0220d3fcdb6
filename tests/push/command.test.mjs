// Commands over MQTT: the same messages, receipts and refusals as over REST, answered after the commit.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { openSession } from '../lib/processes.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

let stack, alice, bob, carol, group, phone, bobs;
before(async () => {
	stack = await sharedStack();
	[alice, bob, carol] = await Promise.all(['Alice', 'Bob', 'Carol'].map((name) => register(stack, name)));
	group = await groupOf(alice, [bob]);
	phone = await connect(alice);
	bobs = await connect(bob);
});
after(async () => {
	for (const device of [phone, bobs]) await device?.end(true);
	await stack?.stop();
});

const topicOf = (person, command) => `users/${person.id}/commands/${command}`;
const command = (device, name, content, options) =>
	device.publish(`users/${device.client.options.username}/commands/${name}`, content, options);
const isReply = (id) => ({ topic, event }) => topic.endsWith('/replies') && event?.id === id; // undefined: without one
const reply = async (device, id, deadline) => (await device.next(isReply(id), deadline)).event;

/** Sends a command and resolves to its answer. */
async function sendBy(device, conversation, more = {}) {
	const id = more.id ?? randomUUID();
	await command(device, 'send', { id, conversation_id: conversation.id, body: 'by command', ...more });
	return reply(device, id);
}

/** Nothing is on its way to a device any more: what was sent before has been answered and delivered. */
async function fence(device) {
	const answer = await sendBy(device, group, { body: 'a fence' });
	await device.next(({ event }) => event?.type === 'message.created' && event.data.id === answer.id);
	return answer;
}

const WAYS = [
	{ name: 'TCP, MQTT 5', options: { ws: false, version: 5 } },
	{ name: 'TCP, MQTT 3.1.1', options: { ws: false, version: 4 } },
	{ name: 'WebSocket, MQTT 5', options: { ws: true, version: 5 } },
	{ name: 'WebSocket, MQTT 3.1.1', options: { ws: true, version: 4 } },
];
for (const { name, options } of WAYS) {
	it(`send over ${name}: answered with 201 after the commit, and delivered as any other`, async () => {
		const device = await connect(alice, options);
		try {
			const id = randomUUID();
			await command(device, 'send', {
				id: id.toUpperCase(),
				conversation_id: group.id,
				body: 'Grüße 👋',
				metadata: { a: [1, 2] },
			});
			const answer = await reply(device, id);
			assert.deepEqual(
				[answer.command, answer.status, answer.conversation_id],
				['send', 201, group.id],
			);
			const message = must(await alice.api.get(`conversations/${group.id}/messages/${id}`), 200);
			assert.deepEqual(
				[message.seq, message.rev, message.created_at, message.body, message.metadata, message.sender_id],
				[answer.seq, answer.rev, answer.created_at, 'Grüße 👋', { a: [1, 2] }, alice.id],
			);
			for (const one of [device, bobs]) {
				const { data } = (await one.next(({ event }) => event?.data?.id === id)).event;
				assert.deepEqual([data.seq, data.rev, data.body], [message.seq, message.rev, message.body]);
			}
		} finally {
			await device.end(true);
		}
	});
}

describe('send', () => {
	it('again, over either way, is 200 with the same place, and one message', async () => {
		const first = await sendBy(phone, group, { body: 'only once' });
		assert.equal(first.status, 201);
		const again = await sendBy(phone, group, { id: first.id, body: 'only once' });
		assert.deepEqual({ ...again, status: 201 }, first);
		assert.equal(again.status, 200);
		const rest = await alice.api.post(`conversations/${group.id}/messages`, { id: first.id, body: 'only once' });
		assert.deepEqual([rest.status, rest.body.seq], [200, first.seq]);
		const { last_seq: lastSeq } = must(await alice.api.get(`conversations/${group.id}`), 200);
		assert.equal(lastSeq, first.seq);
	});

	it('many times at once, by two devices and over REST, is one message', async () => {
		const laptop = await connect(alice);
		const id = randomUUID();
		const content = { id, conversation_id: group.id, body: 'at once' };
		const before_ = must(await alice.api.get(`conversations/${group.id}`), 200).last_seq;
		await Promise.all([
			...[...Array(8)].map((_, i) => command(i % 2 ? phone : laptop, 'send', content)),
			...[...Array(4)].map(() => alice.api.post(`conversations/${group.id}/messages`, { id, body: 'at once' })),
		]);
		const answers = [];
		while (answers.length < 8) answers.push(await reply(phone, id));
		assert.ok(answers.every(({ seq }) => seq === before_ + 1));
		assert.ok(answers.filter(({ status }) => status === 201).length <= 1);
		assert.equal(must(await alice.api.get(`conversations/${group.id}`), 200).last_seq, before_ + 1);
		await laptop.end(true);
	});

	it('with the same id and other content: 409, and nothing of what is there', async () => {
		const first = await sendBy(phone, group, { body: 'mine' });
		for (const [device, body] of [[phone, 'other'], [bobs, 'mine']]) {
			const answer = await sendBy(device, group, { id: first.id, body });
			assert.deepEqual([answer.status, answer.code], [409, 'id_reused']);
			assert.ok(!('seq' in answer));
		}
	});

	it('to a conversation that one is not in, or that there is none of: 404 alike', async () => {
		const foreign = await directOf(bob, carol);
		const [one, other] = [await sendBy(phone, foreign), await sendBy(phone, { id: randomUUID() })];
		assert.deepEqual({ ...one, id: 0 }, { ...other, id: 0 });
		assert.deepEqual([one.status, one.code], [404, 'not_found']);
	});

	it('tells every bad field in one answer, as REST does', async () => {
		const id = randomUUID();
		const bad = { id, type: 'nonsense', metadata: [], reply_to: 7, attachments: ['x'] };
		await command(phone, 'send', { ...bad, conversation_id: 'no id' });
		const answer = await reply(phone, id);
		assert.deepEqual([answer.status, answer.code], [422, 'invalid_input']);
		const rest = await alice.api.post(`conversations/${group.id}/messages`, bad);
		assert.deepEqual(answer.errors.filter(({ field }) => field !== 'conversation_id'), rest.body.errors);
		assert.ok(answer.errors.some(({ field, code }) => field === 'conversation_id' && code === 'bad_format'));
	});

	it('without an id is refused: it could not be sent again', async () => {
		await command(phone, 'send', { conversation_id: group.id, body: 'no id' });
		const answer = (await phone.next(isReply())).event;
		assert.deepEqual([answer.status, answer.errors[0].field, answer.errors[0].code], [422, 'id', 'required']);
	});

	for (const [what, text, status] of [
		['not JSON', '{"id":', 400],
		['empty', '', 400],
		['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400],
		['with a key twice', '{"id":"1","id":"2"}', 400],
		['a list', '[]', 422],
		['larger than a request may be', JSON.stringify({ body: 'x'.repeat(300_000) }), 413],
	])
		it(`${what}: ${status} without id, and the connection stays`, async () => {
			// what is too large the broker refuses before parley-push sees it
			const refused = ({ code }) => assert.deepEqual([status, code], [413, 0x87]);
			await command(phone, 'send', text).catch(refused);
			const answer = (await phone.next(isReply())).event;
			assert.deepEqual([answer.command, answer.status, answer.id], ['send', status, undefined]);
			await fence(phone);
		});

	it('a reply to what is not there is 422, to what is there it is kept', async () => {
		const first = await sendBy(phone, group);
		const missing = await sendBy(phone, group, { reply_to: randomUUID() });
		assert.deepEqual([missing.status, missing.errors[0].field], [422, 'reply_to']);
		const good = await sendBy(phone, group, { reply_to: first.id });
		const message = must(await alice.api.get(`conversations/${group.id}/messages/${good.id}`), 200);
		assert.equal(message.reply_to, first.id);
	});

	it('of one person keeps its order, a hundred at once', async () => {
		const ids = [...Array(100)].map(() => randomUUID());
		// not more at once than one person may have under way
		for (let i = 0; i < ids.length; i += 50)
			await Promise.all(
				ids.slice(i, i + 50).map((id) => command(phone, 'send', { id, conversation_id: group.id, body: id })),
			);
		const seqs = [];
		for (const id of ids) {
			const answer = await reply(phone, id);
			if (answer.status === 201) seqs.push(answer.seq);
		}
		assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b));
		assert.ok(seqs.length >= 64);
	});

	it('one that waits for a lock holds up its conversation, nobody else', async () => {
		const other = await groupOf(alice, [bob]);
		const session = await openSession(stack);
		try {
			await session.run(`begin; select from conversations where id = '${group.id}' for update;`);
			const held = [];
			for (let i = 0; i < 20; i++) {
				held.push(randomUUID());
				await command(phone, 'send', { id: held[i], conversation_id: group.id, body: `held ${i}` });
			}
			const begin = performance.now();
			for (let i = 0; i < 20; i++) assert.equal((await sendBy(bobs, other)).status, 201);
			assert.ok(performance.now() - begin < 2000, 'it took as long as the lock');
			assert.ok(!phone.kept.some(isReply(held[0])), 'the lock held');
			await session.run('commit;');
			const seqs = [];
			for (const id of held) seqs.push((await reply(phone, id)).seq);
			assert.deepEqual(seqs, [...Array(20)].map((_, i) => seqs[0] + i));
		} finally {
			await session.end();
		}
	});
});

describe('receipt', () => {
	const marks = async (person, conversation) => {
		const { me } = must(await person.api.get(`conversations/${conversation.id}`), 200);
		return [me.last_read_seq, me.last_delivered_seq, me.unread_count];
	};

	it('delivered, then read: the watermarks move and everybody is told, one\'s own other devices too', async () => {
		const room = await groupOf(alice, [bob]);
		const laptop = await connect(bob);
		for (let i = 0; i < 3; i++) await send(alice, room, `number ${i}`);
		await command(bobs, 'receipt', { conversation_id: room.id, delivered: 2 });
		for (const device of [phone, bobs, laptop]) {
			const { data } = await device.event('receipt.delivered', room);
			assert.deepEqual([data.user_id, data.seq], [bob.id, 2]);
		}
		assert.deepEqual(await marks(bob, room), [0, 2, 3]);
		await command(bobs, 'receipt', { conversation_id: room.id, read: 3 });
		for (const device of [phone, bobs, laptop]) {
			const { data } = await device.event('receipt.read', room);
			assert.deepEqual([data.user_id, data.seq], [bob.id, 3]);
		}
		assert.deepEqual(await marks(bob, room), [3, 3, 0]);
		await laptop.end(true);
	});

	it('again and backwards: no effect, no event, no answer', async () => {
		const room = await groupOf(alice, [bob]);
		const { seq } = await send(alice, room, 'one');
		for (const content of [{ read: seq }, { read: seq }, { read: 0 }, { delivered: seq }])
			await command(bobs, 'receipt', { conversation_id: room.id, ...content });
		await bobs.event('receipt.read', room);
		await fence(bobs);
		assert.ok(!bobs.kept.some(({ event }) => event?.conversation_id === room.id && event.type.startsWith('receipt')));
		assert.ok(!bobs.kept.some(({ event }) => event?.command === 'receipt'));
		assert.deepEqual(await marks(bob, room), [seq, seq, 0]);
	});

	const bad = [
		['beyond the last', (room) => ({ conversation_id: room.id, read: 99 }), 422, 'read'],
		['of neither kind', (room) => ({ conversation_id: room.id }), 422, 'delivered'],
		['of both kinds', (room) => ({ conversation_id: room.id, read: 1, delivered: 1 }), 422, 'delivered'],
		['with a text for a seq', (room) => ({ conversation_id: room.id, delivered: '1' }), 422, 'delivered'],
		['of a conversation that is none', () => ({ conversation_id: randomUUID(), read: 1 }), 404],
		['without a conversation', () => ({ read: 1 }), 422, 'conversation_id'],
	];
	for (const [what, content, status, field] of bad)
		it(`${what} is answered with ${status}, and changes nothing`, async () => {
			const room = await groupOf(alice, [bob]);
			await send(alice, room, 'one');
			const id = randomUUID();
			await command(bobs, 'receipt', { id, ...content(room) });
			const answer = await reply(bobs, id);
			assert.deepEqual([answer.command, answer.status, answer.errors?.[0].field], ['receipt', status, field]);
			assert.deepEqual(await marks(bob, room), [0, 0, 1]);
		});
});

it('call is answered: there is none yet', async () => {
	const id = randomUUID();
	await command(phone, 'call', { id });
	const answer = await reply(phone, id);
	assert.deepEqual([answer.command, answer.status, answer.code], ['call', 404, 'not_found']);
});

it('a retained command is refused, not executed, now and for whoever comes later', async () => {
	const before_ = must(await alice.api.get(`conversations/${group.id}`), 200).last_seq;
	const id = randomUUID();
	await command(phone, 'send', { id, conversation_id: group.id, body: 'retained' }, { retain: true }).catch(() => undefined);
	const { seq } = await fence(phone);
	assert.equal(seq, before_ + 1);
	assert.equal((await alice.api.get(`conversations/${group.id}/messages/${id}`)).status, 404);
});

it('nobody commands in the name of another', async () => {
	const id = randomUUID();
	await phone
		.publish(topicOf(bob, 'send'), { id, conversation_id: group.id, body: 'as Bob' })
		.catch(() => undefined);
	await fence(phone);
	assert.equal((await alice.api.get(`conversations/${group.id}/messages/${id}`)).status, 404);
});

it('commands are counted', async () => {
	const value = async (name) => (await metricsOf(stack)).value('parley_push_commands_total', { command: name });
	const before_ = await value('send');
	await sendBy(phone, group);
	assert.equal((await value('send')) - before_, 1);
	await waitFor(async () => (await metricsOf(stack)).value('parley_push_commands_pending') === 0, 5000, 'nothing is pending');
});
