// What is unread: exact, in each conversation and over all.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const total = async (person) => must(await person.api.get('unread'), 200);
const count = async (person, { id }) =>
	must(await person.api.get(`conversations/${id}`), 200).me.unread_count;
const read = async (person, { id }, seq) =>
	must(await person.api.post(`conversations/${id}/read`, { seq }), 200);

describe('unread', () => {
	it('is nothing for who is new', async () => {
		const [ann] = await people('Ann');
		assert.deepEqual(await total(ann), { unread_count: 0, conversations: 0 });
	});

	it('counts what others sent, and forgets what was read', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const direct = await directOf(ann, ben);
		const group = await groupOf(cat, [ann, ben]);
		for (let i = 0; i < 5; i++) await send(ben, direct, 'Direct');
		for (let i = 0; i < 3; i++) await send(cat, group, 'Group');
		assert.deepEqual(await total(ann), { unread_count: 8, conversations: 2 });
		assert.deepEqual(await total(ben), { unread_count: 3, conversations: 1 });
		assert.deepEqual(await total(cat), { unread_count: 0, conversations: 0 });
		assert.deepEqual(await read(ann, direct, 2), { last_read_seq: 2, unread_count: 3 });
		assert.deepEqual(await total(ann), { unread_count: 6, conversations: 2 });
		await read(ann, group, 3);
		assert.deepEqual(await total(ann), { unread_count: 3, conversations: 1 });
		await read(ann, direct, 5);
		assert.deepEqual(await total(ann), { unread_count: 0, conversations: 0 });
	});

	it('one’s own never count, whenever they were sent', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		await send(ann, room, 'Mine');
		assert.equal(await count(ann, room), 0);
		await send(ben, room, 'Theirs');
		await send(ben, room, 'Theirs');
		assert.equal(await count(ann, room), 2);
		await send(ann, room, 'Mine: I have read yours');
		assert.equal(await count(ann, room), 0);
		assert.equal(await count(ben, room), 1, 'ben has read the first by answering, not the last');
		await send(ben, room, 'Theirs');
		assert.equal(await count(ann, room), 1);
	});

	it('is not changed by delivery, nor by looking', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		await send(ben, room, 'One');
		must(await ann.api.post(`conversations/${room.id}/delivered`), 200);
		must(await ann.api.get(`conversations/${room.id}/messages`), 200);
		assert.equal(await count(ann, room), 1);
	});

	it('a retry counts once', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const message = await send(ben, room, 'Once');
		for (let i = 0; i < 3; i++) await send(ben, room, 'Once', { id: message.id });
		assert.equal(await count(ann, room), 1);
	});

	it('agrees with a count by hand, whatever three people do at once', async () => {
		const crowd = await people('Ann', 'Ben', 'Cat');
		const [ann, ben, cat] = crowd;
		const rooms = [await groupOf(ann, [ben, cat]), await directOf(ann, ben), await directOf(ben, cat)];
		const inside = (room) => crowd.filter(({ id }) => room.members.some(({ user_id }) => user_id === id));
		await Promise.all(
			crowd.map(async (person) => {
				for (let i = 0; i < 40; i++) {
					const mine = rooms.filter((room) => inside(room).includes(person));
					const room = mine[Math.floor(Math.random() * mine.length)];
					if (Math.random() < 0.75) {
						await send(person, room, `By ${person.handle}`);
					} else {
						const { last_seq } = must(await person.api.get(`conversations/${room.id}`), 200);
						await read(person, room, Math.floor(Math.random() * (last_seq + 1)));
					}
				}
			}),
		);
		for (const person of crowd) {
			const expected = { unread_count: 0, conversations: 0 };
			for (const room of rooms.filter((candidate) => inside(candidate).includes(person))) {
				const { me } = must(await person.api.get(`conversations/${room.id}`), 200);
				const history = must(
					await person.api.get(`conversations/${room.id}/messages?after=${me.last_read_seq}&limit=200`),
					200,
				).data;
				const unread = history.filter(({ sender_id }) => sender_id !== person.id).length;
				assert.equal(unread, history.length, 'nothing of one’s own is above one’s mark');
				assert.equal(me.unread_count, unread);
				expected.unread_count += unread;
				expected.conversations += unread > 0 ? 1 : 0;
			}
			assert.deepEqual(await total(person), expected);
		}
	});
});
