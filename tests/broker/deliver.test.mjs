// What parley-push tells the plugin to deliver, and to whom it goes.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, test } from 'node:test';
import { Broker, CONTROL, deliver, deliverText, fence, newId, publish, received, seconds, subscribe, until } from './broker.mjs';

let broker;
let push;

before(async () => {
	broker = await Broker.start();
	push = await broker.connectPush();
});
after(() => broker.stop());

async function listen(user, options) {
	const client = await broker.connect(user, options);
	assert.equal(await subscribe(client, `users/${user}/#`), 1);
	return client;
}

test('an event reaches every device of each recipient and nobody else, on TCP and WebSocket, MQTT 3.1.1 and 5', async () => {
	const [alice, bob, carol] = [newId(), newId(), newId()];
	const kinds = [{ version: 4 }, { version: 5 }, { version: 4, ws: true }, { version: 5, ws: true }];
	const at = {};
	for (const user of [alice, bob, carol]) at[user] = await Promise.all(kinds.map((kind) => listen(user, kind)));

	await deliver(push, [alice, bob], '{"type":"message.created"}', { expiry: 30 });
	for (const user of [alice, bob]) {
		for (const client of at[user]) {
			const [message] = await until(() => client.inbox.length > 0 && client.inbox, 'the event');
			assert.equal(message.topic, `users/${user}/messages`);
			assert.equal(message.text, '{"type":"message.created"}');
			assert.equal(message.packet.qos, 1);
			assert.equal(message.packet.retain, false);
			const expiry = message.packet.properties?.messageExpiryInterval;
			assert.ok(client.options.protocolVersion === 5 ? expiry >= 29 && expiry <= 30 : expiry === undefined, `expiry ${expiry}`);
		}
	}
	for (const client of at[carol]) {
		await fence(push, carol, client);
		assert.equal(received(client, { text: '{"type":"message.created"}' }).length, 0);
	}
	for (const client of Object.values(at).flat()) client.end(true);
});

test('each topic name has its topic, and QoS and expiry are as asked', async () => {
	const alice = newId();
	const client = await listen(alice);
	for (const topic of ['messages', 'receipts', 'conversations', 'typing', 'notifications', 'calls', 'replies', 'sync']) {
		for (const qos of [0, 1]) {
			const text = newId();
			await deliver(push, [alice], text, { topic, qos });
			const [message] = await until(() => received(client, { text }).length && received(client, { text }), topic);
			assert.equal(message.topic, `users/${alice}/${topic}`);
			assert.equal(message.packet.qos, qos);
			assert.equal(message.packet.properties?.messageExpiryInterval, undefined);
		}
	}
	client.end(true);
});

test('one publish carries the largest event to 256 recipients, byte for byte', async () => {
	const users = Array.from({ length: 256 }, newId);
	const clients = await Promise.all(users.map((user) => listen(user, { version: 4 })));
	const bytes = crypto.randomBytes(96 * 1024).toString('hex').slice(0, 192 * 1024);
	const text = `${bytes}\n\nünïcödé\n`;
	await deliver(push, users, text);
	await until(() => clients.every((client) => client.inbox.length === 1), 'everybody has it', 30_000);
	for (const client of clients) {
		assert.ok(client.inbox[0].text === text);
		client.end(true);
	}
});

test('events arrive in the order in which they were handed over', async () => {
	const alice = newId();
	const client = await listen(alice, { ws: true });
	await Promise.all(Array.from({ length: 500 }, (_, i) => new Promise((resolve) => {
		push.publish(CONTROL, deliverText([alice], String(i)), { qos: 1 }, resolve);
	})));
	await until(() => client.inbox.length === 500, 'all of them');
	assert.deepEqual(client.inbox.map(({ text }) => Number(text)), Array.from({ length: 500 }, (_, i) => i));
	client.end(true);
});

test('a durable session gets what came while its client was away', async () => {
	for (const options of [{ version: 4, clean: false }, { version: 5, clean: false, properties: { sessionExpiryInterval: 60 } }]) {
		const alice = newId();
		const first = await listen(alice, { device: 'phone', ...options });
		await new Promise((resolve) => { first.end(false, {}, resolve); });
		await deliver(push, [alice], 'while away');
		const again = await broker.connect(alice, { device: 'phone', ...options });
		await until(() => received(again, { text: 'while away' }).length === 1, 'what came meanwhile');
		again.end(true);
	}
});

test('an event that expires does not wait for a client that comes too late', async () => {
	const alice = newId();
	const options = { device: 'phone', version: 5, clean: false, properties: { sessionExpiryInterval: 60 } };
	const first = await listen(alice, options);
	await new Promise((resolve) => { first.end(false, {}, resolve); });
	await deliver(push, [alice], 'short', { expiry: 1 });
	await deliver(push, [alice], 'long', { expiry: 60 });
	const begin = seconds();
	await until(() => seconds() > begin + 2, 'the first has expired');
	const again = await broker.connect(alice, options);
	await until(() => received(again, { text: 'long' }).length === 1, 'the other');
	assert.equal(received(again, { text: 'short' }).length, 0);
	again.end(true);
});

test('recipients whom the broker has not seen do no harm', async () => {
	const alice = newId();
	const client = await listen(alice);
	await deliver(push, [newId(), alice, newId()], 'text');
	await until(() => received(client, { text: 'text' }).length === 1, 'alice has it');
	client.end(true);
});

