// parley-rest as plain CGI: the answers of the workers, one process a request, from an environment made here.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { api, directOf, must, register, send } from '../lib/client.mjs';
import { checkAnswer } from '../lib/contract.mjs';
import { sharedStack, WEBHOOK_SECRET } from '../lib/stack.mjs';
import { webhookHeaders } from '../lib/webhook.mjs';
import { answerOf, program } from './raw.mjs';

let stack, ann, ben, room, folder;
before(async () => {
	stack = await sharedStack();
	ann = await register(stack, 'Ann');
	ben = await register(stack, 'Ben');
	room = await directOf(ann, ben);
	folder = await mkdtemp(join(tmpdir(), 'parley-cgi-'));
});
after(async () => {
	await stack?.stop();
	if (folder) await rm(folder, { recursive: true });
});

/** One request; resolves to the answer, held against the contract. variables: of CGI, or PARLEY_…. */
async function cgi(method, path, { token, body = '', input = body, ...variables } = {}) {
	const [at, query = ''] = path.split('?');
	const bytes = Buffer.from(body);
	const env = {
		PATH: process.env.PATH,
		...Object.fromEntries(Object.entries(process.env).filter(([name]) => /^[A-Z]+SAN_OPTIONS$/.test(name))),
		PARLEY_VAR: stack.var,
		PARLEY_REST_DATABASE: stack.env.PARLEY_REST_DATABASE,
		PARLEY_SHM: join(folder, 'shm'),
		PARLEY_RATE_SCALE: '0',
		GATEWAY_INTERFACE: 'CGI/1.1',
		SERVER_PROTOCOL: 'HTTP/1.1',
		REQUEST_METHOD: method,
		SCRIPT_NAME: '/cgi-bin/parley-rest',
		PATH_INFO: at,
		QUERY_STRING: query,
		REMOTE_ADDR: '127.0.0.1',
		...(bytes.length ? { CONTENT_LENGTH: String(bytes.length), CONTENT_TYPE: 'application/json' } : {}),
		...(token ? { HTTP_AUTHORIZATION: `Bearer ${token}` } : {}),
		...variables,
	};
	const child = spawn(program('parley-rest'), [], { env, stdio: ['pipe', 'pipe', 'pipe'] });
	const out = [],
		err = [];
	child.stdout.on('data', (chunk) => out.push(chunk));
	child.stderr.on('data', (chunk) => err.push(chunk));
	child.stdin.on('error', () => undefined); // it need not read what it refuses
	child.stdin.end(input);
	const code = await new Promise((resolve) => child.once('close', resolve));
	assert.equal(code, 0, Buffer.concat(err).toString());
	const answer = answerOf(Buffer.concat(out), 'Status:');
	checkAnswer(method, path, answer.status, answer.headers, answer.body, answer.text);
	return answer;
}

/** The same by the web server. */
const web = (method, path, token, json) => api(stack, token).call(method, path, json);

