// Writing under load while something breaks, and the account afterwards: what was acknowledged, what
// arrived, what history says.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { checkEvent } from './contract.mjs';
import { waitFor } from './wait.mjs';

const RETRY_MS = 20;
// between two messages of a writer: with several of them something is always under way, and other work gets its turn
const PAUSE_MS = 5;
const GIVE_UP_MS = 30_000;

/**
 * People who write one message after the other, each in turn into each of the conversations, until they
 * are stopped. What is not answered with 2xx is sent again with the same id, as a client should; an
 * answer that says the request itself is wrong stops everything.
 */
class Load {
	/** acked: { conversation, id, seq, body, status, tries }; failed: every attempt that was none. */
	constructor(senders, conversations, pause) {
		this.acked = [];
		this.failed = [];
		this.pause = pause;
		this.stopping = false;
		this.aborted = false;
		this.runs = senders.map((sender, i) => this.#run(sender, conversations, i));
		// a failure is told by stop(), not by a promise that nobody looks at yet
		this.done = Promise.allSettled(this.runs);
	}

	async #run(sender, conversations, i) {
		for (let n = 0; !this.stopping; n++) {
			const conversation = conversations[(i + n) % conversations.length];
			await this.#send(sender, conversation, `${sender.user.display_name} says ${n}`).catch((error) => {
				this.stopping = true;
				throw error;
			});
			if (this.pause > 0) await new Promise((resolve) => setTimeout(resolve, this.pause));
		}
	}

	async #send(sender, conversation, body) {
		const id = randomUUID();
		const end = performance.now() + GIVE_UP_MS;
		for (let tries = 1; ; tries++) {
			const answer = await sender.api
				.post(`conversations/${conversation.id}/messages`, { id, body })
				.catch((error) => ({ status: 0, error }));
			if (answer.status === 201 || (answer.status === 200 && tries > 1)) {
				const { seq } = answer.body;
				this.acked.push({ conversation: conversation.id, id, seq, body, status: answer.status, tries });
				return;
			}
			assert.ok(answer.status === 0 || answer.status >= 500, `${answer.status} to try ${tries}: ${answer.text}`);
			this.failed.push({ id, ...answer });
			assert.ok(!this.aborted, 'the test is over');
			assert.ok(performance.now() < end, `${id} was not taken within ${GIVE_UP_MS} ms: ${answer.text ?? answer.error}`);
			await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
		}
	}

	/** Resolves when so many more are acknowledged. */
	more(count, deadline = 30_000) {
		const goal = this.acked.length + count;
		return waitFor(
			() => this.stopping || this.acked.length >= goal,
			deadline,
			`${count} more messages are acknowledged`,
		);
	}

	/** Ends it when everything begun is acknowledged; throws what has gone wrong. */
	async stop() {
		this.stopping = true;
		const results = await this.done;
		for (const { reason } of results) if (reason) throw reason;
	}

	/** Ends it whatever is under way. */
	abort() {
		this.stopping = true;
		this.aborted = true;
	}
}

/**
 * Runs work(load) while they write; returns the load when all that was begun is acknowledged. pause: milliseconds between two
 * messages of one of them.
 */
export async function underLoad(senders, conversations, work, { pause = PAUSE_MS } = {}) {
	const load = new Load(senders, conversations, pause);
	try {
		await work(load);
		await load.stop();
		return load;
	} finally {
		load.abort();
	}
}

/** Keeps what message events a device receives, by conversation, and tells what it has twice or never. */
export class Received {
	constructor(device) {
		this.byConversation = new Map();
		this.ids = new Set();
		this.fault = undefined;
		device.client.on('message', (topic, payload, packet) => {
			try {
				checkEvent(topic, payload, packet);
				if (topic.endsWith('/messages')) this.#take(payload.toString());
			} catch (error) {
				this.fault ??= error;
			}
		});
	}

	#take(text) {
		const event = JSON.parse(text);
		if (event.type !== 'message.created') return;
		const { id, seq } = event.data;
		if (!this.byConversation.has(event.conversation_id)) this.byConversation.set(event.conversation_id, []);
		this.byConversation.get(event.conversation_id).push({ id, seq, rev: event.rev, event_id: event.event_id, text });
		this.ids.add(id);
	}

	/** Resolves when all of these have come. */
	async all(messages, deadline = 20_000) {
		let missing = messages;
		await waitFor(
			() => {
				if (this.fault) return true;
				missing = missing.filter(({ id }) => !this.ids.has(id));
				return missing.length === 0;
			},
			deadline,
			`${messages.length} messages arrive`,
		).catch((error) => {
			const some = missing.slice(0, 5).map(({ seq, id }) => `${seq} (${id})`);
			throw new Error(`${missing.length} of ${messages.length} are missing, like ${some}: ${error.message}`);
		});
		if (this.fault) throw this.fault;
	}

	/**
	 * In the order of rev without a gap, apart from repeats, and a repeat is the same event again, byte by
	 * byte. Returns how many repeats there were.
	 */
	checkOrder(from = 1) {
		let repeats = 0;
		for (const events of this.byConversation.values()) {
			const known = new Map();
			let last = from > 1 ? events[0].seq - 1 : 0;
			for (const event of events) {
				const before = known.get(event.seq);
				if (before) {
					assert.equal(event.text, before.text, 'a repeat is the same event');
					repeats++;
					continue;
				}
				assert.equal(event.seq, last + 1, `${event.seq} came after ${last}`);
				if (known.has(last)) assert.equal(event.rev, known.get(last).rev + 1, 'rev rises by one');
				known.set(event.seq, event);
				last = event.seq;
			}
		}
		return repeats;
	}

	/** How many events came. */
	get count() {
		let count = 0;
		for (const events of this.byConversation.values()) count += events.length;
		return count;
	}
}

/** All of a conversation after a seq, oldest first, page by page. */
export async function history(person, conversation, after = 0) {
	const messages = [];
	for (let more = true; more; ) {
		const path = `conversations/${conversation.id ?? conversation}/messages?after=${after}&limit=200`;
		const answer = await person.api.get(path);
		assert.equal(answer.status, 200, answer.text);
		messages.push(...answer.body.data);
		more = answer.body.has_more;
		if (more) after = answer.body.data.at(-1).seq;
	}
	return messages;
}

/**
 * History has each acknowledged message exactly once, with its body and the seq that was answered; seq
 * goes from 1 without a gap; and nothing is there that was not acknowledged.
 */
export async function checkHistory(person, conversation, acked) {
	const messages = await history(person, conversation);
	messages.forEach(({ seq }, i) => assert.equal(seq, i + 1, 'seq goes without a gap'));
	const sent = acked.filter((message) => message.conversation === conversation.id);
	const byId = new Map(messages.map((message) => [message.id, message]));
	assert.equal(byId.size, messages.length, 'every id is there once');
	for (const { id, seq, body } of sent) {
		const kept = byId.get(id);
		assert.ok(kept, `${id}, acknowledged as ${seq}, is in history`);
		assert.deepEqual({ seq: kept.seq, body: kept.body }, { seq, body });
	}
	assert.equal(messages.length, sent.length, 'everything in history was acknowledged');
}
