// A connection does not outlive its token.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, newId, presences, publish, received, seconds, subscribe, until } from './broker.mjs';

let broker;
let push;

before(async () => {
	broker = await Broker.start();
	push = await broker.connectPush();
	await subscribe(push, 'users/+/commands/#');
});
after(() => broker.stop());

for (const { version, ws } of [{ version: 4 }, { version: 5 }, { version: 4, ws: true }, { version: 5, ws: true }]) {
	test(`closed within a second of expiry: MQTT ${version}${ws ? ' on WebSocket' : ''}`, async () => {
		const alice = newId();
		const exp = seconds() + 2;
		const client = await broker.connect(alice, { version, ws, token: broker.token(alice, { exp }) });
		const other = await broker.connect(alice, { version, ws });
		await until(() => client.closed, 'the broker closes the connection');
		const late = Date.now() / 1000 - exp;
		assert.ok(late >= 0 && late < 1, `${late} s after expiry`);
		const goodbye = client.packets.find(({ cmd }) => cmd === 'disconnect');
		assert.equal(goodbye?.reasonCode, version === 5 ? 0x98 : undefined);
		assert.ok(!other.closed, 'a connection with a token of its own stays');
		other.end(true);
	});
}

test('the expired token does not come in again, a fresh one does', async () => {
	const alice = newId();
	const token = broker.token(alice, { exp: seconds() + 1 });
	const client = await broker.connect(alice, { device: 'phone', token });
	await until(() => client.closed, 'the broker closes the connection');
	await assert.rejects(broker.connect(alice, { device: 'phone', token }), { code: 135 });
	const again = await broker.connect(alice, { device: 'phone' });
	again.end(true);
});

test('a connection that was taken over with a fresh token stays when the old token expires', async () => {
	const [alice, bob] = [newId(), newId()];
	const exp = seconds() + 2;
	const older = await broker.connect(alice, { device: 'phone', ws: true, token: broker.token(alice, { exp }) });
	const newer = await broker.connect(alice, { device: 'phone', ws: true });
	const mark = await broker.connect(bob, { token: broker.token(bob, { exp: exp + 1 }) });
	await until(() => older.closed && mark.closed, 'both old ones are closed');
	assert.ok(!newer.closed);
	assert.equal(await publish(newer, `users/${alice}/commands/send`, 'still here'), 0);
	await until(() => received(push, { text: 'still here' }).length === 1, 'its command');
	newer.end(true);
});

test('three hundred that expire in the same second are all closed', async () => {
	const exp = seconds() + 3;
	const clients = await Promise.all(Array.from({ length: 300 }, () => {
		const user = newId();
		return broker.connect(user, { version: 4, token: broker.token(user, { exp }) });
	}));
	await until(() => clients.every(({ closed }) => closed), 'all are closed');
});

test('a will does not fire for a token that has expired', async () => {
	const alice = newId();
	const topic = `users/${alice}/commands/send`;
	const client = await broker.connect(alice, { device: 'phone', token: broker.token(alice, { exp: seconds() + 2 }),
		will: { topic, payload: 'too late', qos: 1 } });
	await until(() => client.closed, 'the broker closes the connection');
	const again = await broker.connect(alice);
	await publish(again, topic, 'in time');
	await until(() => received(push, { text: 'in time' }).length === 1, 'a later command');
	assert.equal(received(push, { text: 'too late' }).length, 0);
	again.end(true);
});

test('who expires goes offline', async () => {
	const [alice, viewer] = [newId(), newId()];
	const watcher = await broker.connect(viewer);
	await subscribe(watcher, `presence/${alice}`);
	await broker.connect(alice, { token: broker.token(alice, { exp: seconds() + 1 }) });
	await until(() => presences(watcher, alice).map(({ status }) => status).join() === 'online,offline', 'online, then offline');
	watcher.end(true);
});
