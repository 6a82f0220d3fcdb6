// Messages, found by what stands in them.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

let stack, ann, ben;
before(async () => {
	stack = await sharedStack();
	[ann, ben] = await Promise.all(['Ann', 'Ben'].map((name) => register(stack, name)));
});
after(() => stack?.stop());

// A word that stands nowhere else.
const word = () => `q${randomBytes(5).toString('hex')}z`;
const search = (person, q, more = '') => person.api.get(`search/messages?q=${encodeURIComponent(q)}${more}`);
const page = async (person, q, more) => must(await search(person, q, more), 200);
const found = async (person, q, more) => (await page(person, q, more)).data.map(({ message }) => message.id);
const faultsOf = (answer) => answer.body.errors.map(({ field, code }) => `${field} ${code}`);
const path = (message) => `conversations/${message.conversation_id}/messages/${message.id}`;

/** What is highlighted, as text. */
const marked = ({ snippet, highlights }) =>
	highlights.map(([begin, end]) => Array.from(snippet).slice(begin, end).join(''));

/** All of a conversation that can be is in the index. */
const indexed = (room) =>
	waitFor(
		async () =>
			(await stack.sql(`select exists (select from message_words where conversation_id = '${room.id}')
				and not exists (select from message_words_due where conversation_id = '${room.id}')`)) === 't',
		20_000,
		'its parts are in the index',
	);

