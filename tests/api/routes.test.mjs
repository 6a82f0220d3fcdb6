// The table of routes: it is the documented one, and each row is met here once with success and with
// every refusal that it shares with the others. A new row without a step here fails.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { api, groupOf, handleOf, must, PASSWORD, register, send, signIn } from '../lib/client.mjs';
import { documentedRoutes, openapi, watchRoutes } from '../lib/contract.mjs';
import { fileOf } from '../lib/files.mjs';
import { builtRoutes } from '../lib/operator.mjs';
import { resetToken } from '../lib/reset.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { webhookHeaders } from '../lib/webhook.mjs';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Keys of a device, of the right lengths. */
const key = (bytes) => randomBytes(bytes).toString('base64');
const KEYS = {
	identity_key: key(32),
	signed_prekey: { key_id: 1, public_key: key(32), signature: key(64) },
	one_time_prekeys: [{ key_id: 1, public_key: key(32) }],
};

const name = (route) => `${route.method} ${route.path}`;
const built = await builtRoutes();

// What makes each row succeed: the JSON that it is sent, from the scene. Rows without one need no body.
const BODIES = {
	'POST /api/v1/auth/register': () => ({
		handle: handleOf('route'),
		display_name: 'Route',
		password: PASSWORD,
	}),
	'POST /api/v1/auth/login': ({ ann }) => ({ handle: ann.handle, password: PASSWORD }),
	'POST /api/v1/auth/refresh': async ({ ann }) => ({ refresh_token: (await signIn(ann)).refresh_token }),
	'POST /api/v1/auth/password': () => ({ current: PASSWORD, new: PASSWORD }),
	'POST /api/v1/auth/password/reset': () => ({ email: 'nobody@example.org' }),
	'POST /api/v1/auth/password/reset/confirm': async ({ ben }) => ({ token: await resetToken(ben), password: PASSWORD }),
	'POST /api/v1/webhooks/identity': () => ({ type: 'user.updated', data: { id: `routes-${randomUUID()}` } }),
	'PUT /api/v1/devices/{device}/keys': () => KEYS,
	'PATCH /api/v1/users/me': () => ({ bio: 'Somebody' }),
	'POST /api/v1/conversations': ({ ben }) => ({ kind: 'group', member_ids: [ben.id] }),
	'PATCH /api/v1/conversations/{conversation}': () => ({ title: 'Routes' }),
	'PUT /api/v1/conversations/{conversation}/members/{user}': () => ({ role: 'member' }),
	'PATCH /api/v1/conversations/{conversation}/me': () => ({ pinned: true }),
	'POST /api/v1/conversations/{conversation}/messages': () => ({ body: 'Hello' }),
	'PATCH /api/v1/conversations/{conversation}/messages/{message}': () => ({ body: 'Hello again' }),
	'POST /api/v1/conversations/{conversation}/read': () => ({ seq: 1 }),
	'POST /api/v1/conversations/{conversation}/delivered': () => ({ seq: 1 }),
	'POST /api/v1/attachments': () => ({ any: 'file' }),
	'POST /messages': ({ ann, ben }) => ({ request_match_id: handleOf('match'), participant_ids: [ann.id, ben.id] }),
	'POST /messages/{conversation}/mark-read': ({ ann }) => ({ user_id: ann.id }),
};

// What they are asked beside the path.
const QUERIES = { 'GET /api/v1/users': 'q=ben', 'GET /api/v1/search/messages': 'q=hello' };

// A device sets its own keys: what stands in the path of these, where it is another thing than elsewhere.
const OWN_DEVICE = { device: ({ ann }) => ann.session.device.id };
const IDS = { 'PUT /api/v1/devices/{device}/keys': OWN_DEVICE, 'GET /api/v1/devices/{device}/keys': OWN_DEVICE };

// They answer with a file, whatever its type.
const FILES = ['GET /api/v1/attachments/{attachment}', 'GET /api/v1/attachments/{attachment}/thumbnail'];

