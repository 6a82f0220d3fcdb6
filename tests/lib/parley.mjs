// The operators' command `parley`, run against a stack as an operator would run it beside one.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { environment, root } from './stack.mjs';

export const program = join(resolve(root, process.env.PARLEY_BUILD ?? 'build'), 'parley');

/** What the programs of a stack are told by the environment, for one more beside them. */
export function settingsOf(stack) {
	const { PARLEY_REST_DATABASE, PARLEY_PUSH_DATABASE, PARLEY_OWNER_DATABASE } = stack.env;
	return {
		PARLEY_VAR: stack.var,
		PARLEY_PORT: new URL(stack.url).port,
		PARLEY_MQTT_PORT: new URL(stack.mqttUrl).port,
		PARLEY_METRICS_PORT: new URL(stack.metricsUrl).port,
		PARLEY_REST_DATABASE,
		PARLEY_PUSH_DATABASE,
		PARLEY_OWNER_DATABASE,
	};
}

/**
 * Runs it with --json, unless json is false; resolves to { status, signal, out, err, body }. env: settings that differ from
 * those of the stack. started: called with the process.
 */
export function parley(stack, args, { env = {}, json = true, started = () => undefined } = {}) {
	const child = spawn(program, [...args, ...(json ? ['--json'] : [])], {
		cwd: '/',
		env: environment({ ...settingsOf(stack), ...env }),
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const said = { out: '', err: '' };
	child.stdout.on('data', (data) => (said.out += data));
	child.stderr.on('data', (data) => (said.err += data));
	started(child);
	return new Promise((done, failed) => {
		child.once('error', failed);
		child.once('close', (status, signal) => {
			let body;
			try {
				body = JSON.parse(said.out);
			} catch {
				// not JSON: whoever expects that looks at out
			}
			done({ status, signal, ...said, body });
		});
	});
}

/** The same, which must succeed; resolves to the body. */
export async function parleyDone(stack, args, options) {
	const { status, signal, out, err, body } = await parley(stack, args, options);
	if (status !== 0) throw new Error(`parley ${args.join(' ')}: ${status ?? signal}\n${out}${err}`);
	return body;
}