describe('as plain CGI', () => {
	it('each GET answers as the workers do', async () => {
		const message = await send(ann, room, 'Hello "you" 👍', { metadata: { a: 1.0 } });
		const paths = [
			'users/me',
			`users/${ben.id}`,
			'conversations',
			`conversations/${room.id}`,
			`conversations/${room.id}/messages?limit=1&before=99`,
			`conversations/${room.id}/messages/${message.id}`,
			'unread',
			'sync?since=x',
			`users/${randomUUID()}`,
			'nothing',
			'conversations?limit=0&cursor=x',
		].map((path) => `/api/v1/${path}`);
		for (const path of [...paths, '/health']) {
			const id = randomUUID();
			const expected = await api(stack, ann.token).get(path, { headers: { 'x-request-id': id } });
			const answer = await cgi('GET', path, { token: ann.token, HTTP_X_REQUEST_ID: id });
			assert.equal(answer.status, expected.status, path);
			assert.equal(answer.text, expected.text, path);
			for (const header of [
				'Content-Type',
				'Content-Length',
				'Cache-Control',
				'X-Request-Id',
				'X-Content-Type-Options',
			])
				assert.equal(answer.headers.get(header), expected.headers.get(header), `${header} of ${path}`);
		}
	});

	it('a message is sent, and its retry by the workers is the same message', async () => {
		const content = { id: randomUUID(), body: 'By CGI', metadata: { b: 1, a: 2 } };
		const path = `/api/v1/conversations/${room.id}/messages`;
		const first = await cgi('POST', path, { token: ann.token, body: JSON.stringify(content) });
		assert.equal(first.status, 201);
		const again = await web('POST', path, ann.token, content);
		assert.equal(again.status, 200);
		assert.equal(again.text, first.text);
	});

	it('a token made by one is good for the other', async () => {
		const body = JSON.stringify({ handle: ann.handle, password: 'a long enough password' });
		const { body: login, status } = await cgi('POST', '/api/v1/auth/login', { body });
		assert.equal(status, 200);
		assert.equal(must(await web('GET', '/api/v1/users/me', login.access_token), 200).id, ann.id);
	});

	it('a conversation is opened, which is a transaction', async () => {
		const body = JSON.stringify({ kind: 'group', member_ids: [ben.id] });
		const { status, body: group } = await cgi('POST', '/api/v1/conversations', { token: ann.token, body });
		assert.equal(status, 201);
		must(await ben.api.get(`conversations/${group.id}`), 200);
	});

	it('the path may come in SCRIPT_NAME, in PATH_INFO, or in both', async () => {
		for (const [SCRIPT_NAME, PATH_INFO] of [
			['', '/api/v1/config'],
			['/api/v1/config', ''],
			['/api/v1', '/config'],
			['/cgi-bin/parley', '/api/v1/config'],
		])
			assert.equal(
				(await cgi('GET', '/api/v1/config', { SCRIPT_NAME, PATH_INFO })).status,
				200,
				`${SCRIPT_NAME} ${PATH_INFO}`,
			);
	});

	it('HEAD has no body, and no method is refused', async () => {
		const head = await cgi('HEAD', '/api/v1/config');
		assert.deepEqual([head.status, head.text], [200, '']);
		const answer = await cgi('DELETE', '/api/v1/config');
		assert.deepEqual([answer.status, answer.headers.get('Allow')], [405, 'GET']);
	});

	it('says wss where the web server speaks TLS', async () => {
		const { body } = await cgi('GET', '/api/v1/config', { HTTPS: 'on', HTTP_HOST: 'chat.example.org' });
		assert.equal(body.mqtt.ws_url, 'wss://chat.example.org/mqtt');
	});

	it('a body that ends early is refused, and so is a length that is none', async () => {
		const path = `/api/v1/conversations/${room.id}/messages`;
		const before_ = must(await ann.api.get(`conversations/${room.id}`), 200).last_seq;
		const body = '{"body":"x"}';
		const cases = {
			short: { body, input: body.slice(0, 5) },
			none: { body, input: '' },
			words: { body, CONTENT_LENGTH: 'x' },
			negative: { body, CONTENT_LENGTH: '-1' },
			'too many digits': { body, CONTENT_LENGTH: '9'.repeat(30) },
		};
		for (const [what, options] of Object.entries(cases)) {
			const answer = await cgi('POST', path, { token: ann.token, ...options });
			assert.equal(answer.status, 400, what);
		}
		const huge = await cgi('POST', path, { token: ann.token, body, CONTENT_LENGTH: String(2 ** 40) });
		assert.equal(huge.status, 413);
		assert.equal(must(await ann.api.get(`conversations/${room.id}`), 200).last_seq, before_);
	});

	it('without a database it says so, and when to come again', async () => {
		const PARLEY_REST_DATABASE = `host=${folder} dbname=parley`;
		const health = await cgi('GET', '/health', { PARLEY_REST_DATABASE });
		assert.deepEqual(
			[health.status, health.body.status, health.body.database],
			[503, 'unavailable', 'unavailable'],
		);
		const body = '{"body":"x"}';
		const requests = [
			['GET', '/api/v1/users/me'],
			['GET', '/api/v1/conversations'],
			['GET', `/api/v1/conversations/${room.id}`],
			['GET', `/api/v1/conversations/${room.id}/messages`],
			['POST', `/api/v1/conversations/${room.id}/messages`, body],
			['POST', `/api/v1/conversations/${room.id}/read`],
			['GET', '/api/v1/unread'],
			['POST', '/api/v1/conversations', '{"kind":"group","member_ids":[]}'],
			['POST', '/api/v1/auth/login', '{"handle":"ann","password":"x"}'],
			['POST', '/api/v1/auth/register', '{"handle":"anybody","display_name":"x","password":"12345678"}'],
		];
		for (const [method, path, sent] of requests) {
			const answer = await cgi(method, path, { token: ann.token, body: sent, PARLEY_REST_DATABASE });
			assert.deepEqual([answer.status, answer.body.code], [503, 'unavailable'], `${method} ${path}`);
			assert.match(answer.headers.get('Retry-After'), /^[1-9]/);
		}
		// what needs no database works without
		assert.equal((await cgi('GET', '/api/v1/config', { PARLEY_REST_DATABASE })).status, 200);
		assert.equal((await cgi('GET', '/api/v1/unread', { PARLEY_REST_DATABASE })).status, 401);
	});

	it('does without a place for shared counters', async () => {
		assert.equal(
			(
				await cgi('GET', '/api/v1/unread', {
					token: ann.token,
					PARLEY_SHM: '/proc/none/shm',
					PARLEY_RATE_SCALE: '1',
				})
			).status,
			200,
		);
	});
});