// These are so, or not: 204 also for what is not there.
const RELATIONS = ['DELETE /api/v1/contacts/{user}', 'DELETE /api/v1/blocks/{user}'];

// After these nobody is signed in any more: each request comes from somebody new.
const ENDINGS = ['POST /api/v1/auth/logout', 'DELETE /api/v1/users/me'];

// What the others need is deleted when they have had it.
const LAST = ['DELETE /api/v1/conversations/{conversation}/messages/{message}', 'DELETE /api/v1/conversations/{conversation}'];
const inOrder = [...built].sort((a, b) => LAST.indexOf(name(a)) - LAST.indexOf(name(b)));

describe('the table of routes', () => {
	let stack, scene;
	const seen = new Map(built.map((route) => [name(route), new Set()]));

	before(async () => {
		watchRoutes((method, path, status) => seen.get(`${method} ${path}`)?.add(status));
		stack = await sharedStack();
		const ann = await register(stack, 'Ann');
		const ben = await register(stack, 'Ben');
		const conversation = await groupOf(ann, [ben]);
		const message = await send(ann, conversation, 'First');
		const { session } = await signIn(ann);
		const ids = {
			user: ben.id,
			person: ann.id,
			session: session.id,
			device: session.device.id,
			conversation: conversation.id,
			message: message.id,
			attachment: (await fileOf(stack, ann, Buffer.from('file'), { thumbnail: Buffer.from('thumbnail') })).id,
			emoji: '%F0%9F%91%8D',
		};
		scene = { ann, ben, ids };
	});
	after(() => stack?.stop());

	const idOf = (route, key) => IDS[name(route)]?.[key]?.(scene) ?? scene.ids[key];
	const filled = (route, ids = {}) => route.path.replaceAll(/\{([a-z]+)\}/g, (all, key) => ids[key] ?? idOf(route, key));
	const asked = (route) => (QUERIES[name(route)] ? `${filled(route)}?${QUERIES[name(route)]}` : filled(route));
	const body = async (route) => BODIES[name(route)]?.(scene);
	/** Signs what it sends, whatever it is. */
	const signing = {
		call: (method, path, json, options = {}) => {
			const text = options.body ?? JSON.stringify(json) ?? '';
			const headers = { ...webhookHeaders(text), ...options.headers };
			return api(stack).call(method, path, undefined, { headers, body: method === 'POST' ? text : undefined });
		},
	};
	/** Names what it sends, whatever it is. */
	const uploading = {
		call: (method, path, json, options = {}) => {
			const headers = { 'content-disposition': 'attachment; filename=routes.json', ...options.headers };
			return scene.ann.api.call(method, path, json, { ...options, headers });
		},
	};
	const as = (route) => {
		if (route.body === 'raw') return signing;
		if (route.body === 'stream') return uploading;
		if (!ENDINGS.includes(name(route))) return api(stack, route.user ? scene.ann.token : undefined);
		return { call: async (...request) => (await register(stack, 'Leaver')).api.call(...request) };
	};

	/** A refusal with its code, or in the envelope that has none. */
	const assertRefused = (route, answer, status, code, what) => {
		assert.equal(answer.status, status, what ?? answer.text);
		if (route.dropin) assert.equal(answer.body.success, false);
		else assert.equal(answer.body.code, code);
	};

	it('is the documented one', () => {
		assert.deepEqual(built.map(name).sort(), documentedRoutes.map(name).sort());
		for (const route of built) {
			const documented = documentedRoutes.find((row) => name(row) === name(route));
			assert.equal(documented.user, route.user, `${name(route)} needs a token`);
			const wanted = documented.operation.requestBody;
			const required = wanted?.$ref
				? openapi.components.requestBodies[wanted.$ref.split('/').pop()].required
				: wanted?.required;
			assert.equal(
				{ undefined: 'none', false: 'optional', true: 'needed' }[required],
				['raw', 'stream'].includes(route.body) ? 'needed' : route.body,
				`${name(route)} takes a body`,
			);
		}
	});

	it('has a body here for each row that needs one', () => {
		const needy = built.filter((route) => route.body !== 'none').map(name);
		assert.deepEqual(Object.keys(BODIES).sort(), needy.sort());
	});

	for (const route of inOrder) {
		describe(name(route), () => {
			it('succeeds', async () => {
				const answer = await as(route).call(route.method, asked(route), await body(route));
				assert.ok(answer.status >= 200 && answer.status < 300, `${answer.status} ${answer.text}`);
			});

			it('takes no other method, and says which it takes', async () => {
				const taken = built.filter((row) => row.path === route.path).map((row) => row.method);
				const asLiteral = built.filter(
					(row) => row.path !== route.path && filled(row) === filled(route),
				);
				assert.deepEqual(asLiteral, []);
				for (const method of METHODS.filter((candidate) => !taken.includes(candidate))) {
					const answer = await as(route).call(method, filled(route));
					assert.equal(answer.status, 405, method);
					assert.deepEqual(answer.headers.get('Allow').split(', ').sort(), [...taken].sort());
				}
				const options = await api(stack).call('OPTIONS', filled(route));
				assert.equal(options.status, 204);
				assert.deepEqual(options.headers.get('Allow').split(', ').sort(), [...taken].sort());
			});

			if (!FILES.includes(name(route)))
				it('refuses who takes no JSON', async () => {
					const answer = await as(route).call(route.method, filled(route), await body(route), {
						headers: { accept: 'text/html' },
					});
					assertRefused(route, answer, 406, 'not_acceptable');
				});

			it('is nothing with a slash behind it', async () => {
				const answer = await as(route).call(route.method, `${filled(route)}/`, await body(route));
				assert.equal(answer.status, 404);
			});

			if (route.method === 'GET')
				it('answers HEAD as GET without the body', async () => {
					const full = await as(route).get(asked(route));
					const head = await as(route).head(asked(route));
					assert.equal(head.status, full.status);
					assert.equal(head.text, '');
					for (const header of ['Content-Type', 'Content-Length', 'Cache-Control'])
						assert.equal(head.headers.get(header), full.headers.get(header), header);
				});

			if (route.user)
				it('needs a token', async () => {
					const answer = await api(stack).call(route.method, filled(route), await body(route));
					assertRefused(route, answer, 401, 'unauthorized');
					assert.match(answer.headers.get('WWW-Authenticate'), /^Bearer/);
				});

			for (const key of [...route.path.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1])) {
				if (key === 'emoji') {
					it('takes nothing else for an emoji', async () => {
						for (const bad of ['x', '1', '%20', randomUUID(), '%F0%9F%91%8D%F0%9F%91%8D'])
							assertRefused(route, await as(route).call(route.method, filled(route, { [key]: bad })), 422, 'invalid_input', bad);
					});
					continue;
				}
				it(`knows no ${key} that is not there`, async () => {
					const answer = await as(route).call(
						route.method,
						filled(route, { [key]: randomUUID() }),
						await body(route),
					);
					if (RELATIONS.includes(name(route))) return must(answer, 204);
					// the older service's word for it is another
					assertRefused(route, answer, route.dropin ? 403 : 404, 'not_found');
				});
				for (const bad of [
					'x',
					'1',
					'%20',
					'me',
					`${randomUUID()}0`,
					randomUUID().replaceAll('-', ''),
					`{${randomUUID()}}`,
					'00000000-0000-0000-0000-00000000000g',
				])
					it(`knows no ${key} ${bad.slice(0, 8)}… of ${bad.length} characters`, async () => {
						const path = filled(route, { [key]: bad });
						if (built.some((row) => row.path === path && row.method === route.method)) return;
						const answer = await as(route).call(route.method, path, await body(route));
						assert.equal(answer.status, 404);
					});
				it(`takes a ${key} in upper case`, async () => {
					const answer = await as(route).call(
						route.method,
						filled(route, { [key]: idOf(route, key).toUpperCase() }),
						await body(route),
					);
					assert.ok(answer.status < 300, `${answer.status} ${answer.text}`);
				});
			}

			if (route.path.includes('{conversation}'))
				it('is for members alone, and tells a stranger nothing', async () => {
					const stranger = await register(stack, 'Stranger');
					const there = await stranger.api.call(route.method, filled(route), await body(route));
					const absent = await stranger.api.call(
						route.method,
						filled(route, { conversation: randomUUID() }),
						await body(route),
					);
					assert.equal(there.status, route.dropin ? 403 : 404);
					const shown = ({ request_id, ...rest }) => rest;
					assert.deepEqual(shown(there.body), shown(absent.body));
					const length = ({ headers, body: { request_id = '' } }) => headers.get('Content-Length') - request_id.length;
					assert.equal(length(there), length(absent));
				});

			if (!['none', 'raw', 'stream'].includes(route.body)) {
				it('takes JSON alone', async () => {
					for (const type of [
						'text/plain',
						'application/x-www-form-urlencoded',
						'application/json; charset=latin1',
						'application/jsonx',
					]) {
						const answer = await as(route).call(route.method, filled(route), await body(route), {
							headers: { 'content-type': type },
						});
						assertRefused(route, answer, 415, 'unsupported_media_type', type);
					}
					for (const type of [
						'application/json;charset=UTF-8',
						'APPLICATION/JSON',
						'application/json; charset="utf-8"',
					]) {
						const answer = await as(route).call(route.method, filled(route), await body(route), {
							headers: { 'content-type': type },
						});
						assert.ok(answer.status < 300, `${type}: ${answer.text}`);
					}
				});
			}
			if (!['none', 'stream'].includes(route.body)) {
				it('takes no body above its cap', async () => {
					const pad = async (bytes) => {
						const json = JSON.stringify({ ...(await body(route)), pad: '' });
						return json.slice(0, -2) + 'x'.repeat(bytes - json.length) + '"}';
					};
					const options = async (bytes) => ({ headers: { 'content-type': 'application/json' }, body: await pad(bytes) });
					const fits = await as(route).call(route.method, filled(route), undefined, await options(route.cap));
					assert.ok(fits.status < 300, fits.text);
					const answer = await as(route).call(
						route.method,
						filled(route),
						undefined,
						await options(route.cap + 1),
					);
					assertRefused(route, answer, 413, 'too_large');
				});

				it('takes no body that is not a JSON object', async () => {
					for (const text of ['[]', '"x"', '1', 'null', 'true', '{', '{}{}', 'x']) {
						const answer = await as(route).call(route.method, filled(route), undefined, {
							headers: { 'content-type': 'application/json' },
							body: text,
						});
						assertRefused(route, answer, 400, 'malformed', text);
					}
				});
			}
			if (route.body === 'needed')
				it('needs a body', async () => {
					const answer = await as(route).call(route.method, filled(route));
					assert.equal(answer.status, 400);
				});
			if (route.body === 'optional')
				it('does without a body', async () => {
					const answer = await as(route).call(route.method, filled(route));
					assert.ok(answer.status < 300, `${answer.status} ${answer.text}`);
				});
		});
	}

	it('has been met with success and with refusal, row by row', () => {
		for (const [row, statuses] of seen) {
			assert.ok(
				[...statuses].some((status) => status < 300),
				`${row} has succeeded`,
			);
			assert.ok(
				[...statuses].some((status) => status >= 400),
				`${row} has refused`,
			);
		}
	});

	it('knows nothing else', async () => {
		for (const path of [
			'/api/v1',
			'/api/v1/',
			'/api/v1/x',
			'/api/v2/config',
			'/api/v1/user',
			'/api/v1/Config',
			'/api/v1/config/x',
			'/api/x/y',
		]) {
			const answer = await scene.ann.api.get(path);
			assert.equal(answer.status, 404, path);
			assert.equal(answer.body.code, 'not_found', path);
			assert.ok(answer.body.request_id, path);
		}
	});
});
