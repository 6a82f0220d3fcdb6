// Who has received and read a message, and when.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { startAnother } from '../lib/processes.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const read = async (person, { id }, seq) => must(await person.api.post(`conversations/${id}/read`, { seq }), 200);
const delivered = async (person, { id }, seq) => must(await person.api.post(`conversations/${id}/delivered`, { seq }), 200);
const pathOf = ({ conversation_id, id }) => `conversations/${conversation_id}/messages/${id}/receipts`;
const get = async (person, message) => must(await person.api.get(pathOf(message)), 200).data;
const add = async (owner, { id }, user) => must(await owner.api.put(`conversations/${id}/members/${user.id}`), 204);
const leave = async (person, { id }) => must(await person.api.delete(`conversations/${id}/members/${person.id}`), 204);
const statusOf = async (person, { conversation_id, id }) =>
	must(await person.api.get(`conversations/${conversation_id}/messages/${id}`), 200).status;
/** The database's clock, which is what times are of. */
const now = () => stack.sql(`select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`);

const ORDER = ['sent', 'delivered', 'read'];
/**
 * Each viewer sees the same: these people, each with its status, and no others. expected: name: status, of scene; the message's own status
 * is the least of them.
 */
async function expectReceipts(message, viewers, scene, expected, why) {
	const ids = Object.fromEntries(Object.entries(expected).map(([name, status]) => [scene[name].id, status]));
	const least = Object.values(expected).sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))[0] ?? 'sent';
	for (const viewer of viewers) {
		const list = await get(viewer, message);
		assert.deepEqual(list.map(({ user_id }) => user_id), Object.keys(ids).sort(), `${why}: by id`);
		assert.deepEqual(Object.fromEntries(list.map(({ user_id, status }) => [user_id, status])), ids, why);
		for (const { status, at } of list) assert.equal(at === null, status === 'sent', `${why}: ${status} at ${at}`);
		assert.equal(await statusOf(viewer, message), least, `${why}: the status is the least`);
	}
}

