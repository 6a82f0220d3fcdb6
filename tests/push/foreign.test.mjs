// Another broker: with broker_fanout = publish, parley-push serves any MQTT broker, here a mosquitto without our plugin.
// Who may do what there is that broker's to say; this one lets everybody do everything.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect, groupOf, must, register, send } from '../lib/client.mjs';
import { startAnother } from '../lib/processes.mjs';
import { freePort, sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const SLOT = 'parley_foreign';

const listens = (port) =>
	new Promise((resolve) => {
		const socket = dial(port, '127.0.0.1');
		socket.once('connect', () => resolve(socket.destroy() !== null));
		socket.once('error', () => resolve(false));
	});

async function pushStart() {
	const metricsPort = await freePort();
	push = await startAnother(await stack.pid('push'), {
		PARLEY_BROKER_FANOUT: 'publish',
		PARLEY_BROKER_PORT: String(port),
		PARLEY_METRICS_PORT: String(metricsPort),
		PARLEY_SLOT: SLOT,
		// everybody on the shared stack is told to sync before it streams
		PARLEY_RESYNC_WINDOW_MS: '0',
	});
	const health = () => fetch(`http://127.0.0.1:${metricsPort}/health`);
	await waitFor(async () => (await health()).status === 200, 10_000, 'it streams to the other broker');
}

let stack, directory, port, broker, push, people, devices;
before(async () => {
	stack = await sharedStack();
	directory = await mkdtemp(join(tmpdir(), 'parley-foreign-'));
	port = await freePort();
	const config = join(directory, 'mosquitto.conf');
	await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
	broker = spawn('mosquitto', ['-c', config], { stdio: 'ignore', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
	await waitFor(() => listens(port), 5000, 'the other broker listens');
	await pushStart();
	people = await Promise.all(['Alice', 'Bob', 'Carol'].map((name) => register(stack, name)));
	const elsewhere = { ...stack, mqttUrl: `mqtt://127.0.0.1:${port}` };
	devices = await Promise.all(people.map((person, i) => connect({ ...person, stack: elsewhere }, { version: i === 1 ? 4 : 5 })));
});
after(async () => {
	for (const device of devices ?? []) await device.end(true);
	await push?.kill('SIGTERM');
	broker?.kill();
	const mine = `slot_name = '${SLOT}' and not active`;
	await waitFor(
		async () => (await stack.sql(`select count(pg_drop_replication_slot(slot_name)) from pg_replication_slots where ${mine}`, { superuser: true })) === '1',
		10_000,
		'its slot is dropped',
	);
	await rm(directory, { recursive: true, force: true });
	await stack?.stop();
});

it('each member gets each event on its own topic, in order, and nobody else does', async () => {
	const [alice, bob, carol] = people;
	const group = await groupOf(alice, [bob]);
	const sent = [];
	for (let i = 0; i < 20; i++) sent.push((await send(i % 2 ? alice : bob, group, `number ${i}`)).id);
	for (const device of devices.slice(0, 2)) {
		await device.event('conversation.created', group);
		for (const id of sent) {
			const { topic, packet, event } = await device.next(({ event }) => event?.type === 'message.created');
			assert.equal(topic, `users/${device.client.options.username}/messages`);
			assert.deepEqual([packet.qos, event.data.id], [1, id]);
		}
	}
	const other = await groupOf(carol, []);
	await devices[2].event('conversation.created', other);
	assert.deepEqual(devices[2].kept, []);
});

it('a group larger than what may be under way at once arrives whole', async () => {
	const [alice, bob, carol] = people;
	// nobody listens on the other topics; the broker acknowledges them all the same
	const group = await groupOf(alice, [bob, carol]);
	await stack.sql(`
		insert into users (id, handle, display_name)
			select gen_random_uuid(), 'crowd-' || substr(md5(random()::text), 1, 20), 'Crowd' from generate_series(1, 3000);
		insert into members (conversation_id, user_id, role, joined_seq, floor_seq, joined_at, last_read_seq, last_delivered_seq, activity_at)
			select '${group.id}', id, 'member', 0, 0, now(), 0, 0, now() from users where display_name = 'Crowd'`);
	const sent = [];
	for (let i = 0; i < 5; i++) sent.push((await send(alice, group, `for all ${i}`)).id);
	for (const device of devices)
		for (const id of sent) await device.next(({ event }) => event?.data?.id === id, 20_000);
});

describe('commands', () => {
	it('a message is sent, answered and delivered', async () => {
		const [alice, bob] = people;
		const group = await groupOf(alice, [bob]);
		const id = randomUUID();
		const content = { id, conversation_id: group.id, body: 'by way of another broker' };
		await devices[0].publish(`users/${alice.id}/commands/send`, content);
		const { event } = await devices[0].next(({ topic }) => topic.endsWith('/replies'));
		assert.deepEqual([event.command, event.id, event.status], ['send', id, 201]);
		assert.equal((await devices[1].next(({ event }) => event?.data?.id === id)).event.data.body, content.body);
		must(await bob.api.get(`conversations/${group.id}/messages/${id}`), 200);
	});

	it('typing is told, and expires for MQTT 5 clients', async () => {
		const [alice, bob, carol] = people;
		const group = await groupOf(alice, [bob, carol]);
		await devices[0].publish(`users/${alice.id}/commands/typing`, { conversation_id: group.id, typing: true }, { qos: 0 });
		for (const device of devices.slice(1)) {
			const { packet } = await device.next(({ event }) => event?.type === 'typing.started' && event.conversation_id === group.id);
			assert.equal(packet.qos, 0);
			if (device === devices[2]) assert.ok(packet.properties.messageExpiryInterval <= 3);
		}
	});

	it('what the broker has kept from before is not executed', async () => {
		const [alice, bob] = people;
		const group = await groupOf(alice, [bob]);
		const [kept, fence] = [randomUUID(), randomUUID()];
		const say = (id, options) =>
			devices[0].publish(`users/${alice.id}/commands/send`, { id, conversation_id: group.id, body: 'x' }, options);
		await push.kill('SIGTERM');
		await say(kept, { retain: true });
		await pushStart();
		await say(fence);
		const { event } = await devices[0].next(({ topic }) => topic.endsWith('/replies'));
		assert.equal(event.id, fence);
		assert.equal((await alice.api.get(`conversations/${group.id}/messages/${kept}`)).status, 404);
	});
});
