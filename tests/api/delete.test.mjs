// Deleting: who may, what stays, whose unread it was, and that everything stays exact when all happens at once.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { history } from '../lib/load.mjs';
import { mirrorOf } from '../lib/mirror.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const pathOf = ({ conversation_id, id }) => `conversations/${conversation_id}/messages/${id}`;
const remove = (person, message) => person.api.delete(pathOf(message));
const get = async (person, message) => must(await person.api.get(pathOf(message)), 200);
const room_ = async (person, room) => must(await person.api.get(`conversations/${room.id}`), 200);
const unread = async (person, room) => (await room_(person, room)).me.unread_count;
const read = async (person, room, seq) => must(await person.api.post(`conversations/${room.id}/read`, { seq }), 200);
const refused = ({ status, body: { code } }) => `${status} ${code}`;
const role = async (owner, room, person, name) =>
	must(await owner.api.put(`conversations/${room.id}/members/${person.id}`, name && { role: name }), 204);
const leave = async (person, room, by = person) =>
	must(await by.api.delete(`conversations/${room.id}/members/${person.id}`), 204);

/** What is left of a message. */
const tombstone = (message, { rev, deleted_at, status = message.status }) => ({
	...message,
	rev,
	status,
	body: null,
	ciphertext: null,
	metadata: {},
	reply_to: null,
	quoted: null,
	attachments: [],
	reactions: [],
	edited_at: null,
	deleted_at,
});

