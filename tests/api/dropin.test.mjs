// The drop-in routes: what a product that calls the older messaging service gets to see, in its envelope, refusals too.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { api, connect, directOf, groupOf, handleOf, must, register, send } from '../lib/client.mjs';
import { startNginx } from '../lib/front.mjs';
import { service } from '../lib/operator.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { raw } from './raw.mjs';

let stack, ann, ben, cat, eve;
before(async () => {
	stack = await sharedStack();
	[ann, ben, cat, eve] = await Promise.all(['Ann', 'Ben', 'Cat', 'Eve'].map((name) => register(stack, name)));
});
after(() => stack?.stop());

const data = (answer, status = 200) => {
	const { success, data: inside } = must(answer, status);
	assert.equal(success, true);
	return inside;
};
const refused = (answer, status, message) => {
	assert.equal(answer.status, status, answer.text);
	assert.deepEqual(Object.keys(answer.body), ['success', 'message']);
	assert.equal(answer.body.success, false);
	assert.equal(answer.headers.get('Content-Type'), 'application/json');
	if (message) assert.match(answer.body.message, message);
};
const people = (...those) => those.map(({ id, user }) => ({ id, name: user.display_name })).sort((a, b) => (a.id < b.id ? -1 : 1));
const open = (who, match, ...those) =>
	who.api.post('/messages', { request_match_id: match, participant_ids: those.map(({ id }) => id) });

describe('opening a conversation of a match', () => {
	it('makes it once, and finds it for everybody who is in it', async () => {
		const match = handleOf('match');
		const made = data(await open(ann, match, ann, ben), 201);
		assert.deepEqual(made, {
			id: made.id,
			request_match_id: match,
			last_message_at: null,
			participants: people(ann, ben),
			last_message: null,
		});
		assert.deepEqual(data(await open(ann, match, ben, ann)), made);
		assert.deepEqual(data(await open(ben, match, ann, ben, cat)), made, 'whoever is named now');
		const group = must(await ben.api.get(`conversations/${made.id}`), 200);
		assert.equal(group.external_ref, match);
		assert.equal(group.kind, 'group');
		assert.equal(group.members.find(({ user_id }) => user_id === ann.id).role, 'owner');
	});

	it('at once makes one', async () => {
		const match = handleOf('race');
		const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => open(i % 2 ? ann : ben, match, ann, ben)));
		assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 201]);
		assert.equal(new Set(answers.map(({ body }) => body.data.id)).size, 1);
	});

	it('takes a number for its digits, and a person twice for once', async () => {
		const number = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
		const made = data(await open(ann, number, ann, ben, ann, ben), 201);
		assert.equal(made.request_match_id, String(number));
		assert.deepEqual(made.participants, people(ann, ben));
		assert.equal(data(await open(ann, String(number), ann)).id, made.id);
		const below = data(await open(ann, -number, ann), 201);
		assert.deepEqual([below.request_match_id, below.participants], [String(-number), people(ann)]);
	});

	it('is for those who take part', async () => {
		refused(await open(eve, handleOf('match'), ann, ben), 403, /participant_ids/);
		const match = handleOf('match');
		data(await open(ann, match, ann, ben), 201);
		refused(await open(eve, match, eve, ann), 409, /This match has a conversation already/);
	});

	it('names what is wrong', async () => {
		const good = { request_match_id: handleOf('match'), participant_ids: [ann.id] };
		for (const [wrong, message] of [
			[{ request_match_id: undefined }, /request_match_id: It is required/],
			[{ request_match_id: '' }, /request_match_id: It is too short/],
			[{ request_match_id: 'x'.repeat(256) }, /request_match_id: It is too long/],
			[{ request_match_id: 'a\nb' }, /request_match_id: .*control/],
			[{ request_match_id: 1.5 }, /request_match_id: It must be a string or a whole number/],
			[{ request_match_id: 2 ** 53 }, /request_match_id/],
			[{ request_match_id: true }, /request_match_id: It must be a string or a whole number/],
			[{ participant_ids: undefined }, /participant_ids: It is required/],
			[{ participant_ids: [] }, /participant_ids: It is too short/],
			[{ participant_ids: ann.id }, /participant_ids: It must be an array/],
			[{ participant_ids: [ann.id, 'x', 1] }, /participant_ids\[1\]: It must be a UUID\. participant_ids\[2\]/],
			[{ request_match_id: null, participant_ids: null }, /request_match_id: .*participant_ids: /],
		])
			refused(await ann.api.post('/messages', { ...good, ...wrong }), 422, message);
		const nobody = randomUUID();
		const unknown = await ann.api.post('/messages', { ...good, participant_ids: [ann.id, nobody] });
		refused(unknown, 422, new RegExp(`participant_ids: There is no user ${nobody}`));
		const many = await ann.api.post('/messages', { ...good, participant_ids: [ann.id, ...Array.from({ length: 256 }, () => randomUUID())] });
		refused(many, 409);
		assert.equal((await open(ann, good.request_match_id, ann)).status, 201, 'none of these has made it');
	});
});

