// PostgreSQL dies or is away: nothing acknowledged is lost or doubled, workers and parley-push live on.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { api, connect, groupOf, must, register, send } from '../lib/client.mjs';
import { checkAnswer } from '../lib/contract.mjs';
import { checkHistory, Received, underLoad } from '../lib/load.mjs';
import { childrenOf, openSession, unsupervised } from '../lib/processes.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const SENDERS = 6;
const AWAY_MS = 3000;

let stack, people, watcher, group;
before(async () => {
	stack = await startStack();
	people = await Promise.all([...Array(SENDERS)].map((_, i) => register(stack, `Writer ${i}`)));
	watcher = await register(stack, 'Watcher');
	group = await groupOf(people[0], [...people.slice(1), watcher]);
});
after(() => stack?.stop());

const pushHealth = async () => {
	const answer = await fetch(`${stack.metricsUrl}/health`);
	return { ...(await answer.json()), status: answer.status };
};
const restHealth = () => api(stack).get('/health');
const bothWork = () =>
	waitFor(
		async () => (await restHealth()).status === 200 && (await pushHealth()).status === 200,
		30_000,
		'both programs have their database again',
	);

/** What a worker says without a database: 503, machine-readable, with when to try again. */
function checkUnavailable(answer, path, method = 'POST') {
	assert.equal(answer.status, 503, answer.text);
	assert.equal(answer.body.code, 'unavailable');
	assert.ok(Number(answer.headers.get('retry-after')) >= 1, 'it has Retry-After');
	checkAnswer(method, path, 503, answer.headers, answer.body, answer.text);
}

it('killed twice under load: each acknowledged message is there exactly once and arrives', async (t) => {
	const workers = (await childrenOf(await stack.pid('rest'))).sort();
	const push = await stack.pid('push');
	const device = await connect(watcher);
	const inbox = new Received(device);
	const load = await underLoad(people, [group], async (load_) => {
		for (let i = 0; i < 2; i++) {
			await load_.more(50);
			const pid = await stack.kill('postgres');
			await stack.replaced('postgres', pid, 10_000);
			await bothWork();
		}
		await load_.more(50);
	});

	assert.ok(load.failed.length > 0, 'the fault was felt');
	for (const answer of load.failed) {
		assert.equal(answer.status, 503, `${answer.status} ${answer.text ?? answer.error}`);
		checkUnavailable(answer, `/api/v1/conversations/${group.id}/messages`);
	}
	const twice = load.acked.filter(({ status }) => status === 200).length;
	t.diagnostic(`${load.acked.length} messages, ${load.failed.length} times 503, ${twice} had been taken before the retry`);
	await checkHistory(watcher, group, load.acked);
	await inbox.all(load.acked);
	inbox.checkOrder();
	assert.deepEqual((await childrenOf(await stack.pid('rest'))).sort(), workers, 'no worker was lost');
	assert.equal(await stack.pid('push'), push, 'nor was parley-push');
	assert.equal(device.client.connected, true);
	await device.end(true);
});

it(`away for ${AWAY_MS / 1000} s: /health says which part, requests get 503 at once, then all is well`, async () => {
	const pid = await stack.pid('postgres');
	const id = randomUUID();
	const path = `conversations/${group.id}/messages`;
	await unsupervised(stack, async () => {
		await stack.kill('postgres');
		await waitFor(async () => (await restHealth()).status === 503 && (await pushHealth()).status === 503, 5000, 'both notice');
		const end = performance.now() + AWAY_MS;
		while (performance.now() < end) {
			const begin = performance.now();
			const health = await restHealth();
			assert.deepEqual([health.status, health.body.status, health.body.database], [503, 'unavailable', 'unavailable']);
			assert.ok(health.headers.get('retry-after'));
			checkUnavailable(await people[0].api.post(path, { id, body: 'patient' }), `/api/v1/${path}`);
			checkUnavailable(await people[0].api.get('conversations'), '/api/v1/conversations', 'GET');
			// what needs no database is answered all the same
			assert.equal((await api(stack).get('config')).status, 200);
			assert.ok(performance.now() - begin < 2000, 'nobody waits for what is not there');
			const push = await pushHealth();
			assert.deepEqual([push.status, push.database, push.broker], [503, 'unavailable', 'ok']);
		}
	});
	await stack.replaced('postgres', pid, 10_000);
	await bothWork();
	const device = await connect(watcher);
	const sent = must(await people[0].api.post(path, { id, body: 'patient' }), 201);
	await device.next(({ event }) => event?.data?.id === sent.id, 10_000);
	await device.end(true);
});

