// System messages: what happens to a group, told among its messages.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { mirrorOf } from '../lib/mirror.mjs';
import { service } from '../lib/operator.mjs';
import { sharedStack, startStack } from '../lib/stack.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const put = async (by, room, user, role) =>
	must(await by.api.put(`conversations/${room.id}/members/${user.id}`, role && { role }), 204);
const remove = async (by, room, user) =>
	must(await by.api.delete(`conversations/${room.id}/members/${user.id}`), 204);
const rename = async (by, room, change) => must(await by.api.patch(`conversations/${room.id}`, change), 200);
const view = async (person, room) => must(await person.api.get(`conversations/${room.id}`), 200);
const unread = async (person, room) => (await view(person, room)).me.unread_count;
const history = async (person, room, query = 'after=0&limit=200') =>
	must(await person.api.get(`conversations/${room.id}/messages?${query}`), 200).data;
/** What the system has said in it, as somebody reads it. */
const said = async (person, room) =>
	(await history(person, room)).filter(({ type }) => type === 'system').map(({ metadata }) => metadata);

describe('a system message', () => {
	it('follows each change of a group, and says what it was', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await groupOf(ann, [ben], { title: 'Old' });
		const by = ann.id;
		const avatar_url = 'https://example.org/g.png';
		const member = (event, { id: user_id }, role, who = by) => ({ event, by: who, user_id, role });
		const steps = [
			[() => put(ann, room, cat), member('member.added', cat, 'member')],
			[() => put(ann, room, cat, 'admin'), member('member.updated', cat, 'admin')],
			[() => rename(cat, room, { title: 'New “1” \\ 🚚' }), { event: 'conversation.updated', by: cat.id, title: 'New “1” \\ 🚚' }],
			[() => rename(ann, room, { avatar_url }), { event: 'conversation.updated', by, avatar_url }],
			[
				() => rename(ann, room, { title: null, avatar_url: null }),
				{ event: 'conversation.updated', by, title: null, avatar_url: null },
			],
			[() => rename(ann, room, { title: 'Both', avatar_url: null }), { event: 'conversation.updated', by, title: 'Both' }],
			[() => remove(cat, room, ben), member('member.removed', ben, 'member', cat.id)],
			[() => put(ann, room, ben, 'owner'), member('member.added', ben, 'owner')],
			[() => put(ann, room, ann, 'member'), member('member.updated', ann, 'member')],
			[() => remove(cat, room, cat), member('member.left', cat, 'admin', cat.id)],
		];
		const expected = [];
		for (const [act, metadata] of steps) {
			await act();
			expected.push(metadata);
			assert.deepEqual(await said(ann, room), expected);
			await act().catch(() => undefined); // what is so already is not said again
			assert.deepEqual(await said(ann, room), expected);
		}
		const all = await history(ann, room);
		assert.deepEqual(
			all.map(({ seq, rev, sender_id, body, ciphertext, reply_to, status }) => [seq, rev, sender_id, body, ciphertext, reply_to, status]),
			// behind each change, which has a rev of its own
			steps.map((_, i) => [i + 1, 2 * i + 3, null, null, null, null, 'sent']),
		);
		for (const [i, message] of all.entries()) {
			assert.match(message.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
			if (i > 0) assert.ok(message.created_at > all[i - 1].created_at);
			const stamp = parseInt(message.id.replaceAll('-', '').slice(0, 12), 16);
			assert.ok(Math.abs(stamp - Date.parse(message.created_at)) < 1000, 'its id begins with the time');
			assert.deepEqual(must(await ann.api.get(`conversations/${room.id}/messages/${message.id}`), 200), message);
		}
		assert.deepEqual((await view(ann, room)).last_message, all.at(-1));
		assert.equal((await view(ann, room)).last_activity_at, all.at(-1).created_at);
		assert.deepEqual(must(await ann.api.get('conversations'), 200).data[0].last_message, all.at(-1));
	});

	it('is neither at the opening of a group, nor of a direct conversation, nor of one’s own view', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const group = await groupOf(ann, [ben, cat]);
		const direct = await directOf(ann, ben);
		for (const room of [group, direct]) {
			must(await ann.api.patch(`conversations/${room.id}/me`, { pinned: true }), 200);
			must(await ann.api.post(`conversations/${room.id}/read`), 200);
			assert.deepEqual(await history(ann, room), []);
			assert.equal((await view(ann, room)).last_message, null);
		}
	});

	it('is read by who is in the group then: who comes has it first, who goes does not', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		for (const rule of ['all', 'joined']) {
			const room = await groupOf(ann, [ben], { history: rule });
			const device = await connect(cat);
			const mirror = mirrorOf(cat);
			await mirror.sync();
			await send(ann, room, 'Before');
			await put(ann, room, cat);
			await device.event('member.added', room);
			const [first] = await history(cat, room, 'after=1');
			assert.deepEqual(first.metadata, { event: 'member.added', by: ann.id, user_id: cat.id, role: 'member' });
			if (rule === 'joined') assert.deepEqual(await history(cat, room), [first]);
			assert.deepEqual((await device.event('message.created', room)).data, first);
			await mirror.sync();
			assert.deepEqual(mirror.history(room.id).at(-1), first);
			assert.deepEqual(mirror.conversations.get(room.id).last_message, first);

			await remove(ben, room, ben);
			assert.equal((await device.event('message.created', room)).data.metadata.event, 'member.left');
			await remove(ann, room, cat);
			for (let i = 0; i < 2; i++) await device.event('member.removed', room);
			await send(ann, await directOf(ann, cat), 'Behind it');
			await device.next(({ event }) => event?.data?.body === 'Behind it');
			assert.deepEqual(device.kept.filter(({ event }) => event?.conversation_id === room.id), [], 'but its own removal');
			await mirror.sync();
			assert.ok(!mirror.conversations.has(room.id));
			await device.end(true);
		}
	});

	it('has a status as any other: that of its recipients, who are all', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben]);
		await rename(ann, room, { title: 'Read me' });
		const status = async () => (await view(ann, room)).last_message.status;
		must(await ben.api.post(`conversations/${room.id}/read`), 200);
		assert.equal(await status(), 'sent');
		must(await ann.api.post(`conversations/${room.id}/delivered`), 200);
		assert.equal(await status(), 'delivered');
		must(await ann.api.post(`conversations/${room.id}/read`), 200);
		assert.equal(await status(), 'read');
	});

	it('is sent by nobody, has no id that can be used again, and can be replied to', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben]);
		const forged = await ann.api.post(`conversations/${room.id}/messages`, {
			type: 'system',
			body: 'I am the system',
			metadata: { event: 'member.left', by: ben.id, user_id: ben.id },
		});
		assert.equal(forged.status, 422);
		assert.deepEqual(forged.body.errors.map(({ field, code }) => [field, code]), [['type', 'bad_format']]);
		await rename(ann, room, { title: 'Reply to me' });
		const { last_message } = await view(ann, room);
		const again = await ann.api.post(`conversations/${room.id}/messages`, { id: last_message.id, body: 'Mine' });
		assert.deepEqual([again.status, again.body.code], [409, 'id_reused']);
		const reply = await send(ben, room, 'Good name', { reply_to: last_message.id });
		assert.deepEqual(reply.quoted, {
			id: last_message.id,
			seq: 1,
			sender_id: null,
			type: 'system',
			body: null,
			deleted_at: null,
		});
	});

	it('says whom a service acted for', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await groupOf(ann, [ben]);
		const backend = await service(stack, 'conversations:write conversations:read act-as');
		must(await backend.as(ann).patch(`conversations/${room.id}`, { title: 'By the backend' }), 200);
		must(await backend.as(ann).put(`conversations/${room.id}/members/${cat.id}`), 204);
		must(await backend.as(ben).delete(`conversations/${room.id}/members/${ben.id}`), 204);
		assert.deepEqual(await said(ann, room), [
			{ event: 'conversation.updated', by: ann.id, title: 'By the backend' },
			{ event: 'member.added', by: ann.id, user_id: cat.id, role: 'member' },
			{ event: 'member.left', by: ben.id, user_id: ben.id, role: 'member' },
		]);
	});

	it('says that who erases its account has left, and who owns the group now', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const [room, alone] = [await groupOf(ann, [ben, cat]), await groupOf(ann, [])];
		await put(ann, room, cat, 'admin');
		must(await ann.api.delete('users/me'), 204);
		assert.deepEqual((await said(ben, room)).slice(1), [
			{ event: 'member.updated', by: null, user_id: cat.id, role: 'owner' },
			{ event: 'member.left', by: ann.id, user_id: ann.id, role: 'owner' },
		]);
		assert.equal((await view(ben, room)).rev, 7);
		assert.equal(await stack.sql(`select count(*) from messages where conversation_id = '${alone.id}'`), '0');
	});
});