describe('the list', () => {
	it('has everybody’s conversations, latest first, with who is in them and the latest message', async () => {
		const [dan, fay] = [await register(stack, 'Dan'), await register(stack, 'Fay')];
		assert.deepEqual(data(await dan.api.get(`/messages/conversations/${dan.id}`)), []);
		const match = handleOf('match');
		const first = data(await open(dan, match, dan, fay, ann), 201);
		const direct = await directOf(dan, fay);
		const message = await send(fay, first, 'Hello Dan 👍');
		assert.deepEqual(data(await dan.api.get(`/messages/conversations/${dan.id.toUpperCase()}`)), [
			{
				...first,
				last_message_at: message.created_at,
				last_message: { content: 'Hello Dan 👍', sender_id: fay.id },
			},
			{
				id: direct.id,
				request_match_id: null,
				last_message_at: null,
				participants: people(dan, fay),
				last_message: null,
			},
		]);
		const page = async (query) =>
			data(await dan.api.get(`/messages/conversations/${dan.id}?${query}`)).map(({ id }) => id);
		assert.deepEqual(await page('limit=1'), [first.id]);
		assert.deepEqual(await page('limit=1&offset=1'), [direct.id]);
		assert.deepEqual(await page('offset=2'), []);
		must(await fay.api.delete(`conversations/${first.id}/members/${fay.id}`), 204);
		assert.deepEqual(
			data(await dan.api.get(`/messages/conversations/${dan.id}`))[0].participants,
			people(dan, ann),
			'who has left is no participant',
		);
		assert.deepEqual(
			data(await fay.api.get(`/messages/conversations/${fay.id}`)).map(({ id }) => id),
			[direct.id],
		);
	});

	it('is one’s own alone, and another’s is like nobody’s', async () => {
		const another = await eve.api.get(`/messages/conversations/${ann.id}`);
		const nobody = await eve.api.get(`/messages/conversations/${randomUUID()}`);
		refused(another, 403);
		refused(nobody, 403);
		assert.deepEqual(another.body, nobody.body);
	});

	it('shows nothing from before one joined, where history is from then on', async () => {
		const gus = await register(stack, 'Gus');
		const room = await groupOf(ann, [ben], { history: 'joined' });
		await send(ann, room, 'Before');
		must(await ann.api.put(`conversations/${room.id}/members/${gus.id}`, {}), 204);
		const [seen] = data(await gus.api.get(`/messages/conversations/${gus.id}`));
		assert.deepEqual([seen.id, seen.last_message, seen.last_message_at], [room.id, null, null]);
		assert.deepEqual(data(await gus.api.get(`/messages/${room.id}`)), { messages: [], total: 0 });
		await send(ben, room, 'After');
		const { messages, total } = data(await gus.api.get(`/messages/${room.id}`));
		assert.deepEqual([messages.map(({ content }) => content), total], [['After'], 1]);
	});
});

