// Catching up: whatever happens while a client is away, and however others write meanwhile, its store comes to what
// the server has.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { mirrorOf } from '../lib/mirror.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

let stack;
const sessions = new Set();
before(async () => {
	stack = await sharedStack();
});
after(async () => {
	for (const session of sessions) session.end();
	await stack?.stop();
});

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const read = async (person, { id }, seq) => must(await person.api.post(`conversations/${id}/read`, { seq }), 200);
const delivered = async (person, { id }, seq) =>
	must(await person.api.post(`conversations/${id}/delivered`, { seq }), 200);
const get = async (person, path) => must(await person.api.get(path), 200);
const byId = (a, b) => (a.id < b.id ? -1 : 1);
/** Puts somebody into a group, and out of it. */
const add = async (owner, { id }, user) =>
	must(await owner.api.put(`conversations/${id}/members/${user.id}`), 204);
const remove = async (owner, { id }, user) =>
	must(await owner.api.delete(`conversations/${id}/members/${user.id}`), 204);
const idsOf = (list) => list.map(({ id }) => id).sort();

/** All of the list, by id. */
async function listOf(person) {
	const all = [];
	let cursor = '';
	for (;;) {
		const page = await get(person, `conversations?limit=200${cursor}`);
		all.push(...page.data);
		if (!page.has_more) return all.sort(byId);
		cursor = `&cursor=${page.next}`;
	}
}

/** All of a history, oldest first. */
async function historyOf(person, { id }) {
	const all = [];
	for (;;) {
		const page = await get(person, `conversations/${id}/messages?limit=200&after=${all.at(-1)?.seq ?? 0}`);
		all.push(...page.data);
		if (!page.has_more) return all;
	}
}

/**
 * Sweeps until one brings nothing: the transactions that were under way have ended, and with them the repeats. Other
 * tests' do not last, and neither do those of the server's own housekeeping.
 */
async function settle(mirror) {
	await waitFor(
		async () => {
			const [page, ...more] = await mirror.sync();
			return !more.length && ['conversations', 'left', 'messages', 'receipts'].every((list) => !page[list].length);
		},
		20_000,
		'a sync brings nothing',
	);
}

/** The pages of a sweep as one. */
const whole = (pages) =>
	Object.fromEntries(
		['conversations', 'left', 'messages', 'receipts'].map((list) => [list, pages.flatMap((page) => page[list])]),
	);

/** A connection of one's own, to hold transactions open: run(sql) resolves to its rows, one after the other. */
function session() {
	const child = spawn('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', stack.env.PARLEY_OWNER_DATABASE]);
	let out = '',
		err = '',
		number = 0;
	const waiting = [];
	const look = () => {
		for (;;) {
			const end = waiting.length ? out.indexOf(`${waiting[0].mark}\n`) : -1;
			if (end < 0) return;
			const { mark, resolve } = waiting.shift();
			resolve(out.slice(0, end).trim());
			out = out.slice(end + mark.length + 1);
		}
	};
	child.stdout.on('data', (data) => {
		out += data;
		look();
	});
	child.stderr.on('data', (data) => (err += data));
	child.stdin.on('error', () => undefined);
	child.once('close', () => {
		for (const { reject } of waiting.splice(0)) reject(new Error(err || 'psql has ended'));
	});
	const self = {
		run: (sql) =>
			new Promise((resolve, reject) => {
				const mark = `-- done ${number++} --`;
				waiting.push({ mark, resolve, reject });
				child.stdin.write(`${sql};\n\\echo ${mark}\n`);
			}),
		end() {
			sessions.delete(self);
			child.stdin.end();
			child.kill();
		},
	};
	sessions.add(self);
	return self;
}

const sendSql = (conversation, person, body) =>
	`select seq from message_send('${conversation.id}', '${person.id}', '${randomUUID()}', 'text', '${body}', null, null,
		null, decode(md5('${body}'), 'hex'), '${randomUUID()}', '${randomUUID()}', null)`;

