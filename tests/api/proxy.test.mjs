// Behind proxies and for pages of other origins, through both web servers: whose word is believed about who asks, and who may
// call. A parley-rest of its own beside the shared one.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { handleOf, PASSWORD } from '../lib/client.mjs';
import { startLighttpd, startNginx } from '../lib/front.mjs';
import { startAnother } from '../lib/processes.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { raw } from './raw.mjs';

// 127.0.0.1 and 127.0.0.2 stand for proxies, 127.0.0.3 for somebody who would like to be one
const PROXY = '127.0.0.1',
	OUTER = '127.0.0.2',
	STRANGER = '127.0.0.3';
const PAGE = 'https://www.example.com',
	APP = 'capacitor://localhost';
const TRUSTED = `${PROXY} ${OUTER}/32 2001:db8:1::/48`;

let stack, folder, rest;
const fronts = {};
before(async () => {
	stack = await sharedStack();
	folder = await mkdtemp(join(tmpdir(), 'parley-proxy-'));
	const socket = join(folder, 'rest.sock');
	rest = await startAnother(await stack.pid('rest'), {
		PARLEY_REST_SOCKET: socket,
		PARLEY_SHM: join(folder, 'rest.shm'),
		PARLEY_REST_WORKERS: '2',
		// registering: once in 60 s
		PARLEY_RATE_SCALE: '0.034',
		PARLEY_TRUSTED_PROXIES: TRUSTED,
		PARLEY_CORS_ORIGINS: `${PAGE} ${APP}`,
	});
	[fronts.lighttpd, fronts.nginx] = await Promise.all([
		startLighttpd(stack, { socket }),
		startNginx(stack, { socket }),
	]);
});
after(async () => {
	await Promise.all(Object.values(fronts).map((front) => front.stop()));
	await rest?.kill('SIGTERM');
	if (folder) await rm(folder, { recursive: true, force: true });
	await stack?.stop();
});

let count = 0;
/** An address that no other test has; so has the bucket. */
const client = () => `198.51.100.${++count}`;

async function registers(front, from, ...lines) {
	const body = JSON.stringify({ handle: handleOf('proxy'), display_name: 'Behind', password: PASSWORD });
	const head = ['Content-Type: application/json', ...lines];
	const { status } = await raw(front, 'POST /api/v1/auth/register HTTP/1.1', head, body, { from });
	assert.ok(status === 201 || status === 429, String(status));
	return status === 201;
}

