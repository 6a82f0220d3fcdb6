// Services: the host product's backend with a token of its own. What it may do, for whom, and what is kept of it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { api, connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { documentedRoutes } from '../lib/contract.mjs';
import { auditOf, builtRoutes, parley, parleyJson, service } from '../lib/operator.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';
import { raw } from './raw.mjs';

const routes = await builtRoutes();
const name = ({ method, path }) => `${method} ${path}`;
const scopes = [...new Set(routes.map(({ scope }) => scope))].filter((scope) => scope !== '-');
const filled = (path, ids = {}) => path.replaceAll(/\{([a-z]+)\}/g, (all, key) => ids[key] ?? randomUUID());

let stack, ann, ben, room, backend;
before(async () => {
	stack = await sharedStack();
	[ann, ben] = await Promise.all([register(stack, 'Ann'), register(stack, 'Ben')]);
	room = await groupOf(ann, [ben]);
	backend = await service(stack);
});
after(() => stack?.stop());

function refused(answer, detail) {
	assert.equal(answer.status, 403, answer.text);
	// the routes of the older service have an envelope of their own
	if (answer.body.success !== false) assert.equal(answer.body.code, 'forbidden');
	assert.match(answer.body.detail ?? answer.body.message, detail);
}

const shown = ({ status, body: { request_id, ...rest } }) => ({ status, ...rest });

/** The log of a service, once every request of it has been answered there. */
async function auditDone(what, count) {
	let rows;
	await waitFor(async () => {
		rows = await auditOf(stack, what);
		return rows.length >= count && rows.every(({ status }) => status !== null);
	}, 5000, `${count} answered rows`);
	assert.equal(rows.length, count, JSON.stringify(rows));
	return rows;
}

describe('a scope', () => {
	for (const scope of scopes)
		it(`${scope} is needed where the table of routes says so, and gives what it says`, async () => {
			const others = [...scopes.filter((other) => other !== scope), 'act-as'].join(' ');
			const [without, only] = await Promise.all([service(stack, others), service(stack, `${scope} act-as`)]);
			for (const route of routes.filter((row) => row.scope === scope)) {
				const path = filled(route.path);
				refused(await without.as(ann).call(route.method, path), new RegExp(`scope ${scope}\\.$`));
				// erases, and somebody else than Ann
				const who = name(route) === 'DELETE /api/v1/users/me' ? await register(stack, 'Gone') : ann;
				// there what is not one's own is 403, too
				const own = route.path.startsWith('/messages/') ? { person: who.id, conversation: room.id } : {};
				const answer = await only.as(who).call(route.method, filled(route.path, own));
				assert.ok(![401, 403].includes(answer.status), `${name(route)}: ${answer.status} ${answer.text}`);
			}
		});

	it('that does not stand in the table is none: routes without one are for people alone', async () => {
		const selves = routes.filter(({ guard }) => guard === 'self');
		assert.ok(selves.length > 5);
		for (const route of selves) {
			assert.equal(route.scope, '-', name(route));
			for (const caller of [backend.api, backend.as(ann)])
				refused(await caller.call(route.method, filled(route.path)), /^Only people/);
		}
		must(await ann.api.get('users/me'), 200);
	});

	it('act-as is needed to act for somebody', async () => {
		const all = await service(stack, scopes.join(' '));
		refused(await all.as(ann).get('users/me'), /scope act-as\.$/);
	});

	it('is documented, route by route, with whom it is done for', () => {
		for (const route of routes) {
			const { operation } = documentedRoutes.find((row) => name(row) === name(route));
			const services = (operation.security ?? []).filter((one) => one.service).map((one) => one.service);
			const acting = (operation.parameters ?? []).filter(({ $ref }) => $ref?.endsWith('/Parley-Act-As'));
			const open = ['user', 'any'].includes(route.guard);
			assert.deepEqual(services, open ? [[route.scope]] : [], `${name(route)}: security`);
			assert.equal(acting.length, open ? 1 : 0, `${name(route)}: Parley-Act-As`);
		}
	});
});