describe('a key that is being replaced', () => {
	it('verifies as long as it is listed, while the new one signs', async () => {
		const pair = generateKeyPairSync('ed25519');
		const key = join(folder, 'new.key'),
			pub = join(folder, 'new.pub');
		await writeFile(key, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
		await writeFile(pub, pair.publicKey.export({ type: 'spki', format: 'pem' }));
		const both = { PARLEY_TOKEN_PRIVATE_KEY: key, PARLEY_TOKEN_PUBLIC_KEYS: `${pub} ${stack.var}/keys/token.pub` };
		const alone = { PARLEY_TOKEN_PRIVATE_KEY: key, PARLEY_TOKEN_PUBLIC_KEYS: pub };

		assert.equal((await cgi('GET', '/api/v1/users/me', { token: ann.token, ...both })).status, 200);
		assert.equal((await cgi('GET', '/api/v1/users/me', { token: ann.token, ...alone })).status, 401);
		const handle = `key-${randomUUID().slice(0, 8)}`;
		const body = JSON.stringify({ handle, display_name: 'Kay', password: 'new-key-password' });
		const answer = await cgi('POST', '/api/v1/auth/register', { body, ...both });
		assert.equal(answer.status, 201);
		const { access_token: token } = JSON.parse(answer.text);
		assert.equal((await cgi('GET', '/api/v1/users/me', { token, ...alone })).status, 200);
		assert.equal((await cgi('GET', '/api/v1/users/me', { token })).status, 401, 'the old key alone');
	});

	it('is refused at the start when it is no private one', () => {
		const env = { PATH: process.env.PATH, PARLEY_VAR: stack.var, PARLEY_REST_DATABASE: stack.env.PARLEY_REST_DATABASE };
		const check = (more) => spawnSync(program('parley-rest'), ['--check'], { env: { ...env, ...more }, encoding: 'utf8' });
		assert.equal(check({}).status, 0);
		const refused = check({ PARLEY_TOKEN_PRIVATE_KEY: `${stack.var}/keys/token.pub` });
		assert.equal(refused.status, 1);
		assert.match(refused.stderr, /token_private_key holds no private key/);
	});
});

describe('the webhook of an identity provider', () => {
	const text = JSON.stringify({ type: 'ping' });
	const variables = (secret) =>
		Object.fromEntries(
			Object.entries(webhookHeaders(text, { secret })).map(([name, value]) => [`HTTP_${name.toUpperCase().replaceAll('-', '_')}`, value]),
		);
	const post = (secret, secrets) => cgi('POST', '/api/v1/webhooks/identity', {
		body: text,
		...variables(secret),
		...(secrets === undefined ? {} : { PARLEY_IDENTITY_WEBHOOK_SECRET: secrets }),
	});

	it('is refused where no secret is set', async () => {
		for (const secrets of [undefined, '', ' ']) assert.equal((await post(WEBHOOK_SECRET, secrets)).status, 401);
	});

	it('may be signed by the old secret and by the new one, while both are set', async () => {
		const next = `whsec_${Buffer.from('the secret that comes next').toString('base64')}`;
		for (const secret of [WEBHOOK_SECRET, next])
			assert.equal((await post(secret, `${next} ${WEBHOOK_SECRET}`)).status, 200);
		assert.equal((await post(WEBHOOK_SECRET, next)).status, 401);
	});
});
