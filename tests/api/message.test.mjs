// Messages: sending, retries, order, history.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { rawSend } from './raw.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const faultsOf = (answer) => answer.body.errors.map(({ field, code }) => `${field} ${code}`).sort();
const post = (person, { id }, json) => person.api.post(`conversations/${id}/messages`, json);
/** Connects a person's device, past the events of what was sent before. */
async function connectNow(person, room) {
	const device = await connect(person);
	const { id } = await send(person, room, 'Start');
	await device.next(({ event }) => event?.data?.id === id);
	device.kept.length = 0;
	return device;
}

const history = async (person, { id }, query = '') =>
	must(await person.api.get(`conversations/${id}/messages${query}`), 200);

describe('two people', () => {
	it('talk, over HTTP and over MQTT alike', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const device = await connect(ben);
		try {
			const room = await directOf(ann, ben);
			assert.deepEqual((await device.event('conversation.created', room)).data.id, room.id);
			const id = randomUUID();
			const first = must(
				await post(ann, room, { id: id.toUpperCase(), body: 'Hello "Ben" 👍', metadata: { mood: 'good' } }),
				201,
			);
			assert.deepEqual(
				{ ...first, created_at: null },
				{
					id,
					conversation_id: room.id,
					seq: 1,
					rev: 2,
					sender_id: ann.id,
					type: 'text',
					body: 'Hello "Ben" 👍',
					ciphertext: null,
					metadata: { mood: 'good' },
					reply_to: null,
					quoted: null,
					attachments: [],
					reactions: [],
					created_at: null,
					edited_at: null,
					deleted_at: null,
					status: 'sent',
				},
			);
			const event = await device.event('message.created', room);
			assert.deepEqual(event.data, first);
			assert.deepEqual([event.rev, event.at], [first.rev, first.created_at]);
			const second = await send(ben, room, 'Hello Ann', { reply_to: id });
			assert.deepEqual([second.seq, second.rev, second.reply_to], [2, 3, id]);
			assert.deepEqual(second.quoted, {
				id,
				seq: 1,
				sender_id: ann.id,
				type: 'text',
				body: 'Hello "Ben" 👍',
				deleted_at: null,
			});
			assert.deepEqual((await device.event('message.created', room)).data, second);
			const { data, has_more, next } = await history(ann, room);
			assert.deepEqual(data, [second, { ...first, status: 'read' }]);
			assert.deepEqual([has_more, next], [false, null]);
			const { last_message, last_seq, rev, last_activity_at } = must(
				await ann.api.get(`conversations/${room.id}`),
				200,
			);
			assert.deepEqual(
				{ last_message, last_seq, rev, last_activity_at },
				{ last_message: second, last_seq: 2, rev: 3, last_activity_at: second.created_at },
			);
		} finally {
			await device.end(true);
		}
	});

	it('read a message in the same bytes from REST and from MQTT', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const device = await connect(ben);
		try {
			const metadata = '{"b":1.50e1,"a":[ 1,\t2 ],"\\u00e9":"\\/","":null}';
			const sent = await rawSend(
				ann,
				room,
				`{"body":"\\u0001 \\u007f / \\u2028 \\ud83d\\udc4d",  "metadata" : ${metadata} }`,
			);
			assert.equal(sent.status, 201);
			const { payload } = await device.next(({ event }) => event?.type === 'message.created');
			const text = payload.toString();
			assert.equal(text.slice(text.indexOf('"data":') + 7, -1), sent.text);
			assert.ok(sent.text.includes(`"metadata":${metadata},`), 'metadata comes back in the bytes it came in');
			const one = await ben.api.get(`conversations/${room.id}/messages/${sent.body.id}`);
			assert.equal(one.text, sent.text);
			const page = await ben.api.get(`conversations/${room.id}/messages`);
			assert.equal(page.text, `{"data":[${sent.text}],"has_more":false,"next":null}`);
		} finally {
			await device.end(true);
		}
	});
});

