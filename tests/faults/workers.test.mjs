// The pool of parley-rest's workers: killed at any moment, reloaded under load, stopped in the middle of
// a request. A retry with the same id always leads to one message.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { constants } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { api, connect, groupOf, must, PASSWORD, register, send } from '../lib/client.mjs';
import { checkHistory, history, Received, underLoad } from '../lib/load.mjs';
import { alive, childrenOf, hasPending, openSession, startAnother, stateOf } from '../lib/processes.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const SENDERS = 6;
const WORKERS = 6;
const KILLS = 30;
const { SIGTERM } = constants.signals;

let stack, people, watcher;
before(async () => {
	stack = await startStack({ env: { PARLEY_REST_WORKERS: String(WORKERS) } });
	people = await Promise.all([...Array(SENDERS)].map((_, i) => register(stack, `Writer ${i}`)));
	watcher = await register(stack, 'Watcher');
});
after(() => stack?.stop());

const workersNow = async () => childrenOf(await stack.pid('rest'));
const healthy = async () => (await api(stack).get('/health')).status === 200;
const room = () => groupOf(people[0], [...people.slice(1), watcher]);
const full = () => waitFor(async () => (await workersNow()).length === WORKERS, 5000, `${WORKERS} workers run`);

/** Statements of workers that wait for a lock. */
const waiting = async () =>
	Number(await stack.sql("select count(*) from pg_stat_activity where usename = 'parley_rest' and wait_event_type = 'Lock'", { superuser: true }));
const waits = (count) => waitFor(async () => (await waiting()) === count, 5000, `${count} statements wait`);

/** Holds what nobody can write without, for as long as work runs; work may let go before its end. */
async function holding(statement, work) {
	const session = await openSession(stack);
	let held = true;
	const release = async () => {
		if (held) await session.run('rollback;');
		held = false;
	};
	try {
		await session.run(`begin; ${statement};`);
		return await work(release);
	} finally {
		await release();
		await session.end();
	}
}
const lockOf = (conversation) => `select 1 from conversations where id = '${conversation.id}' for update`;

it('a worker that is killed is replaced', async () => {
	await full();
	const before_ = await workersNow();
	process.kill(before_[0], 'SIGKILL');
	await waitFor(async () => {
		const now = await workersNow();
		return now.length === WORKERS && !now.includes(before_[0]);
	}, 5000, 'there is another');
	const now = await workersNow();
	assert.deepEqual(before_.slice(1).filter((pid) => !now.includes(pid)), [], 'the others live on');
	assert.ok(await healthy());
});

it('2,000 requests that come while every worker is busy wait, and each is answered', async () => {
	const requests = 2000;
	await full();
	const stopped = await workersNow();
	// each request that waits is a connection of the web server to the socket of the workers; the flag is that of the one that listens
	const queued = () => {
		// of what the kernel writes as it is read, node 18 reads the first part alone where it does not block
		const sockets = readFileSync('/proc/net/unix', 'utf8').split('\n');
		return sockets.filter((line) => line.endsWith(`${stack.var}/run/rest.sock`) && line.split(' ')[3] !== '00010000').length;
	};
	const agent = new Agent({ keepAlive: false });
	const answers = [];
	for (const pid of stopped) process.kill(pid, 'SIGSTOP');
	try {
		for (let i = 0; i < requests; i++)
			answers.push(
				new Promise((resolve) =>
					get(`${stack.url}/api/v1/config`, { agent }, (answer) => answer.resume().on('end', () => resolve(answer.statusCode))).on(
						'error',
						(error) => resolve(error.code),
					),
				),
			);
		await waitFor(() => queued() >= requests, 20_000, 'all of them wait');
	} finally {
		for (const pid of stopped) process.kill(pid, 'SIGCONT');
	}
	const others = (await Promise.all(answers)).filter((status) => status !== 200);
	assert.deepEqual(others, []);
});

