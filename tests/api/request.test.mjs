// What every request shares: JSON, sizes, ids, what a client takes, odd methods and addresses.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { api, directOf, must, register } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { answerOf, exchange, raw, rawSend } from './raw.mjs';

let stack, guest, ann, ben, room;
before(async () => {
	stack = await sharedStack();
	guest = api(stack);
	ann = await register(stack, 'Ann');
	ben = await register(stack, 'Ben');
	room = await directOf(ann, ben);
});
after(() => stack?.stop());

const lastSeq = async () => must(await ann.api.get(`conversations/${room.id}`), 200).last_seq;
const bytes = (...parts) =>
	Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));
const nested = (depth) => '['.repeat(depth - 2) + ']'.repeat(depth - 2);

describe('JSON', () => {
	const malformed = {
		'a body that is not UTF-8': bytes('{"body":"', [0xff], '"}'),
		'an overlong form': bytes('{"body":"', [0xc0, 0xaf], '"}'),
		'a surrogate in UTF-8': bytes('{"body":"', [0xed, 0xa0, 0x80], '"}'),
		'more than U+10FFFF': bytes('{"body":"', [0xf4, 0x90, 0x80, 0x80], '"}'),
		'a cut-off character': bytes('{"body":"', [0xf0, 0x9f, 0x91], '"}'),
		'Latin-1': Buffer.from('{"body":"é"}', 'latin1'),
		'UTF-16': Buffer.from('{"body":"x"}', 'utf16le'),
		'a byte order mark': '\ufeff{"body":"x"}',
		'a high surrogate alone': '{"body":"\\ud83d"}',
		'a low surrogate alone': '{"body":"\\udc4d"}',
		'surrogates in the wrong order': '{"body":"\\udc4d\\ud83d"}',
		'\\u0000 in a value': '{"body":"a\\u0000b"}',
		'\\u0000 in a key': '{"body":"x","a\\u0000":1}',
		'a NUL byte': bytes('{"body":"a', [0], 'b"}'),
		'a NUL byte behind': bytes('{"body":"x"}', [0]),
		'a line feed in a text': '{"body":"a\nb"}',
		'a tab in a text': '{"body":"a\tb"}',
		'a bad escape': '{"body":"\\x41"}',
		'half an escape': '{"body":"\\u00"}',
		'a key twice': '{"body":"x","body":"y"}',
		'a key twice, spelt in two ways': '{"body":"x","b\\u006fdy":"y"}',
		'a key twice, deep inside': '{"body":"x","metadata":{"a":{"b":1,"c":2,"b":1}}}',
		'nine levels': `{"body":"x","metadata":{"a":${nested(9)}}}`,
		'thousands of levels': `{"body":"x","metadata":{"a":${'['.repeat(20000)}}`,
		'nine levels of what is passed over': `{"body":"x","unknown":${nested(10)}}`,
		'too many keys': `{"body":"x","unknown":{${Array.from({ length: 4097 }, (_, n) => `"k${n}":1`)}}}`,
		'too many lists': `{"body":"x","unknown":[${Array(8192).fill('[]')}]}`,
		NaN: '{"body":"x","metadata":{"a":NaN}}',
		Infinity: '{"body":"x","metadata":{"a":-Infinity}}',
		'a number that no double holds': '{"body":"x","metadata":{"a":1e400}}',
		'a leading zero': '{"body":"x","metadata":{"a":01}}',
		'a plus': '{"body":"x","metadata":{"a":+1}}',
		'a bare point': '{"body":"x","metadata":{"a":1.}}',
		hexadecimal: '{"body":"x","metadata":{"a":0x1}}',
		'a comma at the end of an object': '{"body":"x",}',
		'a comma at the end of a list': '{"body":"x","metadata":{"a":[1,]}}',
		'no comma': '{"body":"x" "type":"text"}',
		'single quotes': "{'body':'x'}",
		'a key without quotes': '{body:"x"}',
		'a comment': '{"body":"x"/* y */}',
		True: '{"body":"x","metadata":{"a":True}}',
		'two documents': '{"body":"x"}{"body":"y"}',
		'something behind': '{"body":"x"} x',
		'white space alone': ' \n\t ',
		'half a document': '{"body":"x"',
		'white space that JSON does not know': '{"body":\u00a0"x"}',
	};
	for (const [what, body] of Object.entries(malformed))
		it(`with ${what} is refused, and nothing is sent`, async () => {
			const before_ = await lastSeq();
			const answer = await rawSend(ann, room, body);
			assert.equal(answer.status, 400, answer.text);
			assert.equal(answer.body.code, 'malformed');
			assert.equal(await lastSeq(), before_);
		});

	const fine = {
		'eight levels': `{"body":"x","metadata":{"a":${nested(8)}}}`,
		'white space around': ' \r\n\t{ "body" : "x" } \n',
		'every escape': '{"body":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9"}',
		'numbers of any size below 1e308':
			'{"body":"x","metadata":{"a":9.99e307,"b":-1.5E-300,"c":12345678901234567890123}}',
		'thousands of keys': `{"body":"x","unknown":{${Array.from({ length: 4090 }, (_, n) => `"k${n}":1`)}}}`,
		'thousands of lists': `{"body":"x","unknown":[${Array(8190).fill('[]')}]}`,
		'a pair of surrogates': '{"body":"\\ud83d\\udc4d"}',
		'empty keys': '{"body":"x","metadata":{"":{"":""}}}',
		'a key like those of objects in JavaScript':
			'{"body":"x","metadata":{"__proto__":{"a":1},"constructor":1}}',
	};
	for (const [what, body] of Object.entries(fine))
		it(`with ${what} is taken`, async () => {
			const answer = await rawSend(ann, room, body);
			assert.equal(answer.status, 201, answer.text);
			assert.equal(answer.body.body, JSON.parse(body).body);
			assert.deepEqual(answer.body.metadata, JSON.parse(body).metadata ?? {});
		});

	it('says where it is wrong', async () => {
		const answer = await rawSend(ann, room, '{"body":"x","body":"y"}');
		assert.match(answer.body.detail, /duplicate key at byte 1[0-9]/);
	});

	it('compressed is refused', async () => {
		const answer = await rawSend(ann, room, gzipSync('{"body":"x"}'), [
			'Content-Type: application/json',
			'Content-Encoding: gzip',
		]);
		assert.equal(answer.status, 415);
	});

	it('without a type is refused', async () => {
		assert.equal((await rawSend(ann, room, '{"body":"x"}', [])).status, 415);
	});
});