describe('acting for somebody', () => {
	it('does what that one could do, and events name it', async () => {
		const phone = await connect(ben);
		const me = must(await backend.as(ann).get('users/me'), 200);
		assert.equal(me.id, ann.id);
		assert.ok('email' in me, 'it is the own profile');
		const sent = must(await backend.as(ann).post(`conversations/${room.id}/messages`, { body: 'For Ann' }), 201);
		assert.equal(sent.sender_id, ann.id);
		const event = await phone.event('message.created', room);
		assert.equal(event.data.sender_id, ann.id);
		assert.equal(event.data.id, sent.id);
		must(await backend.as(ben).post(`conversations/${room.id}/read`, { seq: sent.seq }), 200);
		assert.equal(must(await ben.api.get(`conversations/${room.id}`), 200).me.last_read_seq, sent.seq);
		await phone.end();
	});

	it('does nothing that it could not do', async () => {
		const stranger = await register(stack, 'Stranger');
		const path = `conversations/${room.id}/messages`;
		const [there, absent] = [
			await backend.as(stranger).get(path),
			await backend.as(stranger).get(`conversations/${randomUUID()}/messages`),
		];
		assert.equal(there.status, 404);
		assert.deepEqual(shown(there), shown(absent));
		assert.equal((await backend.as(stranger).post(path, { body: 'No' })).status, 404);
		refused(await backend.as(ben).patch(`conversations/${room.id}`, { title: 'Ben’s' }), /./);
	});

	it('is asked for where something is somebody’s', async () => {
		for (const route of routes.filter(({ guard }) => guard === 'user'))
			refused(await backend.api.call(route.method, filled(route.path)), /name it in Parley-Act-As/);
	});

	it('is for services alone: a person who tries is told so, and nothing is done', async () => {
		for (const who of [ann.id, ben.id, 'x']) {
			const answer = await ann.api.patch('users/me', { bio: 'Acted' }, { headers: { 'Parley-Act-As': who } });
			refused(answer, /leave out Parley-Act-As/);
		}
		assert.equal(must(await ann.api.get('users/me'), 200).bio, null);
		const gone = await register(stack, 'Gone');
		must(await gone.api.post('auth/logout'), 204);
		const answer = await gone.api.get('users/me', { headers: { 'Parley-Act-As': ann.id } });
		assert.equal(answer.status, 401);
	});

	it('is refused for nobody, and for whose account is erased or disabled', async () => {
		const [erased, disabled] = await Promise.all([register(stack, 'Erased'), register(stack, 'Disabled')]);
		must(await backend.as(disabled).get('users/me'), 200);
		must(await erased.api.delete('users/me'), 204);
		await stack.sql(`select user_disable('${disabled.id}', gen_random_uuid())`);
		const answers = [];
		for (const who of [randomUUID(), erased, disabled]) answers.push(await backend.as(who).get('users/me'));
		for (const answer of answers) {
			refused(answer, /names nobody/);
			assert.deepEqual(shown(answer), shown(answers[0]));
		}
	});

	it('is for one user, once, in one header', async () => {
		const line = (value, header = 'Parley-Act-As') => `${header}: ${value}`;
		const get = (...lines) =>
			raw(stack, 'GET /api/v1/users/me HTTP/1.1', [`Authorization: Bearer ${backend.token}`, ...lines]);
		const upper = must(await get(line(ann.id.toUpperCase())), 200);
		assert.equal(upper.id, ann.id);
		assert.equal(must(await get(line(` ${ann.id}\t`)), 200).id, ann.id, 'blanks around are HTTP’s');
		const bad = [
			[line(ann.id), line(ben.id)],
			[line(ann.id), line(ann.id)],
			[line(`${ann.id}, ${ben.id}`)],
			[line(`${ann.id},`)],
			[line('me')],
			[line(ann.handle)],
			[line(`{${ann.id}}`)],
			[line(ann.id.replaceAll('-', ''))],
			[line(`${ann.id}0`)],
			[line('00000000-0000-0000-0000-000000000000')],
		];
		for (const lines of bad) {
			const answer = await get(...lines);
			assert.equal(answer.status, 400, `${lines}: ${answer.text}`);
			assert.equal(answer.body.code, 'malformed');
			assert.match(answer.body.detail, /Parley-Act-As/);
		}
		// what becomes the same variable behind a web server
		for (const lines of [
			[line(ann.id, 'Parley_Act_As')],
			[line(ann.id), line(ben.id, 'Parley_Act_As')],
			[line(ben.id, 'parley_act_as'), line(ann.id)],
			[line(ben.id, 'Parley_Act-As'), line(ann.id)],
		]) {
			const answer = await get(...lines);
			assert.ok([400, 403].includes(answer.status), `${lines}: ${answer.status} ${answer.text}`);
		}
	});

	it('with a header that is none, whoever has no token learns only that', async () => {
		const answer = await api(stack, `pst_${'A'.repeat(43)}`, { 'Parley-Act-As': 'x' }).get('users/me');
		assert.equal(answer.status, 401);
		assert.doesNotMatch(answer.text, /Act-As/);
	});
});

