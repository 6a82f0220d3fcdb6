// Processes of a running stack: what they are, what they run as, another of the same kind.
import { spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { waitFor } from './wait.mjs';

/** The processes that a process has started. */
export async function childrenOf(pid) {
	const children = [];
	for (const thread of await readdir(`/proc/${pid}/task`)) {
		const text = await readFile(`/proc/${pid}/task/${thread}/children`, 'utf8');
		children.push(...text.trim().split(' ').filter(Boolean).map(Number));
	}
	return children;
}

export function alive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error.code === 'EPERM';
	}
}

/** R running, S sleeping, T stopped, Z dead and not buried … */
export async function stateOf(pid) {
	const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
	return stat.slice(stat.lastIndexOf(')') + 2)[0];
}

/** Has the signal of this number been sent to it, and does it hold it off? */
export async function hasPending(pid, signal) {
	const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
	const sets = [...status.matchAll(/^S[hi][dg]Pnd:\t([0-9a-f]+)$/gm)];
	return sets.some(([, set]) => (BigInt(`0x${set}`) >> BigInt(signal - 1)) & 1n);
}

const list = async (file) => (await readFile(file, 'utf8')).split('\0').slice(0, -1);

/** Starts the same program with the same arguments and environment, but for what is given. */
export async function startAnother(pid, env = {}) {
	const [program, ...args] = await list(`/proc/${pid}/cmdline`);
	const environment = Object.fromEntries(
		(await list(`/proc/${pid}/environ`)).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
	);
	// what a parley-rest that was reloaded has from the one before it: socket and workers that are its own
	delete environment.PARLEY_HANDOVER;
	const child = spawn(program, args, { env: { ...environment, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
	const another = { pid: child.pid, output: '' };
	for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (another.output += data));
	another.exited = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
	another.kill = (signal = 'SIGKILL') => {
		child.kill(signal);
		return another.exited;
	};
	return another;
}

/** Runs work while the supervisor starts nothing again: what is killed meanwhile stays away. */
export async function unsupervised(stack, work) {
	process.kill(stack.supervisor, 'SIGSTOP');
	try {
		await waitFor(async () => (await stateOf(stack.supervisor)) === 'T', 5000, 'the supervisor stands still');
		return await work();
	} finally {
		process.kill(stack.supervisor, 'SIGCONT');
	}
}

/** An open psql of the schema's owner: run(text) resolves to the lines that it prints. */
export async function openSession(stack) {
	const child = spawn('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', stack.env.PARLEY_OWNER_DATABASE], {
		cwd: '/',
		stdio: ['pipe', 'pipe', 'pipe'],
	});
	let output = '';
	let errors = '';
	let ended = false;
	child.stdout.on('data', (data) => (output += data));
	child.stderr.on('data', (data) => (errors += data));
	child.once('close', () => (ended = true));
	child.stdin.on('error', () => undefined); // told by the exit
	let n = 0;
	return {
		async run(text) {
			const mark = `-- done ${++n} --\n`;
			output = '';
			child.stdin.write(`${text}\n\\echo ${mark}`);
			await waitFor(() => ended || output.endsWith(mark), 10_000, text);
			if (!output.endsWith(mark)) throw new Error(`${text}: ${errors}`);
			return output.slice(0, -mark.length).trimEnd();
		},
		async end() {
			child.stdin.end();
			await waitFor(() => ended, 5000, 'psql has ended');
		},
	};
}

/**
 * Makes a request while a transaction that has run first (SQL) is open, waits until the request waits for a lock of it, lets
 * the transaction run then and commit, and gives the answer.
 */
export async function interleaved(stack, first, request, then = '') {
	const session = await openSession(stack);
	const waiting = "select count(*) from pg_stat_activity where usename = 'parley_rest' and wait_event_type = 'Lock'";
	try {
		await session.run(`begin; ${first}`);
		const answer = request();
		await waitFor(async () => Number(await stack.sql(waiting, { superuser: true })) > 0, 10_000, 'it waits for the lock');
		await session.run(`${then} commit;`);
		return await answer;
	} finally {
		await session.end();
	}
}

/** The same while somebody holds a person's row, and then changes it. */
export async function overtaken(person, change, request) {
	return interleaved(person.stack, `select 1 from users where id = '${person.id}' for update;`, request, change);
}
