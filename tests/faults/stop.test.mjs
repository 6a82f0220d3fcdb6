// What `make run` promises about its end and its next start: it stops when it is told to and leaves nothing behind, finds its data
// again, and lives where it is put.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, lstat, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { api, connect, must, PASSWORD, register } from '../lib/client.mjs';
import { alive } from '../lib/processes.mjs';
import { environment, freePort, root, startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const SERVICES = ['postgres', 'mosquitto', 'push', 'rest', 'lighttpd'];

/** Processes of this host that have text in their command line or environment. */
async function processesWith(text) {
	const found = [];
	for (const entry of await readdir('/proc')) {
		if (!/^[0-9]+$/.test(entry) || Number(entry) === process.pid) continue;
		try {
			const command = await readFile(`/proc/${entry}/cmdline`, 'utf8');
			const env = await readFile(`/proc/${entry}/environ`, 'utf8');
			if (command.includes(text) || env.includes(text)) found.push(`${entry} ${command.replaceAll('\0', ' ')}`);
		} catch {
			// gone in between, or another user's
		}
	}
	return found;
}

describe('stopping', () => {
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
		it(`${signal} ends everything, with status 0`, async () => {
			const stack = await startStack();
			const pids = await Promise.all(SERVICES.map((name) => stack.pid(name)));
			const end = await stack.stop({ signal });
			assert.deepEqual(end, { code: 0, signal: null });
			assert.deepEqual(
				pids.filter((pid) => alive(pid)),
				[],
			);
			assert.deepEqual(await processesWith(stack.var), []);
		});
	}

	for (const moment of ['making the database', 'starting']) {
		it(`SIGINT while it is ${moment} leaves nothing behind either`, async () => {
			const directory = await mkdtemp(join(tmpdir(), 'parley-test-'));
			await chmod(directory, 0o711);
			const child = spawn(join(root, 'ops/run'), ['--config', '/dev/null'], {
				env: environment({
					PARLEY_VAR: join(directory, 'var'),
					PARLEY_PORT: String(await freePort()),
					PARLEY_MQTT_PORT: String(await freePort()),
					PARLEY_METRICS_PORT: String(await freePort()),
				}),
				stdio: ['ignore', 'pipe', 'inherit'],
			});
			let output = '';
			child.stdout.on('data', (data) => (output += data));
			const exited = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
			await waitFor(() => output.includes(`parley: ${moment}`), 20_000);
			child.kill('SIGINT');
			assert.deepEqual(await exited, { code: 0, signal: null });
			assert.doesNotMatch(output, /is ready/);
			await waitFor(async () => (await processesWith(directory)).length === 0, 5000);
			await rm(directory, { recursive: true });
		});
	}

	it('a connected client does not hold it up', async () => {
		const stack = await startStack();
		const person = await register(stack, 'Lingering');
		const devices = [await connect(person), await connect(person, { ws: true })];
		const begin = performance.now();
		const end = await stack.stop();
		assert.equal(end.code, 0);
		assert.ok(performance.now() - begin < 10_000, `${performance.now() - begin} ms`);
		for (const device of devices) await device.end(true);
	});

	it('a second Ctrl-C does not wait for a service that hangs', async () => {
		const stack = await startStack();
		await stack.kill('push', 'SIGSTOP');
		process.kill(stack.supervisor, 'SIGINT');
		await waitFor(() => stack.output().includes('stopping'), 5000);
		process.kill(stack.supervisor, 'SIGINT');
		const late = setTimeout(() => process.kill(stack.supervisor, 'SIGKILL'), 8000);
		const end = await stack.stop({ signal: 0 });
		clearTimeout(late);
		assert.equal(end.code, 0);
		assert.deepEqual(await processesWith(stack.var), []);
	});

	it('when the supervisor itself is killed nothing survives, and the next start works', async () => {
		const stack = await startStack();
		const person = await register(stack, 'Patient');
		await stack.stop({ signal: 'SIGKILL', keep: true });
		const again = await startStack({ directory: stack.directory, env: stack.settings });
		try {
			const answer = await api(again).post('auth/login', { handle: person.handle, password: PASSWORD });
			assert.equal(answer.status, 200);
		} finally {
			await again.stop();
		}
		await waitFor(async () => (await processesWith(stack.var)).length === 0, 5000);
		await rm(stack.directory, { recursive: true, force: true });
	});

	it('the next start finds data and keys', async () => {
		const stack = await startStack();
		const person = await register(stack, 'Returning');
		await stack.stop({ keep: true });
		const again = await startStack({ directory: stack.directory, env: stack.settings });
		try {
			const me = await api(again, person.token).get('users/me');
			assert.equal(must(me, 200).handle, person.handle);
		} finally {
			await again.stop();
			await rm(stack.directory, { recursive: true, force: true });
		}
	});
});

describe('where it may live', () => {
	it('a directory that only its owner may enter', async () => {
		const home = await mkdtemp(join(tmpdir(), 'parley-home-'));
		const stack = await startStack({ directory: home });
		try {
			await register(stack, 'Private');
			const data = await lstat(join(stack.var, 'data'));
			assert.equal(data.isSymbolicLink(), process.getuid() === 0);
		} finally {
			await stack.stop();
			if (process.getuid() === 0) {
				const target = execFileSync('readlink', [join(stack.var, 'data')], { encoding: 'utf8' }).trim();
				assert.match(target, /^\/var\/lib\/parley\/[0-9a-f]+\/data$/);
				await rm(join(target, '..'), { recursive: true });
			}
			await rm(home, { recursive: true });
		}
	});

	it('a path that is too long for a UNIX socket', async () => {
		const directory = await mkdtemp(join(tmpdir(), 'parley-test-'));
		await chmod(directory, 0o711);
		const long = join(directory, 'long-'.repeat(30));
		const stack = await startStack({ directory, env: { PARLEY_VAR: long } });
		try {
			await register(stack, 'Distant');
			assert.ok(!existsSync(join(long, 'run/rest.sock')));
		} finally {
			await stack.stop();
			await rm(directory, { recursive: true });
		}
	});
});
