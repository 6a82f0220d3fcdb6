// Editing: who may, what is left, what is told, and what a retry of the first sending sees.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send, signIn } from '../lib/client.mjs';
import { mirrorOf } from '../lib/mirror.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { raw } from './raw.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const pathOf = ({ conversation_id, id }) => `conversations/${conversation_id}/messages/${id}`;
const edit = (person, message, change) => person.api.patch(pathOf(message), change);
const get = async (person, message) => must(await person.api.get(pathOf(message)), 200);
const revOf = async (person, room) => must(await person.api.get(`conversations/${room.id}`), 200).rev;
const faultsOf = (answer) => must(answer, 422).errors.map(({ field, code }) => `${field} ${code}`).sort();
const refused = ({ status, body: { code } }) => `${status} ${code}`;
const post = (person, room, message) => person.api.post(`conversations/${room.id}/messages`, message);

describe('an edit', () => {
	it('is answered, read, told and synced as one', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const first = await send(ann, room, 'Helo', { metadata: { a: 1 } });
		const mirror = mirrorOf(ben);
		await mirror.sync();
		const devices = await Promise.all([connect(ann), connect(ben)]);
		try {
			const edited = must(await edit(ann, first, { body: 'Hello' }), 200);
			assert.ok(edited.edited_at > first.created_at);
			assert.deepEqual(edited, { ...first, body: 'Hello', rev: first.rev + 1, edited_at: edited.edited_at });
			assert.deepEqual(await get(ben, first), edited);
			assert.deepEqual(must(await ben.api.get(`conversations/${room.id}/messages`), 200).data, [edited]);
			assert.deepEqual(must(await ben.api.get('conversations'), 200).data[0].last_message, edited);
			for (const device of devices) {
				const event = await device.event('message.updated', room);
				assert.deepEqual(event.data, edited);
				assert.equal(event.rev, edited.rev);
			}
			const pages = await mirror.sync();
			assert.deepEqual(pages.flatMap(({ messages }) => messages), [edited]);
			assert.deepEqual(mirror.history(room.id), [edited]);
			assert.deepEqual(must(await ben.api.get('unread'), 200), { unread_count: 1, conversations: 1 });
			assert.equal(await revOf(ann, room), edited.rev);
		} finally {
			await Promise.all(devices.map((device) => device.end(true)));
		}
	});

	it('raises no place, and nobody’s watermark', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const old = await send(ann, room, 'Old');
		await send(ben, room, 'New');
		await send(ben, room, 'Newer');
		must(await ann.api.post(`conversations/${room.id}/read`, { seq: 2 }), 200);
		const before_ = must(await ann.api.get(`conversations/${room.id}`), 200);
		must(await edit(ann, old, { body: 'Young' }), 200);
		const now = must(await ann.api.get(`conversations/${room.id}`), 200);
		assert.deepEqual(now, { ...before_, rev: before_.rev + 1 });
		assert.equal((await get(ann, old)).status, 'read');
	});

	it('leaves what is absent, and clears what is null', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const all = { body: 'Text', ciphertext: 'AAAA', metadata: { a: 1 } };
		const message = must(await post(ann, room, all), 201);
		let now = { ...all };
		for (const change of [
			{ body: 'Other' },
			{ metadata: { b: [2] } },
			{ metadata: null },
			{ ciphertext: null },
			{ ciphertext: 'AAAB', body: null },
			{ body: 'Back', ciphertext: '' },
			{ body: '', ciphertext: 'AAAA', metadata: { c: null } },
			{ metadata: {}, body: 'End' },
		]) {
			const edited = must(await edit(ann, message, change), 200);
			now = { ...now, ...change };
			const { body, ciphertext, metadata } = edited;
			assert.deepEqual(
				{ body, ciphertext, metadata },
				{ body: now.body || null, ciphertext: now.ciphertext || null, metadata: now.metadata ?? {} },
			);
			assert.deepEqual(await get(ben, message), edited);
		}
	});

	it('that is none is refused', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const plain = await send(ann, room, 'Text');
		const secret = must(await post(ann, room, { type: 'encrypted', ciphertext: 'AAAA', body: 'Title' }), 201);
		const rev = await revOf(ann, room);
		for (const [message, change, faults] of [
			[plain, {}, ['body required']],
			[plain, { type: 'image' }, ['body required']],
			[plain, { body: null }, ['body required']],
			[plain, { body: '' }, ['body required']],
			[plain, { body: 1, metadata: [], ciphertext: '*' }, ['body bad_type', 'ciphertext bad_format', 'metadata bad_type']],
			[plain, { body: 'x'.repeat(65537) }, ['body too_long']],
			[plain, { metadata: { long: 'x'.repeat(16384) } }, ['metadata too_long']],
			[secret, { ciphertext: null }, ['ciphertext required']],
			[secret, { ciphertext: '' }, ['ciphertext required']],
		])
			assert.deepEqual(faultsOf(await edit(ann, message, change)), faults, JSON.stringify(change).slice(0, 80));
		must(await edit(ann, secret, { body: null }), 200);
		assert.equal(await revOf(ann, room), rev + 1);
		assert.deepEqual(await get(ann, plain), plain);
	});

	it('may take the text from a message that has files', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const file = randomUUID();
		await stack.sql(`insert into attachments (id, owner_id, sha256, name, media_type, size, created_at)
			values ('${file}', '${ann.id}', sha256('${file}'), 'a.txt', 'text/plain', 5, now())`);
		const message = must(await post(ann, room, { body: 'See', attachments: [file] }), 201);
		const edited = must(await edit(ann, message, { body: null }), 200);
		assert.deepEqual([edited.body, edited.attachments], [null, message.attachments]);
	});

	it('that changes nothing takes no rev and is not told', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const message = await send(ann, room, 'Same', { metadata: { a: 1, b: [{ c: 'é' }] } });
		const device = await connect(ben);
		try {
			for (const text of [
				'{"body":"Same"}',
				'{"body":"\\u0053ame","ciphertext":null}',
				'{"metadata":{"b":[{"c":"\\u00e9"}],"a":1.0}}',
				'{"metadata":{ "a":10e-1, "b":[{"c":"é"}]},"ciphertext":""}',
			]) {
				const path = `/api/v1/${pathOf(message)}`;
				const head = [`Authorization: Bearer ${ann.token}`, 'Content-Type: application/json'];
				const answer = await raw(stack, `PATCH ${path} HTTP/1.1`, head, text);
				assert.deepEqual(must(answer, 200), message, text);
			}
			const empty = await send(ann, room, 'No metadata');
			for (const metadata of [{}, null]) assert.deepEqual(must(await edit(ann, empty, { metadata }), 200), empty);
			await device.event('message.created', room);
			const last = await send(ann, room, 'End');
			const { event } = await device.next(({ topic }) => topic.endsWith('/messages'));
			assert.deepEqual([event.type, event.rev], ['message.created', last.rev]);
			assert.equal(last.rev, message.rev + 2);
		} finally {
			await device.end(true);
		}
	});

	it('again and again rises each time', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		let message = await send(ann, room, '0');
		for (let i = 1; i < 5; i++) {
			const edited = must(await edit(ann, message, { body: `${i}` }), 200);
			assert.deepEqual([edited.body, edited.rev], [`${i}`, message.rev + 1]);
			assert.ok(message.edited_at === null || edited.edited_at > message.edited_at);
			message = edited;
		}
	});
});

