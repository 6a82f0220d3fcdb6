// Read and delivered: watermarks, what they make of a message's status, and of what is unread.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const faultsOf = (answer) => answer.body.errors.map(({ field, code }) => `${field} ${code}`).sort();
const read = async (person, { id }, seq) =>
	must(await person.api.post(`conversations/${id}/read`, seq === undefined ? undefined : { seq }), 200);
const delivered = async (person, { id }, seq) =>
	must(await person.api.post(`conversations/${id}/delivered`, seq === undefined ? undefined : { seq }), 200);

/** Status of the messages of a conversation, oldest first, as each of these people sees it: they must agree. */
async function statuses(conversation, ...viewers) {
	let seen;
	for (const viewer of viewers) {
		const { data } = must(await viewer.api.get(`conversations/${conversation.id}/messages?after=0`), 200);
		const now = data.map(({ status }) => status);
		if (seen) assert.deepEqual(now, seen, 'everyone sees the same');
		seen = now;
		for (const { id, status } of data)
			assert.equal(
				must(await viewer.api.get(`conversations/${conversation.id}/messages/${id}`), 200).status,
				status,
			);
		const one = must(await viewer.api.get(`conversations/${conversation.id}`), 200);
		assert.equal(one.last_message?.status, now.at(-1));
		const { data: list } = must(await viewer.api.get('conversations'), 200);
		assert.equal(list.find(({ id }) => id === conversation.id).last_message?.status, now.at(-1));
	}
	return seen;
}

describe('the life of a message', () => {
	it('is sent, delivered, read', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		assert.equal((await send(ann, room, 'One')).status, 'sent');
		await send(ann, room, 'Two');
		assert.deepEqual(await statuses(room, ann, ben), ['sent', 'sent']);
		await delivered(ben, room, 1);
		assert.deepEqual(await statuses(room, ann, ben), ['delivered', 'sent']);
		await delivered(ben, room);
		assert.deepEqual(await statuses(room, ann, ben), ['delivered', 'delivered']);
		await read(ben, room, 1);
		assert.deepEqual(await statuses(room, ann, ben), ['read', 'delivered']);
		await read(ben, room);
		assert.deepEqual(await statuses(room, ann, ben), ['read', 'read']);
	});

	it('read implies delivered', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		await send(ann, room, 'One');
		await read(ben, room, 1);
		assert.deepEqual(await delivered(ben, room, 0), { last_delivered_seq: 1 });
		assert.deepEqual(await statuses(room, ann, ben), ['read']);
	});

	it('is never delivered by being published, nor by being fetched', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const device = await connect(ben);
		try {
			const message = await send(ann, room, 'One');
			const event = await device.event('message.created', room);
			assert.equal(event.data.id, message.id);
			assert.equal(event.data.status, 'sent');
			must(await ben.api.get(`conversations/${room.id}/messages`), 200);
			must(await ben.api.get(`conversations/${room.id}/messages/${message.id}`), 200);
			assert.deepEqual(await statuses(room, ann, ben), ['sent']);
		} finally {
			await device.end(true);
		}
	});

	it('is not advanced by its own sender', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		await send(ann, room, 'One');
		await read(ann, room);
		await delivered(ann, room);
		assert.deepEqual(await statuses(room, ann, ben), ['sent']);
	});

	it('who answers has read what was there', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		await send(ann, room, 'One');
		await send(ann, room, 'Two');
		await send(ben, room, 'Three');
		assert.deepEqual(await statuses(room, ann, ben), ['read', 'read', 'sent']);
	});

	it('of a group is the least of its recipients', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await groupOf(ann, [ben, cat]);
		await send(ann, room, 'One');
		await send(ben, room, 'Two');
		const steps = [
			[() => delivered(ben, room), ['sent', 'sent']],
			[() => delivered(cat, room, 1), ['delivered', 'sent']],
			[() => delivered(ann, room), ['delivered', 'sent']],
			[() => delivered(cat, room), ['delivered', 'delivered']],
			[() => read(cat, room), ['read', 'delivered']],
			[() => read(ann, room), ['read', 'read']],
		];
		for (const [step, expected] of steps) {
			await step();
			assert.deepEqual(await statuses(room, ann, ben, cat), expected, step.toString());
		}
	});

	it('of whom nobody is there to receive stays sent', async () => {
		const [ann] = await people('Ann');
		const room = await groupOf(ann, []);
		await send(ann, room, 'Hello?');
		await read(ann, room);
		assert.deepEqual(await statuses(room, ann), ['sent']);
	});
});

