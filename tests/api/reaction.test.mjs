// Reactions: one's own, counted exactly, in one order, and the same in REST, sync and events.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { startNginx } from '../lib/front.mjs';
import { mirrorOf } from '../lib/mirror.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { raw } from './raw.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const pathOf = (message, emoji) =>
	`conversations/${message.conversation_id}/messages/${message.id}/reactions/${encodeURIComponent(emoji)}`;
const react = (person, message, emoji) => person.api.put(pathOf(message, emoji));
const unreact = (person, message, emoji) => person.api.delete(pathOf(message, emoji));
const get = async (person, { conversation_id, id }) =>
	must(await person.api.get(`conversations/${conversation_id}/messages/${id}`), 200);
const shown = ({ reactions }) => reactions.map(({ emoji, count, mine }) => `${emoji} ${count}${mine ? ' mine' : ''}`);
const seen = async (person, message) => shown(await get(person, message));
const revOf = async (person, message) => must(await person.api.get(`conversations/${message.conversation_id}`), 200).rev;

describe('a reaction', () => {
	it('is one’s own, counted, and shown to each as it is for it', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const message = await send(ann, await groupOf(ann, [ben, cat]), 'Look');
		must(await react(ben, message, '👍'), 204);
		must(await react(cat, message, '🎉'), 204);
		must(await react(ann, message, '👍'), 204);
		assert.deepEqual(await seen(ann, message), ['👍 2 mine', '🎉 1']);
		assert.deepEqual(await seen(ben, message), ['👍 2 mine', '🎉 1']);
		assert.deepEqual(await seen(cat, message), ['👍 2', '🎉 1 mine']);
		must(await unreact(ben, message, '👍'), 204);
		assert.deepEqual(await seen(cat, message), ['👍 1', '🎉 1 mine']);
		must(await unreact(ann, message, '👍'), 204);
		must(await unreact(cat, message, '🎉'), 204);
		assert.deepEqual(await seen(ann, message), []);
	});

	it('is there or not, however often it is said: one rev and one event a change', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const message = await send(ann, await directOf(ann, ben), 'Look');
		const device = await connect(ann);
		try {
			const rev = await revOf(ann, message);
			for (let i = 0; i < 3; i++) must(await react(ben, message, '👍'), 204);
			assert.equal(await revOf(ann, message), rev + 1);
			for (let i = 0; i < 3; i++) must(await unreact(ben, message, '👍'), 204);
			assert.equal(await revOf(ann, message), rev + 2);
			must(await react(ben, message, '👍'), 204);
			const events = [];
			for (let i = 0; i < 3; i++) events.push(await device.event('message.updated', message.conversation_id));
			assert.deepEqual(events.map((event) => [event.rev, event.data.rev, shown(event.data)]), [
				[rev + 1, rev + 1, ['👍 1']],
				[rev + 2, rev + 2, []],
				[rev + 3, rev + 3, ['👍 1']],
			]);
			const marker = await send(ben, { id: message.conversation_id }, 'Behind');
			await device.next(({ event }) => event?.data?.id === marker.id);
			assert.equal(device.kept.filter(({ event }) => event?.type === 'message.updated').length, 0);
		} finally {
			await device.end(true);
		}
	});

	it('keeps its place as long as anybody has it, and comes back at the end', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const message = await send(ann, await groupOf(ann, [ben, cat]), 'Look');
		const order = async () => (await get(ann, message)).reactions.map(({ emoji, count }) => `${emoji}${count}`).join(' ');
		for (const [person, emoji] of [[ann, '👍'], [ben, '🎉'], [ben, '👍'], [cat, '❤️']]) must(await react(person, message, emoji), 204);
		assert.equal(await order(), '👍2 🎉1 ❤️1');
		must(await unreact(ann, message, '👍'), 204);
		assert.equal(await order(), '👍1 🎉1 ❤️1');
		must(await unreact(ben, message, '👍'), 204);
		assert.equal(await order(), '🎉1 ❤️1');
		must(await react(cat, message, '👍'), 204);
		assert.equal(await order(), '🎉1 ❤️1 👍1');
	});

	it('is one in whatever spelling it comes', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const message = await send(ann, await directOf(ann, ben), 'Look');
		must(await react(ann, message, '❤'), 204);
		must(await react(ben, message, '❤️'), 204);
		must(await react(ben, message, '1⃣'), 204);
		must(await react(ben, message, '👩‍❤‍👩'), 204);
		assert.deepEqual(await seen(ann, message), ['❤️ 2 mine', '1️⃣ 1', '👩‍❤️‍👩 1']);
		must(await unreact(ben, message, '❤'), 204);
		assert.deepEqual(await seen(ann, message), ['❤️ 1 mine', '1️⃣ 1', '👩‍❤️‍👩 1']);
	});

	it('is any one emoji, and nothing else', async () => {
		const ann = await register(stack, 'Ann');
		const group = await groupOf(ann, []);
		for (const emoji of ['👍🏽', '👨‍👩‍👧‍👦', '🇩🇪', '#️⃣', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '☠️', '🫡', '👨🏻‍❤️‍💋‍👨🏿']) {
			const message = await send(ann, group, 'Look');
			must(await react(ann, message, emoji), 204);
			assert.deepEqual(await seen(ann, message), [`${emoji} 1 mine`]);
		}
		const message = await send(ann, group, 'Look');
		for (const text of ['x', '1', ':+1:', '👍👍', '👍 ', '🏽', '🇩', '★', '❤︎', '%', '+', '👍'.repeat(30)]) {
			const answer = await react(ann, message, text);
			assert.deepEqual([answer.status, answer.body.code, answer.body.errors.map(({ field }) => field)], [422, 'invalid_input', ['emoji']], text);
		}
		assert.equal((await unreact(ann, message, 'x')).status, 422);
	});

	it('raises nobody’s unread, and moves the conversation in no list', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const message = await send(ann, room, 'Look');
		must(await ben.api.post(`conversations/${room.id}/read`), 200);
		const before_ = must(await ann.api.get(`conversations/${room.id}`), 200);
		must(await react(ben, message, '👍'), 204);
		const now = must(await ann.api.get(`conversations/${room.id}`), 200);
		assert.deepEqual(
			{ ...now, rev: 0, last_message: null },
			{ ...before_, rev: 0, last_message: null },
		);
		assert.deepEqual(shown(now.last_message), ['👍 1']);
		for (const person of [ann, ben]) assert.equal(must(await person.api.get('unread'), 200).unread_count, 0);
	});

	it('comes in a retry of the message, in lists and in histories', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const message = await send(ann, room, 'Look', { id: randomUUID() });
		must(await react(ben, message, '👍'), 204);
		const expected = await get(ann, message);
		assert.deepEqual(must(await ann.api.post(`conversations/${room.id}/messages`, { id: message.id, body: 'Look' }), 200), expected);
		assert.deepEqual(must(await ann.api.get(`conversations/${room.id}/messages`), 200).data, [expected]);
		assert.deepEqual(must(await ann.api.get(`conversations/${room.id}/messages?after=0`), 200).data, [expected]);
		assert.deepEqual(must(await ann.api.get('conversations'), 200).data[0].last_message, expected);
	});
});