describe('a deletion', () => {
	it('leaves a tombstone on every path', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const first = await send(ben, room, 'First');
		const message = await send(ann, room, 'Words', { metadata: { a: 1 }, ciphertext: 'AAAA', reply_to: first.id });
		const mirror = mirrorOf(ben);
		await mirror.sync();
		const devices = await Promise.all([connect(ann), connect(ben)]);
		try {
			for (let i = 0; i < 3; i++) must(await remove(ann, message), 204);
			const left = await get(ben, message);
			assert.deepEqual(left, tombstone(message, { rev: message.rev + 1, deleted_at: left.deleted_at }));
			assert.ok(left.deleted_at > message.created_at);
			const [newest] = must(await ben.api.get(`conversations/${room.id}/messages`), 200).data;
			assert.deepEqual(newest, left);
			const [listed] = must(await ben.api.get('conversations'), 200).data;
			assert.deepEqual([listed.last_message, listed.last_seq, listed.rev], [left, left.seq, left.rev]);
			for (const device of devices) {
				const event = await device.event('message.deleted', room);
				assert.deepEqual([event.data, event.rev], [left, left.rev]);
			}
			const pages = await mirror.sync();
			assert.deepEqual(pages.flatMap(({ messages }) => messages), [left]);
			// said three times, told once
			const next = await send(ben, room, 'Next');
			assert.equal(next.rev, left.rev + 1);
			for (const device of devices) {
				const { event } = await device.next(({ topic }) => topic.endsWith('/messages'));
				assert.equal(event.type, 'message.created');
			}
		} finally {
			await Promise.all(devices.map((device) => device.end(true)));
		}
	});

	it('takes the unread of who had not read it, and of nobody else', async () => {
		const [ann, ben, cat, dan] = await people('Ann', 'Ben', 'Cat', 'Dan');
		const room = await groupOf(ann, [ben, cat]);
		const messages = [];
		for (let i = 0; i < 4; i++) messages.push(await send(ann, room, `${i}`));
		await read(cat, room, 2);
		await role(ann, room, dan);
		const counts = async () => Promise.all([ann, ben, cat, dan].map((person) => unread(person, room)));
		assert.deepEqual(await counts(), [0, 4, 2, 0]);
		must(await remove(ann, messages[0]), 204);
		assert.deepEqual(await counts(), [0, 3, 2, 0]);
		must(await remove(ann, messages[3]), 204);
		assert.deepEqual(await counts(), [0, 2, 1, 0]);
		assert.deepEqual(await read(ben, room, 1), { last_read_seq: 1, unread_count: 2 });
		assert.deepEqual(await read(ben, room, 2), { last_read_seq: 2, unread_count: 1 });
		await send(dan, room, 'New');
		assert.deepEqual(await counts(), [1, 2, 2, 0]);
		assert.deepEqual(must(await ben.api.get('unread'), 200), { unread_count: 2, conversations: 1 });
		must(await remove(ann, messages[2]), 204);
		assert.deepEqual(await counts(), [1, 1, 1, 0]);
		assert.deepEqual(await read(cat, room, 3), { last_read_seq: 3, unread_count: 1 });
		assert.deepEqual(await read(cat, room), { last_read_seq: 6, unread_count: 0 });
		// who writes has read what was there, the tombstones too
		await send(ben, room, 'Mine');
		assert.deepEqual(await counts(), [2, 0, 1, 1]);
	});

	it('is nothing to who was away, and comes back to where everything counts as read', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben]);
		const early = await send(ann, room, 'Early');
		const late = await send(ann, room, 'Late');
		must(await remove(ann, early), 204);
		await leave(ben, room);
		must(await remove(ann, late), 204);
		await role(ann, room, ben);
		assert.equal(await unread(ben, room), 0);
		const fresh = await send(ann, room, 'Fresh');
		assert.equal(await unread(ben, room), 1);
		must(await remove(ann, fresh), 204);
		assert.equal(await unread(ben, room), 0);
	});

	it('shows in what quotes it at the next read', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const message = await send(ann, room, 'Words');
		const reply = await send(ben, room, 'Reply', { reply_to: message.id });
		must(await remove(ann, message), 204);
		const { deleted_at } = await get(ben, message);
		const { quoted, reply_to } = await get(ann, reply);
		assert.deepEqual([reply_to, quoted], [message.id, { ...reply.quoted, body: null, deleted_at }]);
		// one may still reply to it
		const next = await send(ann, room, 'Sorry', { reply_to: message.id });
		assert.deepEqual(next.quoted, quoted);
	});

	it('takes reactions and the uses of files with it', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const file = randomUUID();
		await stack.sql(`insert into attachments (id, owner_id, sha256, name, media_type, size, created_at)
			values ('${file}', '${ann.id}', sha256('${file}'), 'a.txt', 'text/plain', 5, now())`);
		const message = await send(ann, room, 'See', { attachments: [file] });
		await stack.sql(`insert into reactions values ('${room.id}', ${message.seq}, '${ben.id}', '👍', now());
			update messages set reactions = '👍 1' where conversation_id = '${room.id}' and seq = ${message.seq}`);
		assert.deepEqual((await get(ben, message)).reactions, [{ emoji: '👍', count: 1, mine: true }]);
		must(await remove(ann, message), 204);
		const left = await get(ben, message);
		assert.deepEqual([left.reactions, left.attachments], [[], []]);
		const counts = `select (select count(*) from reactions where conversation_id = '${room.id}'),
			(select count(*) from attachment_uses where conversation_id = '${room.id}'), (select count(*) from attachments where id = '${file}')`;
		assert.equal(await stack.sql(counts), '0|0|1');
	});

	it('is for ever: no edit, and the first sending again is the tombstone', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const content = { id: randomUUID(), body: 'Once' };
		const message = await send(ann, room, 'Once', content);
		must(await ann.api.patch(pathOf(message), { body: 'Twice' }), 200);
		must(await remove(ann, message), 204);
		const left = await get(ann, message);
		assert.equal(refused(await ann.api.patch(pathOf(message), { body: 'Again' })), '409 conflict');
		assert.equal(refused(await ben.api.patch(pathOf(message), { body: 'Again' })), '403 forbidden');
		const send_ = (more) => ann.api.post(`conversations/${room.id}/messages`, { ...content, ...more });
		for (let i = 0; i < 2; i++) assert.deepEqual(must(await send_(), 200), left);
		assert.equal(refused(await send_({ body: 'Twice' })), '409 id_reused');
		const device = await connect(ann);
		try {
			await device.publish(`users/${ann.id}/commands/send`, { ...content, conversation_id: room.id });
			const { event } = await device.next(({ topic }) => topic.endsWith('/replies'));
			assert.deepEqual([event.status, event.seq, event.rev], [200, left.seq, left.rev]);
		} finally {
			await device.end(true);
		}
		const dropin = must(await ben.api.get(`/messages/${room.id}`), 200).data;
		assert.deepEqual([dropin.total, dropin.messages.map(({ content: text }) => text)], [1, [null]]);
		assert.equal((await room_(ann, room)).rev, left.rev);
	});
});

describe('whose messages one may delete', () => {
	it('in a group: one’s own, and as owner or admin anybody’s', async () => {
		const [owner, admin, ben, cat] = await people('Owner', 'Admin', 'Ben', 'Cat');
		const room = await groupOf(owner, [admin, ben, cat]);
		await role(owner, room, admin, 'admin');
		const of = async (person) => send(person, room, 'Words');
		for (const [by, whose, expected] of [
			[ben, ben, '204'],
			[ben, cat, '403'],
			[ben, admin, '403'],
			[ben, owner, '403'],
			[admin, ben, '204'],
			[admin, owner, '204'],
			[owner, admin, '204'],
			[owner, ben, '204'],
		]) {
			const message = await of(whose);
			const answer = await remove(by, message);
			assert.equal(String(answer.status), expected);
			assert.equal((await get(cat, message)).deleted_at !== null, expected === '204');
			// nor what was deleted before
			must(await remove(owner, message), 204);
			assert.equal(String((await remove(by, message)).status), expected);
		}
	});

	it('in a direct conversation: one’s own, also where one of the two has blocked the other', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const [hers, his] = [await send(ann, room, 'Hers'), await send(ben, room, 'His')];
		assert.equal(refused(await remove(ann, his)), '403 forbidden');
		must(await ann.api.put(`blocks/${ben.id}`), 204);
		assert.equal(refused(await remove(ben, hers)), '403 forbidden');
		must(await remove(ben, his), 204);
		must(await remove(ann, hers), 204);
	});

	it('nowhere where one is not, any more, or may not read', async () => {
		const [ann, ben, eve] = await people('Ann', 'Ben', 'Eve');
		const room = await groupOf(ann, [ben], { history: 'joined' });
		const message = await send(ann, room, 'Words');
		const own = await send(ben, room, 'Own');
		assert.equal(refused(await remove(eve, message)), '404 not_found');
		await leave(ben, room);
		assert.equal(refused(await remove(ben, own)), '404 not_found');
		await role(ann, room, ben, 'admin');
		for (const one of [message, own]) assert.equal(refused(await remove(ben, one)), '404 not_found');
		assert.equal((await get(ann, own)).deleted_at, null);
	});
});

