// Who may do what: every route × every kind of caller × its own, a foreign and an absent thing, against one table. What the table
// does not give is refused, changes nothing, and does not tell a foreign thing from an absent one.
import assert from 'node:assert/strict';
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { api, directOf, groupOf, handleOf, must, register, send } from '../lib/client.mjs';
import { attach, fileOf } from '../lib/files.mjs';
import { builtRoutes, service } from '../lib/operator.mjs';
import { sharedStack } from '../lib/stack.mjs';

// --- the table ----------------------------------------------------------------------------------

/*
 * The callers. member, admin and owner are of the group; former was; blocked is in nothing but a direct conversation with the
 * owner, who has blocked it. acting: a service with the route's scope, for somebody who is a member; itself: the same
 * service, for nobody; unscoped: one with every other scope, for that member.
 */
const PEOPLE = ['stranger', 'former', 'member', 'admin', 'owner', 'blocked'];
const SERVICES = ['acting', 'itself', 'unscoped'];
const CALLERS = ['nobody', 'expired', ...PEOPLE, ...SERVICES];

/** A row's cells, from the left: each caller's status, or status and code. */
const cells = (statuses) => Object.fromEntries(CALLERS.map((caller, i) => [caller, statuses[i]]));
const open = (all) => cells(CALLERS.map(() => all));
const NONE = [401, [401, 'token_expired']];
/** What a person does with a session of its own, and no service for it. */
const self = (status) => cells([...NONE, ...PEOPLE.map(() => status), 403, 403, 403]);
/** What anybody does, and a service for somebody; itself: what it may on its own. */
const user = (status, itself = 403) => cells([...NONE, ...PEOPLE.map(() => status), status, itself, 403]);
/** What those of the group do; others: what all others are answered. */
const group = (member, admin = member, owner = member, { others = 404, itself = 403 } = {}) =>
	cells([...NONE, others, others, member, admin, owner, others, member, itself, 403]);
/** What the two of the direct conversation do. */
const direct = (status, { others = 404, itself = 403 } = {}) =>
	cells([...NONE, others, others, others, others, status, status, others, itself, 403]);
const hidden = group(404);
const BLOCKED = [403, 'blocked'];

/*
 * A route's targets: what it is asked for, and what comes of it. ids: what stands in the path, from the scene and the person who
 * asks; query; body; headers; spare: asked with a session to spare; last: when all else has been asked.
 */
const CONVERSATION = {
	group: ({ group: { id, message }, other }) => ({ conversation: id, message: message.id, user: other.id }),
	direct: ({ direct: { id, message }, blocked }) => ({ conversation: id, message: message.id, user: blocked.id }),
	foreign: ({ foreign: { id, message }, other }) => ({ conversation: id, message: message.id, user: other.id }),
	absent: ({ group: { message }, other }) => ({ conversation: randomUUID(), message: message.id, user: other.id }),
};
/** The four, with what becomes of each; body is the same for all. */
const conversations = (body, inGroup, inDirect, { out = hidden, gone = hidden } = {}) => ({
	group: { ids: CONVERSATION.group, body, ...inGroup },
	direct: { ids: CONVERSATION.direct, body, ...inDirect },
	foreign: { ids: CONVERSATION.foreign, body, ...out },
	absent: { ids: CONVERSATION.absent, body, ...gone },
});
const people = (body, there, absent) => ({
	somebody: { ids: ({ other: { id } }) => ({ user: id }), body, ...there },
	absent: { ids: () => ({ user: randomUUID() }), body, ...absent },
});
const once = (all) => ({ own: all });
/** Those of somebody else, as they were sent. */
const files = {
	...Object.fromEntries(
		Object.entries({ group: group(200), direct: direct(200), foreign: hidden }).map(([where, row]) => [
			where,
			{ ids: (scene) => ({ attachment: scene[where].file.id }), ...row },
		]),
	),
	'nowhere yet': { ids: ({ unsent }) => ({ attachment: unsent.id }), ...hidden },
	absent: { ids: () => ({ attachment: randomUUID() }), ...hidden },
};

/** Keys of a device, of the right lengths. */
const KEYS = {
	identity_key: `${'A'.repeat(43)}=`,
	signed_prekey: { key_id: 1, public_key: `${'A'.repeat(43)}=`, signature: `${'A'.repeat(86)}==` },
};