describe('who may react', () => {
	it('is who may read the message', async () => {
		const [ann, ben, eve] = await people('Ann', 'Ben', 'Eve');
		const room = await groupOf(ann, [ben], { history: 'joined' });
		const message = await send(ann, room, 'Look');
		const there = await react(eve, message, '👍');
		assert.deepEqual([there.status, there.body.code], [404, 'not_found']);
		assert.equal((await unreact(eve, message, '👍')).status, 404);
		assert.equal((await react(ann, { ...message, id: randomUUID() }, '👍')).status, 404);
		must(await ann.api.put(`conversations/${room.id}/members/${eve.id}`), 204);
		assert.equal((await react(eve, message, '👍')).status, 404, 'from before it joined');
		must(await react(eve, await send(ann, room, 'Since'), '👍'), 204);
		must(await ben.api.delete(`conversations/${room.id}/members/${ben.id}`), 204);
		assert.equal((await react(ben, message, '👍')).status, 404);
		assert.equal((await unreact(ben, message, '👍')).status, 404);
	});

	it('and whose conversation nobody has blocked; what is there can be taken back', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const message = await send(ann, await directOf(ann, ben), 'Look');
		must(await react(ben, message, '👍'), 204);
		must(await ann.api.put(`blocks/${ben.id}`), 204);
		for (const person of [ann, ben]) {
			const answer = await react(person, message, '🎉');
			assert.deepEqual([answer.status, answer.body.code], [403, 'blocked']);
		}
		must(await react(ben, message, '👍'), 204); // it is there
		must(await unreact(ben, message, '👍'), 204);
		assert.deepEqual(await seen(ann, message), []);
		assert.equal((await react(ben, message, '👍')).status, 403);
	});

	it('not to what was deleted, which has lost its reactions', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const message = await send(ann, await directOf(ann, ben), 'Look');
		must(await react(ben, message, '👍'), 204);
		must(await ann.api.delete(`conversations/${message.conversation_id}/messages/${message.id}`), 204);
		const rev = await revOf(ann, message);
		for (const person of [ann, ben]) {
			const answer = await react(person, message, '👍');
			assert.deepEqual([answer.status, answer.body.code], [409, 'conflict']);
			must(await unreact(person, message, '👍'), 204);
		}
		assert.deepEqual(await seen(ann, message), []);
		assert.equal(await revOf(ann, message), rev);
	});

	it('has eight on a message, and all together 32 different ones', async () => {
		const crowd = await people('Ann', 'Ben', 'Cat', 'Dan', 'Eve');
		const message = await send(crowd[0], await groupOf(crowd[0], crowd.slice(1)), 'Look');
		const emojis = Array.from({ length: 33 }, (_, i) => String.fromCodePoint(0x1f600 + i));
		for (let i = 0; i < 32; i++) must(await react(crowd[Math.floor(i / 8)], message, emojis[i]), 204);
		const own = await react(crowd[0], message, emojis[8]);
		assert.deepEqual([own.status, own.body.code], [409, 'conflict']);
		assert.match(own.body.detail, /8/);
		must(await react(crowd[0], message, emojis[7]), 204); // which it has
		const other = await react(crowd[4], message, emojis[32]);
		assert.deepEqual([other.status, other.body.code], [409, 'conflict']);
		assert.match(other.body.detail, /32/);
		must(await react(crowd[4], message, emojis[31]), 204);
		must(await unreact(crowd[0], message, emojis[0]), 204);
		must(await react(crowd[4], message, emojis[32]), 204);
		assert.equal((await get(crowd[0], message)).reactions.length, 32);
	});

	it('keeps it when it leaves, and when its account is erased', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await groupOf(ann, [ben, cat]);
		const message = await send(ann, room, 'Look');
		for (const person of [ben, cat]) must(await react(person, message, '👍'), 204);
		must(await ben.api.delete(`conversations/${room.id}/members/${ben.id}`), 204);
		must(await cat.api.delete('users/me'), 204);
		assert.deepEqual(await seen(ann, message), ['👍 2']);
		must(await ann.api.put(`conversations/${room.id}/members/${ben.id}`), 204);
		assert.deepEqual(await seen(ben, message), ['👍 2 mine']);
		must(await unreact(ben, message, '👍'), 204);
		assert.deepEqual(await seen(ann, message), ['👍 1']);
	});
});

