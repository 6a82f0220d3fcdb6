// What a connected client may subscribe to, receive and publish.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, CONTROL, deliver, deliverText, fence, newId, publish, received, subscribe, until } from './broker.mjs';

let broker;
let push;
const alice = newId();
const bob = newId();
const carol = newId();

before(async () => {
	broker = await Broker.start();
	push = await broker.connectPush();
	assert.equal(await subscribe(push, 'users/+/commands/#'), 1);
});
after(() => broker.stop());

const refusedFilters = [
	'#', '+', '+/+', '+/#', '/#', 'users/#', 'users/+', 'users/+/#', 'users/+/messages', `+/${alice}/messages`, `+/${alice}/#`,
	`users/${bob}/#`, `users/${bob}/messages`, `users/${alice}`, `users/${alice.toUpperCase()}/#`,
	'presence/#', 'presence/+', 'presence', `+/${bob}`, `presence/${bob}/#`, 'presence/bob',
	`$share/group/users/${bob}/#`, `$share/group/users/${alice}/#`, `$share/group/presence/${bob}`, '$share/group/#',
	'$SYS/#', '$SYS/broker/clients/connected', '$CONTROL/#', '$CONTROL/+/v1', CONTROL, '$CONTROL/dynamic-security/v1',
];
const grantedFilters = [`users/${alice}/#`, `users/${alice}/+`, `users/${alice}/messages`, `presence/${bob}`, `presence/${alice}`];

for (const version of [4, 5]) {
	test(`refused filters get a refusal over MQTT ${version}, and nothing is delivered by them`, async () => {
		const client = await broker.connect(alice, { version });
		const victim = await broker.connect(bob);
		await subscribe(victim, `users/${bob}/#`);
		for (const filter of refusedFilters)
			assert.equal(await subscribe(client, filter), version === 5 ? 0x87 : 0x80, filter);

		await deliver(push, [bob], 'for bob');
		await publish(victim, `users/${bob}/commands/send`, 'from bob');
		await until(() => received(victim, { text: 'for bob' }).length === 1, 'bob has it');
		await subscribe(client, `users/${alice}/messages`);
		await fence(push, alice, client);
		assert.equal(client.inbox.length, 1, JSON.stringify(client.inbox.map(({ topic }) => topic)));
		client.end(true);
		victim.end(true);
	});

	test(`granted filters over MQTT ${version}`, async () => {
		const client = await broker.connect(alice, { version });
		for (const filter of grantedFilters) assert.equal(await subscribe(client, filter), 1, filter);
		client.end(true);
	});
}

const refusedTopics = [
	`users/${alice}/messages`, `users/${alice}/receipts`, `users/${alice}/replies`, `users/${alice}/commands`, `users/${alice}/commands/`,
	`users/${alice}/commands/other`, `users/${alice}/commands/send/more`, `users/${bob}/commands/send`, `users/${bob}/messages`,
	`presence/${alice}`, `presence/${bob}`, 'users', 'other', '/', `/users/${alice}/commands/send`,
	'$SYS/broker/connection/a/state', '$SYS/broker/uptime', CONTROL, '$CONTROL/dynamic-security/v1', '$CONTROL/parley/v2',
	`$share/group/users/${alice}/commands/send`,
];
const grantedTopics = ['send', 'receipt', 'typing', 'call'].map((name) => `users/${alice}/commands/${name}`);

test('a command reaches parley-push under the name of who sent it', async () => {
	for (const version of [4, 5]) {
		const client = await broker.connect(alice, { version });
		for (const topic of grantedTopics) {
			const text = newId();
			assert.equal(await publish(client, topic, text), 0);
			await until(() => received(push, { topic, text }).length === 1, `${topic} over MQTT ${version}`);
		}
		client.end(true);
	}
});

test('nothing else may be published, and what is refused goes nowhere', async () => {
	for (const version of [4, 5]) {
		const client = await broker.connect(alice, { version });
		const watcher = await broker.connect(bob);
		for (const filter of [`users/${bob}/#`, `presence/${alice}`, `presence/${bob}`]) await subscribe(watcher, filter);
		await until(() => watcher.inbox.length >= 2, 'the presence of both');
		const seen = watcher.inbox.length;
		const pushed = push.inbox.length;
		for (const topic of refusedTopics) {
			const reason = await publish(client, topic, deliverText([bob], 'forged'));
			assert.equal(reason, version === 5 ? 0x87 : 0, topic);
		}
		await fence(push, bob, watcher);
		assert.equal(watcher.inbox.length, seen + 1);
		assert.equal(push.inbox.length, pushed);
		client.end(true);
		watcher.end(true);
	}
});

