// Everybody does everything at the same moment, and what comes of it still adds up: nobody can say in which order it happened, but
// unread is what history says, each rev was told once, and who only syncs has what history has. What each thing is by itself is
// told by property.test.mjs.
//
//	PARLEY_TOGETHER_STEPS=N		as many things each of them does
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, groupOf, must, register } from '../lib/client.mjs';
import { history } from '../lib/load.mjs';
import { mirrorOf } from '../lib/mirror.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const STEPS = Number(process.env.PARLEY_TOGETHER_STEPS ?? 40);
const NAMES = ['Ann', 'Ben', 'Cat', 'Dan', 'Eve'];
const HANDS = 2; // each is at two devices

const below = (n) => Math.floor(Math.random() * n);
const pick = (list) => list[below(list.length)];

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

/** What somebody does next in a room: how often, and what. The room knows ids of messages that were sent, and of whom. */
const ACTS = [
	[10, async (me, room) => {
		const message = { id: randomUUID(), body: `Words ${below(1e9)}`, reply_to: pick(room.sent)?.id };
		const path = `conversations/${room.id}/messages`;
		// and once more, before the answer
		const [answer] = await Promise.all([me.api.post(path, message), below(4) === 0 && me.api.post(path, message)]);
		if (answer.status < 300) room.sent.push({ id: message.id, sender: me.id });
		return answer;
	}],
	[4, (me, room) => me.api.patch(`conversations/${room.id}/messages/${one(room, me)}`, { body: `Other words ${below(1e9)}` })],
	[6, (me, room) => me.api.delete(`conversations/${room.id}/messages/${one(room, me)}`)],
	[4, (me, room) => me.api.put(`conversations/${room.id}/messages/${one(room)}/reactions/${encodeURIComponent('👍')}`)],
	[3, (me, room) => me.api.delete(`conversations/${room.id}/messages/${one(room)}/reactions/${encodeURIComponent('👍')}`)],
	[8, (me, room) => me.api.post(`conversations/${room.id}/read`, below(2) ? {} : { seq: below(room.sent.length + 1) })],
	[4, (me, room) => me.api.post(`conversations/${room.id}/delivered`, {})],
	[3, (me, room, people) => me.api.put(`conversations/${room.id}/members/${pick(people).id}`)],
	[2, (me, room, people) => me.api.delete(`conversations/${room.id}/members/${pick(people.slice(1)).id}`)],
	[1, (me, room) => me.api.patch(`conversations/${room.id}`, { title: `Title ${below(3)}` })],
	[2, (me, room) => me.api.patch(`conversations/${room.id}/me`, { pinned: below(2) === 0 })],
];
const CHOICES = ACTS.flatMap(([weight, act]) => Array(weight).fill(act));

/** A late one, so that they meet; of one's own, more often than not, for who is given. */
function one(room, me) {
	const own = me && below(4) > 0 ? room.sent.filter(({ sender }) => sender === me.id) : room.sent;
	return pick(own.slice(-3))?.id ?? randomUUID();
}

async function everything(people, rooms) {
	await Promise.all(people.flatMap((me) => Array.from({ length: HANDS }, async () => {
		for (let i = 0; i < STEPS; i++) {
			const answer = await pick(CHOICES)(me, pick(rooms), people);
			assert.ok(answer.status < 500, `${answer.status} ${answer.text}`);
		}
	})));
}

/** Those that count, by the contract. */
const unread = (messages, me, read) =>
	messages.filter(({ seq, sender_id, deleted_at }) => seq > read && sender_id && sender_id !== me.id && !deleted_at).length;

describe('everybody at once', () => {
	it('unread is what history says, each rev is told once, and who syncs has it all', async () => {
		const people = await Promise.all(NAMES.map((name) => register(stack, name)));
		const [ann, ...others] = people;
		// Ann stays: she is told everything
		const device = await connect(ann);
		const rooms = await Promise.all(['all', 'joined'].map((kind) => groupOf(ann, others, { history: kind })));
		for (const room of rooms) room.sent = [];
		const mirrors = people.map((person) => mirrorOf(person, { limit: 20 }));
		let busy = true;
		const syncing = Promise.all(mirrors.map(async (mirror) => {
			while (busy) await mirror.sync();
		}));
		await everything(people, rooms).finally(() => (busy = false));
		await syncing;

		for (const [i, person] of people.entries()) {
			await mirrors[i].sync();
			const { data } = must(await person.api.get('conversations'), 200);
			assert.deepEqual(new Set(mirrors[i].conversations.keys()), new Set(data.map(({ id }) => id)), 'conversations by sync');
			for (const { id, rev, last_seq, me } of data) {
				const messages = await history(person, id);
				assert.equal(me.unread_count, unread(messages, person, me.last_read_seq), 'unread');
				const synced = mirrors[i].conversations.get(id);
				assert.deepEqual([synced.rev, synced.last_seq, synced.me.unread_count], [rev, last_seq, me.unread_count]);
				const kept = new Map(messages.map((message) => [message.id, message]));
				for (const message of mirrors[i].history(id).filter(({ seq }) => kept.has(message_id(messages, seq)))) {
					const { status, quoted, ...rest } = message;
					const { status: _status, quoted: _quoted, ...now } = kept.get(message.id);
					assert.deepEqual(rest, now, 'a message by sync');
				}
				// from zero on, what is read one by one is what was counted
				const read = must(await person.api.post(`conversations/${id}/read`, { seq: last_seq - 1 }), 200);
				assert.equal(read.unread_count, unread(messages, person, read.last_read_seq), 'unread after reading');
			}
		}
		for (const { id } of rooms) {
			const { rev, last_seq } = must(await ann.api.get(`conversations/${id}`), 200);
			const revs = () => device.kept.filter(({ event }) => event?.rev && event.conversation_id === id).map(({ event }) => event.rev);
			await waitFor(() => revs().length >= rev, 10_000, `${rev} events`);
			assert.deepEqual(revs(), Array.from({ length: rev }, (_, i) => i + 1), 'each rev once, in order');
			assert.deepEqual((await history(ann, id)).map(({ seq }) => seq), Array.from({ length: last_seq }, (_, i) => i + 1), 'seq');
		}
	});
});

function message_id(messages, seq) {
	return messages.find((message) => message.seq === seq)?.id;
}