describe('a search in messages', () => {
	it('finds a message right after its 201, as history shows it, for those who may read it', async () => {
		const mark = word();
		const room = await directOf(ann, ben);
		const asked = await send(ben, room, 'Which one?');
		const sent = await send(ann, room, `The ${mark} one, please`, { reply_to: asked.id, metadata: { a: 1 } });
		for (const person of [ann, ben]) {
			const { data, has_more, next } = await page(person, mark);
			assert.deepEqual([data.length, has_more, next], [1, false, null]);
			assert.deepEqual(data[0].message, must(await person.api.get(path(sent)), 200));
			assert.deepEqual([data[0].snippet, marked(data[0])], [sent.body, [mark]]);
		}
		assert.deepEqual(await found(await register(stack, 'Cat'), mark), []);
	});

	it('has the syntax of search engines', async () => {
		const [a, b, c] = [word(), word(), word()];
		const room = await directOf(ann, ben);
		const bodies = [`${a} ${b}`, `${b} ${a}`, `${a} ${c}`, `${a}, ${b}; ${c}!`, `${c}`];
		const ids = [];
		for (const body of bodies) ids.push((await send(ann, room, body)).id);
		for (const [q, expected] of [
			[a, [3, 2, 1, 0]],
			[a.toUpperCase(), [3, 2, 1, 0]],
			[`${a} ${b}`, [3, 1, 0]],
			[`"${a} ${b}"`, [3, 0]],
			[`"${b} ${c}"`, [3]],
			[`"${b} ${a}"`, [1]],
			[`"${c} ${a}"`, []],
			[`${a} -${b}`, [2]],
			[`-${b} ${a}`, [2]],
			[`${a} -"${a} ${b}"`, [2, 1]],
			[`${a} - ${b}`, [3, 1, 0]],
			[`${a}-${b}`, [3, 1, 0]],
			[`${c} or "${b} ${a}"`, [4, 3, 2, 1]],
			[`${a} ${c} or ${b} -${c}`, [3, 2, 1, 0]],
			[`${a} ${word()}`, []],
			[`${a.slice(0, -1)}`, []],
			[`${a}*`, [3, 2, 1, 0]],
			[`"${a}`, [3, 2, 1, 0]],
		])
			assert.deepEqual(await found(ann, q), expected.map((i) => ids[i]), q);
	});

	it('finds the parts of what is written together', async () => {
		const [a, b] = [word(), word()];
		const room = await directOf(ann, ben);
		const bodies = [`${a}/${b}`, `see.${a}.${b}`, `https://${b}.example/${a}?x=${b}`, `<${a}>${b}</${a}>`, `${b}_${a}`, `me@${a}.${b}`, `#${a}-${b}`, `„${a}“…${b}`];
		for (const body of bodies) {
			const { id } = await send(ann, room, body);
			for (const q of [a, b, `${a} ${b}`]) assert.equal((await found(ann, q))[0], id, `${body} by ${q}`);
		}
		assert.equal((await found(ann, `${a}/${b}`)).length, bodies.length);
	});

	it('finds other forms of a word by the language of who wrote and who searches, and the word itself always', async () => {
		const mark = word();
		const [german, english, none] = await Promise.all(
			['de-AT', 'en', undefined].map((locale) => register(stack, 'Speaker', locale ? { locale } : {})),
		);
		const room = await groupOf(german, [english, none]);
		const sent = {};
		for (const [name, person, body] of [
			['houses', german, 'Zwei Häuser'],
			['house', german, 'ein HAUS'],
			['running', english, 'They were running'],
			['the', english, 'the'],
			['plain', none, 'Häuser running'],
		])
			sent[name] = (await send(person, room, `${mark} ${body}`)).id;
		const names = async (person, q) => {
			const ids = await found(person, `${mark} ${q}`);
			return ids.map((id) => Object.keys(sent).find((name) => sent[name] === id)).sort();
		};
		assert.deepEqual(await names(german, 'Häuser'), ['house', 'houses', 'plain']);
		assert.deepEqual(await names(german, 'haus'), ['house', 'houses']);
		assert.deepEqual(await names(german, '-häuser'), ['running', 'the']);
		assert.deepEqual(await names(none, 'häuser'), ['houses', 'plain']);
		assert.deepEqual(await names(none, '-häuser'), ['house', 'running', 'the']);
		assert.deepEqual(await names(english, 'runs'), ['running']);
		assert.deepEqual(await names(english, 'running'), ['plain', 'running']);
		assert.deepEqual(await names(english, 'the'), ['the']);
		const { data } = await page(german, `"${mark} zwei" haus`);
		assert.deepEqual(marked(data[0]), [mark, 'Zwei', 'Häuser']);
	});

	it('finds what is written without spaces by the whole run, and says nothing of parts', async () => {
		const room = await directOf(ann, ben);
		const run = `日本${word()}荷物`;
		const { id } = await send(ann, room, `本日、${run}。`);
		assert.deepEqual(await found(ann, run), [id]);
		assert.deepEqual(await found(ann, run.slice(1)), []);
	});

	it('finds nothing by what has no word, and refuses to find all that has not a word', async () => {
		for (const q of ['...', '""', '- -', '👋', "'", '!']) assert.deepEqual(await found(ann, q), [], q);
		for (const q of ['-a', '-"a b"', 'a or -b']) {
			const answer = await search(ann, q);
			assert.equal(answer.status, 422, q);
			assert.deepEqual(faultsOf(answer), ['q required']);
		}
	});

	it('shows no markup of its own, and takes every text for what it is', async () => {
		const mark = word();
		const room = await directOf(ann, ben);
		const bodies = [
			`<b>${mark}</b><script>alert(1)</script> &amp; <mark>`,
			`\u0001${mark}\u0002\u0001 \ue000 StartSel=<i> ' " \\ % :* & | ! ( ) <-> $1 \u202e`,
			`👍🏽 ${mark} 👨‍👩‍👧`,
			`${mark}'; drop table messages; --`,
		];
		for (const body of bodies) await send(ann, room, body);
		const { data } = await page(ben, mark);
		assert.deepEqual(data.map(({ snippet }) => snippet), [...bodies].reverse());
		for (const hit of data) assert.deepEqual(marked(hit), [mark]);
	});

	it('shows so much of a long text as a list does, around the first that fits', async () => {
		const mark = word();
		const room = await directOf(ann, ben);
		const filler = 'fill𝔢r '.repeat(400);
		await send(ann, room, `${filler}${mark} ${filler}${mark}`);
		await send(ann, room, `${'x'.repeat(9000)} ${mark}`);
		await send(ann, room, `${mark} `.repeat(300));
		const [many, late, middle] = (await page(ann, mark)).data;
		assert.equal(Array.from(middle.snippet).length, 200);
		assert.ok(middle.snippet.startsWith('fill𝔢r '), middle.snippet);
		assert.deepEqual(marked(middle), [mark]);
		assert.deepEqual([late.snippet, late.highlights], ['x'.repeat(200), []]);
		assert.ok(many.highlights.length > 10 && new Set(marked(many)).size === 1);
	});

	it('takes the longest texts and words there can be', async () => {
		const room = await directOf(ann, ben);
		const mark = word();
		for (const body of [
			`${mark} ${'x'.repeat(65500)}`,
			`${mark} ${Array.from({ length: 16000 }, (_, i) => (i + 46656).toString(36).slice(-3)).join(' ')}`,
			`${mark} ${'ä'.repeat(1020)} ${'ö'.repeat(1024)} ${'日'.repeat(700)}`,
		])
			await send(ann, room, body);
		for (let i = 0; i < 16; i++) await send(ann, room, 'fill');
		await indexed(room);
		assert.equal((await found(ann, mark)).length, 3);
	});

	it('fills what is due in short turns, however long the texts are', async () => {
		const room = await directOf(await register(stack, 'Long', { locale: 'en' }), ann);
		const text = Array.from({ length: 4000 }, () => `w${Math.random().toString(36).slice(2, 10)}lings`).join(' ');
		for (let i = 0; i < 64; i++) await send(ann, room, text);
		await indexed(room);
		const filled = await stack.sql(`begin;
			insert into message_words_due select '${room.id}', part, '2000-01-01' from generate_series(0, 7) part;
			select search_fill(8); rollback`);
		assert.ok(/^[1-7]$/m.test(filled), filled);
	});

	for (const q of ["'", '"', '\\', '%', ':*', 'a:*', 'a & b', '(a', '!a', 'a <-> b', 'a <0> b', '<script>', '$$', "a'b''c\\'d", ' or or ', '-', '--a b', '"-a', '\ufeffa', 'x'.repeat(256), '" "'.repeat(80), '(-'.repeat(100), 'ä-'.repeat(80), `${'a or -'.repeat(20)}b`])
		it(`takes ${JSON.stringify(q.slice(0, 20))} for what it may be`, async () => {
			const answer = await search(ann, q);
			assert.ok([200, 422].includes(answer.status), `${answer.status} ${answer.text}`);
		});

	for (const [query, faults] of [
		['', ['q required']],
		['q=', ['q required']],
		['q=%20%E2%80%8B', ['q required']],
		[`q=${'x'.repeat(257)}`, ['q too_long']],
		['q=a&limit=0', ['limit out_of_range']],
		['q=a&limit=201', ['limit out_of_range']],
		['q=a&conversation=x', ['conversation bad_format']],
		['q=a&from=00000000-0000-0000-0000-000000000000', ['from bad_format']],
		['q=a&cursor=x', ['cursor bad_format']],
		[`q=a&cursor=${'_'.repeat(43)}`, ['cursor bad_format']],
		[`q=a&cursor=${'A'.repeat(43)}`, ['cursor bad_format']],
		['q=a&q=b', undefined],
		['q=%ff', undefined],
		['q=a%00', undefined],
		['q=%ed%a0%80', undefined],
		[`q=${'x'.repeat(10240)}`, undefined],
	])
		it(`refuses ?${query.slice(0, 40)}`, async () => {
			const answer = await ann.api.get(`search/messages?${query}`);
			assert.ok(answer.status === 422 || (!faults && [400, 414].includes(answer.status)), `${answer.status} ${answer.text}`);
			if (faults) assert.deepEqual(faultsOf(answer), faults);
		});
});