// as a route that changes messages does it: the conversation's row first, then the message
const editSql = ({ conversation_id, id }, body) =>
	`with room as (update conversations set rev = rev + 1, changed_xid = pg_current_xact_id()
			where id = '${conversation_id}' returning rev)
	update messages set body = '${body}', rev = room.rev, edited_at = clock_timestamp(), touched = true, changed_xid = pg_current_xact_id()
	from room where conversation_id = '${conversation_id}' and id = '${id}'`;
const deleteSql = ({ conversation_id, id }) =>
	`with room as (update conversations set rev = rev + 1, changed_xid = pg_current_xact_id()
			where id = '${conversation_id}' returning rev)
	update messages set body = null, metadata = null, rev = room.rev, deleted_at = clock_timestamp(), touched = true,
		changed_xid = pg_current_xact_id()
	from room where conversation_id = '${conversation_id}' and id = '${id}'`;

describe('the first sync', () => {
	it('of somebody new is empty, and its cursor good', async () => {
		const [ann] = await people('Ann');
		const first = await get(ann, 'sync');
		assert.deepEqual(
			{ ...first, next: '', timings: null },
			{
				conversations: [],
				messages: [],
				receipts: [],
				left: [],
				next: '',
				has_more: false,
				reset: false,
				timings: null,
			},
		);
		assert.deepEqual(first.timings, (await get(ann, 'config')).timings);
		assert.equal((await get(ann, `sync?since=${first.next}`)).reset, false);
	});

	for (const limit of [1, 3, 50])
		it(`is the list, in pages of ${limit}`, async () => {
			const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
			const rooms = [await directOf(ann, ben), await directOf(cat, ann)];
			for (let i = 0; i < 5; i++) rooms.push(await groupOf([ann, ben, cat][i % 3], [ann, ben, cat]));
			for (const room of rooms.slice(1)) {
				await send(ann, room, 'Hello');
				await send(cat, room, 'Hello!').catch(() => undefined); // not in each of them
			}
			await read(ann, rooms[2], 1);
			await delivered(ben, rooms[3], 2);
			const mirror = mirrorOf(ann, { limit });
			const pages = await mirror.sync();
			const all = whole(pages);
			assert.deepEqual(all.conversations, await listOf(ann), 'the very same objects, by id');
			assert.deepEqual([all.messages, all.receipts, all.left], [[], [], []]);
			assert.equal(pages.length, Math.ceil(rooms.length / limit));
			assert.equal(pages.at(-1).has_more, false);
		});
});

