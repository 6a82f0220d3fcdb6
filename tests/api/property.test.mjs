// Whatever people do, in whatever order, everybody sees on every path what the simplest account of it says (tests/lib/model.mjs): list,
// unread, history, status, sync from a cursor, and events.
//
//	PARLEY_PROPERTY_SEED=N		the same again
//	PARLEY_PROPERTY_STEPS=N		as many things happen
import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register } from '../lib/client.mjs';
import { history } from '../lib/load.mjs';
import { mirrorOf } from '../lib/mirror.mjs';
import { Model } from '../lib/model.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const SEED = Number(process.env.PARLEY_PROPERTY_SEED ?? randomInt(2 ** 31));
const STEPS = Number(process.env.PARLEY_PROPERTY_STEPS ?? 250);
const BATCH = 30;
const NAMES = ['Ann', 'Ben', 'Cat', 'Dan', 'Eve'];
const EMOJI = ['👍', '🎉', '😀'];

/** mulberry32: the same numbers for the same seed. */
function randomOf(seed) {
	let state = seed >>> 0;
	const next = () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
	return {
		chance: (part) => next() < part,
		below: (n) => Math.floor(next() * n),
		pick: (list) => list[Math.floor(next() * list.length)],
	};
}

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const path = (room, more = '') => `conversations/${room.id}${more}`;
const messagePath = (room, message) => path(room, `/messages/${message?.id ?? randomUUID()}`);

/*
 * What can happen: how often, and what it is: of the model the status that is expected, of the server the answer. w: the world, me: who
 * does it, room: where, which may be one that it is not in.
 */
const ACTS = [
	[30, 'send', async (w, me, room) => {
		const message = {
			id: randomUUID(),
			body: `Words ${w.random.below(1e9)} 👍`.repeat(w.random.chance(0.05) ? 30 : 1),
			metadata: w.random.chance(0.2) ? { n: w.random.below(10) } : undefined,
			reply_to: w.random.chance(0.2) ? w.any(room, me)?.id : undefined,
		};
		const expected = w.model.send(me, room, message);
		const answer = await me.api.post(path(room, '/messages'), message);
		if (w.random.chance(0.3)) await w.again(me, room, message);
		return [expected, answer];
	}],
	[5, 'send again what was sent once', async (w, me, room) => {
		const message = w.any(room, me, ({ sender_id }) => sender_id === me.id);
		if (!message) return [];
		return [w.model.send(me, room, message.first), await me.api.post(path(room, '/messages'), message.first)];
	}],
	[12, 'edit', async (w, me, room) => {
		const message = w.mine(room, me);
		const change = w.random.pick([{ body: `Other words ${w.random.below(1e9)}` }, { metadata: { n: w.random.below(3) } }, { metadata: {} }, { body: message?.body }, { body: '' }]);
		if (change.body === null || change.body === undefined) delete change.body;
		if (Object.keys(change).length === 0) return [];
		return [w.model.edit(me, room, message, change), await me.api.patch(messagePath(room, message), change)];
	}],
	[8, 'delete', async (w, me, room) => {
		const message = w.mine(room, me);
		return [w.model.delete(me, room, message), await me.api.delete(messagePath(room, message))];
	}],
	[8, 'react', async (w, me, room) => {
		const [message, emoji] = [w.any(room, me), w.random.pick(EMOJI)];
		return [w.model.react(me, room, message, emoji), await me.api.put(`${messagePath(room, message)}/reactions/${encodeURIComponent(emoji)}`)];
	}],
	[4, 'take a reaction back', async (w, me, room) => {
		const message = w.any(room, me, ({ reactions }) => reactions.size > 0) ?? w.any(room, me);
		const emoji = w.random.pick(message?.reactions.size ? [...message.reactions.keys()] : EMOJI);
		return [w.model.unreact(me, room, message, emoji), await me.api.delete(`${messagePath(room, message)}/reactions/${encodeURIComponent(emoji)}`)];
	}],
	[14, 'read', async (w, me, room) => {
		const seq = w.random.chance(0.3) ? undefined : w.random.below(room.messages.length + 2);
		const expected = w.model.reach(me, room, 'read', seq);
		const answer = await me.api.post(path(room, '/read'), { seq });
		if (expected === 200)
			assert.deepEqual(answer.body, { last_read_seq: room.members.get(me.id).read, unread_count: w.model.unread(room, me) });
		return [expected, answer];
	}],
	[8, 'say what has been delivered', async (w, me, room) => {
		const seq = w.random.chance(0.3) ? undefined : w.random.below(room.messages.length + 2);
		return [w.model.reach(me, room, 'delivered', seq), await me.api.post(path(room, '/delivered'), { seq })];
	}],
	[4, 'ask who has had a message', async (w, me, room) => {
		const message = w.any(room, me);
		const expected = w.model.ask(me, room, message);
		const answer = await me.api.get(`${messagePath(room, message)}/receipts`);
		if (answer.status === 200 && expected === 200) {
			for (const { status, at } of answer.body.data) assert.equal(at !== null, status !== 'sent');
			assert.deepEqual(answer.body.data.map(({ user_id, status }) => ({ user_id, status })), w.model.recipients(message));
		}
		return [expected, answer];
	}],
	[8, 'add somebody, or change a role', async (w, me, room) => {
		const [other, role] = [w.random.pick(w.people), w.random.chance(0.4) ? w.random.pick(['owner', 'admin', 'member']) : undefined];
		return [w.model.put(me, room, other, role), await me.api.put(path(room, `/members/${other.id}`), role && { role })];
	}],
	[3, 'remove', async (w, me, room) => {
		const other = w.random.pick(w.people);
		return [w.model.remove(me, room, other), await me.api.delete(path(room, `/members/${other.id}`))];
	}],
	[2, 'leave', async (w, me, room) => [w.model.remove(me, room, me), await me.api.delete(path(room, `/members/${me.id}`))]],
	[3, 'rename', async (w, me, room) => {
		const title = `Title ${w.random.below(3)}`;
		return [w.model.rename(me, room, title), await me.api.patch(path(room), { title })];
	}],
	[2, 'open a group', async (w, me) => {
		if (w.model.rooms.length > 4) return [];
		const others = w.people.filter(({ id }) => id !== me.id && w.random.chance(0.7));
		await w.open(me, others, { title: 'Opened', history: w.random.pick(['all', 'joined']) });
		return [];
	}],
	[2, 'delete the group', async (w, me, room) => {
		const expected = w.model.close(me, room);
		const answer = await me.api.delete(path(room));
		if (expected === 204)
			for (const person of w.people)
				assert.equal((await person.api.delete(path(room))).status, person === me ? 204 : 404, 'it is gone');
		return [expected, answer];
	}],
	[3, 'pin', async (w, me, room) => {
		const pinned = w.random.chance(0.5);
		return [w.model.pin(me, room, pinned), await me.api.patch(path(room, '/me'), { pinned })];
	}],
	[1, 'block', async (w, me) => {
		const other = w.random.pick(w.people.filter(({ id }) => id !== me.id));
		return [w.model.block(me, other, true), await me.api.put(`blocks/${other.id}`)];
	}],
	[3, 'unblock', async (w, me) => {
		const other = w.random.pick(w.people.filter(({ id }) => id !== me.id));
		return [w.model.block(me, other, false), await me.api.delete(`blocks/${other.id}`)];
	}],
];
const CHOICES = ACTS.flatMap(([weight, what, act]) => Array(weight).fill({ what, act }));

