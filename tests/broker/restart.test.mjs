// A broker that starts anew knows nothing: nobody comes in until parley-push has told what is revoked, clients wait
// by themselves, and presence is made of those who come back.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { afterEach, test } from 'node:test';
import { Broker, deliver, fence, newId, presences, received, revoke, subscribe, until } from './broker.mjs';

let broker;
afterEach(() => broker.stop());

const kinds = [{ version: 4 }, { version: 5 }, { version: 4, ws: true }, { version: 5, ws: true }];

for (const { version, ws } of kinds) {
	test(`before "open" a connection is closed without an answer: MQTT ${version}${ws ? ' on WebSocket' : ''}`, async () => {
		broker = await Broker.start({ open: false });
		const alice = newId();
		for (const token of [undefined, 'no token at all'])
			await assert.rejects(broker.connect(alice, { version, ws, token }), { message: 'closed before CONNACK' });
		assert.deepEqual(broker.clients.flatMap(({ packets }) => packets), []);
		await broker.open();
		const client = await broker.connect(alice, { version, ws });
		assert.equal(await subscribe(client, `users/${alice}/#`), 1);
	});
}

test('clients that reconnect come in by themselves once it is open', async () => {
	broker = await Broker.start({ open: false });
	const users = kinds.map(() => newId());
	const waiting = kinds.map((kind, i) => broker.connect(users[i], { ...kind, reconnectPeriod: 100 }).catch(() => {}));
	await Promise.all(waiting);
	const clients = broker.clients.slice();
	let tries = 0;
	for (const client of clients) client.on('reconnect', () => { tries++; });
	await until(() => tries >= 12, 'they try again and again');
	assert.ok(clients.every(({ connected }) => !connected));
	await broker.open();
	await until(() => clients.every(({ connected }) => connected), 'all are in');
});

test('mosquitto_sub waits too', async () => {
	broker = await Broker.start({ open: false });
	const alice = newId();
	const child = spawn('mosquitto_sub', ['-h', '127.0.0.1', '-p', broker.port, '-u', alice, '-P', broker.token(alice), '-i', `${alice}/phone`,
		'-t', `users/${alice}/#`, '-q', '1', '-C', '1'], { stdio: ['ignore', 'pipe', 'inherit'] });
	let out = '';
	child.stdout.on('data', (data) => { out += data; });
	try {
		await until(() => /turned away/.test(broker.log), 'it has tried');
		await broker.open();
		const push = await broker.connectPush();
		await until(async () => { await deliver(push, [alice], 'come in'); return out; }, 'it has come in');
		assert.equal(out.split('\n')[0], 'come in');
	} finally {
		child.kill('SIGKILL');
	}
});

test('parley-push comes in before, and says so once; who was turned away is told once a second', async () => {
	broker = await Broker.start({ open: false });
	const push = await broker.connectPush();
	assert.equal(await subscribe(push, 'users/+/commands/#'), 1);
	const begin = Date.now();
	while (Date.now() - begin < 1500) await assert.rejects(broker.connect(newId()));
	await broker.open();
	await broker.open();
	await until(() => broker.log.includes('open for users"'), 'the log tells');
	const count = (what) => broker.log.split('\n').filter((line) => line.includes(what)).length;
	assert.equal(count('open for users"'), 1);
	assert.ok(count('turned away') >= 1 && count('turned away') <= 3, `${count('turned away')} lines`);
	assert.equal(count('logins refused'), 0);
});

test('what was revoked before the restart stays out after it', async () => {
	broker = await Broker.start();
	const [alice, sid] = [newId(), newId()];
	const token = broker.token(alice, { sid });
	let push = await broker.connectPush();
	await revoke(push, [sid]);
	broker.opens = false;
	await broker.restart();
	await assert.rejects(broker.connect(alice, { token }), { message: 'closed before CONNACK' });
	push = await broker.connectPush();
	await revoke(push, [sid]);
	await broker.open();
	await assert.rejects(broker.connect(alice, { token }), { code: 135 });
	await broker.connect(alice);
});

test('a reload does not shut the gate', async () => {
	broker = await Broker.start();
	await broker.reload();
	await broker.connect(newId());
});

test('after a restart nobody is online who is not, and everybody who comes back is', async () => {
	broker = await Broker.start();
	const [alice, bob, viewer] = [newId(), newId(), newId()];
	const options = { reconnectPeriod: 100, resubscribe: true };
	const watcher = await broker.connect(viewer, options);
	await subscribe(watcher, `presence/${alice}`);
	await subscribe(watcher, `presence/${bob}`);
	await broker.connect(alice, options);
	const gone = await broker.connect(bob);
	const statuses = (user) => presences(watcher, user).map(({ status }) => status).join();
	await until(() => statuses(alice) === 'online' && statuses(bob) === 'online', 'both are online');

	watcher.inbox.length = 0;
	await broker.restart();
	await until(() => gone.closed && watcher.connected, 'the watcher is back');
	await until(() => statuses(alice) === 'online', 'alice is back');
	const late = await broker.connect(viewer, { device: 'late' });
	const push = await broker.connectPush();
	for (const filter of [`presence/${alice}`, `presence/${bob}`, `users/${viewer}/#`]) await subscribe(late, filter);
	await fence(push, viewer, late);
	assert.deepEqual(presences(late, alice).map(({ status }) => status), ['online']);
	assert.deepEqual(received(late, { topic: `presence/${bob}` }), []);
	assert.equal(statuses(bob), '');
	await broker.connect(bob);
	await until(() => statuses(bob) === 'online', 'bob is back');
});