describe('unread', () => {
	it('is not raised by it, whoever had read what', async () => {
		const [ann, ben, cat, dan] = await people('Ann', 'Ben', 'Cat', 'Dan');
		const room = await groupOf(ann, [ben, cat]);
		for (let i = 0; i < 4; i++) await send(ann, room, `Number ${i}`);
		must(await ben.api.post(`conversations/${room.id}/read`, { seq: 3 }), 200);
		const counts = async () => [await unread(ann, room), await unread(ben, room), await unread(cat, room)];
		assert.deepEqual(await counts(), [0, 1, 4]);
		await rename(ann, room, { title: 'A' });
		await put(ann, room, dan);
		assert.deepEqual(await counts(), [0, 1, 4]);
		assert.equal(await unread(dan, room), 0);
		for (const [person, unread_count, conversations] of [[ann, 0, 0], [ben, 1, 1], [cat, 4, 1], [dan, 0, 0]])
			assert.deepEqual(must(await person.api.get('unread'), 200), { unread_count, conversations });

		await send(dan, room, 'Hello');
		assert.deepEqual(await counts(), [1, 2, 5]);
		// up to between the two, and over one of them: 6, 7 are the system's as 5 … 4 messages, title, Dan, Hello
		for (const [seq, left] of [[4, 1], [5, 1], [6, 1], [7, 0]])
			assert.equal(must(await cat.api.post(`conversations/${room.id}/read`, { seq }), 200).unread_count, left, `up to ${seq}`);
		await rename(ann, room, { title: 'B' });
		assert.deepEqual(await counts(), [1, 2, 0]);
		await send(ben, room, 'I have read all');
		assert.deepEqual(await counts(), [2, 0, 1]);
	});

	it('agrees with a count by hand, and seq has no gap, whatever happens at once', async () => {
		const crowd = await people('Ann', 'Ben', 'Cat', 'Dan', 'Eve');
		const [ann, ...others] = crowd;
		const room = await groupOf(ann, others);
		for (const other of others) await put(ann, room, other, 'admin');
		await Promise.all(
			crowd.map(async (person, who) => {
				for (let i = 0; i < 15; i++) {
					const dice = (i + who) % 4;
					// 403: it is no admin at that moment
					if (dice === 0) {
						const { status } = await person.api.patch(`conversations/${room.id}`, { title: `${who} ${i}` });
						assert.ok([200, 403].includes(status));
					}
					if (dice === 1) await send(person, room, `${who} ${i}`);
					if (dice === 2) must(await person.api.post(`conversations/${room.id}/read`), 200);
					if (dice === 3) await put(ann, room, others[who % 4], i % 2 ? 'member' : 'admin');
				}
			}),
		);
		const all = await history(ann, room);
		const { rev, last_seq } = await view(ann, room);
		assert.deepEqual(all.map(({ seq }) => seq), Array.from({ length: last_seq }, (_, i) => i + 1));
		const changes = all.filter(({ type }) => type === 'system').length;
		assert.ok(changes > 10);
		assert.equal(rev, 1 + all.length + changes);
		for (let i = 1; i < all.length; i++) assert.ok(all[i].created_at >= all[i - 1].created_at);
		for (const person of crowd) {
			const { me } = await view(person, room);
			assert.equal(me.unread_count, all.filter(({ seq, type }) => seq > me.last_read_seq && type !== 'system').length);
		}
	});
});