describe('history', () => {
	let room, sent;
	before(async () => {
		room = data(await open(ann, handleOf('match'), ann, ben), 201);
		sent = [];
		for (let n = 1; n <= 7; n++) sent.push(await send(n % 2 ? ann : ben, room, `Message ${n}`));
	});
	const page = async (query = '') => data(await ben.api.get(`/messages/${room.id}${query}`));
	const numbers = ({ messages }) => messages.map(({ content }) => Number(content.split(' ')[1]));

	it('is in chronological order, with who wrote and how far it is', async () => {
		const { messages, total } = await page();
		assert.equal(total, 7);
		assert.deepEqual(
			messages,
			sent.map(({ id, sender_id, body, created_at }) => ({
				id,
				sender_id,
				sender_name: sender_id === ann.id ? 'Ann' : 'Ben',
				content: body,
				// one's own message says that one has read up to it
				status: body === 'Message 7' ? 'sent' : 'read',
				created_at,
			})),
		);
	});

	it('goes back from the newest by offset', async () => {
		for (const [query, expected] of [
			['?limit=3', [5, 6, 7]],
			['?limit=3&offset=3', [2, 3, 4]],
			['?limit=3&offset=6', [1]],
			['?limit=3&offset=7', []],
			['?limit=3&offset=9007199254740991', []],
			['?offset=1', [1, 2, 3, 4, 5, 6]],
			['?limit=200', [1, 2, 3, 4, 5, 6, 7]],
		]) {
			const answer = await page(query);
			assert.deepEqual(numbers(answer), expected, query);
			assert.equal(answer.total, 7);
		}
	});

	it('refuses a page that is none', async () => {
		for (const [query, message] of [
			['limit=0', /limit: A whole number from 1 to 200/],
			['limit=201', /limit/],
			['limit=x', /limit/],
			['offset=-1', /offset: A whole number, 0 or more/],
			['offset=9007199254740992', /offset/],
			['offset=1.5', /offset/],
			['limit=1&limit=2', /limit: .*twice/],
			['limit=0&offset=-1', /limit: .* offset: /],
		])
			refused(await ben.api.get(`/messages/${room.id}?${query}`), 422, message);
	});

	it('is for those who are in it, and a stranger learns nothing', async () => {
		const there = await eve.api.get(`/messages/${room.id}`);
		const absent = await eve.api.get(`/messages/${randomUUID()}`);
		refused(there, 403);
		refused(absent, 403);
		assert.deepEqual(there.body, absent.body);
		const left = await groupOf(ann, [eve]);
		must(await eve.api.delete(`conversations/${left.id}/members/${eve.id}`), 204);
		refused(await eve.api.get(`/messages/${left.id}`), 403);
	});

	it('has no content where there is no text', async () => {
		const secret = await send(ann, room, undefined, { type: 'encrypted', ciphertext: 'AAAA' });
		const { messages } = await page('?limit=1');
		assert.deepEqual([messages[0].id, messages[0].content], [secret.id, null]);
	});
});

describe('mark-read', () => {
	it('reads up to the latest, and tells the others', async () => {
		const room = await groupOf(ann, [ben]);
		await send(ann, room, 'One');
		await send(ann, room, 'Two');
		const device = await connect(ann, { subscribe: [`users/${ann.id}/receipts`] });
		const marked = await ben.api.post(`/messages/${room.id}/mark-read`, { user_id: ben.id.toUpperCase() });
		assert.deepEqual(data(marked), { last_read_seq: 2, unread_count: 0 });
		const { data: receipt } = await device.event('receipt.read', room);
		assert.deepEqual([receipt.user_id, receipt.seq], [ben.id, 2]);
		await device.end(true);
		assert.deepEqual(data(await ben.api.post(`/messages/${room.id}/mark-read`, { user_id: ben.id })), {
			last_read_seq: 2,
			unread_count: 0,
		});
	});

	it('is for oneself, where one is', async () => {
		const room = await groupOf(ann, [ben]);
		await send(ann, room, 'One');
		refused(await ann.api.post(`/messages/${room.id}/mark-read`, { user_id: ben.id }), 403);
		refused(await eve.api.post(`/messages/${room.id}/mark-read`, { user_id: eve.id }), 403);
		refused(await eve.api.post(`/messages/${randomUUID()}/mark-read`, { user_id: eve.id }), 403);
		assert.equal(must(await ben.api.get(`conversations/${room.id}`), 200).me.unread_count, 1);
	});

	it('needs a user_id that is one', async () => {
		const room = await groupOf(ann, [ben]);
		for (const user_id of [undefined, null, 1, 'x'])
			refused(await ann.api.post(`/messages/${room.id}/mark-read`, { user_id }), 422, /user_id: /);
	});
});