it('what is quoted is shown to nobody who may not read it, on any path', async () => {
	const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
	const room = await groupOf(ann, [ben], { history: 'joined' });
	const secret = await send(ann, room, 'Before Cat came');
	must(await ann.api.put(`conversations/${room.id}/members/${cat.id}`), 204);
	const device = await connectNow(cat, room);
	try {
		const { next } = must(await cat.api.get('sync'), 200);
		const reply = await send(ben, room, 'I agree', { reply_to: secret.id });
		assert.equal(reply.quoted.body, 'Before Cat came');
		const one = `conversations/${room.id}/messages/${reply.id}`;
		const edited = must(await ben.api.patch(one, { body: 'I do agree' }), 200);
		assert.deepEqual(edited.quoted, reply.quoted);
		must(await ben.api.put(`${one}/reactions/👍`), 204);
		const told = [await device.event('message.created', room), await device.event('message.updated', room), await device.event('message.updated', room)];
		const shown = [
			...told.map(({ data }) => data),
			must(await cat.api.get(one), 200),
			(await history(cat, room)).data[0],
			must(await cat.api.get(`conversations/${room.id}`), 200).last_message,
			must(await cat.api.get('conversations'), 200).data[0].last_message,
			must(await cat.api.get(`sync?since=${next}`), 200).messages.find(({ id }) => id === reply.id),
		];
		for (const message of shown) assert.deepEqual([message.id, message.reply_to, message.quoted], [reply.id, secret.id, null]);
		assert.equal((await history(ann, room)).data[0].quoted.body, 'Before Cat came');
	} finally {
		await device.end(true);
	}
});

describe('order', () => {
	it('of 8 people who send at once is one, without gaps, and the same for everybody', async () => {
		const crowd = await people('Ann', 'Ben', 'Cat', 'Dan', 'Eve', 'Fay', 'Gus', 'Hal');
		const room = await groupOf(crowd[0], crowd.slice(1));
		const device = await connect(crowd[3]);
		try {
			const each = 25;
			const sent = (
				await Promise.all(
					crowd.map(async (person) => {
						const own = [];
						for (let i = 0; i < each; i++) own.push(await send(person, room, `${person.handle} ${i}`));
						for (let i = 1; i < each; i++) assert.ok(own[i].seq > own[i - 1].seq, 'one’s own stay in order');
						return own;
					}),
				)
			).flat();
			const all = crowd.length * each;
			assert.deepEqual(
				sent.map(({ seq }) => seq).sort((a, b) => a - b),
				Array.from({ length: all }, (_, i) => i + 1),
			);
			assert.deepEqual(
				sent.map(({ rev }) => rev).sort((a, b) => a - b),
				Array.from({ length: all }, (_, i) => i + 2),
			);
			const { data } = await history(crowd[7], room, '?after=0&limit=200');
			assert.deepEqual(
				data.map(({ id, seq }) => [id, seq]),
				sent.sort((a, b) => a.seq - b.seq).map(({ id, seq }) => [id, seq]),
			);
			for (let i = 1; i < all; i++)
				assert.ok(data[i].created_at >= data[i - 1].created_at, 'time rises with seq');
			const revs = [];
			while (revs.length < all) revs.push((await device.event('message.created', room)).rev);
			assert.deepEqual(
				revs,
				Array.from({ length: all }, (_, i) => i + 2),
				'events come in order',
			);
		} finally {
			await device.end(true);
		}
	});
});