describe('a token', () => {
	it('that is unknown, expired, revoked or no token at all is one and the same', async () => {
		const [expired, revoked] = await Promise.all([service(stack), service(stack)]);
		must(await expired.as(ann).get('users/me'), 200);
		await stack.sql(`update service_tokens set created_at = now() - interval '2 hours',
			expires_at = now() - interval '1 second' where id = '${expired.id}'`);
		await parleyJson(stack, 'token', 'revoke', revoked.id);
		const texts = [
			`pst_${'A'.repeat(43)}`,
			expired.token,
			revoked.token,
			`${backend.token}A`,
			backend.token.slice(0, -1),
			backend.token.toUpperCase(),
			backend.token.toLowerCase(),
			'pst_',
			`${backend.token} x`,
			`${backend.token}, Bearer ${backend.token}`,
		];
		const known = shown(await api(stack, 'pst_').get('users/me'));
		assert.equal(known.status, 401);
		for (const text of texts) {
			const answer = await api(stack, text, { 'Parley-Act-As': ann.id }).get('users/me');
			assert.deepEqual(shown(answer), known, text.slice(0, 8));
			assert.equal(answer.headers.get('WWW-Authenticate'), 'Bearer realm="parley"');
		}
		assert.equal((await auditOf(stack, revoked)).length, 0, 'what was let in never is not in the log');
	});

	it('is refused from its revocation on, in every worker, whatever is under way', async () => {
		const doomed = await service(stack);
		const caller = doomed.as(ann);
		const warm = await Promise.all(Array.from({ length: 32 }, () => caller.get('unread')));
		for (const answer of warm) must(answer, 200);
		let over = false,
			ended = false;
		const racers = Array.from({ length: 4 }, async () => {
			while (!over) {
				const late = ended;
				const { status } = await caller.get('unread');
				assert.ok(status === 401 || (status === 200 && !late), `${status} when it was${late ? '' : ' not'} revoked`);
			}
		});
		await parleyJson(stack, 'token', 'revoke', doomed.name);
		ended = true;
		const cold = await Promise.all(Array.from({ length: 32 }, () => caller.get('unread')));
		for (const answer of cold) assert.equal(answer.status, 401);
		over = true;
		await Promise.all(racers);
	});

	it('lasts until it expires', async () => {
		const short = await service(stack, 'all', ['--expires', '90d']);
		assert.ok(Math.abs(Date.parse(short.expires_at) - Date.now() - 90 * 86400_000) < 60_000);
		must(await short.as(ann).get('users/me'), 200);
	});

	it('is known to have been used, to the minute', async () => {
		const used = await service(stack);
		const row = async () => (await parleyJson(stack, 'token', 'list')).data.find(({ id }) => id === used.id);
		assert.equal((await row()).last_used_at, null);
		must(await used.as(ann).get('users/me'), 200);
		const first = (await row()).last_used_at;
		assert.ok(Math.abs(Date.parse(first) - Date.now()) < 60_000, first);
		must(await used.as(ann).get('users/me'), 200);
		assert.equal((await row()).last_used_at, first);
		await stack.sql(`update service_tokens set last_used_at = now() - interval '61 seconds' where id = '${used.id}'`);
		must(await used.as(ann).get('users/me'), 200);
		assert.ok((await row()).last_used_at > first);
	});

	it('is nothing to the broker', async () => {
		for (const id of [ann.id, backend.id])
			await assert.rejects(connect({ stack, id, token: backend.token }), /[Nn]ot authorized|Bad (User|user)/);
	});

	it('is nowhere but with its owner', async () => {
		must(await backend.as(ann).get('users/me'), 200);
		const logs = await stack.logs();
		for (const text of [...Object.values(logs), await stack.sql('table service_tokens'), await stack.sql('table audit')])
			assert.ok(!text.includes(backend.token.slice(4)));
		const line = (await readFile(join(stack.var, 'log/rest.log'), 'utf8')).split('\n').filter((one) => one.includes(backend.id));
		assert.ok(line.length > 0 && JSON.parse(line.at(-1)).user_id === ann.id, 'the access log names both');
	});
});

