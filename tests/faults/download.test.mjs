// Large files, and clients and workers that do not behave, in each of the three ways in which a file is handed out.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { program } from '../api/raw.mjs';
import { register } from '../lib/client.mjs';
import { download, largeFileOf } from '../lib/files.mjs';
import { startLighttpd, startNginx } from '../lib/front.mjs';
import { childrenOf } from '../lib/processes.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const MIB = 1 << 20;
const GIB = 1 << 30;
const GROWN_KB = 2048; // what memory may grow by whatever comes; a file is a thousand times that
const ASAN = !!process.env.PARLEY_ASAN; // which has memory of its own
const WAYS = ['lighttpd', 'nginx', 'worker'];

let stack, ann, large, middle;
const fronts = {};
before(async () => {
	stack = await startStack();
	const [nginx, worker] = await Promise.all([startNginx(stack), startLighttpd(stack, { sendfile: false })]);
	Object.assign(fronts, { lighttpd: stack, nginx, worker });
	ann = await register(stack, 'Ann');
	large = await largeFileOf(stack, ann, GIB);
	middle = await largeFileOf(stack, ann, 64 * MIB);
});
after(async () => {
	await Promise.all([fronts.nginx?.stop(), fronts.worker?.stop()]);
	await stack?.stop();
});

const workers = async () => childrenOf(await stack.pid('rest'));
const peakKb = async (pid) => Number((await readFile(`/proc/${pid}/status`, 'utf8')).match(/^VmHWM:\s+(\d+) kB$/m)[1]);
/** The most that any of these processes has had of memory while work ran beyond what it had before, in kB. */
async function grown(pids, work) {
	const before_ = await Promise.all(
		pids.map(async (pid) => {
			await writeFile(`/proc/${pid}/clear_refs`, '5');
			return peakKb(pid);
		}),
	);
	await work();
	return Math.max(...(await Promise.all(pids.map(peakKb))).map((peak, i) => peak - before_[i]));
}

/** The large one, quicker than node reads: status and bytes. It fails when they are not all there. */
async function curl(way, ...more) {
	const args = ['-sS', '-o', '/dev/null', '-w', '%{http_code} %{size_download}', '-H', `Authorization: Bearer ${ann.token}`];
	const { stdout } = await promisify(execFile)('curl', [...args, ...more, fronts[way].url + large.url]);
	return stdout;
}

/** A small thing, and quickly: a worker is there for it. */
async function answersAtOnce(way) {
	const start = performance.now();
	const { status, size } = await download(fronts[way], middle.url, { token: ann.token, headers: { range: 'bytes=5-14' } });
	assert.deepEqual([status, size], [206, 10], way);
	assert.ok(performance.now() - start < 5000, `${way}: ${performance.now() - start} ms`);
}

for (const way of WAYS)
	describe(`by ${way}`, () => {
		it('1 GiB leaves the memory of the workers and of the web server as it is', { skip: ASAN }, async () => {
			// each worker has had its first
			await Promise.all([...Array(8)].map(() => answersAtOnce(way)));
			const front = await stack.pid('lighttpd');
			const more = await grown([...(await workers()), front], async () => {
				assert.equal(await curl(way), `200 ${GIB}`);
				assert.equal(await curl(way, '-r', `-${64 * MIB}`), `206 ${64 * MIB}`);
			});
			assert.ok(more < GROWN_KB, `${more} kB more`);
		});

		it('clients that go away or stand still hold no worker', async () => {
			const asked = [...Array(12)].map(
				(_, i) =>
					new Promise((resolve) => {
						const onHead = (answer) => {
							answer.pause();
							if (i % 2) answer.destroy();
							resolve(answer);
						};
						download(fronts[way], middle.url, { token: ann.token, onHead, keep: false }).catch(() => undefined);
					}),
			);
			const answers = await Promise.all(asked);
			try {
				for (let i = 0; i < 8; i++) await answersAtOnce(way);
			} finally {
				for (const answer of answers) answer.destroy();
			}
		});
	});

it('a worker that dies in the middle leaves nothing that looks whole', async () => {
	// nginx lets the worker send what comes with If-Match
	for (const [way, headers] of [
		['worker', {}],
		['nginx', { 'if-match': '*' }],
	]) {
		const killed = async () => {
			for (const pid of await workers()) process.kill(pid, 'SIGKILL');
		};
		let done;
		const answer = await download(fronts[way], large.url, {
			token: ann.token,
			headers,
			keep: false,
			onHead: () => (done = killed()),
		}).catch((error) => error);
		await done;
		assert.equal(answer.status, 200, `${way}: ${answer}`);
		assert.ok(answer.size < GIB && !answer.complete, `${way}: ${answer.size} bytes, complete: ${answer.complete}`);
		await waitFor(async () => (await fetch(`${stack.url}/health`)).status === 200, 10_000, 'workers are there again');
	}
});

it('as plain CGI, 1 GiB takes no more memory either, and comes whole', { skip: ASAN }, async () => {
	const env = {
		PATH: process.env.PATH,
		PARLEY_VAR: stack.var,
		PARLEY_REST_DATABASE: stack.env.PARLEY_REST_DATABASE,
		PARLEY_SHM: join(stack.var, 'run/cgi.shm'),
		GATEWAY_INTERFACE: 'CGI/1.1',
		REQUEST_METHOD: 'GET',
		PATH_INFO: large.url,
		REMOTE_ADDR: '127.0.0.1',
		HTTP_AUTHORIZATION: `Bearer ${ann.token}`,
	};
	const child = spawn(program('parley-rest'), [], { env, stdio: ['ignore', 'pipe', 'ignore'] });
	let size = 0, head = '', peak;
	for await (const chunk of child.stdout) {
		if (size === 0) head = chunk.toString('latin1').split('\r\n\r\n')[0];
		size += chunk.length;
		// it waits for us to read on
		if (!peak && size > 900 * MIB) peak = await peakKb(child.pid);
	}
	assert.match(head, /^Status: 200\r\n/);
	assert.equal(size, head.length + 4 + GIB);
	assert.ok(peak < 24 * 1024, `${peak} kB`);
});
