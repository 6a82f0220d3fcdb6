// The commands mosquitto_sub and mosquitto_pub as clients: what the README shows works with programs that are not ours.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { promisify } from 'node:util';
import { directOf, must, register, send } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

let stack, alice, bob;
before(async () => {
	stack = await sharedStack();
	[alice, bob] = [await register(stack, 'Alice'), await register(stack, 'Bob')];
});
after(() => stack?.stop());

/** mosquitto_sub with these arguments; ended resolves to its exit status. */
function mosquittoSub(args) {
	const { hostname, port } = new URL(stack.mqttUrl);
	// without a terminal it would keep what -d says until it ends
	const command = ['-oL', 'mosquitto_sub', '-h', hostname, '-p', port, ...args];
	const child = spawn('stdbuf', command, { stdio: ['ignore', 'pipe', 'pipe'] });
	const sub = { output: '', errors: '' };
	child.stdout.on('data', (data) => (sub.output += data));
	child.stderr.on('data', (data) => (sub.errors += data));
	sub.ended = new Promise((resolve) => child.once('close', (code) => resolve(code)));
	sub.stop = () => child.kill('SIGTERM');
	return sub;
}

/** Publishes with QoS 1; rejects when mosquitto_pub fails. */
function mosquittoPub(args) {
	const { hostname, port } = new URL(stack.mqttUrl);
	return promisify(execFile)('mosquitto_pub', ['-h', hostname, '-p', port, '-q', '1', ...args]);
}

const login = (person, device, { user = person.id, token = person.token } = {}) =>
	['-u', user, '-P', token, '-i', `${person.id}/${device}`];

for (const version of ['mqttv311', 'mqttv5']) {
	it(`shows what arrives, by ${version}`, async () => {
		const conversation = await directOf(alice, bob);
		const sub = mosquittoSub([
			'-V', version, ...login(alice, `terminal-${version}`), '-q', '1', '-v', '-C', '2', '-W', '30', '-t', `users/${alice.id}/#`, '-d',
		]);
		try {
			await waitFor(() => /received SUBACK/.test(sub.output), 10_000, 'mosquitto_sub has subscribed');
			const sent = [await send(bob, conversation, 'Hello terminal'), await send(bob, conversation, 'Äpfel & Öl')];
			assert.equal(await sub.ended, 0, sub.errors);
			const lines = sub.output.split('\n').filter((line) => line.startsWith(`users/${alice.id}/messages `));
			const events = lines.map((line) => JSON.parse(line.slice(line.indexOf(' ') + 1)));
			assert.deepEqual(
				events.map((event) => [event.type, event.data.id, event.data.body]),
				sent.map((message) => ['message.created', message.id, message.body]),
			);
		} finally {
			sub.stop();
			await sub.ended;
		}
	});
}

for (const version of ['mqttv311', 'mqttv5']) {
	it(`sends by a command and shows the answer, by ${version}`, async () => {
		const conversation = await directOf(alice, bob);
		const topic = `users/${alice.id}/replies`;
		const sub = mosquittoSub(['-V', version, ...login(alice, `answers-${version}`), '-q', '1', '-C', '2', '-W', '30', '-t', topic, '-d']);
		try {
			await waitFor(() => /received SUBACK/.test(sub.output), 10_000, 'mosquitto_sub has subscribed');
			const id = randomUUID();
			const content = JSON.stringify({ id, conversation_id: conversation.id, body: 'Äpfel & Öl from the terminal' });
			const command = ['-V', version, ...login(alice, 'pub'), '-t', `users/${alice.id}/commands/send`, '-m', content];
			await mosquittoPub(command);
			await mosquittoPub(command);
			assert.equal(await sub.ended, 0, sub.errors);
			const replies = sub.output.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
			assert.deepEqual(replies.map(({ status }) => status), [201, 200]);
			const message = must(await bob.api.get(`conversations/${conversation.id}/messages/${id}`), 200);
			for (const reply of replies) assert.deepEqual([reply.command, reply.id, reply.seq], ['send', id, message.seq]);
			assert.equal(message.body, 'Äpfel & Öl from the terminal');
		} finally {
			sub.stop();
			await sub.ended;
		}
	});
}

it('is refused without a right, and says so', async () => {
	const cases = [
		['a wrong token', [...login(alice, 'x', { token: 'nonsense' }), '-t', `users/${alice.id}/#`]],
		["another's name", [...login(alice, 'x', { user: bob.id }), '-t', `users/${alice.id}/#`]],
		['no name', ['-i', `${alice.id}/x`, '-t', `users/${alice.id}/#`]],
		["another's topics", [...login(alice, 'x'), '-t', `users/${bob.id}/#`]],
	];
	for (const [what, args] of cases) {
		const sub = mosquittoSub([...args, '-W', '10', '-C', '1']);
		const code = await sub.ended;
		assert.notEqual(code, 27, `${what}: it waited for a message instead`);
		assert.match(sub.errors, /not authori[sz]ed|denied|rejected|refused/i, what);
	}
});