describe('a later sync', () => {
	it('brings what is new: conversations with their members, and messages', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const old = await groupOf(ann, [ben]);
		await send(ann, old, 'Before');
		const mirror = mirrorOf(ann);
		await mirror.sync();
		await settle(mirror);

		const room = await groupOf(ben, [ann, cat], { title: 'New' });
		const direct = await directOf(cat, ann);
		const sent = [await send(ben, room, 'One'), await send(cat, direct, 'Two'), await send(ben, old, 'Three')];
		await read(ann, room, 1);
		const all = whole(await mirror.sync());
		assert.deepEqual(idsOf(all.conversations), idsOf([old, room, direct]));
		const came = all.conversations.find(({ id }) => id === room.id);
		assert.deepEqual(came, await get(ann, `conversations/${room.id}`));
		assert.equal(
			all.conversations.find(({ id }) => id === old.id).members,
			undefined,
			'where nobody came or went, members stay as they are',
		);
		assert.deepEqual(idsOf(all.messages), idsOf(sent));
		for (const message of all.messages)
			assert.deepEqual(
				message,
				await get(ann, `conversations/${message.conversation_id}/messages/${message.id}`),
			);
		assert.deepEqual(
			all.messages.map(({ created_at }) => created_at),
			all.messages.map(({ created_at }) => created_at).sort(),
			'oldest first',
		);
		await settle(mirror);
	});

	it('brings one’s own view, which another device has changed', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		await send(ben, room, 'One');
		const mirror = mirrorOf(ann);
		await mirror.sync();
		await settle(mirror);
		await read(ann, room, 1);
		const all = whole(await mirror.sync());
		assert.deepEqual(all.conversations, await listOf(ann));
		assert.deepEqual([all.messages, all.receipts], [[], []]);
	});

	it('brings ticks: watermarks of others, also in groups, and of those alone who have any', async () => {
		const [ann, ben, cat, dan] = await people('Ann', 'Ben', 'Cat', 'Dan');
		const group = await groupOf(ann, [ben, cat, dan]);
		const direct = await directOf(ann, ben);
		for (const room of [group, direct]) for (let i = 0; i < 3; i++) await send(ann, room, `Message ${i}`);
		const mirror = mirrorOf(ann);
		await mirror.sync();
		await settle(mirror);
		await delivered(cat, group, 2);
		await read(ben, group, 3);
		await delivered(ben, direct, 3);
		await read(ben, direct, 1);
		const { receipts, conversations } = whole(await mirror.sync());
		const mark = (conversation, user, last_read_seq, last_delivered_seq) => ({
			conversation_id: conversation.id,
			user_id: user.id,
			last_read_seq,
			last_delivered_seq,
		});
		const order = (list) => list.map((one) => JSON.stringify(one)).sort();
		assert.deepEqual(
			order(receipts),
			order([mark(group, ben, 3, 3), mark(group, cat, 0, 2), mark(direct, ben, 1, 3)]),
		);
		assert.deepEqual(conversations, [], 'nothing else has changed');
		await settle(mirror);
		await send(cat, group, 'Who writes has read');
		assert.deepEqual(whole(await mirror.sync()).receipts, [mark(group, cat, 4, 4)]);
	});

	it('brings what was edited and deleted, however long ago it was sent, once', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const sent = [];
		for (let i = 0; i < 8; i++) sent.push(await send(ann, room, `Message ${i}`));
		const mirror = mirrorOf(ben, { limit: 2 });
		await mirror.sync();
		await settle(mirror);
		await stack.sql(editSql(sent[1], 'Edited'));
		await stack.sql(deleteSql(sent[3]));
		await stack.sql(editSql(sent[7], 'Edited as well'));
		sent.push(await send(ann, room, 'New'));
		await stack.sql(editSql(sent[4], 'Edited after that'));
		const { messages } = whole(await mirror.sync());
		assert.deepEqual(
			messages.map(({ seq }) => seq).sort(),
			[2, 4, 5, 8, 9],
			'each once, although they are on several pages',
		);
		const history = await historyOf(ben, room);
		for (const message of messages) assert.deepEqual(message, history[message.seq - 1]);
		await settle(mirror);
	});

	it('ends at what was there before one joined, where history is joined', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await groupOf(ann, [ben], { history: 'joined' });
		const mirror = mirrorOf(cat);
		await mirror.sync();
		const old = await send(ann, room, 'Before');
		await stack.sql(editSql(old, 'Before, edited'));
		await add(ann, room, cat);
		await stack.sql(editSql(old, 'Before, edited again'));
		await send(ann, room, 'After');
		const { messages, conversations } = whole(await mirror.sync());
		assert.deepEqual(idsOf(conversations), [room.id]);
		assert.deepEqual(
			messages.map(({ type, body }) => [type, body]),
			[
				['system', null],
				['text', 'After'],
			],
		);
		assert.deepEqual(messages, await historyOf(cat, room));
	});

	it('is as the list, whatever three people do', async () => {
		const crowd = await people('Ann', 'Ben', 'Cat');
		const [ann, ben, cat] = crowd;
		const rooms = [await groupOf(ann, [ben, cat]), await directOf(ann, ben), await directOf(ben, cat)];
		const mirrors = crowd.map((person, i) => mirrorOf(person, { limit: [2, 7, 50][i] }));
		for (const mirror of mirrors) await mirror.sync();
		const random = (list) => list[Math.floor(Math.random() * list.length)];
		for (let step = 0; step < 60; step++) {
			const room = random(rooms);
			const person = random(crowd.filter(({ id }) => room.members.some(({ user_id }) => user_id === id)));
			const { last_seq } = await get(person, `conversations/${room.id}`);
			const seq = Math.floor(Math.random() * (last_seq + 1));
			const deeds = [
				() => send(person, room, `Step ${step}`),
				() => send(person, room, `Step ${step}`),
				() => read(person, room, seq),
				() => delivered(person, room, seq),
				async () => rooms.push(await groupOf(person, crowd, { title: `Of step ${step}` })),
				async () => must(await ann.api.patch(`conversations/${rooms[0].id}`, { title: `Step ${step}` }), 200),
				async () =>
					must(
						await ann.api.put(`conversations/${rooms[0].id}/members/${ben.id}`, {
							role: random(['admin', 'member']),
						}),
						204,
					),
				() => random(mirrors).page(),
			];
			await random(deeds)();
		}
		for (const [i, person] of crowd.entries()) {
			await settle(mirrors[i]);
			const list = await listOf(person);
			// the status of a message follows from the watermarks, which the list of a direct conversation has, too
			const plain = ({ members, last_message, ...rest }) => ({
				...rest,
				members: rest.kind === 'direct' ? members : undefined,
				last_message: last_message && { ...last_message, status: undefined },
			});
			assert.deepEqual([...mirrors[i].conversations.values()].sort(byId).map(plain), list.map(plain));
			for (const { id, members } of mirrors[i].conversations.values())
				if (members) {
					const now = (await get(person, `conversations/${id}`)).members;
					const order = (all) => [...all].sort((a, b) => (a.user_id < b.user_id ? -1 : 1));
					assert.deepEqual(order(members), order(now));
				}
		}
	});
});