describe('a watermark', () => {
	let ann, ben, room;
	before(async () => {
		[ann, ben] = await people('Ann', 'Ben');
		room = await directOf(ann, ben);
		for (let i = 1; i <= 10; i++) await send(ann, room, `Message ${i}`);
	});
	const mine = async (person = ben) => must(await person.api.get(`conversations/${room.id}`), 200).me;

	it('moves up to what it is told, and never back', async () => {
		assert.deepEqual(await delivered(ben, room, 6), { last_delivered_seq: 6 });
		assert.deepEqual(await delivered(ben, room, 2), { last_delivered_seq: 6 });
		assert.deepEqual(await read(ben, room, 4), { last_read_seq: 4, unread_count: 6 });
		assert.deepEqual(await read(ben, room, 3), { last_read_seq: 4, unread_count: 6 });
		assert.deepEqual(await read(ben, room, 0), { last_read_seq: 4, unread_count: 6 });
		const { last_read_seq, last_delivered_seq, unread_count } = await mine();
		assert.deepEqual(
			{ last_read_seq, last_delivered_seq, unread_count },
			{ last_read_seq: 4, last_delivered_seq: 6, unread_count: 6 },
		);
	});

	it('goes to the latest without seq, with null, and without a body', async () => {
		for (const sent of [undefined, {}, { seq: null }, { unknown: 1 }]) {
			const answer = await ben.api.post(`conversations/${room.id}/read`, sent);
			assert.deepEqual(must(answer, 200), { last_read_seq: 10, unread_count: 0 });
		}
	});

	it('goes to 0 where there is nothing', async () => {
		const [cat] = await people('Cat');
		const empty = await directOf(cat, ann);
		assert.deepEqual(await read(cat, empty), { last_read_seq: 0, unread_count: 0 });
		assert.deepEqual(await delivered(cat, empty), { last_delivered_seq: 0 });
	});

	const wrong = [
		[11, 'out_of_range'],
		[9007199254740991, 'out_of_range'],
		[9007199254740992, 'out_of_range'],
		[-1, 'out_of_range'],
		['1', 'bad_type'],
		[1.5, 'bad_type'],
		[1.0e15 + 0.5, 'bad_type'],
		[-0.5, 'bad_type'],
		[true, 'bad_type'],
		[[], 'bad_type'],
	];
	for (const [seq, code] of wrong)
		for (const kind of ['read', 'delivered'])
			it(`${kind} takes no seq ${JSON.stringify(seq)}, and stays where it is`, async () => {
				const before_ = await mine();
				const answer = await ben.api.post(`conversations/${room.id}/${kind}`, { seq });
				assert.equal(answer.status, 422);
				assert.deepEqual(faultsOf(answer), [`seq ${code}`]);
				assert.deepEqual(await mine(), before_);
			});

	it('of 1e400 is no number at all', async () => {
		const answer = await ben.api.post(`conversations/${room.id}/read`, undefined, {
			headers: { 'content-type': 'application/json' },
			body: '{"seq":1e400}',
		});
		assert.equal(answer.status, 400);
	});

	it('ends at the highest when many move it at once', async () => {
		const [cat, dan] = await people('Cat', 'Dan');
		const busy = await directOf(cat, dan);
		for (let i = 1; i <= 30; i++) await send(cat, busy, `Message ${i}`);
		const answers = await Promise.all(
			Array.from({ length: 30 }, (_, i) => read(dan, busy, ((i * 7) % 30) + 1)),
		);
		for (const { last_read_seq, unread_count } of answers) assert.equal(last_read_seq + unread_count, 30);
		assert.equal(must(await dan.api.get(`conversations/${busy.id}`), 200).me.last_read_seq, 30);
	});

	it('is seen by the others as a member’s', async () => {
		await read(ben, room);
		const member = must(await ann.api.get(`conversations/${room.id}`), 200).members.find(
			({ user_id }) => user_id === ben.id,
		);
		assert.deepEqual([member.last_read_seq, member.last_delivered_seq], [10, 10]);
	});
});

describe('the event of a watermark', () => {
	it('goes to everybody, one’s own other devices included, and only when it moved', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const devices = [await connect(ann), await connect(ben), await connect(ben, { ws: true, version: 4 })];
		try {
			await send(ann, room, 'One');
			await send(ann, room, 'Two');
			await delivered(ben, room, 1);
			await delivered(ben, room, 1);
			await read(ben, room, 2);
			await read(ben, room);
			await send(ann, room, 'Three');
			for (const device of devices) {
				const types = [];
				for (;;) {
					const { event } = await device.next(
						({ event: found }) => found?.conversation_id === room.id && found.type !== 'conversation.created',
					);
					types.push([event.type, event.data.seq]);
					if (event.data.seq === 3) break;
				}
				assert.deepEqual(types, [
					['message.created', 1],
					['message.created', 2],
					['receipt.delivered', 1],
					['receipt.read', 2],
					['message.created', 3],
				]);
			}
		} finally {
			for (const device of devices) await device.end(true);
		}
	});
});