describe('who searches', () => {
	it('finds in one conversation, or of one sender, alone', async () => {
		const mark = word();
		const [here, there] = [await directOf(ann, ben), await groupOf(ann, [ben])];
		const [a, b, c] = [await send(ann, here, mark), await send(ben, here, mark), await send(ben, there, mark)];
		assert.deepEqual(await found(ann, mark), [c.id, b.id, a.id]);
		assert.deepEqual(await found(ann, mark, `&conversation=${here.id.toUpperCase()}`), [b.id, a.id]);
		assert.deepEqual(await found(ann, mark, `&from=${ben.id}`), [c.id, b.id]);
		assert.deepEqual(await found(ann, mark, `&from=${ann.id}&conversation=${there.id}`), []);
		assert.deepEqual(await found(ann, mark, `&from=${randomUUID()}`), []);
		const foreign = await groupOf(ben, [await register(stack, 'Dan')]);
		for (const id of [foreign.id, randomUUID()]) assert.equal((await search(ann, mark, `&conversation=${id}`)).status, 404);
	});

	it('finds nothing more of what it has left or was removed from, and of before it came what it may see', async () => {
		const mark = word();
		const [cat, dan] = [await register(stack, 'Cat'), await register(stack, 'Dan')];
		const all = await groupOf(ann, [cat], { history: 'all' });
		const joined = await groupOf(ann, [cat], { history: 'joined' });
		const early = [await send(ann, all, mark), await send(ann, joined, mark)];
		for (const room of [all, joined]) must(await ann.api.put(`conversations/${room.id}/members/${dan.id}`), 204);
		const late = await send(ann, joined, `${mark} late`);
		assert.deepEqual(await found(dan, mark), [late.id, early[0].id]);
		assert.deepEqual(await found(cat, mark), [late.id, early[1].id, early[0].id]);
		must(await cat.api.delete(`conversations/${all.id}/members/${cat.id}`), 204);
		must(await ann.api.delete(`conversations/${joined.id}/members/${cat.id}`), 204);
		assert.deepEqual(await found(cat, mark), []);
		assert.equal((await search(cat, mark, `&conversation=${all.id}`)).status, 404);
	});

	it('finds what was written before one blocked the other', async () => {
		const mark = word();
		const [cat, dan] = [await register(stack, 'Cat'), await register(stack, 'Dan')];
		const { id } = await send(dan, await directOf(cat, dan), mark);
		must(await cat.api.put(`blocks/${dan.id}`), 204);
		for (const person of [cat, dan]) assert.deepEqual(await found(person, mark), [id]);
	});

	it('finds nothing that is encrypted, of the system, or not text', async () => {
		const mark = word();
		const room = await groupOf(ann, [ben], { title: mark });
		const post = async (content) => must(await ann.api.post(`conversations/${room.id}/messages`, content), 201);
		await post({ type: 'encrypted', ciphertext: Buffer.from(mark).toString('base64'), metadata: { name: mark } });
		await post({ type: 'encrypted', ciphertext: 'AAAA', body: mark });
		await post({ ciphertext: 'AAAA', body: `${mark} in plain` });
		await post({ body: 'plain', metadata: { name: mark } });
		await post({ body: 'plain', type: `x-${mark}` });
		await stack.sql(`update conversations set last_seq = last_seq + 1, rev = rev + 1 where id = '${room.id}';
			insert into messages (conversation_id, seq, id, rev, type, body, created_at)
			select id, last_seq, gen_random_uuid(), rev, 'system', '${mark}', now() from conversations where id = '${room.id}'`);
		assert.deepEqual(await found(ann, mark), []);
		for (let i = 0; i < 16; i++) await post({ body: 'fill' });
		await indexed(room);
		assert.deepEqual(await found(ann, mark), []);
		assert.equal(await stack.sql(`select count(*) from message_words where words @@ '${mark}'`), '0');
	});
});

