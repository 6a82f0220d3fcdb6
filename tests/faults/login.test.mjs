// Many who log in at once: passwords are hashed by a few workers, and the others serve whoever wants anything else.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { api, must, PASSWORD, register } from '../lib/client.mjs';
import { startLighttpd, startNginx } from '../lib/front.mjs';
import { childrenOf, stateOf } from '../lib/processes.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const WORKERS = 8; // of those that serve everything; half of them may be at it
const CONCURRENCY = 2; // as many more for passwords
const HASH_KB = 19 * 1024;

let stack, plain, folder, person, base;
before(async () => {
	stack = await startStack({
		env: { PARLEY_REST_WORKERS: String(WORKERS), PARLEY_PASSWORD_CONCURRENCY: String(CONCURRENCY) },
	});
	// a web server that knows one socket alone
	folder = await mkdtemp(join(tmpdir(), 'parley-login-'));
	for (const name of ['one', 'one.password']) await symlink(join(stack.var, 'run/rest.sock'), join(folder, name));
	plain = await startLighttpd(stack, { socket: join(folder, 'one') });
	person = await register(stack, 'Crowd');
	base = Math.max(...(await Promise.all((await workers()).map(rssOf))));
});
after(async () => {
	await plain?.stop();
	await stack?.stop();
	if (folder) await rm(folder, { recursive: true });
});

const login = (front = stack) => api(front).post('auth/login', { handle: person.handle, password: PASSWORD });
const workers = async () => childrenOf(await stack.pid('rest'));
const rssOf = async (pid) => Number(/VmRSS:\s*(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1]);
const rss = async () => (await Promise.all((await workers()).map(rssOf))).reduce((sum, kb) => sum + kb, 0);
/** Is it at a hash? A quarter of one is more than a worker ever grows by otherwise. */
const isHashing = async (pid) => (await rssOf(pid)) > base + HASH_KB / 4;
const refusals = async () => (await metricsOf(stack)).value('parley_rest_turns_refused_total');

it('64 logins at once wait for each other, and for them nobody', async () => {
	let under_way = true;
	const all = Promise.all(Array.from({ length: 64 }, () => login())).finally(() => (under_way = false));
	for (let i = 0; i < 10; i++) {
		must(await api(stack).get('config'), 200);
		must(await person.api.get('users/me'), 200);
	}
	assert.ok(under_way, 'what is quick has not waited');
	for (const answer of await all) must(answer, 200);
	assert.equal(await refusals(), 0);
});

it('behind nginx they wait as well', async () => {
	const nginx = await startNginx(stack);
	try {
		for (const answer of await Promise.all(Array.from({ length: 32 }, () => login(nginx)))) must(answer, 200);
	} finally {
		await nginx.stop();
	}
	assert.equal(await refusals(), 0);
});

it('a reload loses none of those who wait', async () => {
	const earlier = await workers();
	const all = Promise.all(Array.from({ length: 48 }, () => login()));
	process.kill(await stack.pid('rest'), 'SIGHUP');
	for (const answer of await all) must(answer, 200);
	const renewed = async () => {
		const now = await workers();
		return now.length === WORKERS + CONCURRENCY && !now.some((pid) => earlier.includes(pid));
	};
	await waitFor(renewed, 10_000, 'all workers are new');
	must(await login(), 200);
	assert.equal(await refusals(), 0);
});

it('64 logins over one socket are answered with 200, or with 503 and when to come again', async () => {
	const answers = await Promise.all(Array.from({ length: 64 }, () => login(plain)));
	const counts = {};
	for (const { status, headers } of answers) {
		counts[status] = (counts[status] ?? 0) + 1;
		if (status === 503) assert.equal(headers.get('Retry-After'), '1');
	}
	assert.deepEqual(Object.keys(counts), ['200', '503']);
	assert.equal(await refusals(), counts[503]);
	// nobody has kept a place
	for (let i = 0; i < CONCURRENCY + WORKERS; i++) must(await login(plain), 200);
});

// AddressSanitizer keeps what was freed
it('64 logins at once take the memory of two hashes', { skip: !!process.env.PARLEY_ASAN }, async () => {
	const before_ = await rss();
	let most = 0,
		under_way = true;
	const all = Promise.all(Array.from({ length: 64 }, () => login())).finally(() => (under_way = false));
	while (under_way) most = Math.max(most, await rss());
	await all;
	assert.ok(most < before_ + (CONCURRENCY + 0.5) * HASH_KB, `${most - before_} kB more`);
});

/** Has a worker stand still in the middle of a hash; resolves to it. */
async function stopInside(stopped = []) {
	for (let tries = 0; tries < 100; tries++) {
		const answer = login(plain);
		let answered = false;
		answer.finally(() => (answered = true));
		while (!answered) {
			for (const pid of await workers()) {
				if (stopped.includes(pid) || !(await isHashing(pid))) continue;
				process.kill(pid, 'SIGSTOP');
				await waitFor(async () => (await stateOf(pid)) === 'T', 5000, 'it stands still');
				if (await isHashing(pid)) return { pid, answer };
				process.kill(pid, 'SIGCONT');
			}
		}
	}
	assert.fail('no worker was met at a hash');
}

it('half of the workers serve whoever wants no password hashed, and others get 503 at once', { skip: !!process.env.PARLEY_ASAN }, async () => {
	const first = await stopInside();
	const second = await stopInside([first.pid]);
	try {
		let answered = 0;
		const more = Array.from({ length: 6 }, () => login(plain).finally(() => answered++));
		// two places are taken, two more may wait, and four are turned away
		await waitFor(() => answered === 4, 2500, 'four are turned away while two wait');
		for (let i = 0; i < 10; i++) {
			must(await api(stack).get('config'), 200);
			must(await person.api.get('users/me'), 200);
		}
		// nobody waits for ever
		assert.deepEqual(new Set((await Promise.all(more)).map(({ status }) => status)), new Set([503]));
	} finally {
		for (const { pid } of [first, second]) process.kill(pid, 'SIGCONT');
	}
	for (const { answer } of [first, second]) must(await answer, 200);
	must(await login(plain), 200);
});

it('the place of a worker that dies at a hash is free for the next', { skip: !!process.env.PARLEY_ASAN }, async () => {
	const first = await stopInside();
	const second = await stopInside([first.pid]);
	const waits = async (pid) => /futex/.test(await readFile(`/proc/${pid}/wchan`, 'utf8'));
	try {
		const next = login(plain);
		await waitFor(async () => (await Promise.all((await workers()).map(waits))).some(Boolean), 2500, 'it waits');
		process.kill(first.pid, 'SIGKILL');
		must(await next, 200);
	} finally {
		process.kill(second.pid, 'SIGCONT');
	}
	must(await second.answer, 200);
	assert.ok((await first.answer).status >= 500, 'the one that it had in hand is lost');
	await waitFor(async () => (await workers()).length === WORKERS + CONCURRENCY, 5000, 'there is another worker');
	await Promise.all(Array.from({ length: CONCURRENCY }, async () => must(await login(plain), 200)));
});