describe('who is no longer in a conversation', () => {
	it('is told so, and nothing more of it; and all about it after coming back', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await groupOf(ann, [ben, cat]);
		const other = await directOf(ann, cat);
		await send(ann, room, 'One');
		const mirror = mirrorOf(cat);
		await mirror.sync();
		await send(ann, room, 'Two');
		await remove(ann, room, cat);
		await send(ann, room, 'Three');
		await read(ben, room, 3);
		const gone = whole(await mirror.sync());
		assert.deepEqual(gone.left, [room.id]);
		assert.deepEqual([gone.conversations, gone.messages, gone.receipts], [[], [], []]);
		assert.deepEqual([...mirror.conversations.keys()], [other.id]);
		await settle(mirror);

		await send(ann, room, 'Four');
		await settle(mirror);
		await add(ann, room, cat);
		await send(ann, room, 'Five');
		const back = whole(await mirror.sync());
		assert.deepEqual(back.left, [], 'it is in it again');
		assert.deepEqual(idsOf(back.conversations), [room.id]);
		assert.deepEqual(idsOf(back.conversations[0].members.map(({ user_id: id }) => ({ id }))), idsOf([ann, ben, cat]));
		assert.deepEqual(
			back.messages.map(({ type, body }) => [type, body]),
			[
				['system', null],
				['text', 'Five'],
			],
			'what was sent before comes from history',
		);
		assert.equal((await historyOf(cat, room)).length, 7);
		await remove(ann, room, cat);
		await add(ann, room, cat);
		assert.deepEqual(whole(await mirror.sync()).left, [], 'out and in again is in');
	});

	it('is told of many, in pages', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const rooms = [];
		for (let i = 0; i < 7; i++) rooms.push(await groupOf(ann, [ben]));
		const mirror = mirrorOf(ben, { limit: 3 });
		await mirror.sync();
		for (const room of rooms) await remove(ann, room, ben);
		assert.deepEqual(whole(await mirror.sync()).left.sort(), idsOf(rooms));
		assert.equal(mirror.conversations.size, 0);
	});

	it('the others are told, with all who are left', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await groupOf(ann, [ben, cat]);
		const mirror = mirrorOf(ann);
		await mirror.sync();
		await settle(mirror);
		await remove(ann, room, cat);
		const { conversations } = whole(await mirror.sync());
		assert.deepEqual(conversations, [await get(ann, `conversations/${room.id}`)]);
	});

	it('of more than a hundred are not named', async () => {
		const [ann] = await people('Ann');
		const crowd = [];
		for (let i = 0; i < 100; i += 20)
			crowd.push(...(await people(...Array.from({ length: 20 }, (_, j) => `Crowd ${i + j}`))));
		const [mirror] = [mirrorOf(ann)];
		await mirror.sync();
		const [full, large] = [await groupOf(ann, crowd.slice(1)), await groupOf(ann, crowd)];
		const { conversations } = whole(await mirror.sync());
		const membersOf = ({ id }) => conversations.find((one) => one.id === id).members?.length;
		assert.deepEqual([membersOf(full), membersOf(large)], [100, undefined]);
	});
});