describe('a body', () => {
	const padded = (size) => `{"body":"x","pad":"${'p'.repeat(size - '{"body":"x","pad":""}'.length)}"}`;

	it('of 256 KiB is taken, and one byte more is not', async () => {
		assert.equal((await rawSend(ann, room, padded(256 * 1024))).status, 201);
		const answer = await rawSend(ann, room, padded(256 * 1024 + 1));
		assert.equal(answer.status, 413);
		assert.equal(answer.body.code, 'too_large');
		assert.ok(answer.body.request_id);
	});

	it('that is far too large is refused by the web server', async () => {
		const answer = await rawSend(ann, room, padded(1024 * 1024 + 1024));
		assert.equal(answer.status, 413);
		assert.equal(answer.body.code, 'too_large');
	});

	it('that says it is huge is refused before it comes', async () => {
		const answer = await raw(
			stack,
			`POST /api/v1/conversations/${room.id}/messages HTTP/1.1`,
			[`Authorization: Bearer ${ann.token}`, 'Content-Type: application/json', 'Content-Length: 99999999999'],
			'{',
		);
		assert.equal(answer.status, 413);
	});

	it('in chunks is as good as one in one piece', async () => {
		const chunks =
			['{"bo', 'dy":"in ', 'chunks"}'].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('') +
			'0\r\n\r\n';
		const answer = await rawSend(ann, room, chunks, [
			'Content-Type: application/json',
			'Transfer-Encoding: chunked',
		]);
		assert.equal(answer.status, 201);
		assert.equal(answer.body.body, 'in chunks');
	});

	it('that waits to be asked for is asked for', async () => {
		const text = await new Promise((resolve, reject) => {
			const body = '{"body":"expected"}';
			const head = [
				`POST /api/v1/conversations/${room.id}/messages HTTP/1.1`,
				`Host: ${new URL(stack.url).host}`,
				'Connection: close',
				`Authorization: Bearer ${ann.token}`,
				'Content-Type: application/json',
				`Content-Length: ${body.length}`,
				'Expect: 100-continue',
			];
			exchange(stack.url, Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)).then(resolve, reject);
		});
		const final = answerOf(text.subarray(text.lastIndexOf('HTTP/1.1')));
		assert.equal(final.status, 201);
	});

	for (const [what, lines] of Object.entries({
		'two lengths': ['Content-Length: 12', 'Content-Length: 13'],
		'a length and chunks': ['Content-Length: 12', 'Transfer-Encoding: chunked'],
		'a length that is none': ['Content-Length: x'],
		'a negative length': ['Content-Length: -1'],
	}))
		it(`with ${what} is refused`, async () => {
			const before_ = await lastSeq();
			const answer = await raw(
				stack,
				`POST /api/v1/conversations/${room.id}/messages HTTP/1.1`,
				[`Authorization: Bearer ${ann.token}`, 'Content-Type: application/json', ...lines],
				'{"body":"x"}',
				{ check: false },
			);
			assert.equal(answer.status, 400);
			assert.equal(await lastSeq(), before_);
		});
});

