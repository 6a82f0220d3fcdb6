// The documents themselves, and the page that shows them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { api } from '../lib/client.mjs';
import { asyncapi, checkAnswer, checkEvent, documentedRoutes, openapi } from '../lib/contract.mjs';
import { root, sharedStack } from '../lib/stack.mjs';

const { outlineOf } = await import(join(root, 'web/api/api.mjs'));
const read = (name) => readFile(join(root, 'web/api', name), 'utf8');

describe('the page of the API', () => {
	let stack;
	before(async () => {
		stack = await sharedStack();
	});
	after(() => stack?.stop());

	it('is served, with its documents, and loads nothing from elsewhere', async () => {
		const files = {
			'/api/': 'text/html',
			'/api/moving.html': 'text/html',
			'/api/api.css': 'text/css',
			'/api/api.mjs': 'text/javascript',
			'/api/openapi.yaml': 'application/yaml',
			'/api/asyncapi.yaml': 'application/yaml',
		};
		for (const [path, type] of Object.entries(files)) {
			const answer = await api(stack).get(path);
			assert.equal(answer.status, 200, path);
			assert.ok(answer.headers.get('Content-Type').startsWith(type), path);
			assert.match(answer.headers.get('Content-Security-Policy'), /^default-src 'self'/);
		}
		for (const page of ['/api/', '/api/moving.html']) {
			const { text } = await api(stack).get(page);
			assert.doesNotMatch(text, /(src|href)="(https?:)?\/\//);
			assert.doesNotMatch(text, /<script>|<style|\sstyle="|\son[a-z]+="/);
			for (const [, address] of text.matchAll(/(?:src|href)="([^"#]+)/g)) {
				const answer = await fetch(new URL(address, `${stack.url}/api/`));
				await answer.arrayBuffer();
				assert.equal(answer.status, 200, address);
			}
		}
	});

	it('shows every route, channel and part of the documents', async () => {
		const rest = outlineOf(await read('openapi.yaml'));
		const names = (outline, title) =>
			outline.groups.find((group) => group.title === title).entries.map(({ name }) => name);
		const routes = rest.groups.find(({ title }) => title === 'routes').entries;
		assert.deepEqual(
			routes.map(({ label, name }) => `${label} ${name}`),
			documentedRoutes.map(({ method, path }) => `${method} ${path}`),
		);
		assert.deepEqual(
			routes.map(({ id }) => id),
			documentedRoutes.map(({ operation }) => operation.operationId),
		);
		for (const { said, lines } of routes) assert.ok(said && lines.length > 5, said);
		for (const kind of Object.keys(openapi.components))
			assert.deepEqual(names(rest, kind), Object.keys(openapi.components[kind]), kind);

		const events = outlineOf(await read('asyncapi.yaml'));
		assert.deepEqual(
			names(events, 'channels'),
			Object.values(asyncapi.channels).map(({ address }) => address),
		);
		for (const kind of Object.keys(asyncapi.components))
			assert.deepEqual(names(events, kind), Object.keys(asyncapi.components[kind]), kind);
		for (const { about } of [rest, events])
			assert.ok(about.length > 4 && about.every((paragraph) => paragraph.length > 20));
	});
});

describe('the documents', () => {
	it('refer to nothing that is not there, and leave nothing unused', async () => {
		const used = new Set();
		const walk = (node, own) => {
			if (node === null || typeof node !== 'object') return;
			for (const [key, value] of Object.entries(node)) {
				if (key !== '$ref') {
					walk(value, own);
					continue;
				}
				const [file, pointer] = value.split('#');
				const document = file ? openapi : own;
				const target = pointer
					.split('/')
					.slice(1)
					.reduce((at, step) => at?.[step], document);
				assert.ok(target, value);
				used.add(`${document === openapi ? 'openapi' : 'asyncapi'}#${pointer}`);
			}
		};
		walk(openapi, openapi);
		walk(asyncapi, asyncapi);
		// said in words: of the web server in front, of any address, and the schemes that security names
		const spoken = [
			'openapi#/components/responses/DropinMethodNotAllowed',
			'openapi#/components/responses/Front',
			'openapi#/components/responses/MethodNotAllowed',
			'openapi#/components/responses/Options',
			'openapi#/components/securitySchemes/token',
			'openapi#/components/securitySchemes/service',
		];
		for (const [name, document] of Object.entries({ openapi, asyncapi }))
			for (const [kind, parts] of Object.entries(document.components))
				for (const part of Object.keys(parts)) {
					const at = `${name}#/components/${kind}/${part}`;
					assert.ok(used.has(at) || spoken.includes(at), `${at} is used`);
				}
	});

	it('have every operation answer a request id, and every channel one operation', () => {
		for (const { operation } of documentedRoutes) {
			for (const response of Object.values(operation.responses)) {
				const { headers, content } = response.$ref
					? openapi.components.responses[response.$ref.split('/').pop()]
					: response;
				assert.ok(headers['X-Request-Id'], operation.operationId);
				assert.equal(Boolean(headers['Content-Length']), Boolean(content), operation.operationId);
			}
		}
		const channels = Object.values(asyncapi.operations).map(({ channel }) => channel.$ref.split('/').pop());
		assert.deepEqual(channels.sort(), Object.keys(asyncapi.channels).sort());
	});
});

// What looks at every answer must itself be able to say no.
describe('the check of an answer', () => {
	const id = '01a20149-33b9-7057-9633-20c49605db49';
	const good = {
		status: 200,
		headers: {
			'X-Request-Id': 'a',
			'Content-Type': 'application/json',
			'Content-Length': '36',
			'Cache-Control': 'no-store',
		},
		body: { unread_count: 1, conversations: 1 },
	};
	const check = ({
		method = 'GET',
		path = '/api/v1/unread',
		status,
		headers,
		body,
		text = JSON.stringify(body),
	}) => checkAnswer(method, path, status, new Headers(headers), body, text);
	const problem = (status, code, more = {}) => ({
		status,
		headers: {
			...good.headers,
			'Content-Type': 'application/problem+json',
			'Content-Language': 'en',
			Vary: 'Accept-Language',
			'WWW-Authenticate': 'Bearer',
		},
		body: { type: 'about:blank', title: 'x', status, code, detail: 'x', request_id: 'a', ...more },
	});
	const measured = (answer) => ({
		...answer,
		headers: { ...answer.headers, 'Content-Length': String(Buffer.byteLength(JSON.stringify(answer.body))) },
	});

	const options = (allow) => ({
		status: 204,
		method: 'OPTIONS',
		headers: { 'X-Request-Id': 'a', 'Cache-Control': 'no-store', Allow: allow },
	});

	it('lets good ones pass', () => {
		check(measured(good));
		check(measured(problem(401, 'unauthorized')));
		check(
			measured({
				...problem(405, 'method_not_allowed'),
				method: 'PUT',
				headers: { ...problem(405, '').headers, Allow: 'GET' },
			}),
		);
		check(measured({ ...problem(404, 'not_found'), path: '/api/v1/nothing' }));
		check(options('GET'));
		check({
			status: 503,
			headers: { 'Content-Type': 'application/problem+json' },
			body: { type: 'about:blank', title: 'x', status: 503, code: 'unavailable', detail: 'x' },
		});
	});

	const bad = {
		'a field that no document knows': { ...good, body: { ...good.body, extra: 1 } },
		'a field that is missing': { ...good, body: { unread_count: 1 } },
		'a field of another type': { ...good, body: { unread_count: '1', conversations: 1 } },
		'a status that is not documented': { ...good, status: 201 },
		'a fault of the server': problem(500, 'internal'),
		'a code of another status': problem(401, 'not_found'),
		'a problem without a code': problem(401, undefined),
		'two request ids': problem(401, 'unauthorized', { request_id: 'b' }),
		'a 404 where nothing can be missing': problem(404, 'not_found'),
		'another media type': { ...good, headers: { ...good.headers, 'Content-Type': 'text/plain' } },
		'no request id': { ...good, headers: { ...good.headers, 'X-Request-Id': undefined } },
		'an answer that may be kept': { ...good, headers: { ...good.headers, 'Cache-Control': 'public' } },
		'half of the rate limit': { ...good, headers: { ...good.headers, RateLimit: '"read";r=1;t=1' } },
		'a rate limit in another form': {
			...good,
			headers: { ...good.headers, RateLimit: '1', 'RateLimit-Policy': '"read";q=1;w=1' },
		},
		'a 405 with the wrong methods': {
			...problem(405, 'method_not_allowed'),
			method: 'PUT',
			headers: { ...problem(405, '').headers, Allow: 'GET, POST' },
		},
		'success where there is no address': { ...good, path: '/api/v1/nothing' },
		'success with a method that is not documented': { ...good, method: 'PUT' },
	};
	for (const [what, answer] of Object.entries(bad))
		it(`stops ${what}`, () => {
			const headers = Object.fromEntries(
				Object.entries(answer.headers).filter(([, value]) => value !== undefined),
			);
			assert.throws(() => check(measured({ ...answer, headers })));
		});

	it('stops an answer to OPTIONS with the wrong methods', () => {
		assert.throws(() => check(options('GET, POST')), /allows/);
	});

	it('stops a problem that does not say its language', () => {
		for (const header of ['Content-Language', 'Vary']) {
			const { status, headers, body } = problem(401, 'unauthorized');
			const { [header]: _, ...rest } = headers;
			assert.throws(() => check(measured({ status, headers: rest, body })), new RegExp(header));
		}
	});

	it('stops an answer of another length than it says', () => {
		assert.throws(
			() => check({ ...measured(good), text: '{"unread_count":1,"conversations":1} ' }),
			/Content-Length/,
		);
	});

	const event = {
		type: 'receipt.read',
		event_id: id,
		at: '2026-11-21T12:00:00.123456Z',
		conversation_id: id,
		data: { conversation_id: id, user_id: id, seq: 1, at: '2026-11-21T12:00:00.123456Z' },
	};
	const topic = `users/${id}/receipts`;

	it('knows good events', () => {
		checkEvent(topic, JSON.stringify(event), { qos: 1, retain: false });
		checkEvent(`presence/${id}`, JSON.stringify({ user_id: id, status: 'online', since: event.at }), {
			qos: 1,
			retain: true,
		});
	});

	const badEvents = {
		'on another topic': [`users/${id}/messages`, event],
		'on a topic that is none': [`users/${id}/secrets`, event],
		'of a type that is none': [topic, { ...event, type: 'receipt.seen' }],
		'with a field more': [topic, { ...event, data: { ...event.data, extra: 1 } }],
		'with a rev where there is none': [topic, { ...event, rev: 1 }],
		'without an id': [topic, { ...event, event_id: undefined }],
		'with a time in another form': [topic, { ...event, at: '2026-11-21T12:00:00Z' }],
		'that is retained': [topic, event, { qos: 1, retain: true }],
		'with more QoS than promised': [topic, event, { qos: 2, retain: false }],
	};
	for (const [what, [at, content, packet = { qos: 1, retain: false }]] of Object.entries(badEvents))
		it(`stops an event ${what}`, () => {
			assert.throws(() => checkEvent(at, JSON.stringify(content), packet));
		});
});