it('when the server has ended every connection no request notices', async () => {
	for (let round = 0; round < 3; round++) {
		const pids = await stack.sql("select string_agg(pid::text, ',') from pg_stat_activity where usename = 'parley_rest'", { superuser: true });
		assert.match(pids, /^\d+(,\d+)*$/);
		await stack.sql(`select pg_terminate_backend(unnest(array[${pids}]))`, { superuser: true });
		await waitFor(
			async () => (await stack.sql(`select count(*) from pg_stat_activity where pid in (${pids})`, { superuser: true })) === '0',
			5000,
			'they are gone',
		);
		const answers = await Promise.all(
			[...Array(24)].map((_, i) => (i % 2 ? watcher.api.get('conversations') : watcher.api.post(`conversations/${group.id}/messages`, { body: `after all ${i}` }))),
		);
		assert.deepEqual([...new Set(answers.map(({ status }) => status))].sort(), [200, 201]);
	}
});

it('connections ended in the middle of the work: 503 and a retry, nothing double', async (t) => {
	const room = await groupOf(people[0], people.slice(1));
	const end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename in ('parley_rest', 'parley_push')";
	let ended = 0;
	const load = await underLoad(people, [room], async (load_) => {
		for (let i = 0; i < 8; i++) {
			await load_.more(10);
			ended += Number(await stack.sql(end, { superuser: true }));
		}
		await load_.more(20);
	});
	assert.ok(ended > 8);
	for (const answer of load.failed) checkUnavailable(answer, `/api/v1/conversations/${room.id}/messages`);
	t.diagnostic(`${ended} connections ended, ${load.failed.length} times 503`);
	await checkHistory(people[0], room, load.acked);
	await bothWork();
});

it('a statement that waits too long for a lock ends in 503, not in a worker that hangs', async () => {
	const session = await openSession(stack);
	try {
		await session.run(`begin; select 1 from conversations where id = '${group.id}' for update;`);
		const begin = performance.now();
		const answer = await people[0].api.post(`conversations/${group.id}/messages`, { body: 'blocked' });
		checkUnavailable(answer, `/api/v1/conversations/${group.id}/messages`);
		assert.ok(performance.now() - begin < 8000);
		await session.run('rollback;');
		await send(people[0], group, 'free again');
	} finally {
		await session.end();
	}
});

it('a server that stands still in the middle of the work costs 503, and no worker', async () => {
	const own = await startStack({ env: { PARLEY_STATEMENT_TIMEOUT_MS: '500', PARLEY_REST_WORKERS: '2' } });
	let frozen = [];
	try {
		const person = await register(own, 'Patient');
		const workers = (await childrenOf(await own.pid('rest'))).sort();
		const connections = "select pid from pg_stat_activity where application_name = 'parley-rest'";
		frozen = (
			await waitFor(async () => {
				const pids = (await own.sql(connections, { superuser: true })).split('\n');
				return pids.length === workers.length && pids;
			}, 5000, 'every worker is connected')
		).map(Number);
		for (const pid of frozen) process.kill(pid, 'SIGSTOP');
		let answer;
		person.api.get('unread').then((it) => (answer = it), (error) => (answer = { status: 0, text: String(error) }));
		await waitFor(() => answer, 10_000, 'there is an answer');
		checkUnavailable(answer, '/api/v1/unread', 'GET');
		await waitFor(async () => (await person.api.get('unread')).status === 200, 10_000, 'a new connection serves');
		assert.deepEqual((await childrenOf(await own.pid('rest'))).sort(), workers);
	} finally {
		for (const pid of frozen) process.kill(pid, 'SIGCONT');
		await own.stop();
	}
});
