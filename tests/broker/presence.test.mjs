// Who is online, as the broker tells it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { Broker, fence, newId, presences, publish, subscribe, until } from './broker.mjs';

const GRACE_MS = 300;
let broker;
let push;
let watcher;
const viewer = newId();

before(async () => {
	broker = await Broker.start({ graceMs: GRACE_MS });
	push = await broker.connectPush();
	watcher = await broker.connect(viewer);
	await subscribe(watcher, `users/${viewer}/#`);
});
after(() => broker.stop());

async function watched() {
	const user = newId();
	await subscribe(watcher, `presence/${user}`);
	return user;
}

const statuses = (user) => presences(watcher, user).map(({ status }) => status);
const told = (user, expected) => until(() => statuses(user).join() === expected.join(), `${expected} (${statuses(user)})`, 20_000);

// What has been told so far is all: an event that was handed over later has come.
async function toldOnly(user, expected) {
	await fence(push, viewer, watcher);
	assert.deepEqual(statuses(user), expected);
}

// Long enough for the grace to end, measured by the broker's own doing: a user that left later is offline.
async function graceOver() {
	const user = await watched();
	const client = await broker.connect(user);
	client.stream.destroy();
	await told(user, ['online', 'offline']);
}

for (const kind of [{ version: 4 }, { version: 5 }, { version: 4, ws: true }, { version: 5, ws: true }]) {
	test(`online with the first connection, offline after the last: ${JSON.stringify(kind)}`, async () => {
		const user = await watched();
		const begin = Date.now();
		const client = await broker.connect(user, kind);
		await told(user, ['online']);
		client.end();
		await told(user, ['online', 'offline']);
		const [online, offline] = presences(watcher, user);
		assert.deepEqual(Object.keys(online), ['user_id', 'status', 'since', 'retain']);
		assert.equal(online.user_id, user);
		assert.match(online.since, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
		assert.ok(Date.parse(online.since) >= begin - 5 && Date.parse(offline.since) >= Date.parse(online.since));
	});
}

test('presence is retained: who comes later knows at once', async () => {
	const user = newId();
	const client = await broker.connect(user);
	await subscribe(watcher, `presence/${user}`);
	await told(user, ['online']);
	const [first] = presences(watcher, user);
	assert.equal(first.retain, true);
	client.end();
	await told(user, ['online', 'offline']);
	const late = await broker.connect(newId());
	await subscribe(late, `presence/${user}`);
	const [last] = await until(() => presences(late, user).length && presences(late, user), 'the retained status');
	assert.deepEqual(last, { ...presences(watcher, user)[1], retain: true });
	late.end(true);
});

test('of a user who never came there is nothing', async () => {
	const user = await watched();
	await toldOnly(user, []);
});

test('with two devices the user is offline after the second', async () => {
	const user = await watched();
	const phone = await broker.connect(user, { device: 'phone' });
	const laptop = await broker.connect(user, { device: 'laptop', ws: true });
	await told(user, ['online']);
	phone.end();
	await graceOver();
	await toldOnly(user, ['online']);
	laptop.end();
	await told(user, ['online', 'offline']);
});

for (const [name, first, second] of [
	['TCP by TCP', {}, {}], ['WebSocket by WebSocket', { ws: true }, { ws: true }],
	['TCP by WebSocket', {}, { ws: true }], ['WebSocket by TCP', { ws: true }, {}],
]) {
	test(`a takeover of the client id says nothing: ${name}`, async () => {
		const user = await watched();
		const older = await broker.connect(user, { device: 'phone', ...first });
		await told(user, ['online']);
		const newer = await broker.connect(user, { device: 'phone', ...second });
		await until(() => older.closed, 'the older connection is closed');
		await graceOver();
		await toldOnly(user, ['online']);
		newer.end();
		await told(user, ['online', 'offline']);
	});
}

test('a reconnect within the grace says nothing, and since stays', async () => {
	const user = await watched();
	let client = await broker.connect(user, { device: 'phone' });
	for (let i = 0; i < 5; i++) {
		client.stream.destroy();
		client = await broker.connect(user, { device: 'phone' });
	}
	await graceOver();
	await toldOnly(user, ['online']);
	const late = await broker.connect(newId());
	await subscribe(late, `presence/${user}`);
	await until(() => presences(late, user).length, 'the retained status');
	assert.equal(presences(late, user)[0].since, presences(watcher, user)[0].since);
	client.end();
	await told(user, ['online', 'offline']);
	late.end(true);
});

test('back after the grace is online again', async () => {
	const user = await watched();
	(await broker.connect(user)).end();
	await told(user, ['online', 'offline']);
	const client = await broker.connect(user);
	await told(user, ['online', 'offline', 'online']);
	client.end();
	await told(user, ['online', 'offline', 'online', 'offline']);
});

test('a durable session does not keep its user online', async () => {
	const user = await watched();
	const options = { device: 'phone', clean: false, properties: { sessionExpiryInterval: 60 } };
	(await broker.connect(user, options)).end();
	await told(user, ['online', 'offline']);
	const client = await broker.connect(user, options);
	await told(user, ['online', 'offline', 'online']);
	client.end();
	await told(user, ['online', 'offline', 'online', 'offline']);
});

test('a refused login says nothing', async () => {
	const user = await watched();
	await assert.rejects(broker.connect(user, { token: broker.token(newId()) }));
	await graceOver();
	await toldOnly(user, []);
});

// A client in a process of its own, so that it can be killed and stopped.
async function remote(user, options = {}) {
	const child = spawn(process.execPath, [fileURLToPath(new URL('client.mjs', import.meta.url))], {
		env: { ...process.env, PARLEY_TEST_CLIENT: JSON.stringify({ url: `mqtt://127.0.0.1:${broker.port}`, clientId: `${user}/remote`,
			username: user, password: broker.token(user), protocolVersion: 5, reconnectPeriod: 0, ...options }) },
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	await new Promise((resolve, reject) => {
		child.stdout.once('data', resolve);
		child.once('exit', (code) => reject(new Error(`client ended: ${code}`)));
	});
	return child;
}

test('a client that is killed is offline after the grace', async () => {
	const user = await watched();
	const child = await remote(user);
	await told(user, ['online']);
	child.kill('SIGKILL');
	await told(user, ['online', 'offline']);
});

test('a client that falls silent is offline after one and a half keep-alives', async () => {
	const users = await Promise.all([watched(), watched()]);
	const children = await Promise.all([
		remote(users[0], { keepalive: 5 }),
		remote(users[1], { keepalive: 5, url: `ws://127.0.0.1:${broker.wsPort}/mqtt` }),
	]);
	for (const user of users) await told(user, ['online']);
	for (const child of children) child.kill('SIGSTOP');
	try {
		for (const user of users) await told(user, ['online', 'offline']);
	} finally {
		for (const child of children) child.kill('SIGKILL');
	}
});

test('many come and go at once, and each is told right', async () => {
	const users = await Promise.all(Array.from({ length: 100 }, watched));
	const clients = await Promise.all(users.map((user, i) => broker.connect(user, { ws: i % 2 === 0 })));
	for (const user of users) await told(user, ['online']);
	for (const client of clients) client.stream.destroy();
	for (const user of users) await told(user, ['online', 'offline']);
});

test('a user may have 64 connections, and one more is refused', async () => {
	const user = await watched();
	const clients = await Promise.all(Array.from({ length: 64 }, (_, i) => broker.connect(user, { device: `d${i}` })));
	await assert.rejects(broker.connect(user, { device: 'one-more' }), { code: 135 });
	const again = await broker.connect(user, { device: 'd7' });
	await until(() => clients[7].closed, 'a device that comes again takes its own place');
	clients[8].end();
	await until(async () => broker.connect(user, { device: 'one-more' }).then((client) => client, () => null), 'a place is free');
	for (const client of broker.clients.filter(({ options }) => options.username === user)) client.end(true);
	await told(user, ['online', 'offline']);
	again.end(true);
});

test('presence cannot be published by the user itself', async () => {
	const user = await watched();
	const client = await broker.connect(user);
	await told(user, ['online']);
	const lie = JSON.stringify({ user_id: user, status: 'offline', since: new Date().toISOString() });
	assert.equal(await publish(client, `presence/${user}`, lie, { retain: true }), 0x87);
	await toldOnly(user, ['online']);
	client.end(true);
});