/** A message as the model shows it. */
const shown = ({ created_at, ...message }) => ({
	...message,
	id: message.sender_id ? message.id : 'system',
	quoted: message.quoted && { ...message.quoted, deleted_at: message.quoted.deleted_at !== null },
	edited_at: message.edited_at !== null,
	deleted_at: message.deleted_at !== null,
});
const withoutStatus = ({ status, ...message }) => message;
/** What is the message's own: what it quotes may change without it. */
const own = ({ status, quoted, ...message }) => message;

class World {
	constructor(random) {
		this.random = random;
		this.model = new Model();
		this.log = [];
	}

	/** A message of a room, more often a late one; where somebody is in it, one that it may read. Undefined: none. */
	any(room, me, fits = () => true) {
		const list = (room.members.has(me.id) && !this.random.chance(0.1) ? this.model.readable(room, me) : room.messages).filter(({ sender_id, ...message }) => sender_id && fits({ sender_id, ...message }));
		return this.random.chance(0.5) ? this.random.pick(list.slice(-4)) : this.random.pick(list);
	}

	/** One's own, more often than not. */
	mine(room, me) {
		return (this.random.chance(0.8) && this.any(room, me, ({ sender_id }) => sender_id === me.id)) || this.any(room, me);
	}

	async again(me, room, message) {
		const expected = this.model.send(me, room, message);
		assert.equal((await me.api.post(path(room, '/messages'), message)).status, expected, 'sent again');
	}

	async begin() {
		this.people = await Promise.all(NAMES.map((name) => register(stack, name)));
		const [ann, ben, cat, dan, eve] = this.people;
		for (const person of this.people) {
			person.mirror = mirrorOf(person, { limit: 20 });
			await person.mirror.sync();
			person.device = await connect(person);
		}
		this.model.open(await directOf(ann, ben), [ann, ben]);
		await this.open(ann, [ben, cat, dan, eve], { title: 'All' });
		await this.open(ben, [ann, cat], { title: 'Some', history: 'joined' });
	}

	async open(me, others, { title, history = 'all' }) {
		const { id, kind } = await groupOf(me, others, { title, history });
		this.model.open({ id, kind, title, history }, [me, ...others]);
	}

	async end() {
		await Promise.all(this.people.map(({ device }) => device?.end(true)));
	}

