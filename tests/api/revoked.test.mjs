// From the 204 of whatever ends a session on, no request with its token succeeds: on no route, in no worker, in no
// transaction, however the requests race with it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { api, directOf, groupOf, must, PASSWORD, register, send, signIn } from '../lib/client.mjs';
import { documentedRoutes } from '../lib/contract.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

let stack, friend;
before(async () => {
	stack = await sharedStack();
	friend = await register(stack, 'Friend');
});
after(() => stack?.stop());

/** So many at once that every worker has seen the token and keeps it as verified. */
async function warm(session) {
	const answers = await Promise.all(Array.from({ length: 32 }, () => session.api.get('unread')));
	for (const answer of answers) must(answer, 200);
}

function refused(answer, what) {
	assert.equal(answer.status, 401, `${what}: ${answer.status} ${answer.text}`);
	// the older service's envelope has no code
	if ('success' in answer.body) assert.deepEqual(Object.keys(answer.body), ['success', 'message'], what);
	else assert.equal(answer.body.code, 'unauthorized', what);
	assert.equal(answer.body.errors, undefined, `${what} tells nothing else`);
	assert.match(answer.headers.get('WWW-Authenticate'), /^Bearer/);
}

// What ends a session: given the session and another of the same person; resolves after the 204.
const ENDS = {
	'logging out': (session) => session.api.post('auth/logout').then((answer) => must(answer, 204)),
	'ending it from another': (session, other) =>
		other.api.delete(`sessions/${session.session.id}`).then((answer) => must(answer, 204)),
	'ending its device': (session, other) =>
		other.api.delete(`devices/${session.session.device.id}`).then((answer) => must(answer, 204)),
	'changing the password elsewhere': (session, other) =>
		other.api.post('auth/password', { current: PASSWORD, new: `${PASSWORD}2` }).then((answer) => must(answer, 204)),
	'erasing the account': (session, other) => other.api.delete('users/me').then((answer) => must(answer, 204)),
	'using a refresh token twice': async ({ refresh_token }) => {
		must(await api(stack).post('auth/refresh', { refresh_token }), 200);
		assert.equal((await api(stack).post('auth/refresh', { refresh_token })).status, 401);
	},
};

async function pair() {
	const session = await register(stack, 'Revoked');
	return [session, await signIn(session)];
}

for (const [what, end] of Object.entries(ENDS))
	describe(`after ${what}`, () => {
		it('no route takes the token any more, in any worker', async () => {
			const [session, other] = await pair();
			const conversation = await directOf(session, friend);
			const message = await send(session, conversation, 'Before');
			const ids = {
				conversation: conversation.id,
				message: message.id,
				user: friend.id,
				person: session.id,
				session: session.session.id,
				device: session.session.device.id,
			};
			await warm(session);
			await end(session, other);
			for (const route of documentedRoutes.filter(({ user }) => user)) {
				const path = route.path.replaceAll(/\{([a-z]+)\}/g, (all, key) => ids[key] ?? randomUUID());
				const name = `${route.method} ${route.path}`;
				const tries = [undefined];
				// what is wrong with a request is not for this sender to know either
				const older = { request_match_id: randomUUID(), participant_ids: [session.id, friend.id], user_id: session.id };
				if (route.operation.requestBody)
					tries.push({}, { body: 'After', kind: 'direct', member_ids: [friend.id], current: PASSWORD, new: PASSWORD, ...older });
				for (const body of tries)
					refused(await session.api.call(route.method, path, body), `${name} with ${JSON.stringify(body)}`);
			}
			const late = await Promise.all(Array.from({ length: 32 }, () => session.api.get('unread')));
			for (const answer of late) refused(answer, 'any worker');
			const { data } = must(await friend.api.get(`conversations/${conversation.id}/messages`), 200);
			assert.deepEqual(data.map(({ body }) => body), ['Before']);
			assert.equal(must(await friend.api.get('users/me'), 200).deleted, false);
		});
	});

