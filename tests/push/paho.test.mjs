// The Paho C client, which phones, cars and machines have: it connects, receives, is refused, is closed and comes back, by
// MQTT 3.1.1 and 5. paho.c beside this file is nothing but its functions on a line of text.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { api, directOf, must, register, send } from '../lib/client.mjs';
import { checkEvent } from '../lib/contract.mjs';
import { root, sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const PROGRAM = resolve(root, process.env.PARLEY_BUILD ?? 'build', 'paho');

let stack, alice, bob, conversation;
const programs = new Set();
before(async () => {
	stack = await sharedStack();
	[alice, bob] = [await register(stack, 'Alice'), await register(stack, 'Bob')];
	conversation = await directOf(alice, bob);
});
after(async () => {
	for (const program of programs) program.kill();
	await stack?.stop();
});

/** A device of a person: run(command) resolves to the code that is said of it; lines of its own are kept until taken. */
function paho(person, version, device = 'paho', user = person.id) {
	const address = stack.mqttUrl.replace('mqtt:', 'tcp:');
	const child = spawn(PROGRAM, [String(version), address, `${person.id}/${device}`, user], { stdio: ['pipe', 'pipe', 'inherit'] });
	programs.add(child);
	const ended = new Promise((done) => child.once('close', done));
	const kept = [];
	createInterface({ input: child.stdout }).on('line', (line) => kept.push(line));
	/** The rest of the first line that begins with word and fits. */
	const next = (word, fits = () => true) =>
		waitFor(
			() => {
				const i = kept.findIndex((line) => line.split(' ')[0] === word && fits(line));
				return i >= 0 && [kept.splice(i, 1)[0].slice(word.length + 1)];
			},
			15_000,
			`paho says "${word}"`,
		).then(([rest]) => rest);
	const run = async (command, word) => {
		child.stdin.write(`${command}\n`);
		return Number(await next(word));
	};
	return {
		next,
		connect: (token) => run(`connect ${token}`, 'connected'),
		subscribe: (filter) => run(`subscribe ${filter}`, 'subscribed'),
		publish: (topic, json) => run(`publish ${topic} ${JSON.stringify(json)}`, 'published'),
		/** The first event on a topic that fits, held against the contract; its topic goes without the name in front. */
		async event(topic, fits = () => true) {
			const full = `users/${person.id}/${topic}`;
			const of = (line) => JSON.parse(line.slice(`message ${full} `.length));
			const rest = await next('message', (line) => line.startsWith(`message ${full} `) && fits(of(line)));
			const payload = rest.slice(full.length + 1);
			checkEvent(full, Buffer.from(payload), { qos: 1, retain: false });
			return JSON.parse(payload);
		},
		end() {
			child.stdin.end();
			return ended;
		},
	};
}

/** The same token, but for its end. */
async function expiring(token, seconds) {
	const key = createPrivateKey(await readFile(join(stack.var, 'keys/token.key')));
	const [head, claims] = token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
	claims.exp = Math.floor(Date.now() / 1000) + seconds;
	const covered = [head, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
	return `${covered}.${sign(null, Buffer.from(covered), key).toString('base64url')}`;
}

const fresh = async (person) => {
	const pair = must(await api(stack).post('auth/refresh', { refresh_token: person.refresh_token }), 200);
	person.refresh_token = pair.refresh_token;
	return pair.access_token;
};

// by 3.1.1 it does not say which QoS was granted
for (const { version, name, refused, granted, notGranted } of [
	{ version: 4, name: '3.1.1', refused: 5, granted: 0, notGranted: 0x80 },
	{ version: 5, name: '5', refused: 0x87, granted: 1, notGranted: 0x87 },
]) {
	describe(`by MQTT ${name}`, () => {
		it('receives what is sent to it', async () => {
			const device = paho(alice, version);
			assert.equal(await device.connect(alice.token), 0);
			assert.equal(await device.subscribe(`users/${alice.id}/#`), granted);
			const sent = [await send(bob, conversation, 'Hello Paho'), await send(bob, conversation, 'Äpfel "und" Öl 👍')];
			for (const { id, body, seq } of sent) {
				const { data } = await device.event('messages', (event) => event.data.id === id);
				assert.deepEqual([data.body, data.seq], [body, seq]);
			}
			assert.equal(await device.end(), 0);
		});

		it('is told that it is refused', async () => {
			assert.equal(await paho(alice, version).connect('nonsense'), refused);
			assert.equal(await paho(alice, version).connect(bob.token), refused);
			assert.equal(await paho(alice, version, 'paho', bob.id).connect(bob.token), refused);
			const device = paho(alice, version);
			assert.equal(await device.connect(alice.token), 0);
			for (const filter of [`users/${bob.id}/#`, 'users/+/messages', '#', '$SYS/#', 'presence/+', `$share/a/users/${alice.id}/#`])
				assert.equal(await device.subscribe(filter), notGranted, filter);
			assert.equal(await device.subscribe(`presence/${bob.id}`), granted);
			assert.equal(await device.end(), 0);
		});

		it('sends by command, is answered, and once more is once', async () => {
			const device = paho(alice, version);
			assert.equal(await device.connect(alice.token), 0);
			assert.equal(await device.subscribe(`users/${alice.id}/#`), granted);
			const id = randomUUID();
			const content = { id, conversation_id: conversation.id, body: `Sent by MQTT ${name}, "quoted" & 👍` };
			const [first, again] = [201, 200].map((status) => async () => {
				assert.equal(await device.publish(`users/${alice.id}/commands/send`, content), 0);
				const reply = await device.event('replies', (event) => event.id === id);
				assert.deepEqual([reply.command, reply.status], ['send', status]);
				return reply;
			});
			const { seq } = await first();
			const { data } = await device.event('messages', (event) => event.data.id === id);
			assert.deepEqual([data.body, data.seq], [content.body, seq]);
			assert.equal((await again()).seq, seq);
			const bad = randomUUID();
			assert.equal(await device.publish(`users/${alice.id}/commands/send`, { ...content, id: bad, body: '' }), 0);
			const problem = await device.event('replies', (event) => event.id === bad);
			assert.deepEqual([problem.status, problem.code], [422, 'invalid_input']);
			assert.equal(await device.end(), 0);
		});

		it('is closed when it is logged out, and its token is none any more', async () => {
			const carol = await register(stack, 'Carol');
			const device = paho(carol, version);
			assert.equal(await device.connect(carol.token), 0);
			assert.equal(await device.subscribe(`users/${carol.id}/#`), granted);
			must(await carol.api.post('auth/logout'), 204);
			const begin = performance.now();
			await device.next(version === 5 ? 'goodbye' : 'lost');
			assert.ok(performance.now() - begin < 1000, 'within a second');
			assert.equal(await device.connect(carol.token), refused);
			await device.end();
		});

		it('is closed when its token expires, and comes back with a fresh one', async () => {
			const carol = await register(stack, 'Carol');
			const talk = await directOf(carol, bob);
			const device = paho(carol, version);
			assert.equal(await device.connect(await expiring(carol.token, 2)), 0);
			assert.equal(await device.subscribe(`users/${carol.id}/#`), granted);
			if (version === 5) assert.equal(await device.next('goodbye'), String(0x98));
			else await device.next('lost');
			assert.equal(await device.connect(await expiring(carol.token, -1)), refused);
			assert.equal(await device.connect(await fresh(carol)), 0);
			assert.equal(await device.subscribe(`users/${carol.id}/#`), granted);
			const { id } = await send(bob, talk, 'Welcome back');
			await device.event('messages', (event) => event.data.id === id);
			assert.equal(await device.end(), 0);
		});
	});
}
