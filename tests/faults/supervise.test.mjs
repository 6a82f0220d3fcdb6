// What `make run` promises: everything starts, comes back when it dies, stops when it is told to, finds
// its data again, and says in one line what is wrong.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { api, must, PASSWORD, register } from '../lib/client.mjs';
import { environment, freePort, root, startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const SERVICES = ['postgres', 'mosquitto', 'push', 'notify', 'rest', 'lighttpd'];
const execute = promisify(execFile);

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

function alive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error.code === 'EPERM';
	}
}

const healthy = async (stack) => (await api(stack).get('/health')).status === 200;

/** A start that must fail; resolves to what it said. */
async function refusal(options) {
	try {
		const stack = await startStack(options);
		await stack.stop();
	} catch (error) {
		assert.ok(error.ended, `it did not end by itself: ${error.message}`);
		assert.equal(error.ended.code, 1, error.output);
		return error.output;
	}
	assert.fail('it has started');
}

/** A listener on a free port, for as long as work runs. */
async function withListener(work) {
	const server = createServer();
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	try {
		return await work(server.address().port);
	} finally {
		await new Promise((resolve) => server.close(resolve));
	}
}

describe('a running instance', () => {
	let stack;
	before(async () => {
		stack = await startStack();
	});
	after(() => stack?.stop());

	for (const name of SERVICES) {
		it(`${name} runs again within 2 s after kill -9, and all is well`, async () => {
			const old = await stack.kill(name);
			await stack.replaced(name, old, 2000);
			await waitFor(() => healthy(stack), 10_000, `/health after ${name} was killed`);
			await register(stack, 'Survivor');
			assert.ok(!alive(old), `${old} is gone`);
		});
	}

	it('a service that dies five times in a row comes back each time', async () => {
		for (let i = 0; i < 5; i++) {
			const old = await stack.kill('rest');
			await stack.replaced('rest', old, 10_000);
		}
		await waitFor(() => healthy(stack), 10_000);
	});

	it('a second start in the same directory is refused and does no harm', async () => {
		const said = await refusal({ directory: stack.directory });
		assert.match(said, /another instance \(process [0-9]+\) runs in .*PARLEY_VAR/);
		assert.ok(await healthy(stack));
	});

	it('another instance runs side by side', async () => {
		const other = await startStack();
		try {
			const person = await register(other, 'Elsewhere');
			const answer = await api(stack).post('auth/login', { handle: person.handle, password: PASSWORD });
			assert.equal(answer.status, 401);
		} finally {
			await other.stop();
		}
		assert.ok(await healthy(stack));
	});

	it('listens on loopback alone', async () => {
		const { stdout } = await execute('ss', ['-Hltn']);
		const ports = ['PARLEY_PORT', 'PARLEY_MQTT_PORT', 'PARLEY_METRICS_PORT'].map((key) => stack.settings[key]);
		ports.push((await readFile(join(stack.var, 'etc/ws_port'), 'utf8')).trim());
		for (const port of ports) {
			const local = stdout
				.split('\n')
				.map((line) => line.split(/\s+/)[3])
				.filter((address) => address?.endsWith(`:${port}`));
			assert.deepEqual(local, [`127.0.0.1:${port}`]);
		}
	});

	it('keeps its keys for itself', async () => {
		for (const file of ['keys/token.key', 'keys/broker.secret'])
			assert.equal((await lstat(join(stack.var, file))).mode & 0o777, 0o600, file);
		assert.equal((await lstat(join(stack.var, 'keys'))).mode & 0o777, 0o700);
	});
});

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
		const { connect } = await import('../lib/client.mjs');
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

