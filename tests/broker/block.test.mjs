// Who may not watch whose presence, as parley-push tells it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, CONTROL, fence, newId, presences, publish, subscribe, until } from './broker.mjs';

const GRACE_MS = 100;
let broker;
let push;

before(async () => {
	broker = await Broker.start({ graceMs: GRACE_MS });
	push = await broker.connectPush();
});
after(() => broker.stop());

const lines = (pairs) => pairs.flat().map((id) => `${id}\n`).join('');
const block = (...pairs) => publish(push, CONTROL, `block\n${lines(pairs)}\n`);
const unblock = (...pairs) => publish(push, CONTROL, `unblock\n${lines(pairs)}\n`);
const statuses = (client, user) => presences(client, user).map(({ status }) => status).join();

async function watcher(version = 5) {
	const user = newId();
	const client = await broker.connect(user, { version });
	await subscribe(client, `users/${user}/#`);
	return { user, client };
}
const watches = ({ client }, user) => subscribe(client, `presence/${user}`);

test('a running watch brings nothing while it is blocked, and goes on afterwards', async () => {
	const [alice, bob, carol] = [newId(), await watcher(), await watcher(4)];
	for (const { client } of [bob, carol]) await subscribe(client, `presence/${alice}`);
	const first = await broker.connect(alice);
	for (const { client } of [bob, carol]) await until(() => statuses(client, alice) === 'online', 'both see it');
	await block([alice, bob.user], [newId(), carol.user]);
	first.end();
	await until(() => statuses(carol.client, alice) === 'online,offline', 'carol sees it go');
	await fence(push, bob.user, bob.client);
	assert.equal(statuses(bob.client, alice), 'online');

	await unblock([alice, bob.user]);
	await broker.connect(alice);
	for (const { client } of [bob, carol]) await until(() => statuses(client, alice).endsWith('online'), 'both see it come');
	assert.equal(statuses(bob.client, alice), 'online,online');
});

for (const [version, refusal] of [[4, 0x80], [5, 0x87]])
	test(`no watch begins while it is blocked: MQTT ${version}`, async () => {
		const [alice, bob, carol] = [newId(), await watcher(version), await watcher(version)];
		const device = await broker.connect(alice);
		await subscribe(device, `users/${alice}/#`);
		await block([alice, bob.user]);
		assert.equal(await watches(bob, alice), refusal);
		assert.equal(await watches(carol, alice), 1);
		assert.equal(await watches(bob, bob.user), 1);
		// it is the watched who decides
		assert.equal(await watches({ client: device }, bob.user), 1);
		await unblock([bob.user, alice]);
		assert.equal(await watches(bob, alice), refusal);
		await unblock([alice, bob.user]);
		assert.equal(await watches(bob, alice), 1);
		await until(() => statuses(bob.client, alice) === 'online', 'the retained presence comes');
		// everything else of one's own stays
		await fence(push, bob.user, bob.client);
	});

test('told anew, what is not among it is forgotten from "open" on, and not before', async () => {
	const [alice, bob, carol] = [newId(), await watcher(), await watcher()];
	await block([alice, bob.user], [alice, carol.user]);
	await publish(push, CONTROL, 'anew\n\n');
	await block([alice, carol.user]);
	for (const person of [bob, carol]) assert.equal(await watches(person, alice), 0x87);
	await publish(push, CONTROL, 'open\n\n');
	assert.equal(await watches(bob, alice), 1);
	assert.equal(await watches(carol, alice), 0x87);
	await publish(push, CONTROL, 'anew\n\nopen\n\n');
	assert.equal(await watches(carol, alice), 1);
});

test('as many as are told at once are kept apart', async () => {
	const [bob, carol] = [await watcher(), await watcher()];
	const people = Array.from({ length: 2048 }, newId);
	await block(...people.map((id) => [id, bob.user]));
	assert.equal(await watches(bob, people[0]), 0x87);
	assert.equal(await watches(bob, people[2047]), 0x87);
	assert.equal(await watches(carol, people[2047]), 1);
	await unblock(...people.slice(0, 2047).map((id) => [id, bob.user]));
	assert.equal(await watches(bob, people[0]), 1);
	assert.equal(await watches(bob, people[2047]), 0x87);
});

test('a pair that is torn is refused whole, and nobody but parley-push tells of any', async () => {
	const [alice, bob] = [newId(), await watcher()];
	await publish(push, CONTROL, `block\n${lines([[alice, bob.user], [alice]])}\n`);
	assert.equal(await watches(bob, alice), 1);
	await block([alice, bob.user]);
	for (const verb of ['block', 'unblock'])
		assert.equal(await publish(bob.client, CONTROL, `${verb}\n${lines([[alice, bob.user]])}\n`), 0x87);
	assert.equal(await watches(bob, alice), 0x87);
});