describe('a large gap', () => {
	for (const limit of [1, 7, 50, 200])
		it(`is filled in pages of ${limit}`, async () => {
			const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
			const rooms = [await groupOf(ann, [ben, cat]), await directOf(ann, ben), await groupOf(ben, [ann])];
			const before_ = [];
			for (const room of rooms) before_.push(await send(ann, room, 'Before'));
			const mirror = mirrorOf(ben, { limit });
			await mirror.sync();
			await settle(mirror);
			const count = limit === 1 ? 12 : 90;
			await stack.sql(
				rooms
					.flatMap((room) => Array.from({ length: count }, (_, i) => `${sendSql(room, ann, `Message ${i}`)}`))
					.concat(before_.map((message) => editSql(message, 'Edited')))
					.join(';\n'),
			);
			await read(cat, rooms[0], 40 % count);
			const pages = await mirror.sync();
			const all = whole(pages);
			assert.equal(all.conversations.length, rooms.length);
			assert.equal(all.messages.length, rooms.length * (count + 1), 'each once');
			assert.equal(all.receipts.length, 4, 'ann in three, cat in one');
			for (const room of rooms) assert.deepEqual(mirror.history(room.id), await historyOf(ben, room));
			for (const page of pages.slice(0, -1)) {
				assert.equal(page.has_more, true);
				const items = page.conversations.length + page.messages.length + page.receipts.length + page.left.length;
				assert.equal(items, limit, 'pages are full but for the last');
			}
			for (const { messages } of pages)
				assert.deepEqual(
					messages,
					[...messages].sort((a, b) =>
						a.created_at !== b.created_at
							? a.created_at < b.created_at ? -1 : 1
							: a.conversation_id !== b.conversation_id
								? a.conversation_id < b.conversation_id ? -1 : 1
								: a.seq - b.seq,
					),
				);
		});

	it('loses nothing that changes behind it meanwhile', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const rooms = [];
		for (let i = 0; i < 4; i++) rooms.push(await groupOf(ann, [ben]));
		const mirror = mirrorOf(ben, { limit: 2 });
		await mirror.sync();
		for (const room of rooms) for (let i = 0; i < 3; i++) await send(ann, room, `Message ${i}`);
		let more = true;
		for (let step = 0; more; step++) {
			({ has_more: more } = await mirror.page());
			if (step < 12) await send(ann, rooms[step % rooms.length], `While it swept, ${step}`);
		}
		await settle(mirror);
		for (const room of rooms) assert.deepEqual(mirror.history(room.id), await historyOf(ben, room));
		const plain = ({ members, ...rest }) => rest;
		assert.deepEqual([...mirror.conversations.values()].sort(byId).map(plain), await listOf(ben));
	});
});

