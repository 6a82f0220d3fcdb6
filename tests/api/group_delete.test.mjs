// A group that its owner deletes: it is over at once, for everybody and on every path, and nothing of it is kept.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { attach, fileOf } from '../lib/files.mjs';
import { mirrorOf } from '../lib/mirror.mjs';
import { service } from '../lib/operator.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const destroy = (person, room) => person.api.delete(`conversations/${room.id}`);
const put = async (by, room, user, role) =>
	must(await by.api.put(`conversations/${room.id}/members/${user.id}`, role && { role }), 204);
/** Rows of a table that are of the conversation. */
const rows = async (table, room, column = 'conversation_id') =>
	Number(await stack.sql(`select count(*) from ${table} where ${column} = '${room.id}'`));
const CONTENT = ['messages', 'reactions', 'message_versions', 'attachment_uses', 'receipts', 'message_words'];
const sendMany = (room, person, count) =>
	stack.sql(`select count(s) from generate_series(1, ${count}) i cross join lateral message_send('${room.id}', '${person.id}',
		gen_random_uuid(), 'text', 'Number ' || i, null, null, null, decode(md5(i::text), 'hex'), gen_random_uuid(), gen_random_uuid(), null) s`);
const emptied = (room) =>
	waitFor(
		async () => (await Promise.all(CONTENT.map((table) => rows(table, room)))).every((count) => count === 0),
		20_000,
		'nothing of its content is left',
	);

describe('a group', () => {
	it('is deleted by an owner alone, and by whoever deleted it again and again', async () => {
		const [ann, ben, cat, dan, eve] = await people('Ann', 'Ben', 'Cat', 'Dan', 'Eve');
		const room = await groupOf(ann, [ben, cat, dan]);
		await put(ann, room, ben, 'admin');
		must(await dan.api.delete(`conversations/${room.id}/members/${dan.id}`), 204);
		for (const [person, status, code] of [[ben, 403, 'forbidden'], [cat, 403, 'forbidden'], [dan, 404, 'not_found'], [eve, 404, 'not_found']]) {
			const answer = await destroy(person, room);
			assert.deepEqual([answer.status, answer.body.code], [status, code]);
		}
		assert.equal((await destroy(ann, { id: randomUUID() })).status, 404);
		must(await ann.api.get(`conversations/${room.id}`), 200);
		for (let i = 0; i < 3; i++) must(await destroy(ann, room), 204);
		for (const person of [ben, cat, dan, eve]) assert.equal((await destroy(person, room)).status, 404);
		assert.equal((await ann.api.get(`conversations/${room.id}`)).status, 404);
	});

	it('of two, of whom each deletes it at the same moment, is deleted by one, 10 times', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		for (let round = 0; round < 10; round++) {
			const room = await groupOf(ann, [ben]);
			await put(ann, room, ben, 'owner');
			const answers = await Promise.all([destroy(ann, room), destroy(ben, room)]);
			assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 404]);
		}
	});

	it('that is direct stays', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const answer = await destroy(ann, room);
		assert.deepEqual([answer.status, answer.body.code], [409, 'conflict']);
		must(await ben.api.get(`conversations/${room.id}`), 200);
	});

	it('is deleted by a service for its owner', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben]);
		const backend = await service(stack, 'conversations:write act-as');
		assert.equal((await backend.as(ben).delete(`conversations/${room.id}`)).status, 403);
		must(await backend.as(ann).delete(`conversations/${room.id}`), 204);
		must(await destroy(ann, room), 204);
	});
});

