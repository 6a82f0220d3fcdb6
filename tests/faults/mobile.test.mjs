// Clients as phones are: they live on MQTT, and on one GET /sync after each connect. Their tokens expire, and everything in between
// breaks in turn; at the end each knows what the server knows, and nothing twice.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { api, connect, groupOf, must, PASSWORD, register } from '../lib/client.mjs';
import { history } from '../lib/load.mjs';
import { mirrorOf } from '../lib/mirror.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const TOKEN_TTL_S = 6;
const PEOPLE = 6;
const REPEAT_MS = 1500;
const BACK_OFF_MS = 1000; // at most, by chance: full jitter

let stack;
before(async () => {
	stack = await startStack({ env: { PARLEY_TOKEN_TTL_S: String(TOKEN_TTL_S) } });
});
after(() => stack?.stop());

class Phone {
	static async open(person, options) {
		const phone = new Phone();
		Object.assign(phone, { person, options, mirror: undefined, connects: 0, expiries: 0, stopped: false, waiting: new Map() });
		phone.#sign(person.token);
		phone.life = phone.#live();
		await waitFor(() => phone.connects > 0, 10_000, 'the phone is connected');
		return phone;
	}

	#sign(token) {
		this.person = { ...this.person, token, api: api(stack, token) };
		const store = this.mirror;
		this.mirror = Object.assign(mirrorOf(this.person, { limit: 20 }), store && { next: store.next });
		if (store) for (const name of ['conversations', 'messages']) for (const [id, one] of store[name]) this.mirror[name].set(id, one);
	}

	async #refresh() {
		const body = must(await api(stack).post('auth/refresh', { refresh_token: this.person.refresh_token }), 200);
		this.person.refresh_token = body.refresh_token;
		this.#sign(body.access_token);
		this.expiries++;
	}

	/** Connected, or on the way to it. What goes wrong is tried again: an answer that is none, a connection that is refused. */
	async #live() {
		while (!this.stopped) {
			try {
				// before it subscribes nobody listens, so what comes in between comes by the sync
				const device = await connect(this.person, { ...this.options, subscribe: [] });
				device.client.on('message', (topic, payload) => this.#take(topic, JSON.parse(payload)));
				await device.subscribe([`users/${this.person.id}/#`]);
				await this.mirror.sync();
				this.device = device;
				this.connects++;
				await device.closed(3_600_000);
			} catch (error) {
				const expired = error.code === 5 || error.code === 0x87 || /HTTP 401/.test(error.message);
				if (expired) await this.#refresh().catch(() => undefined);
				await new Promise((resolve) => setTimeout(resolve, Math.random() * BACK_OFF_MS));
			}
		}
	}

	#take(topic, event) {
		if (topic.endsWith('/replies')) this.waiting.get(event.id)?.(event);
		if (event.type === 'message.created') this.mirror.messages.set(event.data.id, event.data);
	}

	/** A command, sent again until it is answered. */
	async send(room, body) {
		const id = randomUUID();
		const command = { id, conversation_id: room.id, body };
		for (;;) {
			const answered = new Promise((resolve) => {
				this.waiting.set(id, resolve);
				setTimeout(resolve, REPEAT_MS);
			});
			if (this.device?.client.connected)
				this.device.publish(`users/${this.person.id}/commands/send`, command).catch(() => undefined);
			const answer = await answered;
			if ([200, 201].includes(answer?.status)) return answer;
			if (answer) assert.ok([429, 503].includes(answer.status), JSON.stringify(answer));
		}
	}

	async end() {
		this.stopped = true;
		await this.device?.end(true);
		await this.life;
	}
}

it('loses nothing and has nothing twice, whatever breaks', async (t) => {
	const people = await Promise.all([...Array(PEOPLE)].map((_, i) => register(stack, `Person ${i}`)));
	const room = await groupOf(people[0], people.slice(1));
	const phones = await Promise.all(people.map((person, i) => Phone.open(person, { ws: i % 2 === 1, version: i % 4 < 2 ? 5 : 4 })));
	const answers = [];
	let stopped = false;
	const writers = phones.slice(0, 4).map(async (phone, writer) => {
		for (let i = 0; !stopped; i++) answers.push(await phone.send(room, `${writer} says ${i}`));
	});
	const more = (count) => {
		const goal = answers.length + count;
		return waitFor(() => answers.length >= goal, 30_000, `${count} more answers`);
	};
	await more(40);
	for (const [name, signal] of [['push', 'SIGKILL'], ['mosquitto', 'SIGKILL'], ['postgres', 'SIGINT'], ['push', 'SIGTERM'], ['rest', 'SIGTERM']]) {
		const pid = await stack.kill(name, signal);
		await stack.replaced(name, pid, 20_000);
		await more(40);
	}
	await waitFor(() => phones.every(({ expiries }) => expiries > 0), 30_000, 'every token has expired once');
	await more(20);
	stopped = true;
	await Promise.all(writers);

	await waitFor(() => phones.every(({ mirror }) => mirror.history(room.id).length >= answers.length), 20_000, 'all is known to all');
	const messages = await history(await signedIn(phones[0]), room);
	assert.equal(messages.length, new Set(messages.map(({ body }) => body)).size, 'nothing is there twice');
	for (const { id, seq } of answers) assert.equal(messages[seq - 1]?.id, id);
	for (const phone of phones)
		assert.deepEqual(
			phone.mirror.history(room.id).map(({ id, seq, body }) => [id, seq, body]),
			messages.map(({ id, seq, body }) => [id, seq, body]),
		);
	t.diagnostic(`${messages.length} messages, connects ${phones.map(({ connects }) => connects)}, expiries ${phones.map(({ expiries }) => expiries)}`);
	await Promise.all(phones.map((phone) => phone.end()));
});

/** The phone's person with a token that is good for a while. */
async function signedIn(phone) {
	const body = must(await api(stack).post('auth/login', { handle: phone.person.handle, password: PASSWORD }), 200);
	return { ...phone.person, api: api(stack, body.access_token) };
}
