// A new slot with a broker that has no plugin: nobody there knows who is connected, so everybody with a live session is
// told to sync, spread over the window.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import mqtt from 'mqtt';
import { must, register, signIn } from '../lib/client.mjs';
import { checkEvent } from '../lib/contract.mjs';
import { startAnother } from '../lib/processes.mjs';
import { freePort, sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const SLOT = 'parley_resync';
const WINDOW_MS = 1500;
const CROWD = 1000;

let stack, directory, port, broker, listener, push, health, people, gone;
/** What has come on users/<id>/sync, oldest first: { user, at_ms, event }. */
let told = [];

async function brokerStart() {
	broker = spawn('mosquitto', ['-c', join(directory, 'mosquitto.conf')], {
		stdio: 'ignore',
		env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
	});
	listener = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 100, connectTimeout: 2000 }, true);
	listener.on('message', (topic, payload, packet) => {
		checkEvent(topic, payload, packet);
		told.push({ user: topic.split('/')[1], at_ms: performance.now(), event: JSON.parse(payload) });
	});
	await listener.subscribeAsync('users/+/sync', { qos: 1 });
}

async function pushStart() {
	const metricsPort = await freePort();
	push = await startAnother(await stack.pid('push'), {
		PARLEY_BROKER_FANOUT: 'publish',
		PARLEY_BROKER_PORT: String(port),
		PARLEY_METRICS_PORT: String(metricsPort),
		PARLEY_RESYNC_WINDOW_MS: String(WINDOW_MS),
		PARLEY_SLOT: SLOT,
	});
	const url = `http://127.0.0.1:${metricsPort}/health`;
	health = async () => (await fetch(url)).status;
}

const slots = async () =>
	(await stack.sql(`select slot_name from pg_replication_slots where slot_name like '${SLOT}%' order by 1`, { superuser: true })).split('\n');
const slotDrop = () =>
	waitFor(
		async () =>
			(await stack.sql(
				`select count(pg_drop_replication_slot(slot_name)) from pg_replication_slots where slot_name = '${SLOT}' and not active`,
				{ superuser: true },
			)) === '1',
		10_000,
		'the slot is dropped',
	);

before(async () => {
	stack = await sharedStack();
	directory = await mkdtemp(join(tmpdir(), 'parley-resync-'));
	port = await freePort();
	await writeFile(join(directory, 'mosquitto.conf'), `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\n`);
	people = await Promise.all(['Alice', 'Bob', 'Carol'].map((name) => register(stack, name)));
	await signIn(people[0]);
	gone = await Promise.all(['Dave', 'Erin'].map((name) => register(stack, name)));
	must(await gone[0].api.post('auth/logout'), 204);
	await stack.sql(`
		update sessions set refresh_expires_at = now() - interval '1 day' where user_id = '${gone[1].id}';
		with crowd as (
			insert into users (id, handle, display_name)
			select gen_random_uuid(), 'resync-' || substr(md5(random()::text), 1, 20), 'Resync' from generate_series(1, ${CROWD})
			returning id
		), phones as (
			insert into devices (user_id, id) select id, id from crowd
		)
		insert into sessions (id, user_id, device_id, refresh_hash, refresh_expires_at)
		select gen_random_uuid(), id, id, decode(md5(id::text) || md5(id::text), 'hex'), now() + interval '1 day' from crowd`);
	await brokerStart();
});
after(async () => {
	await push?.kill();
	await listener?.endAsync(true);
	broker?.kill('SIGKILL');
	await slotDrop();
	await stack.sql("update sessions set revoked_at = now() - interval '1 day' where user_id in (select id from users where display_name = 'Resync')");
	await rm(directory, { recursive: true, force: true });
	await stack?.stop();
});

/** Once each of those with a live session, and nobody else, evenly over the window; then the slot is there. */
async function everybodyIsTold() {
	// a token that was made last before the session ended lives a quarter of an hour longer
	const alive = "revoked_at is null and refresh_expires_at > now() - interval '15 minutes'";
	const expected = (await stack.sql(`select distinct user_id from sessions where ${alive} order by 1`)).split('\n');
	await waitFor(async () => (await health()) === 200, 15_000, 'it streams');
	await waitFor(() => told.length >= expected.length, 10_000, 'everybody is told');
	assert.deepEqual(told.map(({ user }) => user).sort(), expected);
	for (const { event } of told) assert.deepEqual([event.type, event.data.reason], ['sync.required', 'slot_lost']);
	for (const { id } of people) assert.ok(expected.includes(id));
	for (const { id } of gone) assert.ok(!expected.includes(id));
	assert.deepEqual(await slots(), [SLOT]);

	const times = told.map(({ at_ms }) => at_ms);
	const spread = Math.max(...times) - Math.min(...times);
	assert.ok(spread > WINDOW_MS * 0.8 && spread < WINDOW_MS + 2000, `spread over ${spread} ms`);
	const half = times.filter((at_ms) => at_ms - Math.min(...times) < spread / 2).length;
	assert.ok(half > expected.length / 4 && half < (expected.length * 3) / 4, `${half} of ${expected.length} in the first half`);
}

it('everybody with a live session is told once, evenly over the window', async (t) => {
	await pushStart();
	await everybodyIsTold();
	t.diagnostic(`${told.length} people`);
});

it('killed in between, the next one tells everybody from the first on', async () => {
	await push.kill();
	await slotDrop();
	told = [];
	await pushStart();
	await waitFor(() => told.length > 10, 10_000, 'some are told');
	await push.kill();
	await waitFor(async () => (await slots()).join() === '', 10_000, 'there is no slot');
	told = [];
	await pushStart();
	await everybodyIsTold();
});

it('while the broker stands still nobody is told, and there is no slot', async () => {
	await push.kill();
	await slotDrop();
	told = [];
	await pushStart();
	await waitFor(() => told.length > 10, 10_000, 'some are told');
	broker.kill('SIGSTOP');
	try {
		await waitFor(async () => (await slots()).join() === `${SLOT}_new`, 5000, 'it waits');
		assert.equal(await health(), 503);
	} finally {
		broker.kill('SIGCONT');
	}
	await waitFor(async () => (await health()) === 200, 15_000, 'it streams');
	const users = new Set(told.map(({ user }) => user));
	for (const { id } of people) assert.ok(users.has(id));
	assert.deepEqual(await slots(), [SLOT]);
});