test('garbage on the control topic is refused and leaves the broker as it was', async () => {
	const alice = newId();
	const client = await listen(alice);
	const line = `${alice}\n`;
	const garbage = [
		'', '\n', `deliver messages 1 0 4\n${line}\ntex`, `deliver messages 1 0 4\n${line}\ntexts`, `${deliverText([alice], 'half')}deliver`, `deliver messages 1 0\n${line}\ntext`, '\n\n', ' ', 'deliver', 'deliver\n', 'deliver \n', 'deliver messages\n', 'deliver messages 1\n', 'deliver messages 1 0',
		`deliver messages 1 0 4\n${line}`, `deliver messages 1 0 4\n${line}\n`, `deliver messages 1 0 4\n${alice}`, `deliver messages 2 0 4\n${line}\ntext`,
		`deliver messages -1 0 4\n${line}\ntext`, `deliver messages 1 -1 4\n${line}\ntext`, `deliver messages 1 4294967296 4\n${line}\ntext`,
		`deliver messages 01 0 4\n${line}\ntext`, `deliver messages 1 0 0\n${line}\ntext`, `deliver commands 1 0 4\n${line}\ntext`,
		`deliver ../x 1 0 4\n${line}\ntext`, `Deliver messages 1 0\n${line}\ntext`, ` deliver messages 1 0 4\n${line}\ntext`,
		`deliver messages 1 0 4\r\n${line}\ntext`, `deliver messages 1 0 4\n${alice.toUpperCase()}\n\ntext`, `deliver messages 1 0 4\n${alice} \n\ntext`,
		`deliver messages 1 0 4\n${alice}\r\n\ntext`, `deliver messages 1 0 4\n${line}${alice.slice(1)}\n\ntext`, `deliver messages 1 0 4\nx\n\ntext`,
		`deliver messages 1 0 4\n${line.repeat(4097)}\ntext`, `kick ${alice}\n\ntext`, 'resync\n\ntext', 'resync 1\n\ntext', 'resync \n\ntext', 'resync x 4\n\ntext',
		'resync 1 4\ntext', 'resync 1\n\n', 'resync 4294967296 4\n\ntext', `resync 1 4\n${line}\ntext`,
		'revoke\n\n', `revoke soon\n${line}\n`, `revoke 1\n${line}\ntext`, `revoke 1\n${alice.toUpperCase()}\n\n`, `revoke 1\n${line.repeat(4097)}\n`,
		'open', 'open\n', 'open 1\n\n', 'open\n\ntext',
		Buffer.from([0]), Buffer.alloc(1000), crypto.randomBytes(4000), Buffer.from(`deliver messages 1 0 4\n${line}`.replace('\n', '\0')),
		'x'.repeat(400_000), '\n'.repeat(100_000), 'deliver messages 1 0\n'.repeat(1000),
	];
	const before = broker.log.length;
	for (const text of garbage) await publish(push, CONTROL, text);
	await fence(push, alice, client);
	assert.deepEqual(client.inbox.map(({ topic }) => topic), [`users/${alice}/messages`]);
	assert.ok(broker.alive && !push.closed);
	const refusals = broker.log.slice(before).split('control message refused').length - 1;
	assert.equal(refusals, garbage.length);
	client.end(true);
});

test('a publish beyond the limit ends the connection of parley-push, not the broker', async () => {
	const other = await broker.connectPush();
	other.publish(CONTROL, 'x'.repeat(600_000), { qos: 1 }, () => {});
	await until(() => other.closed, 'the broker closes it');
	const again = await broker.connectPush();
	const alice = newId();
	const client = await listen(alice);
	await fence(again, alice, client);
	client.end(true);
	again.end(true);
});

test('everybody connected is told to sync, each once, spread over the window', async () => {
	const users = Array.from({ length: 60 }, newId);
	const clients = await Promise.all(users.map((user, i) => listen(user, { ws: i % 2 === 1, version: i % 3 === 0 ? 4 : 5 })));
	const away = newId();
	const gone = await listen(away, { device: 'phone', clean: false, properties: { sessionExpiryInterval: 60 } });
	await new Promise((resolve) => { gone.end(false, {}, resolve); });

	const times = [];
	clients.forEach((client) => client.on('message', () => times.push(Date.now())));
	const begin = Date.now();
	await publish(push, CONTROL, 'resync 1500 24\n\n{"type":"sync.required"}');
	await until(() => clients.every((client) => client.inbox.length > 0), 'everybody is told');
	const end = Date.now();
	assert.ok(end - begin < 1500 + 1000, `took ${end - begin} ms`);
	const early = times.filter((time) => time - begin < 500).length;
	const late = times.filter((time) => time - begin > 1000).length;
	assert.ok(early > 3 && late > 3, `${early} early, ${late} late: they are spread`);

	for (const [i, client] of clients.entries()) {
		await fence(push, users[i], client);
		assert.deepEqual(client.inbox.filter(({ topic }) => topic.endsWith('/sync')).map(({ topic, text }) => [topic, text]),
			[[`users/${users[i]}/sync`, '{"type":"sync.required"}']]);
		client.end(true);
	}
	const back = await broker.connect(away, { device: 'phone', clean: false, properties: { sessionExpiryInterval: 60 } });
	await fence(push, away, back);
	assert.equal(received(back, { topic: `users/${away}/sync` }).length, 0, 'who connects syncs anyway');
	back.end(true);
});

test('a window of nothing means at once, and a newer request takes the place of an older', async () => {
	const alice = newId();
	const client = await listen(alice);
	await publish(push, CONTROL, 'resync 3600000 5\n\nfirst');
	await publish(push, CONTROL, 'resync 0 6\n\nsecond');
	await until(() => received(client, { text: 'second' }).length === 1, 'the second');
	assert.equal(received(client, { text: 'first' }).length, 0);
	client.end(true);
});