describe('transactions that are open for long', () => {
	it('leave no hole: a number taken early, a commit late, an order of their own', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const rooms = [await directOf(ann, ben), await groupOf(ann, [ben])];
		const mirror = mirrorOf(ben);
		await mirror.sync();
		const [early, late] = [session(), session()];
		try {
			await early.run('begin; select pg_current_xact_id()');
			await late.run('begin; select pg_current_xact_id()');
			await late.run(sendSql(rooms[0], ann, 'The later number first'));
			await late.run('commit');
			await mirror.sync();
			await send(ann, rooms[1], 'Meanwhile');
			await mirror.sync();
			await early.run(sendSql(rooms[0], ann, 'The earlier number second'));
			await mirror.sync();
			await send(ben, rooms[1], 'Not yet');
			await mirror.sync();
			assert.equal(mirror.history(rooms[0].id).length, 1, 'nothing is seen before it is committed');
			await early.run('commit');
			await mirror.sync();
			for (const room of rooms) assert.deepEqual(mirror.history(room.id).map(({ body }) => body), (await historyOf(ben, room)).map(({ body }) => body));
			await settle(mirror);
		} finally {
			early.end();
			late.end();
		}
	});

	it('repeat what others do, and end', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const mirror = mirrorOf(ben);
		await mirror.sync();
		await settle(mirror);
		const slow = session();
		try {
			await slow.run('begin; select pg_current_xact_id()');
			await send(ann, room, 'Meanwhile');
			for (let i = 0; i < 3; i++) assert.equal(whole(await mirror.sync()).messages.length, 1);
			await slow.run('rollback');
			await settle(mirror);
		} finally {
			slow.end();
		}
	});

	it('in any number and order, beside readers, receipts and edits: what was synced is what is there', async () => {
		const crowd = await people('Ann', 'Ben', 'Cat');
		const [ann, ben, cat] = crowd;
		const rooms = [await directOf(ann, ben), await directOf(ben, cat), await groupOf(ann, [ben, cat]), await groupOf(cat, [ann, ben])];
		const inside = (room) => crowd.filter(({ id }) => room.members.some(({ user_id }) => user_id === id));
		const random = (list) => list[Math.floor(Math.random() * list.length)];
		const mirrors = crowd.map((person, i) => mirrorOf(person, { limit: [3, 20, 200][i] }));
		for (const mirror of mirrors) await mirror.sync();
		const old = [];
		for (const room of rooms) for (let i = 0; i < 5; i++) old.push(await send(random(inside(room)), room, 'Old'));
		const writers = Array.from({ length: 6 }, session);
		try {
			for (let round = 0; round < 12; round++) {
				// each: takes its number, does one thing, commits; the steps of all are mixed, and who waits for a lock
				// waits in its own session
				const steps = writers.flatMap((writer, i) => {
					const room = random(rooms);
					const author = random(inside(room));
					const deed = random([
						sendSql(room, author, `Round ${round} of ${i}`),
						sendSql(room, author, `Round ${round} of ${i}`),
						editSql(random(old), `Edited in round ${round} by ${i}`),
					]);
					return ['begin; select pg_current_xact_id()', deed, random(['commit', 'commit', 'commit', 'rollback'])].map(
						(sql) => ({ i, sql }),
					);
				});
				const queues = writers.map((_, i) => steps.filter((step) => step.i === i));
				const running = [];
				const going = mirrors.map(async (mirror) => {
					for (let i = 0; i < 4; i++) await mirror.page();
				});
				while (queues.some((queue) => queue.length)) {
					const i = random(queues.flatMap((queue, j) => (queue.length ? [j] : [])));
					running.push(writers[i].run(queues[i].shift().sql));
					if (Math.random() < 0.3) await random(mirrors).page();
					if (Math.random() < 0.1) {
						const room = random(rooms);
						const person = random(inside(room));
						running.push(person.api.post(`conversations/${room.id}/read`));
					}
				}
				await Promise.all([...running, ...going]);
			}
		} finally {
			for (const writer of writers) writer.end();
		}
		for (const [i, person] of crowd.entries()) {
			await settle(mirrors[i]);
			for (const room of rooms.filter((one) => inside(one).includes(person))) {
				// the status that came is that of its moment; what a receipt makes of it is the client's to know
				const plain = ({ status, ...rest }) => rest;
				assert.deepEqual(mirrors[i].history(room.id).map(plain), (await historyOf(person, room)).map(plain));
				const { members, last_seq, rev } = await get(person, `conversations/${room.id}`);
				const mine = mirrors[i].conversations.get(room.id);
				assert.deepEqual([mine.last_seq, mine.rev], [last_seq, rev]);
				if (!mine.members) continue;
				const others = (all) => all.filter(({ user_id }) => user_id !== person.id).sort((a, b) => (a.user_id < b.user_id ? -1 : 1));
				assert.deepEqual(others(mine.members), others(members));
			}
		}
	});
});

const AT = { identity: 2, began: 10, from: 18, next_from: 26 }; // in the bytes of a cursor