describe('who was in it', () => {
	it('is told once, as it was, and by sync; and nothing after that', async () => {
		const [ann, ben, cat, dan] = await people('Ann', 'Ben', 'Cat', 'Dan');
		const room = await groupOf(ann, [ben, cat], { title: 'Old', external_ref: randomUUID() });
		const devices = await Promise.all([ann, ben, cat, dan].map((person) => connect(person)));
		const mirrors = [ann, ben, cat].map((person) => mirrorOf(person));
		await send(ben, room, 'Unread');
		for (const mirror of mirrors) await mirror.sync();
		const { members, me, last_message, ...shown } = must(await ann.api.get(`conversations/${room.id}`), 200);
		await ben.api.post(`conversations/${room.id}/messages`, { body: 'Last' });
		for (const device of devices.slice(0, 3))
			await device.next(({ event }) => event?.data?.body === 'Last');
		must(await cat.api.delete(`conversations/${room.id}/members/${cat.id}`), 204);
		must(await destroy(ann, room), 204);
		must(await destroy(ann, room), 204);
		for (const device of devices.slice(0, 2)) {
			const event = await device.event('conversation.deleted', room);
			const { last_activity_at } = event.data;
			// the message, Cat's leaving with what the system says of it, and this
			assert.deepEqual([event.rev, event.data], [shown.rev + 4, { ...shown, rev: event.rev, last_seq: 3, member_count: 0, last_activity_at }]);
		}
		for (const mirror of mirrors) {
			const left = (await mirror.sync()).flatMap((page) => page.left);
			assert.deepEqual(left, [room.id]);
			assert.deepEqual([mirror.conversations.size, mirror.messages.size], [0, 0]);
		}
		const fence = await groupOf(dan, [ann, ben, cat]);
		for (const [i, device] of devices.entries()) {
			await device.event('conversation.created', fence);
			const types = device.kept.filter(({ event }) => event.conversation_id === room.id).map(({ event }) => event.type);
			assert.ok(!types.includes('conversation.deleted'), `device ${i}: ${types}`);
			await device.end(true);
		}
		for (const person of [ann, ben, cat]) {
			assert.deepEqual(must(await person.api.get('unread'), 200), { unread_count: 0, conversations: 0 });
			assert.deepEqual(must(await person.api.get('conversations'), 200).data.map(({ id }) => id), [fence.id]);
		}
	});

	it('types no more, and is told of nobody who does', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben]);
		const [mine, theirs] = [await connect(ann), await connect(ben)];
		const types = (person, device) =>
			device.publish(`users/${person.id}/commands/typing`, { conversation_id: room.id, typing: true }, { qos: 0 });
		await types(ann, mine);
		await theirs.event('typing.started', room);
		must(await destroy(ann, room), 204);
		await theirs.event('conversation.deleted', room);
		await mine.event('conversation.deleted', room);
		await types(ben, theirs);
		const { event } = await theirs.next(({ topic }) => topic.endsWith('/replies'));
		assert.deepEqual([event.command, event.status], ['typing', 404]);
		assert.deepEqual([...mine.kept, ...theirs.kept], [], 'of no end either');
		await Promise.all([mine.end(true), theirs.end(true)]);
	});
});

