// A whole running Parley for tests: ops/run in a temporary directory, on free ports.
//
//	const stack = await startStack();			// of one's own: may be killed, filled, broken
//	const stack = await sharedStack();			// the one that tests/run has started, else one's own
//	…
//	await stack.stop();							// the shared one lives on
//
// Run as a program (node tests/lib/stack.mjs), it starts one, prints it as one line of JSON and stops
// it on SIGTERM: that is how tests/run shares one between test files.
import { execFile, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { waitFor } from './wait.mjs';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const run = promisify(execFile);
/** By what a webhook of the identity provider is signed. */
export const WEBHOOK_SECRET = 'whsec_cGFybGV5IHRlc3RzLCBubyBzZWNyZXQgYXQgYWxs';
const START_DEADLINE_MS = 90_000;
const STOP_DEADLINE_MS = 60_000;

// Outgoing connections take their ports from 32768 on, so a port below stays free once it is found.
const FIRST_PORT = 10_000;
const PORTS = 9_000;

// What a failed test did not stop is stopped at the end of its file. Not for the program below.
const started = new Set();
const isProgram = process.argv[1] === fileURLToPath(import.meta.url);
if (!isProgram) {
	const { after } = await import('node:test');
	after(async () => {
		for (const stack of started) await stack.stop();
	});
}

/** Is the port ours alone in this run of tests/run, whose files run beside each other? A found port is bound some time later. */
async function isOurs(port) {
	const { PARLEY_TEST_WORK: work } = process.env;
	if (!work) return true;
	await mkdir(join(work, 'ports'), { recursive: true });
	return mkdir(join(work, 'ports', String(port))).then(() => true, () => false);
}

/** A port of this host on which nobody listens, and which is given out once. */
export async function freePort() {
	for (;;) {
		const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
		const free = await new Promise((resolve) => {
			const server = createServer();
			server.once('error', () => resolve(false));
			server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
		});
		if (free && (await isOurs(port))) return port;
	}
}

/** The environment of a stack: nothing of the caller's PARLEY_… but what chooses the build. */
export function environment(settings) {
	const env = { ...process.env };
	for (const name of Object.keys(env))
		if (name.startsWith('PARLEY_') && !['PARLEY_BUILD', 'PARLEY_ASAN'].includes(name)) delete env[name];
	return { ...env, ...settings };
}

/**
 * Starts ops/run; resolves when all of it is ready, or rejects with its output. Without a directory it is a fresh one, with the
 * database that tests/run has made once for all; in a directory of the caller's nothing is there that it has not put there.
 */
export async function startStack({ env = {}, directory = undefined } = {}) {
	const made = directory === undefined;
	if (made) {
		directory = await mkdtemp(join(tmpdir(), 'parley-test-'));
		// when root tests, PostgreSQL runs as another user, who has to get through
		await chmod(directory, 0o711);
	}
	const config = join(directory, 'parley.conf');
	await writeFile(config, '# the test sets everything by the environment\n', { flag: 'a' });
	const settings = {
		PARLEY_VAR: join(directory, 'var'),
		PARLEY_PORT: String(await freePort()),
		PARLEY_MQTT_PORT: String(await freePort()),
		PARLEY_METRICS_PORT: String(await freePort()),
		PARLEY_RATE_SCALE: '0',
		PARLEY_PASSWORD_CONCURRENCY: '0', // people are made in crowds here
		PARLEY_ATTACHMENT_WORKERS: '0', // fewer processes a stack
		PARLEY_DEMO: '0',
		PARLEY_IDENTITY_WEBHOOK_SECRET: WEBHOOK_SECRET,
		...env,
	};
	const cluster = process.env.PARLEY_TEST_CLUSTER;
	if (cluster && made && !env.PARLEY_VAR) {
		await mkdir(settings.PARLEY_VAR);
		await run('cp', ['-a', '--reflink=auto', cluster, join(settings.PARLEY_VAR, 'data')]);
	}
	const child = spawn('setpriv', ['--pdeathsig', 'TERM', join(root, 'ops/run'), '--config', config], {
		cwd: root,
		env: environment(settings),
		stdio: ['ignore', 'pipe', 'pipe'],
		detached: true,
	});
	const output = { text: '' };
	child.stdout.on('data', (data) => (output.text += data));
	child.stderr.on('data', (data) => (output.text += data));
	const exited = new Promise((resolve) =>
		child.once('close', (code, signal) => resolve({ code, signal })),
	);
	let ended;
	exited.then((end) => (ended = end));

	const remove = async () => {
		if (!made) return;
		const data = await readlink(join(settings.PARLEY_VAR, 'data')).catch(() => null);
		if (data) await rm(dirname(data), { recursive: true, force: true });
		await rm(directory, { recursive: true, force: true });
	};

	try {
		await waitFor(
			() => ended || output.text.includes('Parley is ready.'),
			Number(process.env.PARLEY_TEST_START_MS ?? START_DEADLINE_MS),
			'the stack is ready',
		);
		if (ended) throw new Error(`ops/run ended with ${ended.code ?? ended.signal}`);
	} catch (error) {
		child.kill('SIGTERM');
		await exited;
		await remove();
		throw Object.assign(new Error(`${error.message}\n${output.text}`), { output: output.text, ended });
	}

	const stack = Object.assign(control(await describeStack(settings.PARLEY_VAR)), {
		settings,
		directory,
		supervisor: child.pid,
		exited,
		output: () => output.text,
		/** Ends it, as Ctrl-C does; signal and whether the directory stays can be chosen. */
		async stop({ signal = 'SIGTERM', keep = false } = {}) {
			if (!ended) child.kill(signal);
			const late = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
			const end = await exited;
			clearTimeout(late);
			if (!keep) await remove();
			started.delete(stack);
			return end;
		},
	});
	started.add(stack);
	return stack;
}

/** The stack that tests/run has started, or a new one when the test file is run alone. */
export async function sharedStack() {
	const json = process.env.PARLEY_TEST_STACK;
	if (!json) return startStack();
	return Object.assign(control(JSON.parse(json)), { stop: async () => undefined });
}

/** What var/run/env says about an instance. */
async function describeStack(directory) {
	const lines = (await readFile(join(directory, 'run/env'), 'utf8')).trim().split('\n');
	const env = Object.fromEntries(
		lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
	);
	return {
		url: env.PARLEY_ORIGIN,
		mqttUrl: env.PARLEY_MQTT,
		wsUrl: env.PARLEY_MQTT_WS,
		metricsUrl: env.PARLEY_METRICS,
		var: env.PARLEY_VAR,
		env,
	};
}

/** The plain description with what can be done to it. */
function control(stack) {
	const pid = async (name) => {
		const text = await readFile(join(stack.var, 'run', `${name}.pid`), 'utf8');
		if (!/^[0-9]+\n$/.test(text)) throw new Error(`${name}.pid is ${JSON.stringify(text)}`);
		return Number(text);
	};
	return {
		...stack,
		/** The process of postgres, mosquitto, push, rest or lighttpd. */
		pid,
		/** Sends it a signal; returns the process. */
		async kill(name, signal = 'SIGKILL') {
			const process_id = await pid(name);
			process.kill(process_id, signal);
			return process_id;
		},
		/** Resolves when the service runs as another process than before. */
		async replaced(name, before, deadline = 5000) {
			return waitFor(
				async () => {
					const now = await pid(name);
					return now !== before && process.kill(now, 0) && now;
				},
				deadline,
				`${name} runs again`,
			);
		},
		/** Rows as psql prints them, unaligned, columns split by |; as the owner of the schema. database: another one. */
		async sql(text, { superuser = false, database: name } = {}) {
			const database =
				stack.env[superuser ? 'PARLEY_SUPERUSER_DATABASE' : 'PARLEY_OWNER_DATABASE'] + (name ? ` dbname=${name}` : '');
			const command = ['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database, '-c', text];
			const user = stack.env.PARLEY_SUPERUSER;
			if (superuser && process.getuid() === 0)
				command.unshift('setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups');
			const { stdout } = await run(command[0], command.slice(1), { cwd: '/', maxBuffer: 64 << 20 });
			return stdout.trimEnd();
		},
		/** All logs of its programs, by name. */
		async logs() {
			const all = {};
			const directory = join(stack.var, 'log');
			for (const file of await readdir(directory))
				if (file.endsWith('.log')) all[file.slice(0, -4)] = await readFile(join(directory, file), 'utf8');
			return all;
		},
	};
}

if (isProgram) {
	const log = process.argv[2] ? createWriteStream(process.argv[2]) : process.stderr;
	try {
		const stack = await startStack();
		const { url, mqttUrl, wsUrl, metricsUrl, env } = stack;
		process.stdout.write(JSON.stringify({ url, mqttUrl, wsUrl, metricsUrl, var: stack.var, env }) + '\n');
		const leave = async () => {
			const end = await stack.stop();
			log.write(stack.output());
			process.exit(end.code ?? 1);
		};
		process.once('SIGTERM', leave);
		process.once('SIGINT', leave);
		stack.exited.then((end) => {
			log.write(`the shared stack ended by itself: ${JSON.stringify(end)}\n${stack.output()}`);
		});
	} catch (error) {
		process.stderr.write(`${error.message}\n`);
		process.exit(1);
	}
}