describe('who did not send a message', () => {
	it('may not edit it, whoever that is', async () => {
		const [ann, ben, cat, eve] = await people('Ann', 'Ben', 'Cat', 'Eve');
		const room = await groupOf(ann, [ben, cat]);
		must(await ann.api.put(`conversations/${room.id}/members/${cat.id}`, { role: 'admin' }), 204);
		const message = await send(ben, room, 'Mine');
		for (const person of [ann, cat]) {
			assert.equal(refused(await edit(person, message, { body: 'Yours' })), '403 forbidden');
			// nor is it told what would be left
			assert.equal(refused(await edit(person, message, { body: null })), '403 forbidden');
		}
		for (const other of [message, { ...message, id: randomUUID() }])
			assert.equal(refused(await edit(eve, other, { body: 'Yours' })), '404 not_found');
		must(await ben.api.delete(`conversations/${room.id}/members/${ben.id}`), 204);
		assert.equal(refused(await edit(ben, message, { body: 'Gone' })), '404 not_found');
		assert.deepEqual((await get(ann, message)).body, 'Mine');
	});

	it('and nobody may edit what the system says', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben]);
		const { last_message: said } = must(await ann.api.patch(`conversations/${room.id}`, { title: 'Renamed' }), 200);
		assert.equal(said.sender_id, null);
		for (const person of [ann, ben]) {
			assert.equal(refused(await edit(person, said, { body: 'I' })), '403 forbidden');
			assert.equal(refused(await person.api.delete(pathOf(said))), '403 forbidden');
		}
	});

	it('does not read it either when it was before the own coming, and edits only what came since', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben], { history: 'joined' });
		const message = await send(ben, room, 'Before');
		must(await ben.api.delete(`conversations/${room.id}/members/${ben.id}`), 204);
		must(await ann.api.put(`conversations/${room.id}/members/${ben.id}`), 204);
		assert.equal(refused(await edit(ben, message, { body: 'After' })), '404 not_found');
		assert.equal(refused(await ben.api.delete(pathOf(message))), '404 not_found');
		const next = await send(ben, room, 'After');
		must(await edit(ben, next, { body: 'Afterwards' }), 200);
	});
});

