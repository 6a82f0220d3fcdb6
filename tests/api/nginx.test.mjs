// nginx in front instead of lighttpd, with the configuration that we give to those who run it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { api, connect, directOf, must, register, send } from '../lib/client.mjs';
import { startNginx } from '../lib/front.mjs';
import { service } from '../lib/operator.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { raw } from './raw.mjs';

let backend, stack;
before(async () => {
	backend = await sharedStack();
	stack = await startNginx(backend);
});
after(async () => {
	await stack?.stop();
	await backend?.stop();
});

describe('behind nginx', () => {
	it('two people talk, over HTTP and WebSocket', async () => {
		const [ann, ben] = [await register(stack, 'Ann'), await register(stack, 'Ben')];
		const room = await directOf(ann, ben);
		const device = await connect(ben, { ws: true });
		try {
			const message = await send(ann, room, 'Through nginx 👍', { metadata: { a: 1 } });
			assert.deepEqual((await device.event('message.created', room)).data, message);
			assert.deepEqual(
				must(await ben.api.get(`conversations/${room.id}/messages?before=99&limit=5`), 200).data,
				[message],
			);
			assert.deepEqual(must(await ben.api.post(`conversations/${room.id}/read`), 200), {
				last_read_seq: 1,
				unread_count: 0,
			});
			assert.equal((await register(backend, 'Same instance')).api !== undefined, true);
		} finally {
			await device.end(true);
		}
	});

	it('a service acts for a user, and for nobody whom a second header names', async () => {
		const [ann, ben] = [await register(stack, 'Ann'), await register(stack, 'Ben')];
		const { token } = await service(backend);
		const get = (...lines) => raw(stack, 'GET /api/v1/users/me HTTP/1.1', [`Authorization: Bearer ${token}`, ...lines]);
		assert.equal(must(await get(`Parley-Act-As: ${ann.id}`), 200).id, ann.id);
		// dropped, as every header with an underscore
		assert.equal(must(await get(`Parley-Act-As: ${ann.id}`, `Parley_Act_As: ${ben.id}`), 200).id, ann.id);
		assert.equal((await get(`Parley_Act_As: ${ben.id}`)).status, 403);
		assert.equal((await get(`Parley-Act-As: ${ann.id}`, `Parley-Act-As: ${ben.id}`)).status, 400);
	});

	it('what is refused is refused alike', async () => {
		const ann = await register(stack, 'Ann');
		for (const path of [
			'users/me',
			'nothing',
			'conversations?limit=0',
			'conversations?cursor=%20',
			'users/x',
		]) {
			const [here, there] = await Promise.all(
				[stack, backend].map((one) => api(one, ann.token).get(path, { headers: { 'x-request-id': 'same' } })),
			);
			assert.equal(here.status, there.status, path);
			assert.equal(here.text, there.text, path);
		}
		assert.equal((await api(stack).get('unread')).status, 401);
		assert.equal((await api(stack).call('DELETE', 'config')).headers.get('Allow'), 'GET');
		assert.equal((await api(stack).head('config')).text, '');
	});

	it('a body of 256 KiB is taken, more is not, and far more is nginx’s to refuse', async () => {
		const ann = await register(stack, 'Ann');
		const sizes = [
			[256 * 1024, 422],
			[256 * 1024 + 1, 413],
			[2 * 1024 * 1024, 413],
		];
		for (const [size, expected] of sizes) {
			const body = `{"pad":"${'x'.repeat(size - 10)}"}`;
			const answer = await raw(
				stack,
				'POST /api/v1/conversations HTTP/1.1',
				[`Authorization: Bearer ${ann.token}`, 'Content-Type: application/json'],
				body,
			);
			assert.equal(answer.status, expected, String(size));
			assert.match(answer.headers.get('Content-Type'), /^application\/problem\+json/);
		}
	});

	it('odd addresses are no way around', async () => {
		for (const path of [
			'/api/v1//config',
			'/api/v1/./config',
			'/api/v1/x/../config',
			'/api/v1/%2e%2e/v1/config',
			'/api%2fv1/config',
			'/api/../web/../../etc/passwd',
		]) {
			const answer = await raw(stack, `GET ${path} HTTP/1.1`, [], '', { check: false });
			assert.ok([400, 403, 404].includes(answer.status), `${path}: ${answer.status}`);
		}
	});

	it('the page and the documents are there, with their policy', async () => {
		for (const [path, type] of [
			['/', 'text/html'],
			['/api/', 'text/html'],
			['/api/openapi.yaml', 'application/yaml'],
			['/api/asyncapi.yaml', 'application/yaml'],
		]) {
			const answer = await api(stack).get(path);
			assert.equal(answer.status, 200, path);
			assert.ok(
				answer.headers.get('Content-Type').startsWith(type),
				`${path}: ${answer.headers.get('Content-Type')}`,
			);
			assert.match(answer.headers.get('Content-Security-Policy'), /default-src 'self'/);
			assert.equal(answer.headers.get('X-Content-Type-Options'), 'nosniff');
		}
	});
});
