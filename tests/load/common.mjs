// What `make bench` and `make load` have in common: a stack of their own, tokens for its people, tables of Markdown.
import { execFile, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs, promisify } from 'node:util';
import { waitFor } from '../lib/wait.mjs';
import { usage } from './proc.mjs';
import { root } from './statement.mjs';

const GROUPS = { front: 'lighttpd', workers: 'rest', postgres: 'postgres', push: 'push', broker: 'mosquitto' };

export const run = promisify(execFile);

/**
 * The command line: { options, whole, parts }. defaults: the text of each option, undefined where there is none; whole(name, least,
 * most): the number that one is; parts: which of all are asked for by --only.
 */
export function optionsOf(defaults, all) {
	const texts = Object.entries({ ...defaults, only: all.join(',') });
	const { values: options } = parseArgs({
		options: Object.fromEntries(texts.map(([name, text]) => [name, { type: 'string', ...(text && { default: text }) }])),
	});
	const parts = options.only.split(',');
	for (const part of parts) if (!all.includes(part)) throw new Error(`there is no part ${part}: ${all.join(', ')}`);
	const whole = (name, least, most) => {
		const number = Number(options[name]);
		if (!Number.isInteger(number) || number < least || number > most)
			throw new Error(`--${name} is a whole number from ${least} to ${most}`);
		return number;
	};
	return { options, whole, parts };
}

/** A program of tests/load. */
export const tool = (name) => resolve(root, process.env.PARLEY_BUILD ?? 'build', 'load', name);

export function personId(number) {
	return `00000000-0000-7000-8000-0000000${number}`;
}

/** A port on which nobody listens. */
export function freePort() {
	return new Promise((found) => {
		const server = createServer();
		server.listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => found(port));
		});
	});
}

export function say(text) {
	process.stderr.write(`${basename(process.argv[1], '.mjs')}: ${text}\n`);
}

export function median(values) {
	const sorted = values.toSorted ? values.toSorted((a, b) => a - b) : [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export const spread = (values, digits = 0) =>
	`${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;

export function table(head, rows) {
	const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
	process.stdout.write(`\n${lines.join('\n')}\n`);
}

/** Runs psql on text; resolves to what it prints, unaligned. */
export async function psql(database, text) {
	const child = run('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database, '-f', '-'], { maxBuffer: 64 << 20 });
	child.child.stdin.end(text);
	return (await child).stdout;
}

/** Access tokens of the first people, as POST /auth/login would have made them. */
export function tokensOf(stack, numbers) {
	const key = crypto.createPrivateKey(readFileSync(join(stack.var, 'keys/token.key')));
	const { crv, kty, x } = crypto.createPublicKey(key).export({ format: 'jwk' });
	const kid = crypto.createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
	const part = (json) => Buffer.from(JSON.stringify(json)).toString('base64url');
	const now = Math.floor(Date.now() / 1000);
	return numbers.map((number) => {
		const id = personId(number);
		const claims = { iss: 'parley', aud: 'parley', sub: id, sid: id, did: 'bench', jti: crypto.randomUUID() };
		const covered = [{ alg: 'EdDSA', typ: 'at+jwt', kid }, { ...claims, iat: now, exp: now + 7200 }].map(part).join('.');
		return `${covered}.${crypto.sign(null, Buffer.from(covered), key).toString('base64url')}`;
	});
}

export async function metric(stack, name) {
	const text = await (await fetch(`${stack.metricsUrl}/metrics`)).text();
	const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(text);
	if (!found) throw new Error(`there is no metric ${name}`);
	return Number(found[1]);
}

/** Runs job and says what it took of the processor: microseconds by group, and seconds. */
export async function measured(groups, job) {
	const before = usage(groups);
	const start = performance.now();
	const result = await job();
	const took = (performance.now() - start) / 1000;
	const after = usage(groups);
	const used = Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - before[name]]));
	const ours = Object.keys(used).reduce((sum, name) => (name === 'machine' ? sum : sum + used[name]), 0);
	// cores that were busy with neither the stack nor the load
	return { ...result, used, others: Math.max(0, (used.machine - ours) / 1e6 / took) };
}

/**
 * tests/lib/stack.mjs as a program: a line of JSON when it is ready, and SIGTERM ends it. One that runs already is used
 * when PARLEY_TEST_STACK has it as JSON.
 */
export async function stackStart() {
	const given = process.env.PARLEY_TEST_STACK;
	if (given) return { ...JSON.parse(given), stop: async () => undefined };
	const child = spawn(
		// ended also when this program falls
		'setpriv',
		['--pdeathsig', 'TERM', process.execPath, join(root, 'tests/lib/stack.mjs'), '/dev/null'],
		{ stdio: ['ignore', 'pipe', 'inherit'] },
	);
	const ended = new Promise((done) => child.once('close', done));
	const { value, done } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
	if (done) throw new Error('the stack did not start');
	const stop = () => {
		child.kill('SIGTERM');
		return ended;
	};
	return { ...JSON.parse(value), stop };
}

/** The process of each part of a stack, by what it is in the tables. */
export async function groupsOf(stack) {
	const groups = {};
	for (const [group, name] of Object.entries(GROUPS))
		groups[group] = Number(await readFile(join(stack.var, 'run', `${name}.pid`), 'utf8'));
	return groups;
}

/** psql as the superuser of the stack's cluster, whom only one OS user may be. */
export async function asSuperuser(stack, text) {
	const { PARLEY_SUPERUSER: user, PARLEY_SUPERUSER_DATABASE: database } = stack.env;
	const command = ['psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', database, '-c', text];
	if (process.getuid() === 0) command.unshift('setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups');
	await run(command[0], command.slice(1), { cwd: '/' });
}

/** Waits until parley-push has handed on all that was written so far. */
export async function caughtUp(stack) {
	const owner = stack.env.PARLEY_OWNER_DATABASE;
	const now = (await psql(owner, 'select pg_current_wal_lsn()')).trim();
	await waitFor(
		async () =>
			(await psql(owner, `select bool_and(confirmed_flush_lsn >= '${now}') from pg_replication_slots`)).trim() === 't',
		120_000,
		'parley-push has read what was written',
	);
}
