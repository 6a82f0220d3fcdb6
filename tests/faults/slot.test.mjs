// The replication slot is gone: parley-push makes a new one and tells every connected client to sync, whatever is killed
// while it does.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, groupOf, register, send } from '../lib/client.mjs';
import { checkEvent } from '../lib/contract.mjs';
import { history } from '../lib/load.mjs';
import { startAnother, unsupervised } from '../lib/processes.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { freePort, startStack } from '../lib/stack.mjs';
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

const slot = (column, name = 'parley') =>
	stack.sql(`select ${column} from pg_replication_slots where slot_name = '${name}'`, { superuser: true });
const resyncs = async () => (await metricsOf(stack)).value('parley_push_resyncs_total');
const working = async () => (await fetch(`${stack.metricsUrl}/health`)).status === 200;

/**
 * Everybody who is connected is told, within the window; and then events flow as before. since: when the slot was lost
 * or a little earlier; what was told because of an earlier slot does not count. once: nobody is told twice.
 */
async function everybodySyncs(missed, since, { once = true } = {}) {
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
		assert.ok(!once || !device.kept.some(told), 'nobody is told twice');
	}
	assert.equal(await slot('wal_status'), 'reserved');
	assert.equal(await slot('count(*)', 'parley_new'), '0');
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
	assert.equal(await resyncs(), 1);
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
});

it('invalidated while parley-push stands still: it notices by itself', async () => {
	const since = Date.now();
	const before_ = await resyncs();
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
	assert.equal((await resyncs()) - before_, 1);
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

/** Takes the slot from whoever streams from it. */
const robbed = () =>
	waitFor(
		() =>
			stack
				.sql(
					`select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = 'parley' and active_pid is not null;
					select 'dropped' || pg_drop_replication_slot('parley')`,
					{ superuser: true },
				)
				.then((text) => text.includes('dropped')),
		10_000,
		'the slot is dropped',
	);

/** Runs work while parley-push has told, or means to, and the broker that stands still has not acknowledged it. */
async function whileTelling(work) {
	const broker = await stack.kill('mosquitto', 'SIGSTOP');
	try {
		const before_ = await resyncs();
		await robbed();
		await waitFor(async () => (await resyncs()) > before_, 5000, 'it tells everybody');
		assert.deepEqual([await slot('temporary', 'parley_new'), await slot('count(*)')], ['t', '0']);
		return await work(() => process.kill(broker, 'SIGCONT'));
	} finally {
		process.kill(broker, 'SIGCONT');
	}
}

describe('killed while the slot is made', () => {
	it('before the broker has acknowledged it: the next one tells everybody', async () => {
		const pid = await stack.pid('push');
		let since;
		const missed = await sendMany(5);
		await whileTelling(async () => {
			await stack.kill('push');
			await stack.replaced('push', pid, 10_000);
			since = Date.now();
			await waitFor(async () => (await slot('count(*)', 'parley_new')) === '0', 10_000, 'what it had begun is gone');
			assert.equal(await slot('count(*)'), '0');
		});
		await waitFor(working, 10_000, 'the next one streams');
		assert.equal(await resyncs(), 1);
		await everybodySyncs(missed, since);
	});

	it('when all has been told and the slot is not yet in place', async () => {
		const since = Date.now();
		const pid = await stack.pid('push');
		const missed = await sendMany(5);
		const outstanding = async () => (await metricsOf(stack)).value('parley_push_publishes_outstanding');
		const backend = await whileTelling(async (goOn) => {
			const holder = Number(await slot('active_pid', 'parley_new'));
			process.kill(holder, 'SIGSTOP');
			goOn();
			await waitFor(async () => (await outstanding()) === 0, 10_000, 'the broker has acknowledged it');
			assert.equal(await slot('count(*)'), '0');
			await stack.kill('push');
			return holder;
		});
		process.kill(backend, 'SIGCONT');
		await stack.replaced('push', pid, 10_000);
		// it was told; whether the server still did what it had been asked or the next one began anew
		await waitFor(working, 10_000, 'the next one streams');
		await everybodySyncs(missed, since, { once: false });
	});

	it('PostgreSQL instead: it does all of it again', async () => {
		const since = Date.now();
		const pid = await stack.pid('push');
		const missed = await sendMany(5);
		const told = await resyncs();
		await whileTelling(async () => {
			const server = await stack.kill('postgres');
			await stack.replaced('postgres', server, 10_000);
			await waitFor(async () => (await resyncs()) === told + 2, 10_000, 'it tells everybody anew');
		});
		await waitFor(working, 10_000, 'it streams');
		assert.equal(await stack.pid('push'), pid);
		await everybodySyncs(missed, since, { once: false });
	});
});

it('of two daemons one makes it, and the other stands by', async () => {
	const since = Date.now();
	const port = await freePort();
	const second = await startAnother(await stack.pid('push'), { PARLEY_METRICS_PORT: String(port) });
	const urls = [stack.metricsUrl, `http://127.0.0.1:${port}`];
	const roles = async () => {
		const answers = await Promise.all(urls.map((url) => fetch(`${url}/health`)));
		assert.ok(answers.every(({ status }) => status === 200));
		return (await Promise.all(answers.map((answer) => answer.json()))).map(({ role }) => role).sort();
	};
	const settled = () => waitFor(async () => `${await roles()}` === 'active,standby', 10_000, 'one streams, one stands by');
	try {
		await settled();
		const missed = await sendMany(5);
		await robbed();
		await everybodySyncs(missed, since, { once: false });
		await settled();
	} finally {
		await second.kill();
	}
	await waitFor(working, 10_000);
});