describe('what was in it', () => {
	it('is removed, batch by batch, and what belonged to it', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben], { title: 'Secret', avatar_url: 'https://example.org/g.png', external_ref: randomUUID() });
		const other = await groupOf(ann, [ben]);
		for (const where of [room, other]) {
			const message = await send(ben, where, 'Secret');
			must(await ann.api.post(`conversations/${where.id}/read`), 200);
			await stack.sql(`insert into message_versions (conversation_id, seq, rev, body, at)
				values ('${where.id}', ${message.seq}, ${message.rev}, 'Secret, before', now())`);
			must(await ann.api.put(`conversations/${where.id}/messages/${message.id}/reactions/%F0%9F%91%8D`), 204);
			await sendMany(where, ann, 20);
			await attach(stack, await fileOf(stack, ben, Buffer.from('Secret')), where, message);
		}
		await sendMany(room, ann, 2500);
		await waitFor(async () => (await rows('message_words', other)) > 0, 20_000, 'its words are found');
		const kept = await Promise.all(CONTENT.map((table) => rows(table, other)));
		assert.ok(kept.every((count) => count > 0), `${kept}`);
		must(await destroy(ann, room), 204);
		await emptied(room);
		assert.deepEqual(await Promise.all(CONTENT.map((table) => rows(table, other))), kept, 'of nothing else');
		await waitFor(
			async () => (await stack.sql(`select last_seq from conversations where id = '${room.id}'`)) === '0',
			5000,
			'it is empty',
		);
		// that there was one is kept, for who has not synchronised yet
		assert.equal(
			await stack.sql(`select num_nulls(title, avatar_url, external_ref) from conversations where id = '${room.id}'`),
			'3',
		);
		assert.equal(await rows('members', room), 2);
		// until all cursors are younger
		await stack.sql(`update conversations set deleted_at = now() - interval '31 days' where id = '${room.id}';
			notify parley_notify`);
		await waitFor(
			async () => (await rows('members', room)) + (await rows('conversations', room, 'id')) === 0,
			10_000,
			'nothing is left',
		);
		assert.equal((await destroy(ann, room)).status, 404);
		assert.equal(await rows('members', other), 2);
	});

	it('gives its external_ref to the next, also to one that is opened at that moment', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const external_ref = randomUUID();
		let room = await groupOf(ann, [], { external_ref });
		for (let round = 0; round < 12; round++) {
			const opening = () => ben.api.post('conversations', { kind: 'group', external_ref, member_ids: [ann.id] });
			const [gone, ...opened] = await Promise.all([destroy(ann, room), opening(), opening()]);
			must(gone, 204);
			// before it was free: taken; at the same moment: once more
			for (const { status } of opened) assert.ok([200, 201, 409, 503].includes(status), `${status}`);
			const next = await opening();
			assert.ok([200, 201].includes(next.status), next.text);
			assert.notEqual(next.body.id, room.id);
			await put(ben, next.body, ann, 'owner');
			room = next.body;
		}
	});

	it('is also gone for a service that sees everything', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const match = randomUUID();
		const room = await groupOf(ann, [ben], { external_ref: match });
		await send(ann, room, 'Secret');
		const backend = await service(stack, 'messages:read');
		must(await backend.api.get(`/messages/${room.id}`), 200);
		must(await destroy(ann, room), 204);
		assert.equal((await backend.api.get(`/messages/${room.id}`)).status, 404);
		assert.equal((await ben.api.get(`/messages/${room.id}`)).status, 403);
	});
});

describe('what is done at the moment of the deletion', () => {
	it('was done before, or finds nothing', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		for (let round = 0; round < 8; round++) {
			const room = await groupOf(ann, [ben, cat]);
			const message = await send(ben, room, 'First');
			const doomed = await send(ben, room, 'Doomed');
			const at = `conversations/${room.id}`;
			const acts = {
				send: () => ben.api.post(`${at}/messages`, { body: 'Second' }),
				edit: () => ben.api.patch(`${at}/messages/${message.id}`, { body: 'Edited' }),
				react: () => cat.api.put(`${at}/messages/${message.id}/reactions/%F0%9F%91%8D`),
				read: () => cat.api.post(`${at}/read`),
				pin: () => cat.api.patch(`${at}/me`, { pinned: true }),
				add: () => ann.api.put(`${at}/members/${cat.id}`, { role: 'admin' }),
				leave: () => cat.api.delete(`${at}/members/${cat.id}`),
				rename: () => ann.api.patch(at, { title: 'Late' }),
				delete: () => ben.api.delete(`${at}/messages/${doomed.id}`),
				history: () => ben.api.get(`${at}/messages`),
			};
			const names = Object.keys(acts);
			const answers = await Promise.all([
				...names.slice(0, 5).map((name) => acts[name]()),
				destroy(ann, room),
				...names.slice(5).map((name) => acts[name]()),
			]);
			must(answers.splice(5, 1)[0], 204);
			for (const [i, { status, text }] of answers.entries()) assert.ok(status < 300 || status === 404, `${names[i]}: ${text}`);
			// after it nothing is there, whoever asks; but who has left may say so again
			for (const [name, act] of Object.entries(acts)) assert.equal((await act()).status, name === 'leave' ? 204 : 404, name);
			await emptied(room);
		}
	});
});