describe('the request id', () => {
	for (const id of ['a', 'A-z_0.9', randomUUID(), 'x'.repeat(64)])
		it(`of the client is kept: ${id.slice(0, 40)}`, async () => {
			for (const path of ['config', 'unread']) {
				const answer = await guest.get(path, { headers: { 'x-request-id': id } });
				assert.equal(answer.headers.get('X-Request-Id'), id);
			}
		});
	for (const id of ['', 'x'.repeat(65), 'a b', 'a/b', 'é', '"', '${x}', 'a\tb'])
		it(`${JSON.stringify(id.slice(0, 12))} of ${id.length} is replaced`, async () => {
			const answer = await raw(stack, 'GET /api/v1/config HTTP/1.1', [`X-Request-Id: ${id}`]);
			assert.equal(answer.status, 200);
			assert.match(
				answer.headers.get('X-Request-Id'),
				/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
			);
		});

	it('is another for each request without one', async () => {
		const answers = await Promise.all(Array.from({ length: 20 }, () => guest.get('config')));
		assert.equal(new Set(answers.map(({ headers }) => headers.get('X-Request-Id'))).size, 20);
	});

	it('is in the log of the request', async () => {
		const id = `test-${randomUUID()}`;
		await guest.get('unread', { headers: { 'x-request-id': id } });
		const { rest } = await stack.logs();
		const line = rest.split('\n').find((candidate) => candidate.includes(id));
		const { request_id, status, route } = JSON.parse(line);
		assert.deepEqual([request_id, status, route], [id, 401, '/api/v1/unread']);
	});

	it('and nothing of what was said is in the log', async () => {
		const secret = `secret-${randomUUID()}`;
		await rawSend(ann, room, `{"body":"${secret}","metadata":{"a":"${secret}"}}`);
		await guest.post('auth/login', { handle: ann.handle, password: secret });
		await guest.get(`unread?token=${secret}`);
		const { rest } = await stack.logs();
		assert.ok(rest.length > 0 && !rest.includes(secret) && !rest.includes(ann.token));
	});
});