const TABLE = {
	// what has no guard looks at no token; that what it is sent is wrong keeps it from computing password hashes
	'POST /api/v1/auth/register': once({ body: () => ({}), ...open(422) }),
	'POST /api/v1/auth/login': once({ body: () => ({}), ...open(422) }),
	'POST /api/v1/auth/refresh': once({ body: () => ({ refresh_token: 'x' }), ...open(401) }),
	'POST /api/v1/auth/password/reset': once({ body: () => ({}), ...open(422) }),
	'POST /api/v1/auth/password/reset/confirm': once({ body: () => ({}), ...open(422) }),
	'POST /api/v1/webhooks/identity': once({ body: () => ({ type: 'user.updated', data: { id: 'matrix' } }), ...open(401) }),
	'GET /api/v1/config': once(open(200)),
	'GET /health': once(open(200)),

	'POST /api/v1/auth/logout': once({ spare: 'logout', ...self(204) }),
	'POST /api/v1/auth/password': once({ body: () => ({}), ...self(422) }),
	'GET /api/v1/sessions': once(self(200)),
	'DELETE /api/v1/sessions/{session}': {
		own: { ids: (scene, { spares }) => ({ session: spares.session.session }), ...self(204) },
		foreign: { ids: ({ other }) => ({ session: other.session.id }), ...self(404) },
		absent: { ids: () => ({ session: randomUUID() }), ...self(404) },
	},
	'GET /api/v1/devices': once(self(200)),
	'DELETE /api/v1/devices/{device}': {
		own: { ids: (scene, { spares }) => ({ device: spares.device.device }), ...self(204) },
		foreign: { ids: ({ other }) => ({ device: other.session.device.id }), ...self(404) },
		absent: { ids: () => ({ device: randomUUID() }), ...self(404) },
	},

	'PUT /api/v1/devices/{device}/keys': {
		own: { ids: (scene, me) => ({ device: me.session.device.id }), body: () => KEYS, ...self(200) },
		'another of one’s own': { ids: (scene, { spares }) => ({ device: spares.device.device }), body: () => KEYS, ...self(403) },
		foreign: { ids: ({ other }) => ({ device: other.session.device.id }), body: () => KEYS, ...self(404) },
		absent: { ids: () => ({ device: randomUUID() }), body: () => KEYS, ...self(404) },
	},
	'GET /api/v1/devices/{device}/keys': {
		own: { ids: (scene, me) => ({ device: me.session.device.id }), ...self(200) },
		foreign: { ids: ({ other }) => ({ device: other.session.device.id }), ...self(404) },
		absent: { ids: () => ({ device: randomUUID() }), ...self(404) },
	},

	'GET /api/v1/users': once({ query: 'q=matrix', ...user(200) }),
	'GET /api/v1/users/me': once(user(200)),
	'PATCH /api/v1/users/me': once({ body: () => ({ bio: 'Of the matrix' }), ...user(200) }),
	'DELETE /api/v1/users/me': once({ last: true, ...user(204) }),
	'GET /api/v1/users/{user}': people(undefined, user(200), user(404)),
	'GET /api/v1/users/{user}/keys': {
		...people(undefined, self(200), self(404)),
		'the owner': { ids: ({ owner }) => ({ user: owner.id }), ...self(200), blocked: BLOCKED },
		'who is blocked by the owner': { ids: ({ blocked }) => ({ user: blocked.id }), ...self(200) },
	},
	'GET /api/v1/contacts': once(user(200)),
	'PUT /api/v1/contacts/{user}': people(undefined, user(204), user(404)),
	'DELETE /api/v1/contacts/{user}': people(undefined, user(204), user(204)),
	'GET /api/v1/blocks': once(user(200)),
	'PUT /api/v1/blocks/{user}': people(undefined, user(204), user(404)),
	'DELETE /api/v1/blocks/{user}': people(undefined, user(204), user(204)),

	'GET /api/v1/conversations': once(user(200)),
	'POST /api/v1/conversations': {
		own: { body: ({ other }) => ({ kind: 'group', member_ids: [other.id] }), ...user(201) },
		'one with the owner': {
			body: ({ owner }) => ({ kind: 'direct', member_ids: [owner.id] }),
			...user(201),
			owner: 422,
			blocked: BLOCKED,
		},
		'one with who is blocked': {
			body: ({ blocked }) => ({ kind: 'direct', member_ids: [blocked.id] }),
			...user(201),
			owner: BLOCKED,
			blocked: 422,
		},
		absent: { body: () => ({ kind: 'group', member_ids: [randomUUID()] }), ...user(422) },
	},
	'GET /api/v1/conversations/{conversation}': conversations(undefined, group(200), direct(200)),
	'PATCH /api/v1/conversations/{conversation}': conversations(
		() => ({ title: 'Matrix' }),
		group(403, 200, 200),
		direct(409),
	),
	'DELETE /api/v1/conversations/{conversation}': {
		...conversations(undefined, {}, direct(409)),
		group: { ids: (scene) => ({ conversation: scene.doomed.id }), ...group(403, 403, 204) },
	},
	'PUT /api/v1/conversations/{conversation}/members/{user}': {
		...conversations(undefined, group(403, 204, 204), direct(409)),
		'the group, with an absent user': { ids: (scene) => ({ ...CONVERSATION.group(scene), user: randomUUID() }), ...group(403, 404, 404) },
		'the group, with a stranger': { ids: (scene) => ({ ...CONVERSATION.group(scene), user: scene.outsider.id }), ...group(403, 204, 204) },
		'the group, with oneself as the owner': {
			ids: (scene, me) => ({ ...CONVERSATION.group(scene), user: me.id }),
			body: () => ({ role: 'owner' }),
			...group(403, 403, 204),
		},
	},
	'DELETE /api/v1/conversations/{conversation}/members/{user}': {
		...conversations(undefined, group(403, 204, 204), direct(409)),
		'the group, with an absent user': { ids: (scene) => ({ ...CONVERSATION.group(scene), user: randomUUID() }), ...group(403, 404, 404) },
		'the group, with its owner': { ids: (scene) => ({ ...CONVERSATION.group(scene), user: scene.owner.id }), ...group(403, 403, 409) },
		'the group, with oneself': { ids: (scene, me) => ({ ...CONVERSATION.group(scene), user: me.id }), ...group(204, 204, 409), former: 204 },
	},
	'PATCH /api/v1/conversations/{conversation}/me': conversations(() => ({ pinned: true }), group(200), direct(200)),
	'GET /api/v1/conversations/{conversation}/messages': conversations(undefined, group(200), direct(200)),
	'POST /api/v1/conversations/{conversation}/messages': conversations(() => ({ body: 'Hello' }), group(201), direct(BLOCKED)),
	'GET /api/v1/conversations/{conversation}/messages/{message}': {
		...conversations(undefined, group(200), direct(200)),
		'a foreign one, as if it were in the group': {
			ids: (scene) => ({ ...CONVERSATION.group(scene), message: scene.foreign.message.id }),
			...hidden,
		},
		'an absent one in the group': { ids: (scene) => ({ ...CONVERSATION.group(scene), message: randomUUID() }), ...hidden },
	},
	// the message is the member's, and in the direct conversation the blocked one's
	'PATCH /api/v1/conversations/{conversation}/messages/{message}': {
		...conversations(() => ({ body: 'Edited' }), { ...group(200, 403, 403), acting: 403 }, { ...direct(403), blocked: BLOCKED }),
		'an absent one in the group': {
			ids: (scene) => ({ ...CONVERSATION.group(scene), message: randomUUID() }),
			body: () => ({ body: 'Edited' }),
			...hidden,
		},
	},
	'DELETE /api/v1/conversations/{conversation}/messages/{message}': {
		...conversations(undefined, {}, {}),
		group: { ids: (scene) => ({ ...CONVERSATION.group(scene), message: scene.group.doomed.id }), ...group(204), acting: 403 },
		direct: { ids: (scene) => ({ ...CONVERSATION.direct(scene), message: scene.direct.doomed.id }), ...direct(403), blocked: 204 },
		'an absent one in the group': { ids: (scene) => ({ ...CONVERSATION.group(scene), message: randomUUID() }), ...hidden },
	},
	'GET /api/v1/conversations/{conversation}/messages/{message}/versions': conversations(
		undefined,
		{ ...group(200, 403, 403), acting: 403 },
		{ ...direct(403), blocked: 200 },
	),
	'PUT /api/v1/conversations/{conversation}/messages/{message}/reactions/{emoji}': {
		...conversations(undefined, group(204), direct(BLOCKED)),
		'a foreign one, as if it were in the group': {
			ids: (scene) => ({ ...CONVERSATION.group(scene), message: scene.foreign.message.id }),
			...hidden,
		},
	},
	'DELETE /api/v1/conversations/{conversation}/messages/{message}/reactions/{emoji}': conversations(undefined, group(204), direct(204)),
	'GET /api/v1/conversations/{conversation}/messages/{message}/receipts': {
		...conversations(undefined, group(200), direct(200)),
		'a foreign one, as if it were in the group': {
			ids: (scene) => ({ ...CONVERSATION.group(scene), message: scene.foreign.message.id }),
			...hidden,
		},
	},
	'POST /api/v1/conversations/{conversation}/read': conversations(() => ({ seq: 1 }), group(200), direct(200)),
	'POST /api/v1/conversations/{conversation}/delivered': conversations(() => ({ seq: 1 }), group(200), direct(200)),
	'POST /api/v1/attachments': once({
		body: () => ({ any: 'file' }),
		headers: { 'content-disposition': 'attachment; filename=matrix.json' },
		...user(201),
	}),
	'GET /api/v1/attachments/{attachment}': files,
	'GET /api/v1/attachments/{attachment}/thumbnail': files,
	'GET /api/v1/search/messages': {
		all: { query: 'q=matrix', ...user(200) },
		...Object.fromEntries(
			Object.entries({ group: group(200), direct: direct(200), foreign: hidden, absent: hidden }).map(([where, row]) => [
				where,
				{ query: (scene) => `q=matrix&conversation=${CONVERSATION[where](scene).conversation}`, ...row },
			]),
		),
	},
	'GET /api/v1/unread': once(user(200)),
	'GET /api/v1/sync': once(user(200)),

	// the older service's: forbidden is its word for hidden, and a service for itself sees everything
	'GET /messages/conversations/{person}': {
		own: { ids: (scene, me) => ({ person: me.id }), ...user(200, 200) },
		foreign: { ids: ({ other }) => ({ person: other.id }), ...user(403, 200) },
		absent: { ids: () => ({ person: randomUUID() }), ...user(403, 200) },
	},
	'GET /messages/{conversation}': conversations(
		undefined,
		group(200, 200, 200, { others: 403, itself: 200 }),
		direct(200, { others: 403, itself: 200 }),
		{ out: user(403, 200), gone: user(403, 404) },
	),
	'POST /messages': {
		own: {
			body: ({ other }, me) => ({ request_match_id: handleOf('match'), participant_ids: [me.id, other.id] }),
			...user(201, 201),
		},
		foreign: {
			body: ({ other, outsider }) => ({ request_match_id: handleOf('match'), participant_ids: [other.id, outsider.id] }),
			...user(403, 201),
		},
		absent: {
			body: (scene, me) => ({ request_match_id: handleOf('match'), participant_ids: [me.id, randomUUID()] }),
			...user(422, 422),
		},
	},
	'POST /messages/{conversation}/mark-read': {
		...conversations(
			(scene, me) => ({ user_id: me.id }),
			group(200, 200, 200, { others: 403, itself: 200 }),
			direct(200, { others: 403, itself: 404 }),
			{ out: user(403, 404), gone: user(403, 404) },
		),
		'the group, for another of it': {
			ids: CONVERSATION.group,
			body: ({ other }) => ({ user_id: other.id }),
			...user(403, 200),
		},
	},
};