it('a request inside a transaction does nothing with the token of a session that has ended', async () => {
	const session = await register(stack, 'Transaction');
	const room = await groupOf(session, [friend]);
	const count = () => stack.sql(`select count(*) from conversations where created_by = '${session.id}'`);
	const before_ = await count();
	await warm(session);
	must(await session.api.post('auth/logout'), 204);
	for (const kind of ['group', 'direct'])
		refused(await session.api.post('conversations', { kind, member_ids: [friend.id] }), 'POST conversations');
	refused(await session.api.get(`conversations/${room.id}`), 'GET conversation');
	refused(await session.api.patch('users/me', { bio: 'changed' }), 'PATCH users/me');
	assert.equal(await count(), before_);
	assert.equal(await stack.sql(`select bio is null from users where id = '${session.id}'`), 't');
});

it('who may not know of a conversation learns as little with such a token', async () => {
	const session = await register(stack, 'Nobody');
	must(await session.api.post('auth/logout'), 204);
	refused(await session.api.get(`conversations/${randomUUID()}`), 'an absent one');
	refused(await session.api.get('conversations?cursor=x'), 'a bad parameter');
	refused(await session.api.get(`conversations/${randomUUID()}/messages?before=x&after=${randomUUID()}`), 'both');
	refused(
		await session.api.call('POST', 'conversations', undefined, { headers: { 'content-type': 'application/json' }, body: '{' }),
		'no JSON',
	);
});

it('a token of a live session, but of another user, is none', async () => {
	const { createPrivateKey, sign } = await import('node:crypto');
	const { readFile } = await import('node:fs/promises');
	const key = createPrivateKey(await readFile(`${stack.var}/keys/token.key`));
	const [ann, ben] = [await register(stack, 'Ann'), await register(stack, 'Ben')];
	const [head, claims] = ann.token.split('.').map((part, i) => (i < 2 ? JSON.parse(Buffer.from(part, 'base64url')) : part));
	const signed = (change) => {
		const covered = [head, { ...claims, ...change }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
		return `${covered}.${sign(null, Buffer.from(covered), key).toString('base64url')}`;
	};
	must(await api(stack, signed({})).get('unread'), 200);
	refused(await api(stack, signed({ sid: ben.session.id })).get('unread'), 'the session of another');
	refused(await api(stack, signed({ sub: ben.id })).get('unread'), 'another with the session');
	refused(await api(stack, signed({ sid: randomUUID() })).get('unread'), 'no session');
});

it('no request that begins after the 204 succeeds, however many are under way', async () => {
	for (const end of [ENDS['logging out'], ENDS['ending its device'], ENDS['changing the password elsewhere']]) {
		const [session, other] = await pair();
		const conversation = await directOf(session, friend);
		const requests = [
			() => session.api.get('users/me'),
			() => session.api.get(`conversations/${conversation.id}`),
			() => session.api.post(`conversations/${conversation.id}/messages`, { body: 'Racing' }),
			() => session.api.post('conversations', { kind: 'direct', member_ids: [friend.id] }),
			() => session.api.get('conversations'),
		];
		let ended = Infinity,
			acked = 0,
			late = 0;
		const client = async (number) => {
			for (let i = number; late < 200; i++) {
				const begun = performance.now();
				const answer = await requests[i % requests.length]();
				if (begun > ended) late++;
				if (begun > ended || answer.status === 401) refused(answer, 'a late one');
				else assert.ok([200, 201].includes(answer.status), answer.text);
				if (answer.status === 201 && answer.body.seq) acked++;
			}
		};
		const clients = Array.from({ length: 12 }, (_, i) => client(i));
		// a client that fails says so at once, and is not waited past
		await Promise.race([...clients, waitFor(() => acked >= clients.length, 10_000, 'all are under way')]);
		await end(session, other);
		ended = performance.now();
		await Promise.all(clients);
		assert.ok(acked > 0);
		assert.equal(must(await friend.api.get(`conversations/${conversation.id}`), 200).last_seq, acked);
	}
});