it('workers killed at random under load: a retry with the same id gives one message each', async (t) => {
	const conversation = await room();
	const device = await connect(watcher);
	const inbox = new Received(device);
	const load = await underLoad(people, [conversation], async (load_) => {
		for (let killed = 0; killed < KILLS; ) {
			await load_.more(8);
			const now = await workersNow();
			if (now.length === 0) continue;
			process.kill(now[Math.floor(Math.random() * now.length)], 'SIGKILL');
			killed++;
		}
		await load_.more(20);
	});
	t.diagnostic(
		`${load.acked.length} messages, ${load.failed.length} failed tries, ` +
			`${load.acked.filter(({ status }) => status === 200).length} had been taken before the retry`,
	);
	await checkHistory(watcher, conversation, load.acked);
	await inbox.all(load.acked);
	assert.equal(inbox.checkOrder(), 0, 'a retry is no second event');
	await full();
	await device.end(true);
});

it('killed after the commit and before its answer: the retry answers with the original', async () => {
	const conversation = await room();
	const device = await connect(watcher);
	const path = `conversations/${conversation.id}/messages`;
	const message = { id: randomUUID(), body: 'committed, not answered', metadata: { n: 1 } };
	const before_ = await workersNow();
	const first = await holding(lockOf(conversation), async (release) => {
		const answer = people[0].api.post(path, message);
		await waits(1);
		// the statement is on its way; its answer will find nobody awake
		for (const pid of before_) process.kill(pid, 'SIGSTOP');
		await release();
		const count = `select count(*) from messages where conversation_id = '${conversation.id}'`;
		await waitFor(async () => (await stack.sql(count)) === '1', 5000, 'it is committed');
		for (const pid of before_) process.kill(pid, 'SIGKILL');
		return answer;
	});
	assert.ok(first.status >= 500, `the first try failed: ${first.status} ${first.text}`);
	const event = await device.event('message.created', conversation);
	assert.equal(event.data.id, message.id);

	await waitFor(healthy, 5000, 'there are workers again');
	const retry = await people[0].api.post(path, message);
	assert.equal(retry.status, 200, retry.text);
	assert.deepEqual([retry.body.id, retry.body.seq, retry.body.body], [message.id, 1, message.body]);
	const next = await send(people[0], conversation, 'the next one');
	assert.equal(next.seq, 2);
	assert.equal((await device.event('message.created', conversation)).data.id, next.id, 'the retry was no event');
	await device.end(true);
});

it('killed while its statement waits: twins of the retry and what is left of the first are one message', async () => {
	const conversation = await room();
	const device = await connect(watcher);
	const path = `conversations/${conversation.id}/messages`;
	const message = { id: randomUUID(), body: 'one of a kind' };
	await full();
	const retries = await holding(lockOf(conversation), async (release) => {
		const first = people[0].api.post(path, message);
		await waits(1);
		for (const pid of await workersNow()) process.kill(pid, 'SIGKILL');
		assert.ok((await first).status >= 500);
		await waitFor(healthy, 5000, 'there are workers again');
		await full();
		// PostgreSQL does not know yet that nobody listens to the first
		assert.equal(await waiting(), 1);
		const twins = [...Array(4)].map(() => people[0].api.post(path, message));
		await waits(5);
		await release();
		return Promise.all(twins);
	});
	for (const retry of retries) {
		assert.ok([200, 201].includes(retry.status), retry.text);
		assert.deepEqual([retry.body.id, retry.body.seq, retry.body.body], [message.id, 1, message.body]);
	}
	assert.ok(retries.filter(({ status }) => status === 201).length <= 1, 'it was made once');
	assert.equal((await history(watcher, conversation)).length, 1);
	const next = await send(people[0], conversation, 'the next one');
	assert.equal(next.seq, 2);
	const ids = [await device.event('message.created', conversation), await device.event('message.created', conversation)];
	assert.deepEqual(ids.map((event) => event.data.id), [message.id, next.id]);
	await device.end(true);
});