describe('the address', () => {
	const statusOf = async (front, person, message, encoded) =>
		(await raw(
			front,
			`PUT /api/v1/conversations/${message.conversation_id}/messages/${message.id}/reactions/${encoded} HTTP/1.1`,
			[`Authorization: Bearer ${person.token}`],
			'',
			{ check: false },
		)).status;
	const cases = [
		['%F0%9F%91%8D', 204],
		['%f0%9f%91%8d', 204],
		['%F0%9F%91%8D%2F', [400, 404]],
		['%2F', [400, 404]],
		['%25', 422],
		['%25F0%259F%2591%258D', 422], // encoded twice
		['%00', 400],
		// not UTF-8: cut short, overlong, surrogates; lighttpd takes some of it for an address of the page's
		['%F0%9F%91', [400, 404]],
		['%F0%82%84%A9', [400, 404]],
		['%ED%A0%BD%ED%B1%8D', [400, 404]],
		['%FF', 400],
		['%F0%9F%91%8D?x=1', 204],
		['%F0%9F%91%8D%20', 422],
		['+', 422],
		['', 404],
	];
	const check = async (front, backend) => {
		const ann = await register(backend, 'Ann');
		const message = await send(ann, await groupOf(ann, []), 'Look');
		for (const [encoded, expected] of cases) {
			const status = await statusOf(front, ann, message, encoded);
			assert.ok([expected].flat().includes(status), `${encoded}: ${status}`);
		}
		assert.deepEqual(await seen(ann, message), ['👍 1 mine']);
		// as some clients send it
		const bare = await statusOf(front, ann, message, Buffer.from('🎉').toString('latin1'));
		assert.ok([204, 400].includes(bare), `${bare}`);
	};

	it('has one meaning behind lighttpd', () => check(stack, stack));

	it('has one meaning behind nginx', async () => {
		const nginx = await startNginx(stack);
		try {
			await check(nginx, stack);
		} finally {
			await nginx.stop();
		}
	});
});