describe('receipts', () => {
	it('say when each has come to its status', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await groupOf(ann, [ben, cat]);
		const first = await send(ann, room, 'One');
		const second = await send(ann, room, 'Two');
		const t0 = await now();
		await delivered(ben, room, 1);
		const t1 = await now();
		await delivered(ben, room, 2);
		const t2 = await now();
		await read(ben, room, 2);
		const t3 = await now();
		await read(cat, room, 1);
		const t4 = await now();
		const within = (at, from, to) => assert.ok(from < at && at < to, `${from} < ${at} < ${to}`);
		const of = async (person, message) => (await get(ann, message)).find(({ user_id }) => user_id === person.id);
		for (const message of [first, second]) {
			const { status, at } = await of(ben, message);
			assert.equal(status, 'read');
			within(at, t2, t3);
		}
		const { status, at } = await of(cat, first);
		assert.equal(status, 'read');
		within(at, t3, t4);
		assert.deepEqual(await of(cat, second), { user_id: cat.id, status: 'sent', at: null });
		// delivered each by its own movement
		await delivered(cat, room, 2);
		within((await of(cat, second)).at, t4, await now());
		const third = await send(ann, room, 'Three');
		const fourth = await send(ann, room, 'Four');
		const t5 = await now();
		await delivered(ben, room, 3);
		const t6 = await now();
		await delivered(ben, room, 4);
		within((await of(ben, third)).at, t5, t6);
		within((await of(ben, fourth)).at, t6, await now());
		assert.ok(t0 < t1);
	});

	it('are those of the events', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const message = await send(ann, room, 'One');
		const device = await connect(ann);
		try {
			await delivered(ben, room, 1);
			assert.deepEqual((await get(ann, message))[0].at, (await device.event('receipt.delivered', room)).data.at);
			await read(ben, room, 1);
			assert.deepEqual((await get(ann, message))[0].at, (await device.event('receipt.read', room)).data.at);
		} finally {
			await device.end(true);
		}
	});

	it('do not change when it is said again, or less', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const first = await send(ann, room, 'One');
		await send(ann, room, 'Two');
		await read(ben, room, 2);
		const was = await get(ann, first);
		await read(ben, room, 2);
		await read(ben, room, 1);
		await delivered(ben, room, 2);
		await send(ann, room, 'Three');
		await read(ben, room, 3);
		assert.deepEqual(await get(ann, first), was);
	});

	it('of who writes are those of its message', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const message = await send(ann, room, 'One');
		const answer = await send(ben, room, 'Two');
		assert.deepEqual(await get(ann, message), [{ user_id: ben.id, status: 'read', at: answer.created_at }]);
		assert.deepEqual(await get(ben, answer), [{ user_id: ann.id, status: 'sent', at: null }]);
		await send(ben, room, 'Three'); // nothing was new to it
		await send(ann, room, 'Four');
		assert.deepEqual(await get(ann, message), [{ user_id: ben.id, status: 'read', at: answer.created_at }]);
	});

	it('of a command are those of the route', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const message = await send(ann, room, 'One');
		const device = await connect(ben);
		try {
			await device.publish(`users/${ben.id}/commands/receipt`, { conversation_id: room.id, read: 1 });
			const { data } = await device.event('receipt.read', room);
			assert.deepEqual(await get(ann, message), [{ user_id: ben.id, status: 'read', at: data.at }]);
		} finally {
			await device.end(true);
		}
	});

	it('come page by page, by id', async () => {
		const [ann, ...others] = await people('Ann', 'Ben', 'Cat', 'Dan', 'Eve', 'Fay');
		const message = await send(ann, await groupOf(ann, others), 'One');
		const all = [];
		let cursor = '';
		for (let pages = 1; ; pages++) {
			const page = must(await ann.api.get(`${pathOf(message)}?limit=2${cursor}`), 200);
			all.push(...page.data.map(({ user_id }) => user_id));
			if (!page.has_more) {
				assert.equal(pages, 3);
				break;
			}
			cursor = `&cursor=${page.next}`;
		}
		assert.deepEqual(all, others.map(({ id }) => id).sort());
		for (const bad of ['cursor=x', 'cursor=', 'cursor=00000000-0000-0000-0000-000000000000', 'limit=0', 'limit=201', 'cursor=1'])
			assert.equal((await ann.api.get(`${pathOf(message)}?${bad}`)).status, 422, bad);
	});

	it('are for who may read the message', async () => {
		const [ann, ben, eve] = await people('Ann', 'Ben', 'Eve');
		const room = await groupOf(ann, [ben], { history: 'joined' });
		const message = await send(ann, room, 'One');
		assert.equal((await eve.api.get(pathOf(message))).status, 404);
		assert.equal((await ann.api.get(pathOf({ ...message, id: randomUUID() }))).status, 404);
		await add(ann, room, eve);
		assert.equal((await eve.api.get(pathOf(message))).status, 404, 'from before it joined');
		await leave(ben, room);
		assert.equal((await ben.api.get(pathOf(message))).status, 404);
	});
});