for (const name of ['lighttpd', 'nginx'])
	describe(`behind ${name}`, () => {
		const by = (from, ...lines) => registers(fronts[name], from, ...lines);

		it('each client of a trusted proxy has a quota of its own', async () => {
			const [ann, ben] = [client(), client()];
			assert.ok(await by(PROXY, `X-Forwarded-For: ${ann}`));
			assert.ok(await by(PROXY, `X-Forwarded-For: ${ben}`));
			assert.ok(!(await by(PROXY, `X-Forwarded-For: ${ann}`)));
			assert.ok(!(await by(PROXY, `x-forwarded-for: [::ffff:${ann}]:4711`)), 'in whichever spelling');
		});

		it('what the client wrote before the proxy did changes nothing', async () => {
			const ann = client();
			assert.ok(await by(PROXY, `X-Forwarded-For: ${ann}`));
			assert.ok(!(await by(PROXY, `X-Forwarded-For: ${client()}, ${ann}`)));
			assert.ok(!(await by(PROXY, `X-Forwarded-For: ${client()}, ${ann}, ${OUTER}`)), 'two proxies');
			assert.ok(!(await by(PROXY, `X-Forwarded-For: ${client()}`, `X-Forwarded-For: ${ann}`)), 'two lines');
			assert.ok(!(await by(OUTER, `X-Forwarded-For: ${ann}`, `Forwarded: for=${client()}`)));
		});

		it('another header that becomes the same variable is nobody’s word', async () => {
			await by(PROXY);
			const [ann, ben] = [client(), client()];
			for (const lines of [
				[`X_Forwarded_For: ${ben}`, `X-Forwarded-For: ${ann}`],
				[`X-Forwarded-For: ${ann}`, `X_Forwarded-For: ${ben}`],
			])
				await by(PROXY, ...lines);
			// nobody has used Ben's; Ann's is hers where the web server has dropped the other
			assert.ok(await by(PROXY, `X-Forwarded-For: ${ben}`));
		});

		it('nobody else is believed', async () => {
			await by(STRANGER);
			for (const header of ['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'Client-IP'])
				assert.ok(!(await by(STRANGER, `${header}: ${client()}`)), header);
		});

		it('what cannot be read is the proxy’s own quota', async () => {
			await by(OUTER);
			for (const forwarded of ['unknown', '', `${client()},`, `${client()}, _hidden`])
				assert.ok(!(await by(OUTER, `X-Forwarded-For: ${forwarded}`)), forwarded);
		});

		it('an IPv6 customer has one quota for its whole network', async () => {
			const network = `2001:db8:2:${(++count).toString(16)}`;
			assert.ok(await by(PROXY, `X-Forwarded-For: ${network}::1`));
			assert.ok(!(await by(PROXY, `X-Forwarded-For: ${network}:ffff::2, 2001:db8:1::7`)));
		});

		it('clients are told the address that they asked, if a trusted proxy says so', async () => {
			const told = ['X-Forwarded-Proto: https', 'X-Forwarded-Host: chat.example.org'];
			const urls = async (from, ...lines) =>
				(await raw(fronts[name], 'GET /api/v1/config HTTP/1.1', ['Host: inner:80', ...lines], '', { from })).body.mqtt;
			const port = stack.mqttUrl.split(':').pop();
			assert.deepEqual(await urls(PROXY, ...told), {
				url: `mqtt://chat.example.org:${port}`,
				ws_url: 'wss://chat.example.org/mqtt',
			});
			const plain = { url: `mqtt://inner:${port}`, ws_url: 'ws://inner/mqtt' };
			for (const [from, ...lines] of [
				[STRANGER, ...told],
				[PROXY],
				[PROXY, 'X-Forwarded-Proto: http', 'X-Forwarded-Host: '],
				[PROXY, 'X-Forwarded-Proto: https, http', 'X-Forwarded-Host: evil.example/x?, y'],
			]) {
				const { url, ws_url } = await urls(from, ...lines);
				assert.deepEqual({ url, ws_url: ws_url.replace(':80/', '/') }, plain, JSON.stringify(lines));
			}
		});
	});

/** The headers of an answer that are about other origins. */
const corsOf = ({ headers }) =>
	Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

for (const name of ['lighttpd', 'nginx'])
	describe(`a page of another origin, behind ${name}`, () => {
		const ask = (first, ...lines) => raw(fronts[name], `${first} HTTP/1.1`, lines);
		const preflight = (path, method, origin = PAGE) =>
			ask(
				`OPTIONS ${path}`,
				`Origin: ${origin}`,
				`Access-Control-Request-Method: ${method}`,
				'Access-Control-Request-Headers: authorization,content-type',
			);
		const exposed = 
			'Accept-Ranges, Allow, Content-Disposition, Content-Range, ETag, Location, RateLimit, RateLimit-Policy, ' +
			'Retry-After, WWW-Authenticate, X-Request-Id';
		const readable = (origin) => ({
			'access-control-allow-origin': origin,
			'access-control-expose-headers': exposed,
		});

		it('is told what it may send, without a token', async () => {
			for (const [path, methods] of [
				['/api/v1/config', 'GET'],
				['/api/v1/users/me', 'GET, PATCH, DELETE'],
				['/api/v1/auth/login', 'POST'],
				[`/api/v1/conversations/${randomUUID()}/messages`, 'GET, POST'],
			])
				for (const origin of [PAGE, APP]) {
					const answer = await preflight(path, methods.split(',')[0], origin);
					assert.equal(answer.status, 204, path);
					assert.equal(answer.text, '');
					assert.deepEqual(corsOf(answer), {
						...readable(origin),
						'access-control-allow-methods': methods,
						'access-control-allow-headers':
							'Authorization, Content-Disposition, Content-Type, If-Match, If-None-Match, If-Range, Parley-Act-As, Range, X-Request-Id',
						'access-control-max-age': '7200',
					});
					assert.equal(answer.headers.get('Allow'), methods);
					assert.match(answer.headers.get('Vary'), /\bOrigin\b/);
				}
		});

		it('may read answers and refusals', async () => {
			for (const [first, status, ...lines] of [
				['GET /api/v1/config', 200],
				['GET /api/v1/users/me', 401],
				['GET /api/v1/nothing', 404],
				['OPTIONS /api/v1/nothing', 404],
				['PUT /api/v1/config', 405],
				['GET /messages/nothing', 404],
				['GET /api/v1/config', 406, 'Accept: text/html'],
			]) {
				const answer = await ask(first, `Origin: ${PAGE}`, ...lines);
				assert.equal(answer.status, status, first);
				assert.deepEqual(corsOf(answer), readable(PAGE), first);
				assert.match(answer.headers.get('Vary'), /\bOrigin\b/);
			}
		});

		it('is told nothing when it is not listed', async () => {
			for (const origin of [
				'null',
				'https://www.example.com.evil.example',
				'https://evil-www.example.com',
				'http://www.example.com',
				'https://www.example.com:8443',
				'https://WWW.example.com',
				`${PAGE} ${APP}`,
				'*',
				'',
			]) {
				const asked = await preflight('/api/v1/users/me', 'PATCH', origin);
				assert.equal(asked.status, 204);
				assert.deepEqual(corsOf(asked), {}, origin);
				const answer = await ask('GET /api/v1/config', `Origin: ${origin}`);
				assert.deepEqual(corsOf(answer), {}, origin);
				assert.match(answer.headers.get('Vary'), /\bOrigin\b/, 'a cache must not hand it to a page that is');
			}
		});

		it('is told no methods when it only asks what there is', async () => {
			assert.deepEqual(corsOf(await ask('OPTIONS /api/v1/config', `Origin: ${PAGE}`)), readable(PAGE));
		});
	});

it('no origin is listed by default', async () => {
	const answer = await raw(stack, 'GET /api/v1/config HTTP/1.1', [`Origin: ${stack.url}`]);
	assert.deepEqual(corsOf(answer), {});
	assert.equal(answer.headers.get('Vary'), null);
});

it('a list that cannot be read stops the start, and says which word', async () => {
	const another = await startAnother(await stack.pid('rest'), { PARLEY_TRUSTED_PROXIES: '10.0.0.0/8 10.0.0.1/8' });
	assert.equal((await another.exited).code, 1);
	assert.match(another.output, /"word":"10\.0\.0\.1\/8"/);
	const open = await startAnother(await stack.pid('rest'), { PARLEY_CORS_ORIGINS: '*' });
	assert.equal((await open.exited).code, 1);
	assert.match(open.output, /\* is not taken: name each origin/);
});