describe('what a client takes', () => {
	const taken = [
		'*/*',
		'application/*',
		'application/json',
		'APPLICATION/JSON',
		'application/problem+json',
		'application/json;q=0.1',
		'application/json;q=0.001',
		'application/json; charset=utf-8; q=0.05',
		'text/html, application/json;q=0.9',
		'text/html,*/*;q=0.8',
		' application/json ',
		'application/json; charset=utf-8',
		'',
	];
	for (const accept of taken)
		it(`${JSON.stringify(accept)} is answered`, async () => {
			assert.equal((await raw(stack, 'GET /api/v1/config HTTP/1.1', [`Accept: ${accept}`])).status, 200);
		});
	const refused = [
		'text/html',
		'text/*',
		'application/xml',
		'application/json;q=0',
		'application/json; q=0.0',
		'application/json;q=0.000',
		'application/json;charset=utf-8;Q=0',
		'json',
		'application/jsonx',
	];
	for (const accept of refused)
		it(`${JSON.stringify(accept)} is not`, async () => {
			const answer = await raw(stack, 'GET /api/v1/config HTTP/1.1', [`Accept: ${accept}`]);
			assert.equal(answer.status, 406);
			assert.equal(answer.body.code, 'not_acceptable');
		});
	it('any language: a code is the same in all of them', async () => {
		for (const language of ['de', 'en-GB', '*', 'xx'])
			assert.equal(
				(await guest.get('unread', { headers: { 'accept-language': language } })).body.code,
				'unauthorized',
			);
	});
});

describe('an address', () => {
	it('of more than 1024 bytes is too long', async () => {
		const longest = `/api/v1/${'x'.repeat(1024 - '/api/v1/'.length)}`;
		assert.equal((await guest.get(longest)).status, 404);
		const answer = await guest.get(`${longest}x`);
		assert.equal(answer.status, 414);
		assert.equal(answer.body.code, 'uri_too_long');
	});

	it('with a query of more than 2048 bytes is too long', async () => {
		const query = `limit=1&x=${'y'.repeat(2048 - 'limit=1&x='.length)}`;
		must(await ann.api.get(`conversations?${query}`), 200);
		const answer = await ann.api.get(`conversations?${query}y`);
		assert.equal(answer.status, 414);
		assert.equal(answer.body.code, 'uri_too_long');
	});

	it('and headers of more than 32 KiB are too large', async () => {
		const lines = Array.from({ length: 6 }, (_, i) => `X-Long-${i}: ${'x'.repeat(6000)}`);
		const answer = await raw(stack, 'GET /api/v1/config HTTP/1.1', lines);
		assert.equal(answer.status, 431);
	});

	for (const path of [
		'/api/v1//config',
		'//api/v1/config',
		'/api/v1/./config',
		'/api/v1/x/../config',
		'/api/v1/%2e%2e/v1/config',
		'/api%2fv1/config',
		'/api/v1/config%00',
		'/api/v1/config%0a',
		'/api/v1/%ff',
		'/api/v1\\config',
		'/api/v1/config/',
		'/api/v1/config;x',
		'/api/v1/CONFIG',
		'/API/v1/config',
	])
		it(`like ${path} is no other way to a route`, async () => {
			const answer = await raw(stack, `GET ${path} HTTP/1.1`, [], '', { check: false });
			assert.ok([400, 403, 404].includes(answer.status), `${answer.status} ${answer.text.slice(0, 200)}`);
		});

	for (const path of [
		'/api/v1/confi%67',
		'/api/v1/config?',
		'/api/v1/config?x=%zz&limit=',
		'/api/v1/config#x',
	])
		it(`like ${path} is one`, async () => {
			assert.equal((await raw(stack, `GET ${path} HTTP/1.1`, [], '', { check: false })).status, 200);
		});
});