describe('a retry', () => {
	let ann, ben, room;
	before(async () => {
		[ann, ben] = await people('Ann', 'Ben');
		room = await directOf(ann, ben);
	});

	it('is the original, and nothing happens', async () => {
		const content = { id: randomUUID(), type: 'x-card', body: 'Once', metadata: { a: 1 } };
		const first = must(await post(ann, room, content), 201);
		await send(ben, room, 'In between');
		for (let i = 0; i < 3; i++)
			assert.deepEqual(must(await post(ann, room, content), 200), { ...first, status: 'read' });
		const { last_seq, rev } = must(await ann.api.get(`conversations/${room.id}`), 200);
		assert.deepEqual([last_seq, rev], [first.seq + 1, first.rev + 1]);
	});

	it('50 times at once is one message', async () => {
		const device = await connectNow(ben, room);
		try {
			const content = { id: randomUUID(), body: 'Fifty' };
			const answers = await Promise.all(Array.from({ length: 50 }, () => post(ann, room, content)));
			assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(49).fill(200), 201]);
			assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
			await send(ann, room, 'End');
			const bodies = [];
			while (bodies.at(-1) !== 'End') bodies.push((await device.event('message.created', room)).data.body);
			assert.deepEqual(bodies, ['Fifty', 'End']);
		} finally {
			await device.end(true);
		}
	});

	const same = [
		['{"a":1,"b":[1,2]}', '{ "b" : [1, 2], "a" : 1 }'],
		['{"n":1}', '{"n":1.0}'],
		['{"n":1}', '{"n":10e-1}'],
		['{"n":100}', '{"n":1e2}'],
		['{"n":0.5}', '{"n":5E-1}'],
		['{"n":0}', '{"n":0e5}'],
		['{"s":"é"}', '{"s":"\\u00e9"}'],
		['{"s":"👍/"}', '{"s":"\\ud83d\\uDC4D\\/"}'],
		['{"a":{"c":1,"b":{"e":1,"d":2}}}', '{"a":{"b":{"d":2,"e":1},"c":1}}'],
		['{"n":9007199254740993}', '{"n":9007199254740993.0}'],
	];
	for (const [one, other] of same)
		it(`with metadata ${one} and ${other} is the same`, async () => {
			const id = randomUUID();
			const first = await rawSend(ann, room, `{"id":"${id}","body":"x","metadata":${one}}`);
			assert.equal(first.status, 201);
			const again = await rawSend(
				ann,
				room,
				`{"metadata":${other},"id":"${id.toUpperCase()}","body":"\\u0078","type":"text","reply_to":null}`,
			);
			assert.equal(again.status, 200);
			assert.equal(again.text, first.text, 'in the bytes that came first');
		});

	for (const [one, other] of [
		['null', '{}'],
		['{}', '{ }'],
	])
		it(`with metadata ${one} and ${other} is the same`, async () => {
			const id = randomUUID();
			assert.equal((await rawSend(ann, room, `{"id":"${id}","body":"x","metadata":${one}}`)).status, 201);
			assert.equal((await rawSend(ann, room, `{"id":"${id}","body":"x","metadata":${other}}`)).status, 200);
		});

	const base = { type: 'text', body: 'Secret words', metadata: { a: 1, list: [1, 2] } };
	const others = {
		body: { ...base, body: 'Secret words ' },
		'no body': { ...base, body: undefined, ciphertext: 'AAAA' },
		ciphertext: { ...base, ciphertext: 'AAAA' },
		type: { ...base, type: 'x-other' },
		metadata: { ...base, metadata: { a: 2, list: [1, 2] } },
		'another order of a list': { ...base, metadata: { a: 1, list: [2, 1] } },
		'a number as text': { ...base, metadata: { a: '1', list: [1, 2] } },
		'a field more': { ...base, metadata: { ...base.metadata, b: null } },
		'no metadata': { ...base, metadata: undefined },
	};
	for (const [what, content] of Object.entries(others))
		it(`with other content (${what}) is refused, and shows nothing`, async () => {
			const id = randomUUID();
			const first = must(await post(ann, room, { id, ...base }), 201);
			const answer = await post(ann, room, { id, ...content });
			assert.equal(answer.status, 409);
			assert.equal(answer.body.code, 'id_reused');
			assert.ok(!answer.text.includes('Secret') && !answer.text.includes(first.id));
			assert.deepEqual(must(await ann.api.get(`conversations/${room.id}/messages/${id}`), 200), first);
		});

	it('with another reply_to is refused', async () => {
		const replied = await send(ben, room, 'Question');
		const { id } = await send(ann, room, 'Answer', { reply_to: replied.id });
		assert.equal((await post(ann, room, { id, body: 'Answer' })).status, 409);
		assert.equal((await post(ann, room, { id, body: 'Answer', reply_to: replied.id })).status, 200);
	});

	it('of another sender is refused, also with the same content', async () => {
		const content = { id: randomUUID(), body: 'Mine' };
		must(await post(ann, room, content), 201);
		const answer = await post(ben, room, content);
		assert.equal(answer.status, 409);
		assert.equal(answer.body.code, 'id_reused');
		assert.ok(!answer.text.includes('Mine'));
	});

	it('of one id by two people at once is the message of one of them', async () => {
		for (let round = 0; round < 5; round++) {
			const content = { id: randomUUID(), body: `Round ${round}` };
			const answers = await Promise.all(
				Array.from({ length: 20 }, async (_, i) => {
					const sender = i % 2 ? ann : ben;
					return { sender, ...(await post(sender, room, content)) };
				}),
			);
			const [made, ...more] = answers.filter(({ status }) => status === 201);
			assert.deepEqual(more, []);
			for (const { sender, status, body } of answers) {
				if (sender !== made.sender) assert.deepEqual([status, body.code], [409, 'id_reused']);
				else assert.equal(body.sender_id, made.sender.id);
			}
		}
	});

	it('in another conversation is another message', async () => {
		const other = await groupOf(ann, [ben]);
		const content = { id: randomUUID(), body: 'Twice' };
		const here = must(await post(ann, room, content), 201);
		const there = must(await post(ann, other, content), 201);
		assert.deepEqual([there.id, there.conversation_id, there.seq], [here.id, other.id, 1]);
	});

	it('without an id is a second message', async () => {
		const [first, second] = [await send(ann, room, 'Same'), await send(ann, room, 'Same')];
		assert.notEqual(first.id, second.id);
		assert.equal(second.seq, first.seq + 1);
		assert.equal(first.id[14], '7', 'the server chooses version 7');
	});
});

