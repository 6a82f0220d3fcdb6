// A session that has ended: its connections are closed at once, and its token does not come in again.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { Broker, CONTROL, Key, deliver, fence, newId, presences, publish, received, revoke, seconds, subscribe, until } from './broker.mjs';

let broker;
let push;

beforeEach(async () => {
	broker = await Broker.start();
	push = await broker.connectPush();
	await subscribe(push, 'users/+/commands/#');
});
afterEach(() => broker.stop());

for (const { version, ws } of [{ version: 4 }, { version: 5 }, { version: 4, ws: true }, { version: 5, ws: true }]) {
	test(`closed within a second, and the token is refused: MQTT ${version}${ws ? ' on WebSocket' : ''}`, async () => {
		const [alice, sid] = [newId(), newId()];
		const token = broker.token(alice, { sid });
		const client = await broker.connect(alice, { version, ws, device: 'phone', token });
		const other = await broker.connect(alice, { version, ws, device: 'laptop' });
		await subscribe(other, `users/${alice}/#`);
		const begin = Date.now();
		await revoke(push, [sid]);
		await until(() => client.closed, 'the broker closes the connection');
		assert.ok(Date.now() - begin < 1000, `${Date.now() - begin} ms`);
		const goodbye = client.packets.find(({ cmd }) => cmd === 'disconnect');
		assert.equal(goodbye?.reasonCode, version === 5 ? 0x98 : undefined);

		await assert.rejects(broker.connect(alice, { version, ws, device: 'phone', token }), { code: version === 5 ? 135 : 5 });
		await assert.rejects(broker.connect(alice, { version, ws, token: broker.token(alice, { sid }) }));
		await until(() => /"last_reason":"session was revoked"/.test(broker.log), 'the log tells');
		await fence(push, alice, other);
		assert.ok(!other.closed, 'another session of the same user stays');
		await broker.connect(alice, { version, ws, device: 'phone' });
	});
}

test('the connections of a session are closed on all its devices, and nobody else', async () => {
	const [alice, bob, sid] = [newId(), newId(), newId()];
	const token = broker.token(alice, { sid });
	const kinds = [{ version: 4 }, { version: 5 }, { version: 4, ws: true }, { version: 5, ws: true }];
	const clients = await Promise.all(kinds.map((kind) => broker.connect(alice, { ...kind, token })));
	const watcher = await broker.connect(bob);
	await subscribe(watcher, `users/${bob}/#`);
	await subscribe(watcher, `presence/${alice}`);
	await revoke(push, [newId(), sid, newId()]);
	await until(() => clients.every(({ closed }) => closed), 'all are closed');
	await until(() => presences(watcher, alice).map(({ status }) => status).join() === 'online,offline', 'alice is offline');
	await fence(push, bob, watcher);
	assert.ok(!watcher.closed && !push.closed);
});

test('a session may be revoked before anybody has come with it, and again and again', async () => {
	const [alice, sid] = [newId(), newId()];
	for (let i = 0; i < 3; i++) await revoke(push, [sid, sid]);
	await assert.rejects(broker.connect(alice, { token: broker.token(alice, { sid }) }), { code: 135 });
	await broker.connect(alice);
});

test('when no token of it can live any more the session is forgotten', async () => {
	const [alice, sid] = [newId(), newId()];
	const token = broker.token(alice, { sid });
	await revoke(push, [sid], seconds() + 2);
	await assert.rejects(broker.connect(alice, { token }), { code: 135 });
	await until(() => broker.connect(alice, { token }).then(() => true, () => false), 'the token is taken for good');
});

test('a device that has come back with a new session stays when the old one is revoked', async () => {
	for (const ws of [false, true]) {
		const [alice, sid] = [newId(), newId()];
		const older = await broker.connect(alice, { device: 'phone', ws, token: broker.token(alice, { sid }) });
		const newer = await broker.connect(alice, { device: 'phone', ws });
		await revoke(push, [sid]);
		await until(() => older.closed, 'the older one is closed');
		await subscribe(newer, `users/${alice}/#`);
		await fence(push, alice, newer);
		assert.ok(!newer.closed);
	}
});