describe('a cursor', () => {
	const patched = (cursor, change) => {
		const bytes = Buffer.from(cursor, 'base64url');
		change(bytes);
		return bytes.toString('base64url');
	};
	const now = () => BigInt(Math.floor(Date.now() / 1000));

	/** Refused, with everything empty; what it gives instead begins anew. */
	async function assertReset(person, cursor) {
		const answer = await get(person, `sync?since=${cursor}`);
		assert.equal(answer.reset, true);
		const anew = await get(person, `sync?since=${answer.next}`);
		assert.equal(anew.reset, false);
		assert.deepEqual(anew.conversations, (await get(person, 'sync')).conversations);
	}

	it('of another person is none of the caller’s', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		await directOf(ann, ben);
		const { next } = await get(cat, 'sync');
		await send(ann, await directOf(ann, ben), 'Not for cat');
		await assertReset(ann, next);
	});

	it('of another database is not known', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		await directOf(ann, ben);
		const { next } = await get(ann, 'sync');
		await assertReset(ann, patched(next, (bytes) => bytes.writeUInt8(bytes[AT.identity] ^ 1, AT.identity)));
	});

	it('of the future, or of a sweep in it, is of a database that has gone back', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		await directOf(ann, ben);
		const { next } = await get(ann, 'sync');
		for (const ahead of [10_000n, 2n ** 62n]) {
			const from = Buffer.from(next, 'base64url').readBigUInt64BE(AT.from) + ahead;
			await assertReset(ann, patched(next, (bytes) => bytes.writeBigUInt64BE(from, AT.from)));
			await assertReset(ann, patched(next, (bytes) => bytes.writeBigUInt64BE(from, AT.next_from)));
		}
	});

	it('that is older than its setting is outdated', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		await directOf(ann, ben);
		const { next } = await get(ann, 'sync');
		const aged = (seconds) => patched(next, (bytes) => bytes.writeBigInt64BE(now() - seconds, AT.began));
		assert.equal((await get(ann, `sync?since=${aged(2_592_000n - 60n)}`)).reset, false);
		await assertReset(ann, aged(2_592_000n + 60n));
	});

	it('may be used again: the page is then at least what it was', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const { next } = await get(ben, 'sync');
		await send(ann, room, 'One');
		const first = await get(ben, `sync?since=${next}`);
		await get(ben, `sync?since=${first.next}`);
		await send(ann, room, 'Two');
		const again = await get(ben, `sync?since=${next}`);
		assert.deepEqual(
			again.messages.map(({ body }) => body),
			['One', 'Two'],
		);
	});

	it('that says anything gives nobody anything that is not theirs', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const hidden = await directOf(ann, ben);
		await send(ann, hidden, 'Not for cat');
		const open = await directOf(ann, cat);
		await send(ann, open, 'For cat');
		const { next } = await get(cat, 'sync');
		const from = Buffer.from(next, 'base64url').readBigUInt64BE(AT.from);
		for (const phase of [1, 2, 3, 4]) {
			const all = await get(
				cat,
				`sync?since=${patched(next, (bytes) => {
					bytes[1] = phase;
					bytes.writeBigUInt64BE(3n, AT.from);
					bytes.writeBigUInt64BE(from, AT.next_from);
				})}`,
			);
			assert.equal(all.reset, false);
			for (const { id } of all.conversations) assert.equal(id, open.id);
			for (const { conversation_id } of [...all.messages, ...all.receipts]) assert.equal(conversation_id, open.id);
		}
	});

	const good = Buffer.alloc(66);
	good[0] = 1;
	const zeros = good.toString('base64url');
	const bad = [
		['', 'empty'],
		['x', 'short'],
		['A'.repeat(88), 'of version 0'],
		[`${zeros}A`, 'long'],
		[`${zeros.slice(0, 87)}=`, 'padded'],
		[`${zeros.slice(0, 87)}%2B`, 'of the other base64'],
		[`${zeros.slice(0, 87)}%C3%BC`, 'not of letters'],
		[patched(zeros, (bytes) => (bytes[1] = 5)), 'of no phase'],
		[patched(zeros, (bytes) => (bytes[65] = 1)), 'with something behind'],
		[patched(zeros, (bytes) => (bytes[AT.from] = 0x80)), 'of a number below 0'],
		[patched(zeros, (bytes) => (bytes[AT.began] = 0xff)), 'of a time below 0'],
		[patched(zeros, (bytes) => (bytes[1] = 1)), 'of no transaction'],
	];
	for (const [since, what] of bad)
		it(`that is ${what} is none`, async () => {
			const [ann] = await people('Ann');
			const answer = await ann.api.get(`sync?since=${since}`);
			assert.equal(answer.status, 422);
			assert.deepEqual(
				answer.body.errors.map(({ field, code }) => [field, code]),
				[['since', 'bad_format']],
			);
		});

	it('is one, and so is the limit', async () => {
		const [ann] = await people('Ann');
		const { next } = await get(ann, 'sync');
		const wrong = { [`since=${next}&since=${next}`]: 'since', 'limit=0': 'limit', 'limit=201': 'limit', 'limit=x': 'limit' };
		for (const [query, field] of Object.entries(wrong)) {
			const answer = await ann.api.get(`sync?${query}`);
			assert.equal(answer.status, 422, query);
			assert.deepEqual(
				answer.body.errors.map((fault) => fault.field),
				[field],
			);
		}
	});
});