describe('a commit that fails', () => {
	// as a full disk, or a server that is told to end between the statement and its commit; here at will
	const body = `Fails when it is committed ${randomUUID()}`;
	before(() =>
		stack.sql(`create function commit_fails() returns trigger language plpgsql as
				$$ begin raise exception 'at the commit' using errcode = 'disk_full'; end $$;
			create constraint trigger commit_fails after insert on messages deferrable initially deferred
				for each row when (new.body = '${body}') execute function commit_fails()`),
	);
	after(() => stack.sql('drop trigger commit_fails on messages; drop function commit_fails'));

	it('is no 201: nothing was sent, and the same may be sent again', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const id = randomUUID();
		const answer = await post(ann, room, { id, body });
		assert.equal(answer.status, 503, answer.text);
		assert.equal(answer.body.code, 'unavailable');
		assert.deepEqual((await history(ann, room)).data, []);
		assert.equal(must(await post(ann, room, { id, body: 'Does not fail' }), 201).seq, 1);
	});
});

describe('what may be sent', () => {
	let ann, ben, room;
	before(async () => {
		[ann, ben] = await people('Ann', 'Ben');
		room = await directOf(ann, ben);
	});

	const right = {
		'every type': async () => {
			for (const type of [
				'text',
				'image',
				'file',
				'audio',
				'video',
				'location',
				'x-a',
				'x-card.v2_3-b',
				`x-${'a'.repeat(62)}`,
			])
				assert.equal((await send(ann, room, 'x', { type })).type, type);
			assert.equal((await send(ann, room, 'x', { type: null })).type, 'text');
		},
		'ciphertext alone, given back as it came': async () => {
			const ciphertext = randomBytes(65536).toString('base64');
			const message = must(await post(ann, room, { type: 'encrypted', ciphertext }), 201);
			assert.deepEqual([message.ciphertext, message.body], [ciphertext, null]);
			assert.deepEqual((await history(ben, room)).data[0], message);
		},
		'body and ciphertext': async () => {
			const message = must(await post(ann, room, { body: 'Preview', ciphertext: 'AA==' }), 201);
			assert.deepEqual([message.body, message.ciphertext], ['Preview', 'AA==']);
		},
		'64 KiB of body, also where each character is four bytes': async () => {
			for (const body of ['x'.repeat(65536), '👍'.repeat(16384), '\u0001'.repeat(40000)])
				assert.equal((await send(ann, room, body)).body, body);
		},
		'16 KiB of metadata': async () => {
			const metadata = { long: 'x'.repeat(16384 - '{"long":""}'.length) };
			assert.deepEqual((await send(ann, room, 'x', { metadata })).metadata, metadata);
		},
		'null for all that is optional': async () => {
			const empty = {
				id: null,
				type: null,
				ciphertext: null,
				metadata: null,
				reply_to: null,
				attachments: null,
			};
			assert.deepEqual((await send(ann, room, 'x', empty)).metadata, {});
		},
		'an id of version 4 or 7': async () => {
			for (const id of [randomUUID(), '018f3b1c-7d2e-7abc-9def-' + randomBytes(6).toString('hex')])
				assert.equal((await send(ann, room, 'x', { id })).id, id);
		},
		'nothing but a line feed': async () => {
			assert.equal((await send(ann, room, '\n')).body, '\n');
		},
		'fields that nobody knows': async () => {
			await send(ann, room, 'x', { unknown: { deep: [1] } });
		},
	};
	for (const [what, run] of Object.entries(right)) it(what, run);

	it('all of Unicode, and it comes back the same', async () => {
		const points = [];
		for (let point = 1; point <= 0x10ffff; point += point < 0x3000 ? 1 : 37)
			if (point < 0xd800 || point > 0xdfff) points.push(point);
		for (const edge of [0xd7ff, 0xe000, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x10fffe, 0x10ffff])
			points.push(edge);
		const text = String.fromCodePoint(...points);
		const parts = [];
		for (let i = 0, part = ''; i <= points.length; i++) {
			if (i === points.length || Buffer.byteLength(part) > 60_000) {
				parts.push(part);
				part = '';
			}
			if (i < points.length) part += String.fromCodePoint(points[i]);
		}
		assert.equal(parts.join(''), text);
		for (const part of parts) {
			const { id } = await send(ann, room, part);
			assert.equal(must(await ben.api.get(`conversations/${room.id}/messages/${id}`), 200).body, part);
		}
		for (const emoji of ['👩‍👩‍👧‍👦', '🏳️‍🌈', '🇨🇭', 'e\u0301', 'é', 'ﷺ', '\u202eabc', 'שלום', '\ufeff'])
			assert.equal((await send(ann, room, emoji)).body, emoji);
	});

	const wrong = [
		[{}, 'body required'],
		[{ body: '' }, 'body required'],
		[{ body: null, ciphertext: null }, 'body required'],
		[{ body: '', ciphertext: '' }, 'body required'],
		[{ body: 5 }, 'body bad_type'],
		[{ body: ['x'] }, 'body bad_type'],
		[{ body: 'x'.repeat(65537) }, 'body too_long'],
		[{ body: '👍'.repeat(16384) + 'x' }, 'body too_long'],
		[{ type: 'encrypted', body: 'x' }, 'ciphertext required'],
		[{ type: 'system', body: 'x' }, 'type bad_format'],
		[{ type: 'Text', body: 'x' }, 'type bad_format'],
		[{ type: 'x-', body: 'x' }, 'type bad_format'],
		[{ type: 'x-A', body: 'x' }, 'type bad_format'],
		[{ type: `x-${'a'.repeat(63)}`, body: 'x' }, 'type bad_format'],
		[{ type: '', body: 'x' }, 'type bad_format'],
		[{ ciphertext: 'A' }, 'ciphertext bad_format'],
		[{ ciphertext: 'AA' }, 'ciphertext bad_format'],
		[{ ciphertext: 'AB==' }, 'ciphertext bad_format'],
		[{ ciphertext: 'AA==\n' }, 'ciphertext bad_format'],
		[{ ciphertext: 'A-_A' }, 'ciphertext bad_format'],
		[{ ciphertext: Buffer.alloc(65537).toString('base64') }, 'ciphertext too_long'],
		[{ body: 'x', metadata: [] }, 'metadata bad_type'],
		[{ body: 'x', metadata: '{}' }, 'metadata bad_type'],
		[{ body: 'x', metadata: { long: 'x'.repeat(16384) } }, 'metadata too_long'],
		[{ body: 'x', id: 'x' }, 'id bad_format'],
		[{ body: 'x', id: '00000000-0000-0000-0000-000000000000' }, 'id bad_format'],
		[{ body: 'x', id: '6ba7b810-9dad-11d1-80b4-00c04fd430c8' }, 'id bad_format'],
		[{ body: 'x', id: '7b0a3f5e-2c43-4a7d-0a52-6f6f1f1b8a11' }, 'id bad_format'],
		[{ body: 'x', id: 7 }, 'id bad_type'],
		[{ body: 'x', reply_to: 'x' }, 'reply_to bad_format'],
		[{ body: 'x', reply_to: randomUUID() }, 'reply_to unknown'],
		[{ body: 'x', attachments: [randomUUID()] }, 'attachments[0] unknown'],
		[{ body: 'x', attachments: {} }, 'attachments bad_type'],
		[{ body: 'x', attachments: Array(33).fill(randomUUID()) }, 'attachments too_long'],
	];
	for (const [sent, expected] of wrong)
		it(`but not ${JSON.stringify(sent).slice(0, 60)}: ${expected}`, async () => {
			const before_ = must(await ann.api.get(`conversations/${room.id}`), 200).last_seq;
			const answer = await post(ann, room, sent);
			assert.equal(answer.status, 422, answer.text.slice(0, 300));
			assert.deepEqual(faultsOf(answer), [expected]);
			assert.equal(must(await ann.api.get(`conversations/${room.id}`), 200).last_seq, before_);
		});

	it('every bad field is told in one answer', async () => {
		const answer = await post(ann, room, {
			id: 1,
			type: 2,
			body: 3,
			ciphertext: 4,
			metadata: 5,
			reply_to: 6,
			attachments: 7,
		});
		assert.deepEqual(faultsOf(answer), [
			'attachments bad_type',
			'body bad_type',
			'ciphertext bad_type',
			'id bad_type',
			'metadata bad_type',
			'reply_to bad_type',
			'type bad_type',
		]);
	});

	it('a reply to a message of another conversation is a reply to nothing', async () => {
		const other = await groupOf(ann, [ben]);
		const there = await send(ann, other, 'There');
		const answer = await post(ann, room, { body: 'x', reply_to: there.id });
		assert.equal(answer.status, 422);
		assert.deepEqual(faultsOf(answer), ['reply_to unknown']);
	});

	it('a message is not of another conversation, also for who may read both', async () => {
		const other = await groupOf(ann, [ben]);
		const there = await send(ann, other, 'There');
		assert.equal((await ann.api.get(`conversations/${room.id}/messages/${there.id}`)).status, 404);
	});
});

