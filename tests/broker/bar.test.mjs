// A user who is barred: closed at once, and not let in whatever the token says, until it may again.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, CONTROL, deliver, fence, newId, presences, publish, received, subscribe, until } from './broker.mjs';

let broker;
let push;

before(async () => {
	broker = await Broker.start();
	push = await broker.connectPush();
	await subscribe(push, 'users/+/commands/#');
});
after(() => broker.stop());

const lines = (ids) => ids.map((id) => `${id}\n`).join('');
const bar = (...users) => publish(push, CONTROL, `bar\n${lines(users)}\n`);
const unbar = (...users) => publish(push, CONTROL, `unbar\n${lines(users)}\n`);
const isRefused = (user) => assert.rejects(broker.connect(user), { code: 135 });

test('all of its connections are closed and no session of it comes in, until it is let in again', async () => {
	const [alice, bob] = [newId(), newId()];
	const kinds = [{ version: 4 }, { version: 5 }, { version: 4, ws: true }, { version: 5, ws: true }];
	const clients = await Promise.all(kinds.map((kind) => broker.connect(alice, kind)));
	const watcher = await broker.connect(bob);
	await subscribe(watcher, `presence/${alice}`);
	await subscribe(watcher, `users/${bob}/#`);
	const begin = Date.now();
	await bar(newId(), alice);
	await until(() => clients.every(({ closed }) => closed), 'all are closed');
	assert.ok(Date.now() - begin < 1000, `${Date.now() - begin} ms`);
	for (const [i, { version }] of kinds.entries()) {
		const goodbye = clients[i].packets.find(({ cmd }) => cmd === 'disconnect');
		assert.equal(goodbye?.reasonCode, version === 5 ? 0x98 : undefined);
	}
	await until(() => presences(watcher, alice).map(({ status }) => status).join() === 'online,offline', 'alice is offline');
	for (const kind of kinds) await assert.rejects(broker.connect(alice, kind), { code: kind.version === 5 ? 135 : 5 });
	await until(() => /"last_reason":"user is barred"/.test(broker.log), 'the log tells');
	await fence(push, bob, watcher);
	assert.ok(!watcher.closed && !push.closed);

	await unbar(newId(), alice);
	const again = await broker.connect(alice);
	await subscribe(again, `users/${alice}/#`);
	await fence(push, alice, again);
});

test('its wills do not fire, and nothing is kept for its device that is away', async () => {
	const alice = newId();
	const will = { topic: `users/${alice}/commands/send`, payload: 'will of the barred', qos: 1 };
	const connected = await broker.connect(alice, { will });
	const options = { device: 'phone', clean: false, properties: { sessionExpiryInterval: 60 } };
	const away = await broker.connect(alice, options);
	await subscribe(away, `users/${alice}/#`);
	await new Promise((resolve) => { away.end(false, {}, resolve); });
	await bar(alice);
	await until(() => connected.closed, 'closed');
	await deliver(push, [alice], 'kept for nobody');
	await unbar(alice);
	const again = await broker.connect(alice, options);
	await fence(push, alice, again);
	assert.equal(received(again, { text: 'kept for nobody' }).length, 0);
	const mark = await broker.connect(alice, { will: { ...will, payload: 'mark' } });
	mark.stream.destroy();
	await until(() => received(push, { text: 'mark' }).length === 1, 'a later will');
	assert.equal(received(push, { text: 'will of the barred' }).length, 0);
});

test('told anew, who is not among them may come in from "open" on', async () => {
	const [alice, bob, carol] = [newId(), newId(), newId()];
	await bar(alice, bob);
	await publish(push, CONTROL, 'anew\n\n');
	await bar(bob);
	await bar(carol);
	for (const user of [alice, bob, carol]) await isRefused(user);
	await publish(push, CONTROL, 'open\n\n');
	await broker.connect(alice);
	for (const user of [bob, carol]) await isRefused(user);
});

test('it stays so over a reload', async () => {
	const alice = newId();
	const client = await broker.connect(alice);
	await bar(alice);
	await broker.reload();
	await until(() => client.closed, 'closed');
	await isRefused(alice);
	assert.ok(broker.alive && !push.closed);
});

test('only parley-push bars', async () => {
	const [alice, bob] = [newId(), newId()];
	const client = await broker.connect(alice);
	await subscribe(client, `users/${alice}/#`);
	const stranger = await broker.connect(bob);
	for (const text of [`bar\n${alice}\n\n`, 'anew\n\nopen\n\n']) assert.equal(await publish(stranger, CONTROL, text), 0x87);
	await fence(push, alice, client);
	assert.ok(!client.closed);
});
