// The operators' command, and services, which it makes the tokens of.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { resolve as resolvePath } from 'node:path';
import { api } from './client.mjs';
import { environment, root } from './stack.mjs';

export const parleyPath = resolvePath(root, process.env.PARLEY_BUILD ?? 'build', 'parley');

/**
 * Runs `parley` against a stack, from a directory that is not its own: { status, stdout, stderr, json }, json being what it
 * says with --json. env: more of it; input: what it reads.
 */
export async function parley(stack, args, { env = {}, input = '' } = {}) {
	const child = spawn(parleyPath, args, {
		cwd: '/',
		env: environment({ PARLEY_VAR: stack.var, ...env }),
		stdio: ['pipe', 'pipe', 'pipe'],
	});
	const said = { stdout: '', stderr: '' };
	for (const stream of ['stdout', 'stderr']) child[stream].on('data', (data) => (said[stream] += data));
	child.stdin.on('error', () => undefined); // one that reads nothing may end first
	child.stdin.end(input);
	const status = await new Promise((resolve, reject) => {
		child.once('error', reject);
		child.once('close', (code, signal) => resolve(code ?? signal));
	});
	const json = args.includes('--json') && status === 0 ? JSON.parse(said.stdout) : undefined;
	return { status, ...said, json };
}

/** What it answers with --json, when it succeeds; else an error that shows it. */
export async function parleyJson(stack, ...args) {
	const { status, stderr, json } = await parley(stack, [...args, '--json']);
	if (status !== 0) throw new Error(`parley ${args.join(' ')}: ${status}: ${stderr}`);
	return json;
}

/** A new service: { id, name, token, api, as(person) }; as: the API as that person's, by Parley-Act-As. */
export async function service(stack, scope = 'all', more = []) {
	const name = `test-${randomBytes(6).toString('hex')}`;
	const made = await parleyJson(stack, 'token', 'create', '--name', name, '--scope', scope, ...more);
	return {
		...made,
		api: api(stack, made.token),
		as: (person) => api(stack, made.token, { 'Parley-Act-As': person.id ?? person }),
	};
}

/** What the audit log has of a service, first to last. */
export async function auditOf(stack, { id }) {
	const { data } = await parleyJson(stack, 'audit', 'list', '--token', id, '--limit', '1000');
	return data.reverse();
}

/** The rows of `parley-rest --routes`: { method, path, guard, scope, user, dropin, body, cap }. */
export async function builtRoutes() {
	const program = resolvePath(root, process.env.PARLEY_BUILD ?? 'build', 'parley-rest');
	const stdout = await new Promise((resolve, reject) =>
		execFile(program, ['--routes'], (error, text) => (error ? reject(error) : resolve(text))),
	);
	return stdout
		.trim()
		.split('\n')
		.map((line) => {
			const [method, path, guard, scope, body, cap] = line.trim().split(/\s+/);
			return {
				method,
				path: path.replaceAll(':text}', '}'),
				guard,
				scope,
				user: guard !== '-',
				dropin: path.startsWith('/messages'),
				body: body.slice('body='.length),
				cap: Number(cap.slice('cap='.length)),
			};
		});
}