describe('a service', () => {
	let backend, room;
	before(async () => {
		backend = await service(stack, 'messages:read messages:write conversations:write act-as');
		room = await groupOf(ann, [ben], { external_ref: handleOf('match') });
		await send(ann, room, 'Hello');
	});

	it('for itself sees everybody’s conversations, and every one', async () => {
		const own = data(await backend.api.get(`/messages/conversations/${ben.id}?limit=3`));
		assert.deepEqual(own, data(await ben.api.get(`/messages/conversations/${ben.id}?limit=3`)));
		assert.equal(own[0].id, room.id);
		assert.deepEqual(data(await backend.api.get(`/messages/${room.id}`)), data(await ben.api.get(`/messages/${room.id}`)));
		assert.deepEqual(data(await backend.api.get(`/messages/conversations/${randomUUID()}`)), []);
		refused(await backend.api.get(`/messages/${randomUUID()}`), 404);
	});

	it('for itself sees what is from before a member joined', async () => {
		const late = await groupOf(ann, [], { history: 'joined' });
		await send(ann, late, 'Before');
		must(await ann.api.put(`conversations/${late.id}/members/${ben.id}`, {}), 204);
		assert.equal(data(await ben.api.get(`/messages/${late.id}`)).total, 0);
		assert.equal(data(await backend.api.get(`/messages/${late.id}`)).total, 1);
	});

	it('for itself opens a conversation of anybody, whose first participant owns it', async () => {
		const match = handleOf('match');
		const made = data(await open(backend, match, cat, ann), 201);
		assert.deepEqual(made.participants, people(ann, cat));
		const group = must(await cat.api.get(`conversations/${made.id}`), 200);
		assert.equal(group.members.find(({ user_id }) => user_id === cat.id).role, 'owner');
		assert.deepEqual(data(await open(backend, match, ann)), made);
		assert.deepEqual(data(await open(backend, match, eve, ben)), made, 'whoever is named now');
	});

	it('is told whom there is not', async () => {
		const nobody = { id: randomUUID() };
		for (const those of [[nobody, ann], [ann, nobody], [nobody]])
			refused(await open(backend, handleOf('match'), ...those), 422, new RegExp(`There is no user ${nobody.id}`));
	});

	it('for itself marks for whom it names, where it may act for people', async () => {
		const mark = (user_id, id = room.id) => backend.api.post(`/messages/${id}/mark-read`, { user_id });
		assert.deepEqual(data(await mark(ben.id)), { last_read_seq: 1, unread_count: 0 });
		refused(await mark(eve.id), 404);
		refused(await mark(ben.id, randomUUID()), 404);
		assert.equal(must(await ben.api.get(`conversations/${room.id}`), 200).me.unread_count, 0);
	});

	it('that acts for somebody sees and does what that person may', async () => {
		const asBen = backend.as(ben);
		data(await asBen.get(`/messages/conversations/${ben.id}`));
		data(await asBen.get(`/messages/${room.id}`));
		refused(await asBen.get(`/messages/conversations/${ann.id}`), 403);
		refused(await backend.as(eve).get(`/messages/${room.id}`), 403);
		refused(await asBen.post(`/messages/${room.id}/mark-read`, { user_id: ann.id }), 403);
		refused(await asBen.post('/messages', { request_match_id: handleOf('match'), participant_ids: [ann.id] }), 403);
		assert.equal(data(await asBen.post('/messages', { request_match_id: room.external_ref, participant_ids: [ben.id] })).id, room.id);
	});

	it('needs the scope of what it does', async () => {
		const reader = await service(stack, 'messages:read');
		data(await reader.api.get(`/messages/${room.id}`));
		refused(await reader.api.post(`/messages/${room.id}/mark-read`, { user_id: ben.id }), 403, /messages:write/);
		refused(await open(reader, handleOf('match'), ann), 403, /conversations:write/);
		const marker = await service(stack, 'messages:write');
		const unread = async () => must(await ben.api.get(`conversations/${room.id}`), 200).me.unread_count;
		await send(ann, room, 'For Ben to read');
		const before = await unread();
		assert.ok(before > 0);
		refused(await marker.api.post(`/messages/${room.id}/mark-read`, { user_id: ben.id }), 403, /act-as/);
		assert.equal(await unread(), before);
		const writer = await service(stack, 'messages:write conversations:write');
		refused(await writer.api.get(`/messages/conversations/${ann.id}`), 403, /messages:read/);
	});
});

