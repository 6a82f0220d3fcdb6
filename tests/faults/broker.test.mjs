// The broker dies, alone and together with parley-push: clients come back, read what they missed over
// HTTP, and have everything.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { connect, groupOf, must, register, send } from '../lib/client.mjs';
import { Follower } from '../lib/follower.mjs';
import { checkHistory, underLoad } from '../lib/load.mjs';
import { unsupervised } from '../lib/processes.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const SENDERS = 5;

let stack, people, watcher, group;
before(async () => {
	stack = await startStack();
	people = await Promise.all([...Array(SENDERS)].map((_, i) => register(stack, `Writer ${i}`)));
	watcher = await register(stack, 'Watcher');
	group = await groupOf(people[0], [...people.slice(1), watcher]);
});
after(() => stack?.stop());

const health = async () => {
	const answer = await fetch(`${stack.metricsUrl}/health`);
	return { ...(await answer.json()), status: answer.status };
};
const works = () => waitFor(async () => (await health()).status === 200, 15_000, 'parley-push works');

async function harmed(t, room, harm) {
	const clients = [await Follower.open(watcher, room), await Follower.open(watcher, room, { ws: true, version: 4 }), await Follower.open(people[0], room)];
	let well;
	const load = await underLoad(people, [room], async (load_) => {
		for (let i = 1; i <= 3; i++) {
			await load_.more(50);
			await harm();
			await waitFor(() => clients.every((client) => client.connects >= i + 1), 15_000, 'every client is back');
			await works();
		}
		well = load_.acked.length + SENDERS;
		await load_.more(50);
	});
	for (const client of clients) {
		await client.has(load.acked);
		// what was written when all were well again came over MQTT
		await waitFor(() => load.acked.slice(well).every(({ id }) => client.pushed.has(id)), 10_000, 'events flow again');
	}
	await checkHistory(watcher, room, load.acked);
	t.diagnostic(`${load.acked.length} messages, pushed ${clients.map((client) => client.pushed.size)}`);
	for (const client of clients) await client.device.end(true);
	return load;
}

it('killed under load: clients reconnect and read what they missed; nothing is lost', async (t) => {
	const load = await harmed(t, group, async () => {
		const pid = await stack.kill('mosquitto');
		await stack.replaced('mosquitto', pid, 10_000);
	});
	assert.deepEqual(load.failed, [], 'sending does not depend on the broker');
});

it('killed together with parley-push under load: the same', async (t) => {
	const room = await groupOf(people[0], [...people.slice(1), watcher]);
	const load = await harmed(t, room, async () => {
		const pids = await Promise.all([stack.kill('mosquitto'), stack.kill('push')]);
		await stack.replaced('mosquitto', pids[0], 10_000);
		await stack.replaced('push', pids[1], 10_000);
	});
	assert.deepEqual(load.failed, []);
});

it('while it is away parley-push says so and releases its slot; what was written then is sent when it is back', async () => {
	const room = await groupOf(people[0], [...people.slice(1), watcher]);
	const acknowledged = async () => (await metricsOf(stack)).value('parley_push_publishes_acknowledged_total');
	const sent = [];
	const before_ = await acknowledged();
	const pid = await stack.pid('mosquitto');
	await unsupervised(stack, async () => {
		await stack.kill('mosquitto');
		const ill = await waitFor(async () => {
			const now = await health();
			return now.status === 503 && now;
		}, 5000, '/health says that something is wrong');
		assert.deepEqual([ill.status, ill.broker, ill.database], [503, 'unavailable', 'ok']);
		assert.equal((await metricsOf(stack)).value('parley_push_broker_connected'), 0);
		for (let i = 0; i < 20; i++) sent.push(await send(people[i % SENDERS], room, `meanwhile ${i}`));
		// the REST side is well, and says so
		assert.equal((await fetch(`${stack.url}/health`)).status, 200);
		await waitFor(
			async () => (await stack.sql('select active from pg_replication_slots', { superuser: true })) === 'f',
			15_000,
			'the slot is released',
		);
	});
	await stack.replaced('mosquitto', pid, 10_000);
	await works();
	await waitFor(async () => (await acknowledged()) - before_ >= sent.length, 10_000, 'the broker has it all');
	assert.equal((await metricsOf(stack)).value('parley_push_broker_connected'), 1);
	const client = await Follower.open(watcher, room);
	await client.has(sent.map(({ id, seq }) => ({ id, seq })));
	must(await watcher.api.post(`conversations/${room.id}/read`, {}), 200);
	await client.device.event('receipt.read', room);
	await client.device.end(true);
});

it('stopped for a while: nothing is confirmed to PostgreSQL that it has not acknowledged', async () => {
	const room = await groupOf(people[0], [watcher]);
	const device = await connect(watcher);
	const where = 'pg_current_wal_lsn()';
	const isConfirmed = async (lsn) =>
		(await stack.sql(`select confirmed_flush_lsn >= '${lsn}' from pg_replication_slots`, { superuser: true })) === 't';
	const sent = [];
	await stack.kill('mosquitto', 'SIGSTOP');
	try {
		sent.push(await send(people[0], room, 'to a broker that stands still'));
		const first = await stack.sql(`select ${where}`);
		for (let i = 1; i < 20; i++) sent.push(await send(people[0], room, `and another ${i}`));
		const page = await waitFor(async () => {
			const now = await metricsOf(stack);
			return now.value('parley_push_publishes_outstanding') >= sent.length && now;
		}, 5000, 'the publishes wait');
		assert.ok(page.value('parley_push_lag_bytes') > 0);
		assert.equal(await isConfirmed(first), false);
	} finally {
		await stack.kill('mosquitto', 'SIGCONT');
	}
	const last = await stack.sql(`select ${where}`);
	for (const { id } of sent) await device.next(({ event }) => event?.data?.id === id, 15_000);
	await waitFor(() => isConfirmed(last), 15_000, 'all of it is confirmed');
	await device.end(true);
});

it('killed with what it had not acknowledged, parley-push too: it is sent again', async () => {
	const room = await groupOf(people[0], [watcher]);
	const pids = [await stack.pid('mosquitto'), await stack.pid('push')];
	const sent = async () => (await metricsOf(stack)).value('parley_push_events_total', { type: 'message.created' });
	const before_ = await sent();
	await stack.kill('mosquitto', 'SIGSTOP');
	for (let i = 0; i < 20; i++) await send(people[0], room, `into the void ${i}`);
	await waitFor(async () => (await sent()) - before_ >= 20, 5000, 'they are on their way');
	await stack.kill('push');
	await stack.kill('mosquitto');
	await stack.replaced('mosquitto', pids[0], 10_000);
	await stack.replaced('push', pids[1], 10_000);
	await works();
	await waitFor(async () => (await sent()) >= 20, 10_000, 'the new parley-push has sent them');
});