describe('a restored database', () => {
	const name = `restored_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
	after(() => asSuperuser('psql -Xqc "drop database if exists $2" -d "$1"'));

	/** A command of the shell: $1 a database, $2 the name of another, $3 how to connect. Nobody else may enter others. */
	async function asSuperuser(text) {
		const { PARLEY_SUPERUSER: user, PARLEY_SUPERUSER_DATABASE: database } = stack.env;
		const shell = `set -o pipefail; ${text}`;
		const command = ['bash', '-c', shell, 'bash', database, name, database.replace(/dbname=\S+/, '')];
		if (process.getuid() === 0) command.unshift('setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups');
		const { stdout } = await promisify(execFile)(command[0], command.slice(1), { cwd: '/', maxBuffer: 64 << 20 });
		return stdout.trim();
	}

	it('is another than the one that it was made from, so that it does not know its cursors', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		await directOf(ann, ben);
		const { next } = await get(ann, 'sync');
		await asSuperuser('psql -Xqc "create database $2 template template0" -d "$1"');
		await asSuperuser('pg_dump -d "dbname=parley $3" --no-publications | psql -Xq -v ON_ERROR_STOP=1 -d "dbname=$2 $3"');
		const identity = `select sync_identity('${ann.id}')`;
		const here = await stack.sql(identity);
		assert.equal(Buffer.from(next, 'base64url').readBigInt64BE(AT.identity), BigInt(here));
		assert.notEqual(await asSuperuser(`psql -XAtqc "${identity}" -d "dbname=$2 $3"`), here);
	});

	it('of another cluster, whose transactions were far ahead, does not bring all of itself for ever', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const [room, direct] = [await groupOf(ann, [ben, cat]), await directOf(ann, ben)];
		const old = await send(ben, room, 'Of there');
		await delivered(cat, room, 1);
		await remove(ann, room, cat);
		const ahead = `changed_xid = (pg_current_xact_id()::text::bigint + 1000000)::text::xid8`;
		for (const table of ['messages', 'members'])
			await stack.sql(`update ${table} set ${ahead} where conversation_id in ('${room.id}', '${direct.id}')`);
		await stack.sql(`update conversations set ${ahead}, ${ahead.replace('changed', 'members')}
			where id in ('${room.id}', '${direct.id}')`);

		const [mirror, gone] = [mirrorOf(ann), mirrorOf(cat)];
		assert.deepEqual(idsOf(whole(await mirror.sync()).conversations), idsOf([room, direct]), 'the first brings it');
		await gone.sync();
		await settle(mirror);
		await settle(gone);
		const sent = await send(ben, room, 'Of here');
		await stack.sql(editSql(old, 'Edited here'));
		const all = whole(await mirror.sync());
		assert.deepEqual(idsOf(all.conversations), [room.id]);
		assert.deepEqual(idsOf(all.messages), idsOf([old, sent]));
		await settle(mirror);
	});
});
