// A client that comes back by itself and loses nothing, for tests that break what it is connected to.
import assert from 'node:assert/strict';
import { connect } from './client.mjs';
import { history } from './load.mjs';
import { waitFor } from './wait.mjs';

/**
 * A client as the contract wants it: after each connect, once it is subscribed, and after a step of rev
 * by more than one, it reads over HTTP what came after the last seq up to which it has everything.
 */
export class Follower {
	static async open(person, room, options) {
		const client = new Follower();
		Object.assign(client, { person, room, seen: new Map(), pushed: new Set(), complete: 0, rev: undefined, connects: 0, reading: Promise.resolve() });
		client.device = await connect(person, { ...options, reconnect: true });
		client.device.client.on('message', (topic, payload) => client.#take(JSON.parse(payload)));
		client.device.client.on('connect', () => client.#connected());
		await client.#connected();
		return client;
	}

	async #connected() {
		await this.device.subscribe([`users/${this.person.id}/#`]).catch(() => undefined); // cut off again: the next connect counts
		this.connects++;
		this.#read();
	}

	/** One reading after the other, each from where everything is known. */
	#read() {
		this.reading = this.reading.then(async () => {
			for (const message of await history(this.person, this.room, this.complete)) this.#know(message);
		});
	}

	#know({ seq, id }) {
		assert.equal(this.seen.get(seq) ?? id, id, `${seq} is one message`);
		this.seen.set(seq, id);
		while (this.seen.has(this.complete + 1)) this.complete++;
	}

	#take(event) {
		if (event.type !== 'message.created' || event.conversation_id !== this.room.id) return;
		this.pushed.add(event.data.id);
		this.#know(event.data);
		if (this.rev !== undefined && event.rev > this.rev + 1) this.#read();
		this.rev = Math.max(this.rev ?? 0, event.rev);
	}

	/** Everything that was acknowledged is known, from 1 on without a gap. */
	async has(acked) {
		await waitFor(() => this.complete >= acked.length, 20_000, `${acked.length} messages are known`);
		await this.reading;
		const ids = new Set(this.seen.values());
		assert.deepEqual(acked.filter(({ id }) => !ids.has(id)), []);
	}
}