const CODES = { 401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 409: 'conflict', 422: 'invalid_input' };

// --- the scene ----------------------------------------------------------------------------------

const routes = await builtRoutes();
const nameOf = ({ method, path }) => `${method} ${path}`;

let stack, scene, tokens;
const services = {};

/** Sessions of these people beside the one that they have, to be ended: { session, device, token } by name. */
async function sparesMake(everybody, names) {
	const key = createPrivateKey(await readFile(join(stack.var, 'keys/token.key')));
	const signed = (token, change) => {
		const [head, claims] = token.split('.').map((part, i) => (i < 2 ? JSON.parse(Buffer.from(part, 'base64url')) : part));
		const covered = [head, { ...claims, ...change }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
		return `${covered}.${sign(null, Buffer.from(covered), key).toString('base64url')}`;
	};
	const rows = [];
	for (const person of everybody) {
		person.spares = {};
		for (const name of names) {
			const [session, device] = [randomUUID(), randomUUID()];
			person.spares[name] = { session, device, token: signed(person.token, { sid: session, did: device }) };
			rows.push(`('${person.id}'::uuid, '${session}'::uuid, '${device}'::uuid)`);
		}
	}
	await stack.sql(`with spare (user_id, session, device) as (values ${rows}),
		made as (insert into devices (user_id, id) select user_id, device from spare)
		insert into sessions (id, user_id, device_id, refresh_hash, refresh_expires_at)
		select session, user_id, device, sha256(uuid_send(session)), now() + interval '1 hour' from spare`);
	const now = Math.floor(Date.now() / 1000);
	return { expired: signed(scene.member.token, { iat: now - 7200, exp: now - 3600 }) };
}

async function servicesMake() {
	const scopes = [...new Set(routes.map(({ scope }) => scope))].filter((scope) => scope !== '-');
	await Promise.all([
		service(stack).then((made) => (services.all = made)),
		...scopes.map(async (scope) => {
			const others = [...scopes.filter((other) => other !== scope), 'act-as'];
			const [given, without] = await Promise.all([service(stack, `${scope} act-as`), service(stack, others.join(' '))]);
			services[scope] = { given, without };
		}),
	]);
}

before(async () => {
	stack = await sharedStack();
	const names = ['stranger', 'former', 'member', 'acted', 'admin', 'owner', 'blocked', 'other', 'outsider'];
	const everybody = await Promise.all(names.map((name) => register(stack, `Matrix ${name}`)));
	scene = Object.fromEntries(names.map((name, i) => [name, everybody[i]]));
	const { owner, admin, member, acted, former, other, blocked, outsider, stranger } = scene;
	const made = servicesMake();
	scene.group = await groupOf(owner, [admin, member, acted, former, other]);
	must(await owner.api.put(`conversations/${scene.group.id}/members/${admin.id}`, { role: 'admin' }), 204);
	must(await former.api.delete(`conversations/${scene.group.id}/members/${former.id}`), 204);
	scene.doomed = await groupOf(owner, [admin, member, acted, former, other]);
	must(await owner.api.put(`conversations/${scene.doomed.id}/members/${admin.id}`, { role: 'admin' }), 204);
	must(await former.api.delete(`conversations/${scene.doomed.id}/members/${former.id}`), 204);
	scene.direct = await directOf(owner, blocked);
	scene.foreign = await groupOf(outsider, [other]);
	scene.group.message = await send(member, scene.group, 'To the group');
	scene.direct.message = await send(blocked, scene.direct, 'To the owner');
	scene.group.doomed = await send(member, scene.group, 'To the group for a while');
	scene.direct.doomed = await send(blocked, scene.direct, 'To the owner for a while');
	scene.foreign.message = await send(outsider, scene.foreign, 'Among others');
	for (const where of ['group', 'direct', 'foreign']) {
		scene[where].file = await fileOf(stack, other, Buffer.from(where), { thumbnail: Buffer.from('thumbnail') });
		await attach(stack, scene[where].file, scene[where], scene[where].message);
	}
	scene.unsent = await fileOf(stack, other, Buffer.from('unsent'), { thumbnail: Buffer.from('thumbnail') });
	must(await owner.api.put(`blocks/${blocked.id}`), 204);
	tokens = await sparesMake([stranger, former, member, acted, admin, owner, blocked], ['logout', 'session', 'device']);
	await made;
});
after(() => stack?.stop());

/** The person whose things are a caller's own. */
const personOf = (caller) => scene[{ nobody: 'member', expired: 'member', acting: 'acted', itself: 'acted', unscoped: 'acted' }[caller] ?? caller];

function callerOf(caller, route, { spare }) {
	const me = personOf(caller);
	const { given = services.all, without = services.all } = services[route.scope] ?? {};
	switch (caller) {
		case 'nobody':
			return api(stack);
		case 'expired':
			return api(stack, tokens.expired);
		case 'acting':
			return given.as(me);
		case 'itself':
			return given.api;
		case 'unscoped':
			return without.as(me);
		default:
			return api(stack, spare ? me.spares[spare].token : me.token);
	}
}

/** Every cell of the table for the routes that there are. */
function cellsOf(route) {
	return Object.entries(TABLE[nameOf(route)] ?? {}).flatMap(([target, row]) =>
		CALLERS.map((caller) => {
			const [status, code = CODES[status]] = [row[caller]].flat();
			return { route, target, row, caller, status, code, refused: status >= 400 };
		}),
	);
}

/** Asks what a cell is about; the answer is the cell's from then on. */
async function ask(cell) {
	const { route, row, caller } = cell;
	const me = personOf(caller);
	const ids = { emoji: '%F0%9F%91%8D', ...row.ids?.(scene, me) };
	const query = typeof row.query === 'function' ? row.query(scene) : row.query;
	const path = route.path.replaceAll(/\{([a-z]+)\}/g, (all, key) => ids[key]) + (query ? `?${query}` : '');
	cell.answer = await callerOf(caller, route, row).call(route.method, path, row.body?.(scene, me), { headers: row.headers });
	return cell;
}

const outcome = ({ status, code, refused }, envelope) => (refused && !envelope && code ? `${status} ${code}` : `${status}`);
/** What is not as the table has it, in words. */
function deviation(cell) {
	const { route, target, caller, answer } = cell;
	const envelope = route.path.startsWith('/messages');
	const was = { status: answer.status, code: answer.body?.code, refused: answer.status >= 400 };
	const [expected, seen] = [outcome(cell, envelope), outcome(was, envelope)];
	return expected === seen ? [] : [`${nameOf(route)} by ${caller}, ${target}: ${seen} instead of ${expected} ${answer.text.slice(0, 200)}`];
}

/** Runs work for all of a list, some at a time. */
async function forAll(list, width, work) {
	const rest = [...list];
	await Promise.all([...Array(width)].map(async () => {
		while (rest.length > 0) await work(rest.shift());
	}));
}

// What changes by itself: each request of a service is noted, and parley-notify works on its own.
const RESTLESS = ['schema_migrations', 'service_tokens', 'audit', 'password_resets', 'identity_keys', 'identity_wanted', 'erasures'];

/** A sum of each table's rows, by its name. */
async function everything() {
	const tables = (await stack.sql("select tablename from pg_tables where schemaname = 'public' order by 1")).split('\n');
	const sums = tables
		.filter((table) => !RESTLESS.includes(table))
		.map((table) => `select '${table}', md5(string_agg((to_jsonb(t) - 'last_used_at')::text, '' order by (to_jsonb(t) - 'last_used_at')::text)) from ${table} t`);
	return (await stack.sql(sums.join(' union all '))).split('\n');
}

// --- the tests ----------------------------------------------------------------------------------

describe('the matrix', () => {
	let matrix;
	before(() => {
		matrix = routes.flatMap(cellsOf);
	});

	it('has a row for each route, and no other', () => {
		assert.deepEqual(Object.keys(TABLE).sort(), routes.map(nameOf).sort());
		for (const cell of matrix) assert.ok(cell.status >= 200, `${nameOf(cell.route)}, ${cell.target}: ${cell.caller} has no cell`);
	});

	it('refuses what it does not give, and that changes nothing', async () => {
		const before_ = await everything();
		await forAll(matrix.filter(({ refused }) => refused), 16, ask);
		const now = await everything();
		assert.deepEqual(matrix.filter(({ refused }) => refused).flatMap(deviation), []);
		assert.deepEqual(now, before_);
	});

	it('does not tell a foreign thing from an absent one', () => {
		const shown = ({ answer: { status, headers, body: { request_id, ...rest } } }) => {
			const { date, 'x-request-id': id, ...others } = Object.fromEntries(headers);
			return { status, rest, others };
		};
		let compared = 0;
		for (const absent of matrix.filter(({ target, status }) => [403, 404].includes(status) && target === 'absent'))
			for (const cell of matrix) {
				if (cell === absent || cell.route !== absent.route || cell.caller !== absent.caller) continue;
				if (outcome(cell) !== outcome(absent)) continue;
				assert.deepEqual(shown(cell), shown(absent), `${nameOf(cell.route)} by ${cell.caller}: ${cell.target}`);
				compared++;
			}
		assert.ok(compared > 100, `${compared}`);
	});

	for (const late of [false, true])
		for (const route of routes) {
			const given = cellsOf(route).filter(({ refused, row }) => !refused && Boolean(row.last) === late);
			if (given.length > 0)
				it(`gives ${nameOf(route)}`, async () => {
					for (const cell of given) {
						assert.deepEqual(deviation(await ask(cell)), []);
						if (route.path.endsWith('/members/{user}')) await whole();
					}
				});
		}

	/** The group as it was: everybody in it who should be. */
	async function whole() {
		const { owner, group: { id } } = scene;
		for (const [who, role] of [['member', 'member'], ['acted', 'member'], ['other', 'member'], ['admin', 'admin']])
			must(await owner.api.put(`conversations/${id}/members/${scene[who].id}`, { role }), 204);
	}
});
