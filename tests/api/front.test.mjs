// What the web server in front does before parley-rest is asked: the page, what a path may look like,
// how much may be sent, and that its own errors read like those of the API.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { sharedStack } from '../lib/stack.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

/** fetch tidies paths up before it sends them; this sends what it is given. */
function raw(method, path, { headers = {}, body } = {}) {
	const { hostname, port } = new URL(stack.url);
	return new Promise((resolve, reject) => {
		const sent = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
			let text = '';
			answer.on('data', (data) => (text += data));
			answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
		});
		sent.on('error', reject);
		sent.end(body);
	});
}

function assertProblem(answer, status, code) {
	assert.equal(answer.status, status, answer.text);
	assert.equal(answer.headers['content-type'], 'application/problem+json');
	const problem = JSON.parse(answer.text);
	assert.equal(problem.status, status);
	assert.equal(problem.code, code);
	assert.equal(problem.type, 'about:blank');
	assert.ok(problem.title && problem.detail);
}

describe('a path has one meaning', () => {
	const refused = [
		'/api//v1/config',
		'//api/v1/config',
		'/api/v1/./config',
		'/api/v1/../v1/config',
		'/api/v1/%2e%2e/v1/config',
		'/api/v1/config/..',
		'/api%2fv1/config',
		'/api/v1/conversations%2F..%2Fconfig',
		'/api/v1/conf%00ig',
		'/api/v1/conf%0d%0aig',
	];
	for (const path of refused) {
		it(`${path} is refused`, async () => {
			assertProblem(await raw('GET', path), 400, 'malformed');
		});
	}

	const answered = ['/api/v1/config', '/%61pi/v1/config', '/api/v1/config?x=a/../b&y=%2F'];
	for (const path of answered) {
		it(`${path} is the configuration`, async () => {
			const answer = await raw('GET', path);
			assert.equal(answer.status, 200, answer.text);
			assert.ok(JSON.parse(answer.text).version);
		});
	}

	for (const path of ['/api', '/api/v1', '/api/v1/', '/api/v2/config', '/api/v1/config/', '/api/v1/nothing']) {
		it(`${path} is not found, as a problem`, async () => {
			assertProblem(await raw('GET', path), 404, 'not_found');
		});
	}
});

describe('what is too much', () => {
	it('a body of over a megabyte', async () => {
		const body = Buffer.alloc(1_100_000, 'a');
		const headers = { 'content-type': 'application/json', 'content-length': body.length };
		assertProblem(await raw('POST', '/api/v1/auth/login', { headers, body }), 413, 'too_large');
	});

	it('a body of over 256 KiB', async () => {
		const body = Buffer.alloc(256 * 1024 + 1, 'a');
		const headers = { 'content-type': 'application/json', 'content-length': body.length };
		assertProblem(await raw('POST', '/api/v1/auth/login', { headers, body }), 413, 'too_large');
	});

	it('headers of over 16 KiB', async () => {
		assertProblem(
			await raw('GET', '/api/v1/config', { headers: { 'x-much': 'a'.repeat(17_000) } }),
			431,
			'headers_too_large',
		);
	});
});

describe('methods', () => {
	it('TRACE is refused everywhere', async () => {
		for (const path of ['/', '/api/v1/config', '/health', '/mqtt']) {
			const answer = await raw('TRACE', path, { headers: { 'x-secret': 'do not echo' } });
			assert.equal(answer.status, 403, path);
			assert.doesNotMatch(answer.text, /do not echo/);
		}
	});

	it('one that HTTP does not know is a problem', async () => {
		const { Socket } = await import('node:net');
		const { hostname, port } = new URL(stack.url);
		const text = await new Promise((resolve, reject) => {
			let all = '';
			const socket = new Socket();
			socket.on('data', (data) => (all += data));
			socket.on('close', () => resolve(all));
			socket.on('error', reject);
			socket.connect(Number(port), hostname, () =>
				socket.write('FOO /api/v1/config HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
			);
		});
		assert.match(text, /^HTTP\/1\.[01] 501 /);
		assert.match(text, /application\/problem\+json/);
	});
});

describe('the page', () => {
	it('is there, and may run nothing but its own scripts', async () => {
		const answer = await raw('GET', '/');
		assert.equal(answer.status, 200);
		assert.match(answer.headers['content-type'], /^text\/html/);
		const policy = answer.headers['content-security-policy'];
		assert.match(policy, /default-src 'self'/);
		assert.match(policy, /frame-ancestors 'none'/);
		assert.doesNotMatch(policy, /unsafe/);
		assert.equal(answer.headers['x-content-type-options'], 'nosniff');
		assert.equal(answer.headers['referrer-policy'], 'no-referrer');
		assert.doesNotMatch(answer.text, /<script>|<style|\son[a-z]+=|style="/);
	});

	it('brings all that it names', async () => {
		const { text } = await raw('GET', '/');
		const named = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => new URL(match[1], stack.url));
		assert.ok(named.length >= 3);
		for (const url of named) {
			assert.equal(url.origin, stack.url, `${url} is of this origin`);
			assert.equal((await raw('GET', url.pathname)).status, 200, url.pathname);
		}
	});

	it('nothing says which server this is', async () => {
		for (const path of ['/', '/api/v1/config', '/nothing', '/api/v1/nothing'])
			assert.equal((await raw('GET', path)).headers.server, undefined, path);
	});

	it('shows no directory and no hidden file', async () => {
		for (const path of ['/.git/config', '/.shellcheckrc', '/x/.hidden'])
			assert.equal((await raw('GET', path)).status, 403, path);
	});
});