describe('what is wrong is said in one line', () => {
	for (const setting of ['PARLEY_PORT', 'PARLEY_MQTT_PORT', 'PARLEY_METRICS_PORT', 'PARLEY_WS_PORT']) {
		it(`${setting} is in use`, async () => {
			await withListener(async (port) => {
				const said = await refusal({ env: { [setting]: String(port) } });
				assert.match(said, new RegExp(`port ${port} \\(${setting}\\) is already in use.*${setting}=[0-9]+`));
			});
		});
	}

	const wrong = [
		[{ PARLEY_PORT: 'http' }, /PARLEY_PORT is "http"; a port is a number/],
		[{ PARLEY_PORT: '70000' }, /PARLEY_PORT is "70000"/],
		[{ PARLEY_PORT: '19191', PARLEY_MQTT_PORT: '19191' }, /must differ/],
		[{ PARLEY_VAR: '/proc/parley' }, /\/proc\/parley is not writable; .*PARLEY_VAR/],
		[{ PARLEY_VAR: '/tmp/with space' }, /must not contain spaces/],
		[{ PARLEY_PUSH_DATABASE: 'host=/tmp' }, /brings its own PostgreSQL/],
		[{ PARLEY_BUILD: '/nonexistent' }, /\/nonexistent\/parley-rest is not built; run make/],
		[{ PARLEY_REST_WORKERS: '0' }, /push ended at once; the last lines of .*push\.log:\n[^]*rest_workers/],
	];
	for (const [env, expected] of wrong) {
		it(`${Object.entries(env)} gives ${expected}`, async () => {
			assert.match(await refusal({ env }), expected);
		});
	}

	it('the data directory is of another PostgreSQL', async () => {
		const directory = await mkdtemp(join(tmpdir(), 'parley-test-'));
		await chmod(directory, 0o711);
		await mkdir(join(directory, 'var/data'), { recursive: true });
		await writeFile(join(directory, 'var/data/PG_VERSION'), '13\n');
		assert.match(await refusal({ directory }), /was made by PostgreSQL 13, and this is 15.*pg_upgrade/);
		await rm(directory, { recursive: true });
	});

	it('the disk is full', { skip: process.getuid() !== 0 && 'only root can mount a small disk' }, async () => {
		const directory = await mkdtemp(join(tmpdir(), 'parley-test-'));
		await chmod(directory, 0o711);
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=0711', 'parley-test', directory]);
		try {
			assert.match(await refusal({ directory }), /the disk of .* is full: [0-9]+ MB are free, [0-9]+ MB are needed/);
		} finally {
			execFileSync('umount', [directory]);
			await rm(directory, { recursive: true });
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

describe('the demo', () => {
	let stack;
	before(async () => {
		stack = await startStack({ env: { PARLEY_DEMO: '1', PARLEY_RATE_SCALE: '1' } });
	});
	after(() => stack?.stop());

	const login = async (handle) =>
		must(await api(stack).post('auth/login', { handle, password: 'parley-demo' }), 200).access_token;

	it('alice, bob and carol are there, with their conversations', async () => {
		for (const [handle, count] of [
			['alice', 2],
			['bob', 2],
			['carol', 1],
		]) {
			const list = must(await api(stack, await login(handle)).get('conversations'), 200);
			assert.equal(list.data.length, count, handle);
		}
	});

	it('the three printed commands work, pasted one after the other', async () => {
		const commands = stack
			.output()
			.split('\n')
			.filter((line) => /^ {2}(login=|mosquitto_sub|curl)/.test(line));
		assert.equal(commands.length, 3, stack.output());
		const shell = spawn('bash', ['--noprofile', '--norc'], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
		let output = '';
		shell.stdout.on('data', (data) => (output += data));
		shell.stderr.on('data', (data) => (output += data));
		try {
			shell.stdin.write(commands.join('\n') + '\n');
			// the event and the answer come in either order
			for (const line of [
				/^I am [0-9a-f-]{36}$/m,
				/users\/[0-9a-f-]{36}\/messages .*"Hello from the terminal"/,
				/^\{"id":"[0-9a-f-]{36}".*"body":"Hello from the terminal"/m,
			])
				await waitFor(() => line.test(output), 10_000).catch(() => assert.fail(`no ${line} in ${output}`));
		} finally {
			process.kill(-shell.pid, 'SIGKILL');
		}
	});

	it('another start does not make them again', async () => {
		const count = () => stack.sql('select count(*) from messages');
		const before_ = await count();
		await stack.stop({ keep: true });
		const again = await startStack({ directory: stack.directory, env: stack.settings });
		const { directory } = stack;
		stack = again;
		assert.equal(await count(), before_);
		assert.match(again.output(), /Demo logins: alice, bob and carol/);
		after(() => rm(directory, { recursive: true, force: true }));
	});
});