test('a will does not fire for a session that is revoked, not even a late one', async () => {
	const [alice, bob, sid] = [newId(), newId(), newId()];
	const topic = `users/${alice}/commands/send`;
	const token = broker.token(alice, { sid });
	for (const ws of [false, true])
		await broker.connect(alice, { token, ws, will: { topic, payload: 'will', qos: 1 } });
	const late = await broker.connect(alice, { token, properties: { sessionExpiryInterval: 60 },
		will: { topic, payload: 'will', qos: 1, properties: { willDelayInterval: 1 } } });
	late.stream.destroy();
	// A will that waits as long, of somebody who may, comes after it.
	const mark = await broker.connect(bob, { properties: { sessionExpiryInterval: 60 },
		will: { topic: `users/${bob}/commands/send`, payload: 'mark', qos: 1, properties: { willDelayInterval: 2 } } });
	await revoke(push, [sid]);
	mark.stream.destroy();
	await until(() => received(push, { text: 'mark' }).length === 1, 'a later will');
	assert.equal(received(push, { text: 'will' }).length, 0);
});

test('nothing is kept for a device that was away when its session was revoked', async () => {
	const [alice, sid] = [newId(), newId()];
	const options = { device: 'phone', clean: false, properties: { sessionExpiryInterval: 60 } };
	const client = await broker.connect(alice, { ...options, token: broker.token(alice, { sid }) });
	await subscribe(client, `users/${alice}/#`);
	await new Promise((resolve) => { client.end(false, {}, resolve); });
	await deliver(push, [alice], 'before');
	await revoke(push, [sid]);
	await deliver(push, [alice], 'after');
	const again = await broker.connect(alice, options);
	await fence(push, alice, again);
	assert.equal(received(again, { text: 'after' }).length, 0);
	assert.ok(broker.alive);
});

test('what is revoked stays revoked over a reload, also when a key was taken away', async () => {
	const [alice, bob, sid] = [newId(), newId(), newId()];
	const token = broker.token(alice, { sid });
	const client = await broker.connect(alice, { token });
	const stays = await broker.connect(bob);
	await revoke(push, [sid]);
	await broker.reload();
	await until(() => client.closed, 'closed');
	await assert.rejects(broker.connect(alice, { token }), { code: 135 });
	assert.ok(!stays.closed && !push.closed);
	for (const file of broker.keyFiles) fs.writeFileSync(file, new Key().pem);
	await broker.reload();
	await until(() => stays.closed, 'its key is gone');
	assert.ok(broker.alive && !push.closed);
});

test('thousands of sessions in one publish, three hundred of them connected', async () => {
	const sessions = Array.from({ length: 4096 }, newId);
	const clients = await Promise.all(Array.from({ length: 300 }, (_, i) => {
		const user = newId();
		return broker.connect(user, { ws: i % 2 === 0, version: 4 + (i % 4 > 1), token: broker.token(user, { sid: sessions[i * 13] }) });
	}));
	const begin = Date.now();
	await revoke(push, sessions);
	await until(() => clients.every(({ closed }) => closed), 'all are closed');
	assert.ok(Date.now() - begin < 1000, `${Date.now() - begin} ms`);
	const alice = newId();
	for (const sid of [sessions[0], sessions[4095]])
		await assert.rejects(broker.connect(alice, { token: broker.token(alice, { sid }) }), { code: 135 });
});

test('only parley-push revokes', async () => {
	const [alice, bob, sid] = [newId(), newId(), newId()];
	const client = await broker.connect(alice, { token: broker.token(alice, { sid }) });
	await subscribe(client, `users/${alice}/#`);
	const stranger = await broker.connect(bob);
	assert.equal(await publish(stranger, CONTROL, `revoke ${seconds() + 900}\n${sid}\n\n`), 0x87);
	await fence(push, alice, client);
	assert.ok(!client.closed);
});
