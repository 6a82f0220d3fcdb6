// SIGHUP: keys and the secret of parley-push are read again.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Broker, Key, deliver, fence, newId, presences, received, subscribe, until } from './broker.mjs';

let broker;
let push;
const next = new Key();

beforeEach(async () => {
	broker = await Broker.start();
	push = await broker.connectPush();
});
afterEach(() => broker.stop());

test('a key that is added counts from the reload on, and nobody is disturbed', async () => {
	const [alice, viewer] = [newId(), newId()];
	const watcher = await broker.connect(viewer);
	await subscribe(watcher, `presence/${alice}`);
	await subscribe(watcher, `users/${viewer}/#`);
	const client = await broker.connect(alice, { device: 'phone' });
	await assert.rejects(broker.connect(alice, { token: next.token(alice) }));
	fs.writeFileSync(broker.keyFiles[1], next.pem);
	await broker.reload();
	const newer = await broker.connect(alice, { device: 'laptop', token: next.token(alice) });
	await fence(push, viewer, watcher);
	assert.ok(!client.closed && !push.closed);

	// Asked once more at the reload, nobody was counted twice.
	for (const one of [client, newer]) one.end();
	await until(() => presences(watcher, alice).map(({ status }) => status).join() === 'online,offline', 'alice is offline');
});

test('a key whose file is put in place counts without a reload, and so does the reload that comes when it is gone', async () => {
	const put = (text) => {
		fs.writeFileSync(`${broker.keyFiles[1]}.new`, text);
		fs.renameSync(`${broker.keyFiles[1]}.new`, broker.keyFiles[1]);
	};
	const [alice, bob, carol] = [newId(), newId(), newId()];
	await assert.rejects(broker.connect(alice, { token: next.token(alice) }));
	put(`retiring:\n${broker.key.pem}\nnext:\n${next.pem}`);
	const newer = await broker.connect(alice, { token: next.token(alice) });
	const older = await broker.connect(bob);

	// half a file changes nothing
	const third = new Key();
	put(third.pem.slice(0, 60));
	await assert.rejects(broker.connect(carol, { token: third.token(carol) }));
	await broker.connect(carol, { token: next.token(carol) });

	// the set that has taken up the third key has lost the second already; the reload closes its connections all the same
	put(third.pem);
	await broker.connect(carol, { token: third.token(carol), device: 'third' });
	assert.ok(!newer.closed);
	await broker.reload();
	await until(() => newer.closed, 'the connection of the key that is gone is closed');
	assert.ok(!older.closed);
});

test('a key that is taken away closes the connections that it let in', async () => {
	const [alice, bob] = [newId(), newId()];
	fs.writeFileSync(broker.keyFiles[1], next.pem);
	await broker.reload();
	const old = await broker.connect(alice);
	const fresh = await broker.connect(bob, { token: next.token(bob) });
	await subscribe(fresh, `users/${bob}/#`);
	fs.writeFileSync(broker.keyFiles[0], next.pem);
	await broker.reload();
	await until(() => old.closed, 'the old connection is closed');
	await assert.rejects(broker.connect(alice), { code: 135 });
	await fence(push, bob, fresh);
	assert.ok(!fresh.closed);
});

test('another secret closes the connection of parley-push, which comes back with it', async () => {
	const file = path.join(broker.dir, 'secret');
	fs.writeFileSync(file, 'another secret of good length\n');
	await broker.reload();
	await until(() => push.closed, 'the old one is closed');
	await assert.rejects(broker.connectPush());
	broker.secret = 'another secret of good length';
	push = await broker.connectPush();
});

for (const [name, spoil] of [
	['is not there', (file) => fs.rmSync(file)],
	['is no key', (file) => fs.writeFileSync(file, 'no key\n')],
	['is empty', (file) => fs.writeFileSync(file, '')],
	['is a directory', (file) => { fs.rmSync(file); fs.mkdirSync(file); }],
]) {
	for (const which of ['key file', 'secret']) {
		test(`a ${which} that ${name} leaves everything as it was`, async () => {
			const alice = newId();
			const client = await broker.connect(alice);
			await subscribe(client, `users/${alice}/#`);
			spoil(which === 'secret' ? path.join(broker.dir, 'secret') : broker.keyFiles[1]);
			await broker.reload();
			assert.match(broker.log, /keys and secret stay as they were/);
			await fence(push, alice, client);
			(await broker.connect(alice)).end(true);
			(await broker.connectPush()).end(true);
		});
	}
}

test('a durable session whose client is away outlives a reload, also when its key is taken away', async () => {
	const alice = newId();
	const options = { device: 'phone', clean: false, properties: { sessionExpiryInterval: 60 } };
	const client = await broker.connect(alice, options);
	await subscribe(client, `users/${alice}/#`);
	await new Promise((resolve) => { client.end(false, {}, resolve); });
	fs.writeFileSync(broker.keyFiles[0], next.pem);
	fs.writeFileSync(broker.keyFiles[1], next.pem);
	await broker.reload();
	await deliver(push, [alice], 'after the reload');
	const again = await broker.connect(alice, { ...options, token: next.token(alice) });
	await until(() => received(again, { text: 'after the reload' }).length === 1, 'what came meanwhile');
});
