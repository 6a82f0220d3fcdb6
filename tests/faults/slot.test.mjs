// The replication slot is gone: parley-push makes a new one and tells every connected client to sync.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { connect, groupOf, register, send } from '../lib/client.mjs';
import { checkEvent } from '../lib/contract.mjs';
import { history } from '../lib/load.mjs';
import { unsupervised } from '../lib/processes.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const WINDOW_MS = 800;
const CLIENTS = 12;

let stack, people, devices, group;
before(async () => {
	stack = await startStack({ env: { PARLEY_RESYNC_WINDOW_MS: String(WINDOW_MS) } });
	people = await Promise.all([...Array(CLIENTS)].map((_, i) => register(stack, `Person ${i}`)));
	group = await groupOf(people[0], people.slice(1));
	// the slot was new at the first start, too, and within that window devices are told so: see everybodySyncs
	await waitFor(async () => (await metricsOf(stack)).value('parley_push_resyncs_total') === 1, 10_000, 'the first slot is made');
	devices = await Promise.all(people.map((person, i) => connect(person, { ws: i % 2 === 1, version: i % 4 < 2 ? 5 : 4 })));
	const fence = await send(people[0], group, 'all is well');
	for (const device of devices) await device.next(({ event }) => event?.data?.id === fence.id, 10_000);
});
after(async () => {
	for (const device of devices ?? []) await device.end(true);
	await stack?.stop();
});

const slot = (column) => stack.sql(`select ${column} from pg_replication_slots where slot_name = 'parley'`, { superuser: true });
const working = async () => (await fetch(`${stack.metricsUrl}/health`)).status === 200;

/**
 * Everybody who is connected is told, within the window; and then events flow as before. since: when the slot was lost
 * or a little earlier; what was told because of an earlier slot does not count.
 */
async function everybodySyncs(missed, since) {
	const told = ({ topic, event }) => topic.endsWith('/sync') && Date.parse(event.at) >= since;
	for (const [i, device] of devices.entries()) {
		const message = await device.next(told, 15_000);
		assert.equal(message.topic, `users/${people[i].id}/sync`);
		checkEvent(message.topic, message.payload, message.packet);
		assert.deepEqual([message.event.type, message.event.data.reason], ['sync.required', 'slot_lost']);
	}
	const fence = await send(people[0], group, 'all is well again');
	for (const device of devices) {
		await device.next(({ event }) => event?.data?.id === fence.id, 10_000);
		assert.ok(!device.kept.some(told), 'nobody is told twice');
	}
	// what was missed is where a client reads it
	const kept = (await history(people[1], group)).map(({ id }) => id);
	for (const { id } of missed) assert.ok(kept.includes(id));
}

async function sendMany(count) {
	const sent = [];
	for (let i = 0; i < count; i++) sent.push(await send(people[i % CLIENTS], group, `nobody will be told ${i}`));
	return sent;
}

it('dropped while parley-push is away', async () => {
	const since = Date.now();
	const pid = await stack.pid('push');
	let missed;
	await unsupervised(stack, async () => {
		await stack.kill('push');
		await waitFor(async () => (await slot('active')) === 'f', 10_000, 'nobody holds the slot');
		await stack.sql("select pg_drop_replication_slot('parley')", { superuser: true });
		missed = await sendMany(10);
	});
	await stack.replaced('push', pid, 10_000);
	await everybodySyncs(missed, since);
	assert.equal((await metricsOf(stack)).value('parley_push_resyncs_total'), 1);
	assert.equal(await slot('wal_status'), 'reserved');
});

/** Writes so much WAL that what the slot holds back is given up. */
async function outlive() {
	await stack.sql("alter system set max_slot_wal_keep_size = '1MB'", { superuser: true });
	await stack.sql('select pg_reload_conf()', { superuser: true });
	try {
		await waitFor(async () => {
			await stack.sql("select pg_logical_emit_message(true, 'other', repeat('x', 1000)); select pg_switch_wal();", { superuser: true });
			await stack.sql('checkpoint', { superuser: true });
			return (await slot('wal_status')) === 'lost';
		}, 20_000, 'the slot is lost');
	} finally {
		await stack.sql('alter system reset max_slot_wal_keep_size', { superuser: true });
		await stack.sql('select pg_reload_conf()', { superuser: true });
	}
}

it('invalidated while parley-push is away', async () => {
	const since = Date.now();
	const pid = await stack.pid('push');
	let missed;
	await unsupervised(stack, async () => {
		await stack.kill('push');
		await waitFor(async () => (await slot('active')) === 'f', 10_000, 'nobody holds the slot');
		missed = await sendMany(10);
		await outlive();
	});
	await stack.replaced('push', pid, 10_000);
	await everybodySyncs(missed, since);
	assert.equal(await slot('wal_status'), 'reserved');
});

it('invalidated while parley-push stands still: it notices by itself', async () => {
	const since = Date.now();
	const before_ = (await metricsOf(stack)).value('parley_push_resyncs_total');
	const pid = await stack.kill('push', 'SIGSTOP');
	let missed;
	try {
		missed = await sendMany(10);
		await outlive();
	} finally {
		process.kill(pid, 'SIGCONT');
	}
	await everybodySyncs(missed, since);
	assert.equal(await stack.pid('push'), pid);
	await waitFor(working, 5000);
	assert.equal((await metricsOf(stack)).value('parley_push_resyncs_total') - before_, 1);
});

it('the window is kept: told within it, and not all at once', async () => {
	const since = Date.now();
	const pid = await stack.pid('push');
	const arrivals = [];
	const note = (topic, payload) =>
		topic.endsWith('/sync') && Date.parse(JSON.parse(payload).at) >= since && arrivals.push(performance.now());
	for (const device of devices) device.client.on('message', note);
	await unsupervised(stack, async () => {
		await stack.kill('push');
		await waitFor(async () => (await slot('active')) === 'f', 10_000, 'nobody holds the slot');
		await stack.sql("select pg_drop_replication_slot('parley')", { superuser: true });
	});
	await stack.replaced('push', pid, 10_000);
	await everybodySyncs([], since);
	for (const device of devices) device.client.off('message', note);
	assert.equal(arrivals.length, CLIENTS);
	const spread = Math.max(...arrivals) - Math.min(...arrivals);
	assert.ok(spread > WINDOW_MS / 10 && spread < WINDOW_MS + 2000, `spread over ${spread} ms`);
});