/** People who each do one thing after the other to a group, until they are told to stop. What is answered with 5xx stops all. */
async function commotion(room, members, seconds) {
	const end = performance.now() + seconds * 1000;
	const counts = new Map();
	const pick = (list) => list[Math.floor(Math.random() * list.length)];
	const known = [];
	const path = `conversations/${room.id}`;
	/** One of one's own more often than not. */
	const any = (me) => pick(Math.random() < 0.8 ? [...known.filter(({ sender_id }) => sender_id === me.id), known[0]] : known);
	const acts = [
		[6, async (me) => {
			const answer = await me.api.post(`${path}/messages`, { id: randomUUID(), body: 'Words' });
			if (answer.status === 201) known.push(answer.body);
			return answer;
		}],
		[5, (me) => me.api.patch(pathOf(any(me)), { body: `Words ${Math.random()}` })],
		[5, (me) => me.api.delete(pathOf(any(me)))],
		[5, (me) => me.api.post(`${path}/read`, { seq: pick(known).seq })],
		[2, (me) => me.api.post(`${path}/read`)],
		[2, (me) => me.api.post(`${path}/delivered`)],
		[1, (me) => me.api.delete(`${path}/members/${me.id}`)],
		[3, (me) => members[0].api.put(`${path}/members/${me.id}`)],
		[1, (me) => members[0].api.delete(`${path}/members/${me.id}`)],
		[1, (me) => me.api.patch(`${path}/me`, { pinned: Math.random() < 0.5 })],
		[1, (me) => me.api.get(path)],
	].flatMap(([weight, act]) => Array(weight).fill(act));
	known.push(await send(members[0], room, 'Begin'));
	await Promise.all(
		members.map(async (me, i) => {
			while (performance.now() < end) {
				const answer = await pick(acts)(me, i);
				counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
				assert.ok(answer.status < 500, `${answer.status} ${answer.text}`);
			}
		}),
	);
	return counts;
}

describe('everything at once', () => {
	it('answers no 5xx, and is exact when it is over', async () => {
		const members = await people('Owner', 'Ben', 'Cat', 'Dan', 'Eve', 'Fay', 'Gus', 'Hal');
		const [owner, ...others] = members;
		const room = await groupOf(owner, others);
		const device = await connect(owner);
		const mirror = mirrorOf(owner, { limit: 200 });
		await mirror.sync();
		const events = [];
		device.client.on('message', (topic, payload) => {
			const event = JSON.parse(payload);
			if (event.rev) events.push(event);
		});
		try {
			const counts = await commotion(room, [...members, ...members], 4);
			for (const status of [200, 201, 204, 403, 404]) assert.ok(counts.get(status) > 0, `${status} was among ${[...counts]}`);

			for (const person of others) await role(owner, room, person);
			const messages = await history(owner, room);
			messages.forEach(({ seq }, i) => assert.equal(seq, i + 1));
			assert.ok(messages.some(({ deleted_at }) => deleted_at) && messages.some(({ edited_at }) => edited_at));
			for (const person of members) {
				const { me, last_seq } = await room_(person, room);
				assert.equal(last_seq, messages.length);
				const count = messages.filter(
					({ seq, sender_id, deleted_at }) => seq > me.last_read_seq && sender_id !== person.id && sender_id && !deleted_at,
				).length;
				assert.equal(me.unread_count, count);
			}
			// every change was one rev, told once and in order, and the last event of each message is what it is
			const { rev } = await room_(owner, room);
			await waitFor(() => events.at(-1)?.rev === rev, 10_000, 'the last event has come');
			assert.deepEqual(events.map((event) => event.rev), Array.from({ length: events.length }, (_, i) => events[0].rev + i));
			const told = new Map(events.filter(({ type }) => type.startsWith('message.')).map(({ data }) => [data.id, data]));
			for (const message of messages) assert.deepEqual({ ...told.get(message.id), status: message.status }, message);
			await mirror.sync();
			assert.deepEqual(mirror.history(room.id).map(({ status, ...rest }) => rest), messages.map(({ status, ...rest }) => rest));
		} finally {
			await device.end(true);
		}
	});
});