describe('the recipients', () => {
	/** Steps by people of one group, and what is seen of the first message of Ann's, "one", then. */
	const cases = {
		'nobody has done anything': { do: async () => {}, one: { ben: 'sent', cat: 'sent' } },
		'one has received': { do: ({ ben, room, one }) => delivered(ben, room, one.seq), one: { ben: 'delivered', cat: 'sent' } },
		'all have received, one has read': {
			do: async ({ ben, cat, room, one }) => {
				await delivered(ben, room, one.seq);
				await read(cat, room, one.seq);
			},
			one: { ben: 'delivered', cat: 'read' },
		},
		'who joins later is none': { do: ({ ann, dan, room }) => add(ann, room, dan), one: { ben: 'sent', cat: 'sent' } },
		'who joins later and reads is none': {
			do: async ({ ann, ben, cat, dan, room, one }) => {
				await add(ann, room, dan);
				for (const person of [ben, cat, dan]) await read(person, room, one.seq);
			},
			one: { ben: 'read', cat: 'read' },
		},
		'who has left is none any more': {
			do: async ({ ben, cat, room, one }) => {
				await read(ben, room, one.seq);
				await leave(cat, room);
			},
			one: { ben: 'read' },
		},
		'who has left and come back is none': {
			do: async ({ ann, ben, cat, room, one }) => {
				await read(ben, room, one.seq);
				await leave(cat, room);
				await add(ann, room, cat);
			},
			one: { ben: 'read' },
			viewers: ['ann', 'ben', 'cat'],
		},
		'all others have left': {
			do: async ({ ben, cat, room }) => {
				await leave(ben, room);
				await leave(cat, room);
			},
			one: {},
			viewers: ['ann'],
		},
		'the sender has left': {
			do: async ({ ann, ben, cat, room, one }) => {
				must(await ann.api.put(`conversations/${room.id}/members/${ben.id}`, { role: 'owner' }), 204);
				await read(cat, room, one.seq);
				await leave(ann, room);
			},
			one: { ben: 'sent', cat: 'read' },
			viewers: ['ben', 'cat'],
		},
		'the sender has left and come back': {
			do: async ({ ann, ben, cat, room, one }) => {
				must(await ann.api.put(`conversations/${room.id}/members/${ben.id}`, { role: 'owner' }), 204);
				await read(cat, room, one.seq);
				await leave(ann, room);
				await add(ben, room, ann);
			},
			one: { ben: 'sent', cat: 'read' },
			viewers: ['ann', 'ben', 'cat'],
		},
		'one has answered': { do: ({ ben, room }) => send(ben, room, 'Answer'), one: { ben: 'read', cat: 'sent' } },
		'it has been deleted': {
			do: async ({ ann, ben, room, one }) => {
				await read(ben, room, one.seq);
				must(await ann.api.delete(`conversations/${room.id}/messages/${one.id}`), 204);
			},
			one: { ben: 'read', cat: 'sent' },
		},
	};
	for (const [why, row] of Object.entries(cases))
		it(why, async () => {
			const [ann, ben, cat, dan] = await people('Ann', 'Ben', 'Cat', 'Dan');
			const room = await groupOf(ann, [ben, cat]);
			const one = await send(ann, room, 'One');
			const scene = { ann, ben, cat, dan, room, one };
			await row.do(scene);
			const left = why.includes('left');
			const viewers = row.viewers ?? (left ? ['ann', 'ben'] : ['ann', 'ben', 'cat']);
			await expectReceipts(one, viewers.map((name) => scene[name]), scene, row.one, why);
		});

	it('of a system message are all who were there', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await groupOf(ann, [ben, cat]);
		must(await ann.api.patch(`conversations/${room.id}`, { title: 'Renamed' }), 200);
		const { data: [message] } = must(await ann.api.get(`conversations/${room.id}/messages?limit=1`), 200);
		assert.deepEqual([message.type, message.sender_id], ['system', null]);
		await read(ben, room, message.seq);
		await delivered(cat, room, message.seq);
		const recipients = await get(cat, message);
		assert.deepEqual(
			Object.fromEntries(recipients.map(({ user_id, status }) => [user_id, status])),
			{ [ann.id]: recipients.find(({ user_id }) => user_id === ann.id).status, [ben.id]: 'read', [cat.id]: 'delivered' },
		);
	});
});

describe('times that are forgotten', () => {
	it('are null, and never those of a later movement', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const first = await send(ann, room, 'One');
		await read(ben, room, 1);
		const second = await send(ann, room, 'Two');
		await read(ben, room, 2);
		await stack.sql(`delete from receipts where conversation_id = '${room.id}' and seq = 1`);
		assert.deepEqual(await get(ann, first), [{ user_id: ben.id, status: 'read', at: null }]);
		const [{ status, at }] = await get(ann, second);
		assert.equal(status, 'read');
		assert.ok(at);
	});

	it('are those that are older than the setting; parley-notify lets go of them', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const first = await send(ann, room, 'One');
		await read(ben, room, 1);
		const second = await send(ann, room, 'Two');
		await read(ben, room, 2);
		await stack.sql(`update receipts set at = now() - interval '31 days' where conversation_id = '${room.id}' and seq = 1;
			update receipts set at = now() - interval '29 days' where conversation_id = '${room.id}' and seq = 2`);
		// more than go at once
		const others = randomUUID();
		await stack.sql(`insert into receipts (conversation_id, user_id, read, above_seq, seq, at)
			select '${others}', '${others}', true, n - 1, n, now() - interval '40 days' from generate_series(1, 2500) n`);
		const another = await startAnother(await stack.pid('notify'));
		try {
			const left = () => stack.sql(`select count(*) from receipts where conversation_id in ('${room.id}', '${others}')`);
			await waitFor(async () => (await left()) === '1', 20_000, 'only what is young is left');
		} finally {
			await another.kill('SIGTERM');
		}
		assert.deepEqual(await get(ann, first), [{ user_id: ben.id, status: 'read', at: null }]);
		assert.equal((await get(ann, second))[0].status, 'read');
		assert.ok((await get(ann, second))[0].at);
	});

	it('a movement is one row, whatever number of messages it passes', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		for (let i = 0; i < 20; i++) await send(ann, room, `${i}`);
		await delivered(ben, room, 20);
		await read(ben, room, 20);
		await read(ben, room, 20);
		assert.equal(await stack.sql(`select count(*) from receipts where conversation_id = '${room.id}'`), '2');
	});
});