describe('in a direct conversation that is blocked', () => {
	it('neither edits', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const [hers, his] = [await send(ann, room, 'Hers'), await send(ben, room, 'His')];
		must(await ann.api.put(`blocks/${ben.id}`), 204);
		assert.equal(refused(await edit(ann, hers, { body: 'No' })), '403 blocked');
		assert.equal(refused(await edit(ben, his, { body: 'No' })), '403 blocked');
		must(await edit(ben, his, { body: 'His' }), 200);
		must(await ann.api.delete(`blocks/${ben.id}`), 204);
		must(await edit(ben, his, { body: 'Yes' }), 200);
	});
});

describe('what was sent first', () => {
	it('is still what the id stands for', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const content = { id: randomUUID(), body: 'First', metadata: { n: 1 } };
		const first = must(await post(ann, room, content), 201);
		const edited = must(await edit(ann, first, { body: 'Second', metadata: null }), 200);
		for (let i = 0; i < 2; i++) assert.deepEqual(must(await post(ann, room, content), 200), edited);
		// what it says now was never sent with it
		assert.equal(refused(await post(ann, room, { id: content.id, body: 'Second' })), '409 id_reused');
		const device = await connect(ann);
		try {
			await device.publish(`users/${ann.id}/commands/send`, { ...content, conversation_id: room.id });
			const { event } = await device.next(({ topic }) => topic.endsWith('/replies'));
			assert.deepEqual([event.status, event.seq, event.rev], [200, edited.seq, edited.rev]);
		} finally {
			await device.end(true);
		}
		assert.equal(await revOf(ann, room), edited.rev);
	});
});

describe('what quotes an edited message', () => {
	it('shows it as it is at the next read', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const first = await send(ann, room, 'First');
		const reply = await send(ben, room, 'Reply', { reply_to: first.id });
		must(await edit(ann, first, { body: '👍'.repeat(300) }), 200);
		assert.equal((await get(ben, reply)).quoted.body, '👍'.repeat(256));
		const edited = must(await edit(ben, reply, { body: 'Answer' }), 200);
		assert.equal(edited.quoted.body, '👍'.repeat(256));
		assert.equal(edited.reply_to, first.id);
	});
});

describe('edits at once', () => {
	it('of one message are one after the other, each told once', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const again = await signIn(ann);
		const room = await directOf(ann, ben);
		const message = await send(ann, room, 'Begin', { metadata: {} });
		const device = await connect(ben);
		try {
			const answers = await Promise.all(
				Array.from({ length: 20 }, (_, i) =>
					edit(i % 2 ? ann : again, message, i % 4 < 2 ? { body: `body ${i}` } : { metadata: { i } }),
				),
			);
			const done = answers.map((answer) => must(answer, 200)).sort((a, b) => a.rev - b.rev);
			assert.deepEqual(done.map(({ rev }) => rev), done.map((_, i) => message.rev + 1 + i));
			for (const one of done) {
				const { data } = await device.event('message.updated', room);
				assert.deepEqual(data, one);
			}
			const last = await get(ben, message);
			assert.deepEqual(last, done.at(-1));
			// none has undone the half that it did not name
			assert.match(last.body, /^body/);
			assert.ok(last.metadata.i > 0);
		} finally {
			await device.end(true);
		}
	});
});

describe('the older service’s routes', () => {
	it('show what it says now', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const message = await send(ann, room, 'First');
		must(await edit(ann, message, { body: 'Second' }), 200);
		const { messages } = must(await ben.api.get(`/messages/${room.id}`), 200).data;
		assert.deepEqual(messages.map(({ content }) => content), ['Second']);
		const [one] = must(await ben.api.get(`/messages/conversations/${ben.id}`), 200).data;
		assert.equal(one.last_message.content, 'Second');
	});
});