describe('reload', () => {
	// every fortieth is a login, which takes long
	const kinds = [
		(person) => person.api.get('conversations'),
		(person, room_) => person.api.get(`conversations/${room_.id}/messages`),
		(person, room_) => person.api.post(`conversations/${room_.id}/messages`, { body: 'during the reload' }),
		(person) => person.api.get('unread'),
	];
	const login = (person) => api(stack).post('auth/login', { handle: person.handle, password: PASSWORD });

	/**
	 * So many people ask one thing after the other for as long as work(more) runs; more(n) resolves after n
	 * more answers. Returns how many were good, and how often there was what else.
	 */
	async function during(count, conversation, work) {
		const answers = { good: 0 };
		let done = 0;
		let stopping = false;
		const runs = [...Array(count)].map(async (_, i) => {
			const person = people[i % people.length];
			for (let n = i; !stopping; n++) {
				const kind = n % 40 === 3 ? login : kinds[n % kinds.length];
				const { status, text } = await kind(person, conversation).catch((error) => ({ status: `${error.cause ?? error}` }));
				const key = status === 200 || status === 201 ? 'good' : `${status} ${text}`;
				answers[key] = (answers[key] ?? 0) + 1;
				done++;
			}
		});
		try {
			await work((n) => {
				const goal = done + n;
				return waitFor(() => done >= goal, 30_000, `${n} more requests`);
			});
		} finally {
			stopping = true;
			await Promise.all(runs);
		}
		return answers;
	}

	const allNew = (old) =>
		waitFor(async () => {
			const now = await workersNow();
			return now.length === WORKERS && !now.some((pid) => old.includes(pid));
		}, 20_000, 'all workers are new');

	it('five times under load: every worker is a new one, and not one request fails', async (t) => {
		const conversation = await room();
		await full();
		const rest = await stack.pid('rest');
		const reloads = async () => (await metricsOf(stack)).value('parley_rest_reloads_total');
		const before_ = await reloads();
		const { good, ...bad } = await during(12, conversation, async (more) => {
			for (let i = 0; i < 5; i++) {
				await more(40);
				const old = await workersNow();
				process.kill(rest, 'SIGHUP');
				await allNew(old);
			}
			await more(40);
		});
		t.diagnostic(`${good} requests`);
		assert.deepEqual(bad, {});
		assert.equal(await stack.pid('rest'), rest, 'the parent is the same process');
		assert.equal((await reloads()) - before_, 5);
	});

	it('reloads that overtake each other do no harm', async () => {
		const conversation = await room();
		const rest = await stack.pid('rest');
		const { good, ...bad } = await during(6, conversation, async (more) => {
			const old = await workersNow();
			for (let i = 0; i < 6; i++) {
				await more(3);
				process.kill(rest, 'SIGHUP');
			}
			await allNew(old);
			await more(20);
		});
		assert.ok(good > 0);
		assert.deepEqual(bad, {});
		assert.equal(await stack.pid('rest'), rest);
	});

	it('what is in hand is finished by the old workers', async () => {
		const conversation = await room();
		await full();
		const old = await workersNow();
		const answer = await holding(lockOf(conversation), async (release) => {
			const sent = people[0].api.post(`conversations/${conversation.id}/messages`, { body: 'older than the reload' });
			await waits(1);
			process.kill(await stack.pid('rest'), 'SIGHUP');
			await waitFor(async () => (await workersNow()).filter((pid) => !old.includes(pid)).length === WORKERS, 10_000, 'new workers are there');
			assert.equal((await people[1].api.get('unread')).status, 200, 'and they serve');
			await release();
			return sent;
		});
		must(answer, 201);
		await waitFor(async () => !old.some(alive), 5000, 'the old ones go');
	});

	it('an answer that waits for its reader leaves whole', async () => {
		const conversation = await room();
		// several times what a socket holds
		for (let i = 0; i < 16; i++) await send(people[0], conversation, 'm'.repeat(60_000));
		await full();
		const old = await workersNow();
		let page;
		try {
			await holding('lock table messages in access exclusive mode', async (release) => {
				page = people[0].api.get(`conversations/${conversation.id}/messages`);
				page.catch(() => undefined);
				await waits(1);
				await stack.kill('lighttpd', 'SIGSTOP');
				await release();
			});
			process.kill(await stack.pid('rest'), 'SIGHUP');
			const left = async () => {
				const pids = old.filter(alive);
				return pids.length === 0 || (pids.length === 1 && (await hasPending(pids[0], SIGTERM)));
			};
			await waitFor(left, 10_000, 'one worker is left, and has been told to go');
		} finally {
			await stack.kill('lighttpd', 'SIGCONT');
		}
		assert.equal(must(await page, 200).data.length, 16);
		await waitFor(() => !old.some(alive), 5000, 'and goes');
	});

	it('with a configuration that is wrong the old one stays in service', async () => {
		const config = join(stack.directory, 'parley.conf');
		const good = await readFile(config, 'utf8');
		const old = await workersNow();
		await writeFile(config, `${good}\nno_such_key = 1\n`);
		try {
			process.kill(await stack.pid('rest'), 'SIGHUP');
			await waitFor(async () => /not reloaded: it would not start like this/.test((await stack.logs()).rest), 5000, 'it says so');
		} finally {
			await writeFile(config, good);
		}
		assert.deepEqual((await workersNow()).sort(), old.sort());
		assert.ok(await healthy());
	});
});