describe('the index', () => {
	/** Twenty messages, of which sixteen are in the index, two parts; the first has the words. */
	async function filled(words) {
		const room = await groupOf(ann, [ben]);
		const first = await send(ann, room, words);
		for (let i = 0; i < 19; i++) await send(ann, room, `fill ${i}`);
		await indexed(room);
		return { room, first };
	}

	it('answers as the messages themselves do', async () => {
		const [a, b] = [word(), word()];
		const { room, first } = await filled(`${a} ${b}`);
		const other = await send(ann, room, `${b} ${a}`);
		const both = [other.id, first.id];
		for (const [q, expected] of [
			[a, both],
			[`${a} ${b}`, both],
			[`"${a} ${b}"`, [first.id]],
			[`${a} -fill`, both],
			[`${a} -${b}`, []],
			[`fill ${a}`, []],
			[`${a} or ${word()}`, both],
		])
			assert.deepEqual(await found(ann, q, `&conversation=${room.id}`), expected, q);
		assert.equal((await found(ann, 'fill', `&conversation=${room.id}`)).length, 19);
		assert.equal((await found(ann, 'fill 7', `&conversation=${room.id}`)).length, 1);
	});

	it('follows a change of a text at once, and forgets what was there', async () => {
		const [old, now] = [word(), word()];
		const { room, first } = await filled(old);
		must(await ann.api.patch(path(first), { body: now }), 200);
		assert.deepEqual([await found(ann, old), await found(ann, now)], [[], [first.id]]);
		await indexed(room);
		assert.deepEqual([await found(ann, old), await found(ann, now)], [[], [first.id]]);
		must(await ann.api.delete(path(first)), 204);
		assert.deepEqual(await found(ann, now), []);
		assert.equal(await stack.sql(`select count(*) from message_words where words @@ '${old}' or words @@ '${now}'`), '0');
	});

	it('is right also where a text changes while its part is filled', async () => {
		const mark = word();
		const { room, first } = await filled('before');
		for (let round = 0; round < 20; round++) {
			await Promise.all([
				ann.api.patch(path(first), { body: `${mark} ${round}` }),
				stack.sql('select search_fill(16)'),
			]);
			assert.deepEqual(await found(ann, `${mark} ${round}`), [first.id]);
			await stack.sql('select search_fill(16)');
			assert.deepEqual(await found(ann, `${mark} ${round}`), [first.id]);
			if (round > 0) assert.deepEqual(await found(ann, `${mark} ${round - 1}`), []);
		}
		await indexed(room);
	});
});

