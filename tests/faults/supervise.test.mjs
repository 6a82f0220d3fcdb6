// What `make run` promises: everything starts, comes back when it dies, and says in one line what is wrong.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { api, must, PASSWORD, register } from '../lib/client.mjs';
import { alive } from '../lib/processes.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const SERVICES = ['postgres', 'mosquitto', 'push', 'notify', 'rest', 'lighttpd'];
const execute = promisify(execFile);

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
		[{ PARLEY_BUILD: '/nonexistent' }, /\/nonexistent\/parley is not built; run make/],
		[{ PARLEY_REST_WORKERS: '0' }, /the keys cannot be made: .*"key":"rest_workers".*"bounds":"1 to 64"/],
		[{ PARLEY_BROKER_SECRET: '/dev/null' }, /mosquitto ended at once; the last lines of .*mosquitto\.log:\n[^]*\/dev\/null/],
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
