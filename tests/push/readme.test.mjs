// The README's first conversation, with a file, and its backend's, as they are printed: every block of a section pasted into one shell.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { promisify } from 'node:util';
import { api, directOf, must, register, send } from '../lib/client.mjs';
import { parleyPath } from '../lib/operator.mjs';
import { environment, root, sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const DEADLINE_MS = 30_000;

// What mosquitto_sub prints, which is in the background: it comes between anything.
const EVENT = /users\/[0-9a-f-]{36}\/([a-z]+) (\{.*\})\n/g;

const EXPECTED = [
	/\{"id":"[0-9a-f-]{36}",[^\n]*"body":"Hello Bob!"[^\n]*\} 201\n/,
	/\{"id":"[0-9a-f-]{36}",[^\n]*"body":"Hello Bob!"[^\n]*\} 200\n/,
	/\{"unread_count":[1-9][0-9]*,"conversations":[1-9][0-9]*\}/,
	/\{"last_read_seq":[1-9][0-9]*,"unread_count":0\}/,
	/\{"data":\[\{[^\n]*"body":"Hello Bob!"[^\n]*"status":"read"\}\]/,
	/\{"conversations":\[[^\n]*"messages":\[\{[^\n]*"body":"And one more."[^\n]*"reset":false/,
];

let stack;
before(async () => {
	stack = await sharedStack();
	// the README counts on the demo people of a first start
	await promisify(execFile)(join(root, 'ops/demo'), [stack.url]);
});
after(() => stack?.stop());

/** The sh blocks of a section, with this stack's ports for those of a fresh `make run`. */
async function blocksOf(title) {
	const text = await readFile(join(root, 'README.md'), 'utf8');
	const section = text.split(/^## /m).find((part) => part.startsWith(`${title}\n`));
	assert.ok(section, `README.md has a section "${title}"`);
	const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block);
	return blocks.map((block) =>
		block
			.replaceAll('http://127.0.0.1:8080', stack.url)
			.replaceAll('-p 1883', `-p ${new URL(stack.mqttUrl).port}`)
			.replaceAll('build/parley ', `${parleyPath} `),
	);
}

/** A shell into which one pastes; its output, and a mark behind each block. */
function openShell() {
	const child = spawn('bash', ['--noprofile', '--norc'], {
		cwd: root,
		env: environment({ PARLEY_VAR: stack.var }),
		stdio: ['pipe', 'pipe', 'pipe'],
		detached: true,
	});
	const shell = { output: '', ended: false };
	for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (shell.output += data));
	child.once('close', () => (shell.ended = true));
	child.stdin.on('error', () => undefined); // a shell that ended is seen by what it did not print
	// of a pipe only the last command's failure is seen without pipefail; each has its say
	child.stdin.write('set -o pipefail; trap \'echo "FAILED: $BASH_COMMAND"\' ERR\n');
	let n = 0;
	shell.paste = async (block, expected = /^$/g) => {
		const mark = `block ${++n} is done`;
		const begin = shell.output.length;
		child.stdin.write(`${block}\necho "${mark}"\n`);
		await waitFor(() => shell.ended || shell.output.includes(`${mark}\n`), DEADLINE_MS, block);
		const said = shell.output.slice(begin);
		assert.ok(!shell.ended && !/FAILED: |command not found|syntax error|"status":[45]\d\d,"code"/.test(said.replaceAll(expected, '')), `${block}\n${said}`);
		return said;
	};
	shell.kill = () => !shell.ended && process.kill(-child.pid, 'SIGKILL');
	return shell;
}

it('its commands work, pasted one block after the other', async () => {
	const blocks = await blocksOf('A first conversation');
	assert.ok(blocks.length >= 3, 'the section has its blocks');
	const shell = openShell();
	try {
		let watching = false;
		for (const block of blocks) {
			await shell.paste(block);
			if (watching || !block.includes('mosquitto_sub -h')) continue;
			watching = true;
			await subscribed(shell);
		}
		assert.ok(watching, 'somebody watches');
		await waitFor(() => arrived(shell).length > 0, DEADLINE_MS, 'the message appears').catch(() => assert.fail(shell.output));
		const answers = shell.output.replaceAll(EVENT, '');
		for (const expected of EXPECTED) assert.ok(expected.test(answers), `there is no ${expected} in:\n${answers}`);
		assert.equal(arrived(shell).length, 1, 'what was sent twice with one id arrives once');
		assert.equal(arrived(shell, 'Hello over MQTT!').length, 1, 'what was sent by a command arrives');
		assert.match(shell.output, /users\/[0-9a-f-]{36}\/typing \{"type":"typing.started"/);

		let said = '';
		for (const block of await blocksOf('Files')) said += await shell.paste(block);
		assert.match(said, /"attachments":\[\{"id":"[0-9a-f-]{36}","name":"note.txt","media_type":"text\/plain"[^]*\nDear all, see you\.\n/);
	} finally {
		shell.kill();
	}
});

it('its backend does what is said of it', async () => {
	const shell = openShell();
	try {
		const said = [];
		for (const block of await blocksOf('Your backend: service tokens')) said.push(await shell.paste(block, /"status":40[13],"code"/g));
		const [, acts, ends] = said;
		assert.match(acts, /"body":"Your order is on its way."[^]*\{"unread_count":1,"conversations":1\}[^]*"status":403,"code":"forbidden"[^\n]*users:read/);
		assert.match(ends, /GET +\/api\/v1\/users\/me/);
		assert.match(ends, /POST +\/api\/v1\/conversations\/\{conversation\}\/messages +[0-9a-f-]{36} +201 /);
		assert.match(ends, /revoked_at +2[^]*"status":401,"code":"unauthorized"/);
	} finally {
		shell.kill();
	}
});

/** What mosquitto_sub has printed of messages, as events. */
function arrived(shell, body = 'Hello Bob!') {
	return [...shell.output.matchAll(EVENT)]
		.filter(([, topic]) => topic === 'messages')
		.map(([, , json]) => JSON.parse(json))
		.filter((event) => event.data.body === body);
}

/** On a busy machine a second may be too short for mosquitto_sub: somebody writes to Bob until he sees it. */
async function subscribed(shell) {
	const bob = must(await api(stack).post('auth/login', { handle: 'bob', password: 'parley-demo' }), 200).user;
	const prober = await register(stack, 'Prober');
	const conversation = await directOf(prober, bob);
	await waitFor(
		async () => {
			await send(prober, conversation, 'Are you there?');
			return arrived(shell, 'Are you there?').length > 0;
		},
		DEADLINE_MS,
		'mosquitto_sub shows what arrives',
	).catch((error) => assert.fail(`${error.message}\n${shell.output}`));
}
