// The command mosquitto_sub as a client: what the README shows works with a program that is not ours.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, it } from 'node:test';
import { directOf, register, send } from '../lib/client.mjs';
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