test('a retained command is refused, not executed', async () => {
	const client = await broker.connect(alice);
	const topic = `users/${alice}/commands/send`;
	assert.equal(await publish(client, topic, 'retained', { retain: true }), 0x87);
	assert.equal(await publish(client, topic, '', { retain: true }), 0x87);
	assert.equal(await publish(client, topic, 'after'), 0);
	await until(() => received(push, { text: 'after' }).length === 1, 'the next command');
	assert.equal(received(push, { text: 'retained' }).length, 0);
	const late = await broker.connectPush();
	await subscribe(late, 'users/+/commands/#');
	assert.equal(await publish(client, topic, 'last'), 0);
	await until(() => received(late, { text: 'last' }).length === 1, 'the next command');
	assert.equal(late.inbox.length, 1);
	late.end(true);
	client.end(true);
});

test('QoS 2 is not spoken', async () => {
	const client = await broker.connect(alice);
	assert.equal(client.connack.properties.maximumQoS, 1);
	client.end(true);
});

const wills = [
	{ name: 'a command of its own', topic: `users/${alice}/commands/typing`, fires: true },
	{ name: 'a retained command of its own', topic: `users/${alice}/commands/typing`, retain: true },
	{ name: 'a message to another user', topic: `users/${bob}/messages` },
	{ name: 'a command of another user', topic: `users/${bob}/commands/send` },
	{ name: 'presence', topic: `presence/${carol}` },
	{ name: 'control', topic: CONTROL },
];

for (const version of [4, 5]) {
	for (const ws of [false, true]) {
		for (const { name, topic, retain = false, fires = false } of wills) {
			test(`a will ${fires ? 'fires' : 'never fires'}: ${name} (MQTT ${version}${ws ? ' on WebSocket' : ''})`, async () => {
				const watcher = await broker.connect(bob);
				for (const filter of [`users/${bob}/#`, `presence/${alice}`, `presence/${carol}`]) await subscribe(watcher, filter);
				const text = deliverText([bob], `will ${newId()}`);
				const client = await broker.connect(alice, { version, ws, will: { topic, payload: text, qos: 1, retain } });
				await until(() => watcher.inbox.some((message) => /online/.test(message.text)), 'alice is online');
				client.stream.destroy();
				await until(() => watcher.inbox.some((message) => /offline/.test(message.text)), 'the broker has seen the end');
				await fence(push, bob, watcher);
				// The fence went the same way as a will: through the broker's queue, after it.
				const sent = await broker.connect(carol);
				const mark = newId();
				await publish(sent, `users/${carol}/commands/send`, mark);
				await until(() => received(push, { text: mark }).length === 1, 'a later command');
				assert.equal(received(push, { text, topic }).length, fires ? 1 : 0);
				assert.equal(watcher.inbox.filter((message) => message.text.includes('will')).length, 0);
				sent.end(true);
				watcher.end(true);
			});
		}
	}
}

test('a will that waits fires while its token would still do', async () => {
	const client = await broker.connect(alice, { properties: { sessionExpiryInterval: 60 },
		will: { topic: `users/${alice}/commands/typing`, payload: 'late will', qos: 1, properties: { willDelayInterval: 1 } } });
	client.stream.destroy();
	await until(() => received(push, { text: 'late will' }).length === 1, 'the will');
});

test('parley-push may do its work and nothing else', async () => {
	const other = await broker.connectPush({ protocolVersion: 5 });
	const filters = ['#', 'users/#', 'users/+/#', 'users/+/commands/+', `users/${alice}/#`, `presence/${alice}`, '$SYS/#',
		'$share/group/users/+/commands/#', CONTROL];
	for (const filter of filters) assert.equal(await subscribe(other, filter), 0x87, filter);
	for (const topic of [`users/${alice}/messages`, `presence/${alice}`, `users/${alice}/commands/send`, 'other', '$CONTROL/other/v1'])
		assert.equal(await publish(other, topic, 'text'), 0x87, topic);
	assert.equal(await publish(other, CONTROL, deliverText([alice], 'text'), { retain: true }), 0x87);
	assert.equal(await subscribe(other, 'users/+/commands/#'), 1);
	other.end(true);
});