describe('a method', () => {
	for (const method of ['PUT', 'DELETE', 'PATCH', 'POST'])
		it(`${method} that an address does not take is refused with those that it takes`, async () => {
			const answer = await raw(stack, `${method} /api/v1/config HTTP/1.1`, [], method === 'POST' ? '{}' : '');
			assert.equal(answer.status, 405);
			assert.equal(answer.headers.get('Allow'), 'GET');
		});
	for (const method of ['TRACE', 'CONNECT', 'FROB', 'get', 'PROPFIND'])
		it(`${method} is nobody’s`, async () => {
			const answer = await raw(stack, `${method} /api/v1/config HTTP/1.1`, [], '', { check: false });
			assert.ok([400, 403, 405, 501].includes(answer.status), String(answer.status));
			assert.ok(!answer.text.includes('timings'));
		});
	it('OPTIONS is answered with those that an address takes, whoever asks and whatever else it says', async () => {
		for (const lines of [[], ['Accept: text/html'], ['Authorization: Bearer x'], ['Access-Control-Request-Method: GET']]) {
			const answer = await raw(stack, 'OPTIONS /api/v1/users/me HTTP/1.1', lines);
			assert.equal(answer.status, 204);
			assert.equal(answer.headers.get('Allow'), 'GET, PATCH, DELETE');
			assert.equal(answer.headers.get('Access-Control-Allow-Methods'), null);
		}
		assert.equal((await raw(stack, 'OPTIONS /api/v1/nothing HTTP/1.1')).status, 404);
	});
	it('HEAD of what is not there says so without a body', async () => {
		const answer = await ann.api.head(`users/${randomUUID()}`);
		assert.equal(answer.status, 404);
		assert.equal(answer.text, '');
	});
	it('HEAD of what takes no GET is refused', async () => {
		const answer = await raw(stack, 'HEAD /api/v1/auth/login HTTP/1.1', [], '', { check: false });
		assert.equal(answer.status, 405);
		assert.equal(answer.headers.get('Allow'), 'POST');
	});
	it('GET is answered whole, also when a part is asked for', async () => {
		const whole = await guest.get('config');
		const answer = await raw(stack, 'GET /api/v1/config HTTP/1.1', ['Range: bytes=0-9']);
		assert.equal(answer.status, 200);
		assert.equal(answer.text, whole.text);
	});
	it('is not chosen by a header', async () => {
		const answer = await ann.api.get('users/me', { headers: { 'x-http-method-override': 'PATCH' } });
		must(answer, 200);
	});
});

describe('a connection', () => {
	it('carries one request after the other', async () => {
		const one = `GET /api/v1/config HTTP/1.1\r\nHost: ${new URL(stack.url).host}\r\nX-Request-Id: one\r\n\r\n`;
		const last = one.replace('one', 'two').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
		const text = (await exchange(stack.url, Buffer.from(one + last))).toString();
		assert.equal(text.match(/HTTP\/1\.1 200/g).length, 2);
		assert.ok(text.indexOf('X-Request-Id: one') < text.indexOf('X-Request-Id: two'));
	});
	it('of HTTP/1.0 is served', async () => {
		const answer = answerOf(await exchange(stack.url, Buffer.from('GET /health HTTP/1.0\r\n\r\n')));
		assert.equal(answer.status, 200);
		assert.equal(answer.body.status, 'ok');
	});
	it('that is broken off in the middle of a body sends nothing', async () => {
		const before_ = await lastSeq();
		const { connect } = await import('node:net');
		const { hostname, port } = new URL(stack.url);
		await new Promise((resolve) => {
			const socket = connect(Number(port), hostname, () => {
				socket.write(
					`POST /api/v1/conversations/${room.id}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ann.token}\r\n` +
						'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"body":"half"}',
					() => socket.destroy(),
				);
			});
			socket.on('close', resolve);
			socket.on('error', () => undefined);
		});
		assert.equal((await rawSend(ann, room, '{"body":"next"}')).body.seq, before_ + 1);
	});
	it('512 at once are all served', async () => {
		const answers = await Promise.all(Array.from({ length: 512 }, () => guest.get('config')));
		assert.ok(answers.every(({ status }) => status === 200));
	});
});