describe('history', () => {
	const COUNT = 5000;
	let ann, ben, room, stamps;

	/** Pages on until the end; the seqs in the order in which they came. meanwhile: called between pages. */
	async function walk(person, parameter, start, limit, meanwhile = async () => undefined) {
		const seqs = [];
		let at = start;
		for (;;) {
			const page = await history(
				person,
				room,
				`?limit=${limit}${at === undefined ? '' : `&${parameter}=${at}`}`,
			);
			seqs.push(...page.data.map(({ seq }) => seq));
			if (page.has_more) assert.equal(page.data.length, limit);
			if (!page.has_more) return seqs;
			assert.equal(page.next, String(seqs.at(-1)));
			at = page.next;
			await meanwhile();
		}
	}
	const upTo = (count) => Array.from({ length: count }, (_, i) => i + 1);

	before(async () => {
		[ann, ben] = await people('Ann', 'Ben');
		room = await directOf(ann, ben);
		// as the server sends them, a transaction each, but without a request and a wait for the disk each
		await stack.sql(`do $$
		begin
			perform set_config('synchronous_commit', 'off', false);
			for i in 1..${COUNT} loop
				perform message_send('${room.id}', case when i % 2 = 1 then '${ann.id}'::uuid else '${ben.id}' end, gen_random_uuid(),
					'text', 'x', null, null, null, null, gen_random_uuid(), gen_random_uuid(), null);
				commit;
			end loop;
		end $$`);
		assert.equal(must(await ann.api.get(`conversations/${room.id}`), 200).last_seq, COUNT);
		stamps = (
			await stack.sql(`select seq, to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') from messages
			where conversation_id = '${room.id}' and seq in (1, 100, 2500, 5000) order by seq`)
		)
			.split('\n')
			.map((line) => line.split('|'))
			.map(([seq, at]) => ({ seq: Number(seq), at }));
	});

	it('of 5,000 messages has no hole and no repeat, backwards, while others send', async () => {
		const seqs = await walk(ann, 'before', undefined, 150, () => send(ben, room, 'Meanwhile'));
		assert.deepEqual(seqs, upTo(seqs[0]).reverse());
		assert.ok(seqs.length >= COUNT);
	});

	it('the same forwards, up to what was sent meanwhile', async () => {
		let more = 40;
		const seqs = await walk(ann, 'after', 0, 170, async () => {
			if (more-- > 0) await send(ben, room, 'Meanwhile');
		});
		const { last_seq } = must(await ann.api.get(`conversations/${room.id}`), 200);
		assert.deepEqual(seqs, upTo(last_seq));
	});

	it('has 50 on a page, or what is asked for', async () => {
		assert.equal((await history(ann, room)).data.length, 50);
		for (const limit of [1, 199, 200])
			assert.equal((await history(ann, room, `?limit=${limit}`)).data.length, limit);
		for (const limit of ['0', '201', '-1', 'x', '', '1.0']) {
			const answer = await ann.api.get(`conversations/${room.id}/messages?limit=${limit}`);
			assert.equal(answer.status, 422, limit);
			assert.deepEqual(faultsOf(answer), ['limit out_of_range']);
		}
	});

	it('takes a seq, an id or a time as a place, and leaves out the message itself', async () => {
		for (const { seq, at } of stamps) {
			const [{ id }] = (await history(ann, room, `?after=${seq - 1}&limit=1`)).data;
			for (const place of [seq, id, id.toUpperCase(), at]) {
				const older = (await history(ann, room, `?before=${encodeURIComponent(place)}&limit=3`)).data.map(
					(message) => message.seq,
				);
				const newer = (await history(ann, room, `?after=${encodeURIComponent(place)}&limit=3`)).data.map(
					(message) => message.seq,
				);
				if (place === at) {
					// others may have been sent in the same microsecond
					assert.ok(
						older.every((found) => found < seq) && newer.every((found) => found > seq),
						`${place}: ${older} ${newer}`,
					);
				} else {
					assert.deepEqual(
						older,
						[seq - 1, seq - 2, seq - 3].filter((found) => found > 0),
						String(place),
					);
					assert.deepEqual(newer, [seq + 1, seq + 2, seq + 3], String(place));
				}
			}
		}
	});

	it('by time is what a comparison of every message gives', async () => {
		const { data } = await history(ann, room, '?after=2400&limit=200');
		for (const { created_at } of [data[0], data[17], data[199]]) {
			const at = encodeURIComponent(created_at);
			const older = (await history(ann, room, `?before=${at}&after=2400&limit=200`)).data;
			const newer = (await history(ann, room, `?after=${at}&before=2601&limit=200`)).data;
			assert.deepEqual(
				older.map(({ seq }) => seq),
				data.filter((message) => message.created_at < created_at).map(({ seq }) => seq),
			);
			assert.deepEqual(
				newer.map(({ seq }) => seq),
				data.filter((message) => message.created_at > created_at).map(({ seq }) => seq),
			);
		}
	});

	it('takes a time in any zone and with any fraction', async () => {
		const at = stamps[2].at.replace(/\.[0-9]+Z/, '');
		const expected = (await history(ann, room, `?before=${at}Z&limit=1`)).data;
		const [year, rest] = [at.slice(0, 11), Number(at.slice(11, 13))];
		const east = `${year}${String(rest + 1).padStart(2, '0')}${at.slice(13)}+01:00`;
		for (const same of [`${at}.0Z`, `${at}.000000Z`, ...(rest < 23 ? [east] : [])])
			assert.deepEqual(
				(await history(ann, room, `?before=${encodeURIComponent(same)}&limit=1`)).data,
				expected,
				same,
			);
	});

	it('beyond either end is empty', async () => {
		const { last_seq } = must(await ann.api.get(`conversations/${room.id}`), 200);
		for (const query of [
			'?before=1',
			'?before=0',
			`?after=${last_seq}`,
			'?after=9223372036854775807',
			'?before=1970-01-01T00:00:00Z',
			'?after=9999-12-31T23:59:59.999999Z',
			'?after=10&before=11',
			'?after=20&before=10',
		])
			assert.deepEqual(await history(ann, room, query), { data: [], has_more: false, next: null }, query);
		assert.equal((await history(ann, room, '?before=9223372036854775807&limit=1')).data[0].seq, last_seq);
		assert.equal((await history(ann, room, '?after=1970-01-01T00:00:00Z&limit=1')).data[0].seq, 1);
	});

	it('between two places is oldest first', async () => {
		assert.deepEqual(
			(await history(ann, room, '?after=10&before=15')).data.map(({ seq }) => seq),
			[11, 12, 13, 14],
		);
	});

	it('of an empty conversation is empty', async () => {
		const empty = await groupOf(ann, [ben]);
		for (const query of [
			'',
			'?after=0',
			'?before=1',
			'?before=2030-01-01T00:00:00Z',
			'?after=2000-01-01T00:00:00Z',
		])
			assert.deepEqual(await history(ann, empty, query), { data: [], has_more: false, next: null }, query);
	});

	for (const place of [
		'x',
		'',
		'-1',
		'01',
		'1.0',
		'+5',
		'9223372036854775808',
		'2026-02-30T00:00:00Z',
		'2026-01-01',
		'2026-01-01 00:00:00Z',
		'2026-01-01T00:00:00',
		'2026-01-01T24:00:00Z',
		'20260101T000000Z',
		'now',
		'infinity',
		`{${randomUUID()}}`,
		randomUUID().replaceAll('-', ''),
	])
		it(`takes no place ${JSON.stringify(place)}`, async () => {
			for (const parameter of ['before', 'after']) {
				const answer = await ann.api.get(
					`conversations/${room.id}/messages?${parameter}=${encodeURIComponent(place)}`,
				);
				assert.equal(answer.status, 422);
				assert.deepEqual(faultsOf(answer), [`${parameter} bad_format`]);
			}
		});

	it('takes no id of another conversation, nor of none', async () => {
		const other = await groupOf(ann, [ben]);
		const { id } = await send(ann, other, 'There');
		for (const foreign of [id, randomUUID(), room.id, '00000000-0000-0000-0000-000000000000'])
			for (const parameter of ['before', 'after']) {
				const answer = await ann.api.get(`conversations/${room.id}/messages?${parameter}=${foreign}`);
				assert.equal(answer.status, 422);
				assert.deepEqual(faultsOf(answer), [`${parameter} unknown`]);
			}
	});

	it('takes a place once', async () => {
		for (const parameter of ['before', 'after']) {
			const answer = await ann.api.get(`conversations/${room.id}/messages?${parameter}=1&${parameter}=2`);
			assert.equal(answer.status, 422);
			assert.deepEqual([...new Set(faultsOf(answer))], [`${parameter} duplicate`]);
			assert.equal(answer.body.errors.length, 1, 'told once');
		}
	});

	it('tells a stranger nothing by any place', async () => {
		const [cat] = await people('Cat');
		const [{ id }] = (await history(ann, room, '?limit=1')).data;
		for (const query of [
			'',
			'?before=5',
			'?after=0',
			`?before=${id}`,
			`?after=${randomUUID()}`,
			'?before=2030-01-01T00:00:00Z',
		]) {
			const there = await cat.api.get(`conversations/${room.id}/messages${query}`);
			const absent = await cat.api.get(`conversations/${randomUUID()}/messages${query}`);
			assert.equal(there.status, 404, query);
			assert.deepEqual({ ...there.body, request_id: '' }, { ...absent.body, request_id: '' });
		}
	});
});

describe('a stranger', () => {
	it('sends nothing, and cannot tell whether an id was used', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await directOf(ann, ben);
		const { id } = await send(ann, room, 'Private');
		const device = await connectNow(ben, room);
		try {
			for (const content of [
				{ body: 'x' },
				{ id, body: 'Private' },
				{ id, body: 'Other' },
				{ body: 'x', reply_to: id },
			]) {
				const there = await post(cat, room, content);
				const absent = await post(cat, { id: randomUUID() }, content);
				assert.equal(there.status, 404);
				assert.deepEqual({ ...there.body, request_id: '' }, { ...absent.body, request_id: '' });
			}
			await send(ann, room, 'End');
			assert.equal(
				(await device.event('message.created', room)).data.body,
				'End',
				'no event of what was refused',
			);
		} finally {
			await device.end(true);
		}
		assert.equal((await history(ann, room)).data.length, 3);
	});
});