describe('the audit log', () => {
	it('has each request with whom it was for, what of, and what it was answered', async () => {
		const noted = await service(stack, 'messages:read users:read act-as');
		const conversation = await directOf(ann, ben);
		const message = await send(ann, conversation, 'Noted');
		const headers = { 'X-Request-Id': `audit-${randomUUID()}` };
		must(await noted.as(ann).get(`conversations/${conversation.id}/messages/${message.id.toUpperCase()}`, { headers }), 200);
		must(await noted.as(ben).head('users/me'), 200);
		assert.equal((await noted.as(ben).post(`conversations/${conversation.id}/messages`, { body: 'x' })).status, 403);
		assert.equal((await noted.as('x').get('users/me')).status, 400);
		assert.equal((await noted.api.get('users/me')).status, 403);
		assert.equal((await noted.as(ann).get(`conversations/${randomUUID()}/messages`)).status, 404);
		assert.equal((await noted.as(ann).get('nothing')).status, 404);
		const rows = await auditDone(noted, 6);
		const V1 = '/api/v1';
		assert.deepEqual(
			rows.map(({ method, route, user_id, status }) => [method, route, user_id, status]),
			[
				['GET', `${V1}/conversations/{conversation}/messages/{message}`, ann.id, 200],
				['HEAD', `${V1}/users/me`, ben.id, 200],
				['POST', `${V1}/conversations/{conversation}/messages`, ben.id, 403],
				['GET', `${V1}/users/me`, null, 400],
				['GET', `${V1}/users/me`, null, 403],
				['GET', `${V1}/conversations/{conversation}/messages`, ann.id, 404],
			],
		);
		assert.deepEqual(rows[0].targets, [conversation.id, message.id]);
		assert.deepEqual(rows[1].targets, []);
		assert.equal(rows[0].request_id, headers['X-Request-Id']);
		assert.equal(rows[0].remote_address, '127.0.0.1');
		assert.equal(rows[0].token, noted.name);
		assert.equal(rows[0].user, ann.handle);
		for (const row of rows) assert.ok(Math.abs(Date.parse(row.at) - Date.now()) < 60_000);
	});

	it('is told by token, by user, since a time, and so many', async () => {
		const [one, other] = await Promise.all([service(stack), service(stack)]);
		const reader = await register(stack, 'Reader');
		for (const who of [one, other, one]) must(await who.as(reader).get('users/me'), 200);
		must(await one.as(ann).get('users/me'), 200);
		await auditDone(one, 3);
		const list = async (...args) => (await parleyJson(stack, 'audit', 'list', ...args)).data.map(({ token_id, user_id }) => [token_id, user_id]);
		assert.deepEqual(await list('--user', reader.handle), [[one.id, reader.id], [other.id, reader.id], [one.id, reader.id]]);
		assert.deepEqual(await list('--user', reader.id, '--token', other.name), [[other.id, reader.id]]);
		assert.deepEqual(await list('--token', one.id, '--limit', '2'), [[one.id, ann.id], [one.id, reader.id]]);
		await stack.sql(`update audit set at = now() - interval '3 hours' where token_id = '${one.id}' and user_id = '${reader.id}'`);
		assert.deepEqual(await list('--token', one.id, '--since', '2h'), [[one.id, ann.id]]);
		assert.deepEqual(await list('--token', one.id, '--since', '2100-01-01T00:00:00Z'), []);
		assert.equal((await list('--token', one.id, '--since', '4h')).length, 3);
	});

	it('has a row without an answer where a process died before it', async () => {
		const dead = await service(stack);
		await stack.sql(`insert into audit (token_id, method, route, targets, request_id) values ('${dead.id}', 'GET', '/x', '{}', 'r')`);
		const [row] = await auditOf(stack, dead);
		assert.equal(row.status, null);
		const { stdout } = await parley(stack, ['audit', 'list', '--token', dead.name]);
		assert.match(stdout, /GET +\/x +- +- +r\n$/);
	});

	it('is added to, and what is in it is not touched', async () => {
		const marks = () => stack.sql('select id, xmin, xmax from audit order by id limit 3');
		for (let i = 0; i < 4; i++) must(await backend.as(ann).get('users/me'), 200);
		const before = await marks();
		must(await backend.as(ann).get('users/me'), 200);
		assert.equal(await marks(), before);
	});

	it('loses what is older than it is to be kept, a little with each request', async () => {
		const old = await service(stack);
		// before all that there is
		await stack.sql(`insert into audit (id, at, token_id, method, route, targets, request_id) overriding system value
			select -n, now() - interval '1 day' * case n when 1 then 364 else 366 end, '${old.id}'::uuid, 'GET', '/' || n, '{}', 'r'
			from generate_series(1, 5) n`);
		const left = async () => (await auditOf(stack, old)).map(({ route }) => route);
		must(await backend.as(ann).get('users/me'), 200);
		assert.deepEqual(await left(), ['/3', '/2', '/1']);
		must(await backend.as(ann).get('users/me'), 200);
		must(await backend.as(ann).get('users/me'), 200);
		assert.deepEqual(await left(), ['/1']);
		await stack.sql(`update audit set at = now() - interval '366 days' where id = -1`);
		must(await backend.as(ann).get('users/me'), 200);
		assert.deepEqual(await left(), []);
	});
});