describe('many at once', () => {
	it('of 40 who react, each is counted, in an order that all see', async () => {
		const crowd = await Promise.all(Array.from({ length: 40 }, (_, i) => register(stack, `Crowd ${i}`)));
		const emojis = ['👍', '🎉', '❤️', '😀'];
		const message = await send(crowd[0], await groupOf(crowd[0], crowd.slice(1)), 'Look');
		const rev = await revOf(crowd[0], message);
		const device = await connect(crowd[0]);
		try {
			// each with two of four, one of them said twice at once, and one more that it takes back
			await Promise.all(
				crowd.flatMap((person, i) => [
					react(person, message, emojis[i % 4]).then((answer) => must(answer, 204)),
					react(person, message, emojis[i % 4]).then((answer) => must(answer, 204)),
					react(person, message, emojis[(i + 1) % 4]).then((answer) => must(answer, 204)),
					react(person, message, '🚀')
						.then((answer) => must(answer, 204))
						.then(() => unreact(person, message, '🚀'))
						.then((answer) => must(answer, 204)),
				]),
			);
			const now = await get(crowd[7], message);
			assert.deepEqual(
				Object.fromEntries(now.reactions.map(({ emoji, count }) => [emoji, count])),
				Object.fromEntries(emojis.map((emoji) => [emoji, 20])),
			);
			assert.equal(now.rev, rev + 160, 'one rev a change');
			const order = now.reactions.map(({ emoji }) => emoji);
			for (const [i, person] of crowd.entries()) {
				const { reactions } = await get(person, message);
				assert.deepEqual(reactions.map(({ emoji }) => emoji), order);
				const mine = reactions.filter((one) => one.mine).map(({ emoji }) => emoji);
				assert.deepEqual(mine.sort(), [emojis[i % 4], emojis[(i + 1) % 4]].sort());
			}
			// the events come in the order of rev, each a step of one, and never out of order
			let last;
			for (let next = rev + 1; next <= rev + 160; next++) {
				const { event } = await device.next(({ event }) => event?.type === 'message.updated', 10_000);
				assert.equal(event.rev, next);
				last = event;
			}
			assert.deepEqual(last.data, await get(crowd[0], message));
			assert.equal(
				await stack.sql(`select count(*) from reactions r join messages m using (conversation_id, seq) where m.id = '${message.id}'`),
				'80',
			);
		} finally {
			await device.end(true);
		}
	});

	it('of those who join, leave and react nothing is lost', async () => {
		const [ann, ...others] = await people('Ann', 'Ben', 'Cat', 'Dan', 'Eve', 'Fay');
		const room = await groupOf(ann, others);
		const message = await send(ann, room, 'Look');
		await Promise.all(
			others.flatMap((person) => [
				...['👍', '🎉', '👍'].map((emoji) => react(person, message, emoji).then(({ status }) => assert.ok([204, 404].includes(status)))),
				person.api.delete(`conversations/${room.id}/members/${person.id}`).then((answer) => must(answer, 204)),
			]),
		);
		const rows = await stack.sql(`select r.emoji, count(*) from reactions r join messages m using (conversation_id, seq)
			where m.id = '${message.id}' group by 1`);
		const counted = Object.fromEntries(rows.split('\n').filter(Boolean).map((row) => row.split('|')));
		assert.deepEqual(
			Object.fromEntries((await get(ann, message)).reactions.map(({ emoji, count }) => [emoji, `${count}`])),
			counted,
		);
	});
});

describe('sync', () => {
	it('brings a message again that was reacted to, and once more when the last was taken back', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const old = await send(ann, room, 'Old');
		for (let i = 0; i < 5; i++) await send(ann, room, `Later ${i}`);
		const mirror = mirrorOf(ben);
		await mirror.sync();
		const bring = async () => {
			const pages = await mirror.sync();
			return pages.flatMap(({ messages }) => messages).filter(({ id }) => id === old.id);
		};
		must(await react(ann, old, '👍'), 204);
		const [first] = (await bring()).slice(-1);
		assert.deepEqual(first, await get(ben, old));
		assert.deepEqual(shown(first), ['👍 1']);
		assert.ok(first.rev > old.rev);
		must(await unreact(ann, old, '👍'), 204);
		const [second] = (await bring()).slice(-1);
		assert.deepEqual(second, await get(ben, old));
		assert.deepEqual([second.rev, second.reactions], [first.rev + 1, []]);
	});

	it('REST, sync and events are the same bytes', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const device = await connect(ben);
		try {
			const message = await send(ann, room, 'Look "there" 👀', { metadata: { a: [1] } });
			const { body: { next } } = await ben.api.get('sync?limit=200');
			must(await react(ann, message, '👩‍❤️‍👩'), 204);
			must(await react(ben, message, '👍'), 204);
			const { text } = await ben.api.get(`conversations/${room.id}/messages/${message.id}`);
			const last = await device.next(({ event }) => event?.type === 'message.updated' && event.data.reactions.length === 2);
			const payload = last.payload.toString();
			assert.equal(payload.slice(payload.indexOf('"data":') + 7, -1), text);
			const sync = await ben.api.get(`sync?since=${next}&limit=200`);
			assert.ok(sync.text.includes(text));
			const list = await ben.api.get('conversations');
			assert.ok(list.text.includes(text));
		} finally {
			await device.end(true);
		}
	});
});