describe('SIGTERM', () => {
	const back = async (pid) => {
		await stack.replaced('rest', pid, 10_000);
		await waitFor(healthy, 10_000, 'it serves again');
		await full();
	};

	it('finishes what is in hand', async () => {
		const conversation = await room();
		await full();
		const pid = await stack.pid('rest');
		const count = WORKERS - 1;
		const answers = await holding(lockOf(conversation), async (release) => {
			const sent = [...Array(count)].map((_, i) =>
				people[i].api.post(`conversations/${conversation.id}/messages`, { body: `in hand ${i}` }),
			);
			await waits(count);
			await stack.kill('rest', 'SIGTERM');
			// whoever has nothing to do goes at once, the others stay
			await waitFor(async () => (await childrenOf(pid)).length === count, 5000, 'the idle one has gone');
			assert.ok(alive(pid));
			await release();
			return Promise.all(sent);
		});
		for (const answer of answers) must(answer, 201);
		await back(pid);
		assert.equal((await history(watcher, conversation)).length, count);
	});

	it('a login under way is completed', async () => {
		const pid = await stack.pid('rest');
		const workers = await workersNow();
		let settled = false;
		const login = api(stack).post('auth/login', { handle: people[0].handle, password: PASSWORD });
		login.finally(() => (settled = true));
		// a worker that computes is one that hashes the password: the others sleep
		await waitFor(async () => {
			for (const worker of workers) if ((await stateOf(worker)) === 'R') return true;
			return settled;
		}, 5000, 'a worker is at it');
		await stack.kill('rest', 'SIGTERM');
		must(await login, 200);
		await back(pid);
	});

	it('logins that wait for the database are completed too', async () => {
		const pid = await stack.pid('rest');
		const answers = await holding('lock table sessions in exclusive mode', async (release) => {
			const logins = people.slice(0, 3).map((person) => api(stack).post('auth/login', { handle: person.handle, password: PASSWORD }));
			await waits(3);
			await stack.kill('rest', 'SIGTERM');
			await waitFor(async () => (await childrenOf(pid)).length === 3, 5000, 'the idle ones have gone');
			await release();
			return Promise.all(logins);
		});
		for (const answer of answers) assert.ok(must(answer, 200).access_token);
		await back(pid);
	});
});

it('a second parley-rest on the same socket refuses to start and does no harm', async () => {
	const pid = await stack.pid('rest');
	const workers = (await workersNow()).sort();
	const second = await startAnother(pid);
	const end = await second.exited;
	assert.notEqual(end.code, 0);
	assert.match(second.output, /another parley-rest owns rest_socket/);
	assert.deepEqual((await workersNow()).sort(), workers);
	const conversation = await room();
	for (let i = 0; i < 2 * WORKERS; i++) await send(people[0], conversation, `still here ${i}`);
});

it('when the parent is killed its workers go, and a new one takes the socket over', async () => {
	const workers = await workersNow();
	const pid = await stack.kill('rest');
	await stack.replaced('rest', pid, 10_000);
	await waitFor(healthy, 10_000, 'it serves again');
	await waitFor(() => !workers.some(alive), 5000, 'the old workers are gone');
});