describe('everything below /messages is in the envelope', () => {
	const lines = () => [`Authorization: Bearer ${ann.token}`, 'Content-Type: application/json'];

	it('who is nobody', async () => {
		for (const token of [undefined, 'x.y.z']) {
			const answer = await api(stack, token).get(`/messages/conversations/${ann.id}`);
			refused(answer, 401, /token/);
			assert.match(answer.headers.get('WWW-Authenticate'), /^Bearer/);
		}
	});

	it('what is not there', async () => {
		for (const path of ['/messages/', '/messages/x', '/messages/conversations', '/messages/conversations/x', '/messages/conversations/x/y'])
			refused(await ann.api.get(path), 404);
	});

	it('what an address does not take', async () => {
		const answer = await ann.api.get('/messages');
		refused(answer, 405);
		assert.equal(answer.headers.get('Allow'), 'POST');
		const asked = await ann.api.call('OPTIONS', `/messages/${randomUUID()}/mark-read`);
		assert.deepEqual([asked.status, asked.headers.get('Allow')], [204, 'POST']);
	});

	it('what is no JSON, too long or too large', async () => {
		refused(await raw(stack, 'POST /messages HTTP/1.1', lines(), '{'), 400);
		refused(await raw(stack, 'POST /messages HTTP/1.1', ['Content-Type: text/plain', lines()[0]], '{}'), 415);
		refused(await raw(stack, 'POST /messages HTTP/1.1', lines(), `{"x":"${'x'.repeat(256 * 1024)}"}`), 413);
		refused(await raw(stack, `GET /messages/x?${'x'.repeat(2049)} HTTP/1.1`, lines()), 414);
		refused(await raw(stack, 'GET /messages/x HTTP/1.1', ['Accept: text/html']), 404);
		refused(await raw(stack, `GET /messages/${randomUUID()} HTTP/1.1`, ['Accept: text/html']), 406);
	});

	it('what the web server in front refuses by itself', async () => {
		const nginx = await startNginx(stack);
		try {
			for (const front of [stack, nginx]) {
				const large = await raw(front, 'POST /messages HTTP/1.1', lines(), 'x'.repeat(1_100_000));
				refused(large, 413);
				assert.equal(large.headers.get('X-Request-Id'), null);
			}
			const much = Array.from({ length: 3 }, (_, n) => `X-${n}: ${'x'.repeat(15_000)}`);
			refused(await raw(nginx, 'GET /messages/x HTTP/1.1', much), 431);
		} finally {
			await nginx.stop();
		}
	});

	it('in one’s own language', async () => {
		const answer = await ann.api.get('/messages/x', { headers: { 'accept-language': 'de' } });
		refused(answer, 404, /^Das gibt es hier nicht\.$/);
		assert.equal(answer.headers.get('Content-Language'), 'de');
	});

	it('and nothing else is', async () => {
		for (const path of ['/api/v1/messages', '/api/messages/x'])
			assert.equal((await ann.api.get(path)).body.code, 'not_found');
	});
});