describe('the list', () => {
	it('has a group in front where something has happened last', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const rooms = [];
		for (let i = 0; i < 5; i++) rooms.push(await groupOf(ann, [ben]));
		// as if all had been quiet for an hour, so that the first is written to everybody's list and the next is not
		const ids = rooms.map(({ id }) => `'${id}'`);
		await stack.sql(`update conversations set last_activity_at = now() - interval '1 hour', members_activity_at = now() - interval '1 hour'
			where id in (${ids})`);
		await stack.sql(`update members set activity_at = now() - interval '1 hour' where conversation_id in (${ids})`);
		const order = [3, 1, 3, 0, 1, 4];
		for (const [i, at] of order.entries()) await rename(ann, rooms[at], { title: `Number ${i}` });
		for (const limit of [1, 2, 200]) {
			const found = must(await ben.api.get(`conversations?limit=${limit}`), 200).data.map(({ id }) => id);
			assert.deepEqual(found.slice(0, 4), [4, 1, 0, 3].map((i) => rooms[i].id).slice(0, limit));
		}
	});
});

describe('the routes of the older service', () => {
	it('have none of them: not in pages, not in totals, not as the latest', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		for (const rule of ['all', 'joined']) {
			const room = await groupOf(ann, [ben], { external_ref: randomUUID(), history: rule });
			const bodies = [];
			for (const [i, said_] of [2, 0, 1, 3, 0, 0, 1].entries()) {
				if (i === 3 && rule === 'joined') {
					await put(ann, room, cat);
					bodies.length = 0; // what Cat reads
				}
				bodies.push((await send(ann, room, `Number ${i}`)).body);
				for (let n = 0; n < said_; n++) await rename(ann, room, { title: `${i} ${n}` });
			}
			const reader = rule === 'joined' ? cat : ben;
			for (const limit of [1, 2, 3, 50])
				for (let offset = 0; offset <= bodies.length + 1; offset++) {
					const { messages, total } = must(await reader.api.get(`/messages/${room.id}?limit=${limit}&offset=${offset}`), 200).data;
					assert.equal(total, bodies.length);
					const end = Math.max(bodies.length - offset, 0);
					assert.deepEqual(
						messages.map(({ content }) => content),
						bodies.slice(Math.max(end - limit, 0), end),
						`${limit} from ${offset}`,
					);
				}
			const [listed] = must(await reader.api.get(`/messages/conversations/${reader.id}`), 200).data;
			assert.deepEqual(listed.last_message, { content: bodies.at(-1), sender_id: ann.id });
			const found = must(
				await reader.api.post('/messages', { request_match_id: room.external_ref, participant_ids: [reader.id] }),
				200,
			).data;
			assert.deepEqual(found.last_message, listed.last_message);
		}
	});
});

describe('the setting system_messages', () => {
	it('switches them off', async () => {
		const quiet = await startStack({ env: { PARLEY_SYSTEM_MESSAGES: 'false' } });
		const [ann, ben, cat] = await Promise.all(['Ann', 'Ben', 'Cat'].map((name) => register(quiet, name)));
		const room = await groupOf(ann, [ben]);
		await put(ann, room, cat);
		await put(ann, room, cat, 'owner');
		await rename(ann, room, { title: 'Quiet' });
		await remove(ben, room, ben);
		must(await ann.api.delete('users/me'), 204);
		const { rev, last_seq, last_message } = await view(cat, room);
		assert.deepEqual([rev, last_seq, last_message], [6, 0, null]);
		await quiet.stop();
	});
});
