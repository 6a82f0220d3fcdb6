// parley-push dies, has a stand-by, meets records that it cannot read: every acknowledged message arrives.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, register, send } from '../lib/client.mjs';
import { checkHistory, Received, underLoad } from '../lib/load.mjs';
import { startAnother, unsupervised } from '../lib/processes.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { waitForReplica } from '../lib/replica.mjs';
import { freePort, startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const SENDERS = 6;
const KILLS = 5;
// more than a broker keeps for a client by default
const BACKLOG = 1300;
// after that long a silence the broker and PostgreSQL end its connections, and what was under way is sent again
const PATIENCE_MS = 15_000;

let stack, people, watcher, group, direct;
before(async () => {
	stack = await startStack();
	people = await Promise.all([...Array(SENDERS)].map((_, i) => register(stack, `Writer ${i}`)));
	watcher = await register(stack, 'Watcher');
	group = await groupOf(people[0], [...people.slice(1), watcher]);
});
after(() => stack?.stop());

const health = async (url = stack.metricsUrl) => {
	const answer = await fetch(`${url}/health`);
	return { ...(await answer.json()), status: answer.status };
};
const works = () => waitFor(async () => (await health()).status === 200, 10_000, 'parley-push works');

it(`killed ${KILLS} times under load: everything arrives at least once, in order, a repeat is the same event`, async (t) => {
	direct = await directOf(people[0], watcher);
	const other = await groupOf(people[0], people.slice(1));
	const devices = [await connect(watcher), await connect(watcher, { ws: true, version: 4 }), await connect(people[1])];
	const [tcp, ws, member] = devices.map((device) => new Received(device));
	const killed = new Set();
	let directLoad;
	const load = await underLoad(people, [group, other], async (load_) => {
		directLoad = await underLoad([people[0], watcher], [direct], async () => {
			for (let i = 0; i < KILLS; i++) {
				await load_.more(60);
				const pid = await stack.kill('push');
				killed.add(pid);
				await stack.replaced('push', pid, 10_000);
				await works();
			}
			await load_.more(60);
		});
	});
	assert.equal(killed.size, KILLS);
	assert.deepEqual([...load.failed, ...directLoad.failed], [], 'sending does not depend on it');

	const forWatcher = [...load.acked.filter(({ conversation }) => conversation === group.id), ...directLoad.acked];
	for (const inbox of [tcp, ws]) await inbox.all(forWatcher);
	await member.all(load.acked);
	const repeats = [tcp, ws, member].map((inbox) => inbox.checkOrder());
	t.diagnostic(`${load.acked.length + directLoad.acked.length} messages, repeats ${repeats}`);
	assert.deepEqual([...tcp.byConversation.keys()].sort(), [group.id, direct.id].sort());
	for (const room of [group, other]) await checkHistory(people[0], room, load.acked);
	for (const device of devices) {
		assert.equal(device.client.connected, true, 'no client noticed more than a pause');
		await device.end(true);
	}
});

it('stopped for a while and going on: all that was written meanwhile arrives, also if it is much', async () => {
	const device = await connect(watcher);
	const inbox = new Received(device);
	let silence;
	const backlog = async (load) => {
		const pid = await stack.kill('push', 'SIGSTOP');
		const begin = performance.now();
		try {
			await load.more(BACKLOG, 60_000);
		} finally {
			process.kill(pid, 'SIGCONT');
			silence = performance.now() - begin;
		}
	};
	const { acked } = await underLoad(people, [group], backlog, { pause: 0 });
	await inbox.all(acked);
	const repeats = inbox.checkOrder(2);
	assert.ok(repeats === 0 || silence > PATIENCE_MS, `${repeats} repeats after ${silence} ms`);
	await device.end(true);
});

it('told to stop under load, it hands over without a loss and without a repeat', async () => {
	const device = await connect(watcher);
	const inbox = new Received(device);
	const { acked } = await underLoad(people, [group], async (load) => {
		await load.more(40);
		const pid = await stack.kill('push', 'SIGTERM');
		await stack.replaced('push', pid, 10_000);
		await works();
		await load.more(40);
	});
	await inbox.all(acked);
	assert.equal(inbox.checkOrder(2), 0);
	await device.end(true);
});

it('a second one stands by and takes over when the first is killed; the next one stands by', async () => {
	const device = await connect(watcher);
	const inbox = new Received(device);
	const port = await freePort();
	const first = await stack.pid('push');
	const second = await startAnother(first, { PARLEY_METRICS_PORT: String(port) });
	const url = `http://127.0.0.1:${port}`;
	try {
		await waitFor(async () => (await health(url)).role === 'standby' && (await health(url)).status === 200, 10_000, 'it stands by');
		assert.equal((await health()).role, 'active');
		const { acked } = await underLoad(people, [group], async (load) => {
			await load.more(40);
			await unsupervised(stack, async () => {
				await stack.kill('push');
				await waitFor(async () => (await health(url)).role === 'active', 10_000, 'the second one takes over');
				await load.more(40);
			});
			await stack.replaced('push', first, 10_000);
			await waitFor(async () => (await health()).role === 'standby', 10_000, 'the new first one stands by');
			await load.more(40);
			await second.kill();
			await waitFor(async () => (await health()).role === 'active', 10_000, 'the first one is active again');
			await load.more(40);
		});
		await inbox.all(acked);
		inbox.checkOrder(2);
	} finally {
		await second.kill();
		await device.end(true);
	}
});

describe('a record that cannot be read', () => {
	let device;
	before(async () => {
		await works();
		device = await connect(watcher);
	});
	after(() => device?.end(true));

	const refused = async () => (await metricsOf(stack)).value('parley_push_records_refused_total');
	/** A message sent now arrives: everything that was written before it has been dealt with. */
	async function goesOn() {
		const { id } = await send(people[0], group, 'behind it');
		await device.next(({ event }) => event?.data?.id === id, 10_000);
	}

	const event = (changes) => JSON.stringify({
		type: 'message.created', event_id: randomUUID(), at: '2026-11-21T12:00:00.000000+00:00', conversation_id: group.id, rev: 1,
		to: [watcher.id], data: {}, ...changes,
	});
	const poisons = [
		['cut off', () => '{"broken"'],
		['empty', () => ''],
		['no object', () => '[1,2,3]'],
		['deep', () => '['.repeat(5000)],
		['of a type that nobody knows', () => event({ type: 'message.exploded' })],
		['without a type', () => event({ type: undefined })],
		['for nobody that could be', () => event({ to: ['everybody'] })],
		['with recipients that are no list', () => event({ to: watcher.id })],
		['without content', () => event({ data: undefined })],
		['with content of another kind', () => event({ data: { id: 7, seq: 'x' } })],
		['with lines of a control message', () => `deliver messages 1 0\n${watcher.id}\n\n{}`],
		['of a megabyte', () => event({ data: { body: 'x'.repeat(1 << 20) } })],
	];
	for (const [what, text] of poisons) {
		it(`${what}: is skipped and counted, and later events flow`, async () => {
			const pid = await stack.pid('push');
			const before_ = await refused();
			const [begin, end] = ['$poison$', '$poison$'];
			// longer than a command line may be
			const value = text().replace(/x{1000,}/, (xs) => `${end} || repeat('x', ${xs.length}) || ${begin}`);
			await stack.sql(`select pg_logical_emit_message(true, 'parley', ${begin}${value}${end})`);
			await goesOn();
			assert.equal((await refused()) - before_, 1);
			assert.equal(await stack.pid('push'), pid);
			assert.deepEqual(device.kept.filter(({ event }) => event?.conversation_id !== group.id), []);
		});
	}

	it('bytes that are no UTF-8', async () => {
		const before_ = await refused();
		await stack.sql(String.raw`select pg_logical_emit_message(true, 'parley', '\x7b22ff00c0af227d'::bytea)`);
		await goesOn();
		assert.equal((await refused()) - before_, 1);
	});

	it('is logged without its content', async () => {
		await stack.sql(`select pg_logical_emit_message(true, 'parley', '{"type":"message.created","data":"MARKED"')`);
		await goesOn();
		const { push } = await stack.logs();
		assert.match(push, /a record was left out/);
		assert.ok(!push.includes('MARKED'));
	});

	it('many in one transaction with a good one: the good one arrives', async () => {
		const before_ = await refused();
		await stack.sql(`begin;
			select pg_logical_emit_message(true, 'parley', 'bad') from generate_series(1, 500);
			commit;`);
		await goesOn();
		assert.equal((await refused()) - before_, 500);
	});

	const ignored = [
		['of another prefix', 'other', true],
		['of a prefix that begins the same', 'parley2', true],
		['outside of a transaction', 'parley', false],
	];
	for (const [what, prefix, transactional] of ignored) {
		it(`a message ${what} is ignored`, async () => {
			const before_ = await metricsOf(stack);
			await stack.sql(`select pg_logical_emit_message(${transactional}, '${prefix}', 'anything')`);
			await goesOn();
			const now = await metricsOf(stack);
			for (const name of ['parley_push_records_refused_total', 'parley_push_publishes_total']) {
				const own = name.includes('publishes') ? 1 : 0;
				assert.equal(now.value(name) - before_.value(name), own, name);
			}
		});
	}

	it('what is rolled back never happened', async () => {
		const before_ = await refused();
		await stack.sql("begin; select pg_logical_emit_message(true, 'parley', 'bad'); rollback;");
		await goesOn();
		assert.equal(await refused(), before_);
	});
});

it('PostgreSQL stops while a commit is waited for that cannot be seen, and what was committed arrives afterwards', async () => {
	const device = await connect(watcher, { reconnect: true });
	device.client.on('connect', () => device.client.subscribe(`users/${watcher.id}/#`, { qos: 1 }));
	const id = randomUUID();
	const release = await waitForReplica(stack);
	// answered when the server ends, or not at all
	const sending = send(people[0], group, 'seen by nobody', { id }).catch(() => undefined);
	try {
		await waitFor(async () => (await metricsOf(stack)).value('parley_push_held') === 1, 4000, 'parley-push holds it');
		const pid = await stack.kill('postgres', 'SIGINT');
		await stack.replaced('postgres', pid, 20_000);
	} finally {
		await waitFor(async () => (await release(), true), 20_000, 'commits wait no longer');
	}
	await sending;
	await device.next(({ event }) => event?.data?.id === id, 20_000);
	await works();
	await device.end(true);
});