describe('the pages of a search', () => {
	/** All ids, page by page of so many; between: done after each. */
	async function pages(person, q, limit, between = async () => undefined) {
		const ids = [];
		let cursor = '';
		do {
			const { data, next, has_more } = await page(person, q, `&limit=${limit}${cursor}`);
			assert.equal(has_more, next !== null);
			ids.push(...data.map(({ message }) => message.id));
			cursor = next && `&cursor=${next}`;
			await between();
		} while (cursor);
		return ids;
	}

	it('together hold every message once, latest first, over several conversations, also while others send', async () => {
		const mark = word();
		const cat = await register(stack, 'Cat');
		const rooms = [await directOf(cat, ann), await groupOf(cat, [ann, ben]), await groupOf(ann, [cat])];
		const sent = [];
		for (let i = 0; i < 75; i++) sent.unshift((await send(ann, rooms[(i * i) % 3], `${mark} ${i % 7}`)).id);
		for (const limit of [1, 7, 74, 75, 200]) assert.deepEqual(await pages(cat, mark, limit), sent, String(limit));
		const some = await pages(cat, `${mark} 3`, 4);
		assert.equal(some.length, 11);
		assert.deepEqual(await pages(cat, mark, 10, () => send(ann, rooms[1], `${mark} later`)), sent);
	});

	it('have an order also where times are the same', async () => {
		const mark = word();
		const rooms = [await groupOf(ann, [ben]), await groupOf(ann, [ben])];
		for (let i = 0; i < 12; i++) await send(ann, rooms[i % 2], mark);
		await stack.sql(`update messages set created_at = '2026-01-01 00:00:00.123456Z'
			where conversation_id in ('${rooms[0].id}', '${rooms[1].id}')`);
		const all = await pages(ann, mark, 200);
		assert.equal(new Set(all).size, 12);
		for (const limit of [1, 5]) assert.deepEqual(await pages(ann, mark, limit), all);
	});
});