	async step() {
		const { what, act } = this.random.pick(CHOICES);
		const [me, room] = [this.random.pick(this.people), this.random.pick(this.model.rooms)];
		this.log.push(`${NAMES[this.people.indexOf(me)]}: ${what}, in ${this.model.rooms.indexOf(room)}`);
		const [expected, answer] = await act(this, me, room);
		if (expected !== undefined) assert.equal(answer.status, expected, `${answer.status} ${answer.text}`);
	}

	/** Everything that a person sees, on every path, is what the model says. */
	async check(person) {
		const { model } = this;
		const list = model.list(person);
		const { data } = must(await person.api.get('conversations?limit=200'), 200);
		const summary = (conversation) => {
			const { id, title, rev, last_seq, member_count, me, last_message } = conversation;
			const { role, last_read_seq, last_delivered_seq, pinned, unread_count } = me;
			return { id, title, rev, last_seq, member_count, role, last_read_seq, last_delivered_seq, pinned, unread_count, last_message: last_message && shown(last_message) };
		};
		assert.deepEqual(data.map(summary), list, 'the list');
		const counts = list.map(({ unread_count }) => unread_count);
		assert.deepEqual(
			must(await person.api.get('unread'), 200),
			{ unread_count: counts.reduce((a, b) => a + b, 0), conversations: counts.filter(Boolean).length },
			'unread over all',
		);
		for (const room of model.rooms.filter(({ members }) => members.has(person.id)))
			assert.deepEqual((await history(person, room)).map(shown), model.history(room, person), 'history');
		await this.checkMirror(person, list, summary);
		await this.checkEvents(person);
	}

	/** What a client has that asks for nothing but what has changed since it last asked. */
	async checkMirror({ mirror, ...person }, list, summary) {
		await mirror.sync();
		const byId = (a, b) => (a.id < b.id ? -1 : 1);
		const kept = [...mirror.conversations.values()].map(summary).sort(byId);
		// the status of a message follows from receipts, which the client has been given
		const plain = (all) => all.map(({ last_message, ...rest }) => ({ ...rest, last_message: last_message && withoutStatus(last_message) }));
		assert.deepEqual(plain(kept), plain([...list].sort(byId)), 'conversations by sync');
		for (const room of this.model.rooms.filter(({ members }) => members.has(person.id))) {
			const conversation = mirror.conversations.get(room.id);
			// those of a group come by sync only when they have changed
			conversation.members ??= must(await person.api.get(path(room)), 200).members;
			const members = conversation.members
				.map(({ user_id, role, last_read_seq, last_delivered_seq }) => ({ user_id, role, last_read_seq, last_delivered_seq }))
				.sort((a, b) => (a.user_id < b.user_id ? -1 : 1));
			assert.deepEqual(members, this.model.members(room), 'members by sync');
			const expected = this.model.history(room, person).map(own);
			const had = new Set(room.messages.filter((message) => message.had.has(person.id)).map(({ seq }) => seq));
			const synced = mirror.history(room.id).map(shown).map(own);
			const { floor } = room.members.get(person.id);
			// what came while it was in is there; of what came before it has some, and as that is now
			const seqs = new Set(synced.map(({ seq }) => seq));
			assert.deepEqual(synced.filter(({ seq }) => seq > floor), expected.filter(({ seq }) => had.has(seq) || seqs.has(seq)), 'messages by sync');
		}
	}

	/** Each rev once, in order, to whom it concerns, with what it then was. */
	async checkEvents(person) {
		const told = this.model.told.get(person.id) ?? new Map();
		const receipts = this.model.receipts.get(person.id) ?? [];
		const wanted = [...told.values()].reduce((sum, events) => sum + events.length, 0) + receipts.length;
		const rooms = new Map();
		// a server that has just been started tells everybody to sync
		const kept = () => person.device.kept.filter(({ topic }) => !topic.endsWith('/sync'));
		await waitFor(() => kept().length >= wanted, 10_000, `${wanted} events`);
		const others = [];
		for (const { event } of kept()) {
			if (event.rev) rooms.set(event.conversation_id, rooms.get(event.conversation_id) ?? []).get(event.conversation_id).push({ type: event.type, rev: event.rev, data: event.type.startsWith('message.') ? shown(event.data) : undefined });
			else others.push({ type: event.type, conversation_id: event.data.conversation_id, user_id: event.data.user_id, seq: event.data.seq });
		}
		assert.deepEqual(rooms, told, 'events');
		assert.deepEqual(others, receipts, 'receipts');
	}
}

describe('whatever happens', () => {
	it(`everybody sees what happened (seed ${SEED})`, async () => {
		const world = new World(randomOf(SEED));
		try {
			await world.begin();
			for (let done = 0; done < STEPS; ) {
				for (const end = Math.min(done + BATCH, STEPS); done < end; done++) await world.step();
				for (const person of world.people) await world.check(person);
			}
		} catch (error) {
			error.message = `PARLEY_PROPERTY_SEED=${SEED}, after ${world.log.length} steps, the last: ${world.log.slice(-5).join('; ')}\n${error.message}`;
			throw error;
		} finally {
			await world.end();
		}
	});
});
