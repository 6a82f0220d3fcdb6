// Downloading files: for whom, and what of them, in each of the three ways in which a file is handed out.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { api, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { download, fileOf } from '../lib/files.mjs';
import { startLighttpd, startNginx } from '../lib/front.mjs';
import { service } from '../lib/operator.mjs';
import { png } from '../lib/picture.mjs';
import { sharedStack } from '../lib/stack.mjs';

const TEXT = Buffer.from('0123456789'.repeat(100));
const WAYS = ['lighttpd', 'nginx', 'worker'];

let stack;
const fronts = {};
before(async () => {
	stack = await sharedStack();
	const [nginx, worker] = await Promise.all([startNginx(stack), startLighttpd(stack, { sendfile: false })]);
	Object.assign(fronts, { lighttpd: stack, nginx, worker });
});
after(async () => {
	await Promise.all([fronts.nginx?.stop(), fronts.worker?.stop()]);
	await stack?.stop();
});

/** A new group with a message in which a new file of its owner was sent. */
async function sentIn(owner, others, more = {}) {
	const group = await groupOf(owner, others, more);
	const file = await fileOf(stack, owner, randomBytes(100), { thumbnail: Buffer.from('small') });
	const message = await send(owner, group, 'Here it is', { attachments: [file.id] });
	assert.equal(message.attachments[0].url, file.url);
	return { group, message, file };
}

/** May this person have it, its thumbnail, and the same by HEAD? All four say the same. */
async function mayHave({ token }, file, headers = {}) {
	const answers = await Promise.all(
		['', '/thumbnail'].flatMap((end) =>
			['GET', 'HEAD'].map((method) => download(stack, file.url + end, { method, token, headers })),
		),
	);
	const statuses = [...new Set(answers.map(({ status }) => status))];
	assert.equal(statuses.length, 1, `${statuses}`);
	if (statuses[0] === 200) assert.deepEqual(answers[0].bytes, file.bytes);
	else assert.ok([401, 403, 404].includes(statuses[0]), `${statuses}`);
	return statuses[0];
}

describe('a file is for', () => {
	let ann, ben, eve;
	before(async () => {
		[ann, ben, eve] = await Promise.all(['Ann', 'Ben', 'Eve'].map((name) => register(stack, name)));
	});

	it('who uploaded it, before it is sent, and nobody else', async () => {
		const file = await fileOf(stack, ann, TEXT, { thumbnail: Buffer.from('small') });
		assert.equal(await mayHave(ann, file), 200);
		assert.equal(await mayHave(ben, file), 404);
		assert.equal(await mayHave({}, file), 401);
		assert.equal(await mayHave({ token: 'x' }, file), 401);
	});

	it('who is in the conversation in which it was sent', async () => {
		const { file } = await sentIn(ann, [ben]);
		assert.equal(await mayHave(ann, file), 200);
		assert.equal(await mayHave(ben, file), 200);
		assert.equal(await mayHave(eve, file), 404);
	});

	it('nobody by its address alone, and who may not have it cannot tell it from none', async () => {
		const { file } = await sentIn(ann, [ben]);
		const shown = async (url, method) => {
			const { status, lines, body } = await download(stack, url, { method, token: eve.token, headers: { 'x-request-id': 'same' } });
			return { status, body, lines: lines.filter(([name]) => name !== 'Date') };
		};
		for (const end of ['', '/thumbnail'])
			for (const method of ['GET', 'HEAD']) {
				const there = await shown(file.url + end, method);
				assert.equal(there.status, 404);
				assert.deepEqual(there, await shown(`/api/v1/attachments/${randomUUID()}${end}`, method));
			}
		assert.equal((await download(stack, `${file.url}?access_token=${ann.token}`)).status, 401);
		assert.equal((await download(stack, file.url, { headers: { cookie: `token=${ann.token}` } })).status, 401);
	});

	it('nobody who has left or was removed, until added again', async () => {
		const { group, file } = await sentIn(ann, [ben, eve]);
		assert.equal(await mayHave(ben, file), 200);
		must(await ben.api.delete(`conversations/${group.id}/members/${ben.id}`), 204);
		must(await ann.api.delete(`conversations/${group.id}/members/${eve.id}`), 204);
		assert.equal(await mayHave(ben, file), 404);
		assert.equal(await mayHave(eve, file), 404);
		must(await ann.api.put(`conversations/${group.id}/members/${ben.id}`), 204);
		assert.equal(await mayHave(ben, file), 200);
	});

	it('its uploader, who has left', async () => {
		const { group, file } = await sentIn(ann, [ben]);
		must(await ann.api.put(`conversations/${group.id}/members/${ben.id}`, { role: 'owner' }), 204);
		must(await ann.api.delete(`conversations/${group.id}/members/${ann.id}`), 204);
		assert.equal(await mayHave(ann, file), 200);
	});

	it('who joins later, where the history is for all, and not where it is from joining on', async () => {
		for (const [history, status] of [
			['all', 200],
			['joined', 404],
		]) {
			const { group, file } = await sentIn(ann, [ben], { history });
			must(await ann.api.put(`conversations/${group.id}/members/${eve.id}`), 204);
			assert.equal(await mayHave(eve, file), status, history);
			assert.equal(await mayHave(ben, file), 200, history);
			// sent once more, it is for all who are there
			await send(ann, group, 'And again', { attachments: [file.id] });
			assert.equal(await mayHave(eve, file), 200, history);
		}
	});

	it('nobody but its uploader when the message is deleted, unless it was sent in another', async () => {
		const { group, message, file } = await sentIn(ann, [ben]);
		await send(ann, await groupOf(ann, [eve]), 'For you, too', { attachments: [file.id] });
		must(await ann.api.delete(`conversations/${group.id}/messages/${message.id}`), 204);
		assert.equal(await mayHave(ben, file), 404);
		assert.equal(await mayHave(eve, file), 200);
		assert.equal(await mayHave(ann, file), 200);
	});

	it('two of whom one has blocked the other: what was sent stays', async () => {
		const room = await directOf(ann, ben);
		const file = await fileOf(stack, ann, TEXT, { thumbnail: TEXT });
		await send(ann, room, 'Look', { attachments: [file.id] });
		must(await ben.api.put(`blocks/${ann.id}`), 204);
		assert.equal(await mayHave(ben, file), 200);
		must(await ben.api.delete(`blocks/${ann.id}`), 204);
	});

	it('a service with the scope that acts for one who may have it', async () => {
		const { file } = await sentIn(ann, [ben]);
		const [reads, writes, plain] = await Promise.all(
			['messages:read act-as', 'messages:write users:read act-as', 'messages:read'].map((scope) => service(stack, scope)),
		);
		const acting = (person) => ({ 'Parley-Act-As': person.id });
		assert.equal(await mayHave(reads, file, acting(ben)), 200);
		assert.equal(await mayHave(reads, file, acting(eve)), 404);
		assert.equal(await mayHave(reads, file), 403);
		assert.equal(await mayHave(writes, file, acting(ben)), 403);
		assert.equal(await mayHave(plain, file, acting(ben)), 403);
		assert.equal(await mayHave(ben, file, acting(ben)), 403);
	});

	it('nobody whose session has ended', async () => {
		const one = await register(stack, 'Leaver');
		const { file } = await sentIn(ann, [one]);
		assert.equal(await mayHave(one, file), 200);
		must(await one.api.post('auth/logout'), 204);
		for (const way of WAYS) {
			const answer = await download(fronts[way], file.url, { token: one.token });
			assert.equal(answer.status, 401, way);
			assert.equal(answer.headers.get('ETag') ?? answer.headers.get('Content-Disposition'), null, way);
		}
	});
});

// --- what is answered, in all three ways -----------------------------------------------------------

/*
 * What is asked, and what comes: the status, the bytes from where to where, and headers. @ is the file's tag. A row is asked
 * by GET; what HEAD says follows from it.
 */
const ALL = [0, 1000];
const TABLE = [
	[{}, 200, ALL],
	[{ Accept: 'image/webp' }, 200, ALL],
	[{ Range: 'bytes=0-0' }, 206, [0, 1]],
	[{ Range: 'bytes=0-' }, 206, ALL],
	[{ Range: 'bytes=0-999' }, 206, ALL],
	[{ Range: 'bytes=0-1000' }, 206, ALL],
	[{ Range: 'bytes=13-26' }, 206, [13, 27]],
	[{ Range: 'Bytes=13-26' }, 206, [13, 27]],
	[{ Range: 'bytes=999-' }, 206, [999, 1000]],
	[{ Range: 'bytes=990-123456789012' }, 206, [990, 1000]],
	[{ Range: 'bytes=-7' }, 206, [993, 1000]],
	[{ Range: 'bytes=-1000' }, 206, ALL],
	[{ Range: 'bytes=-5000' }, 206, ALL],
	[{ Range: 'bytes=1000-' }, 416],
	[{ Range: 'bytes=1000-2000' }, 416],
	[{ Range: 'bytes=-0' }, 416],
	// passed over
	[{ Range: 'bytes=0-1,5-6' }, 200, ALL],
	[{ Range: 'bytes=0-1, -1' }, 200, ALL],
	[{ Range: 'bytes=5-4' }, 200, ALL],
	[{ Range: 'bytes=2000-1000' }, 200, ALL],
	[{ Range: 'bytes= 5-6' }, 200, ALL],
	[{ Range: 'bytes=x-6' }, 200, ALL],
	[{ Range: 'bytes=-' }, 200, ALL],
	[{ Range: 'bytes=5-99999999999999999999' }, 200, ALL],
	[{ Range: 'bytes=99999999999999999999-' }, 200, ALL],
	[{ Range: 'lines=1-2' }, 200, ALL],
	// what the client has
	[{ 'If-None-Match': '@' }, 304],
	[{ 'If-None-Match': 'W/@' }, 304],
	[{ 'If-None-Match': '"x", @' }, 304],
	[{ 'If-None-Match': '*' }, 304],
	[{ 'If-None-Match': '"x"' }, 200, ALL],
	[{ 'If-None-Match': 'x' }, 200, ALL],
	[{ 'If-None-Match': '@', Range: 'bytes=0-1' }, 304],
	[{ 'If-None-Match': '@', Range: 'bytes=1000-' }, 304],
	[{ 'If-None-Match': '"x"', Range: 'bytes=0-1' }, 206, [0, 2]],
	// what it wants
	[{ 'If-Match': '@' }, 200, ALL],
	[{ 'If-Match': '"x", @' }, 200, ALL],
	[{ 'If-Match': '*' }, 200, ALL],
	[{ 'If-Match': '@', Range: 'bytes=13-26' }, 206, [13, 27]],
	[{ 'If-Match': '"x"' }, 412],
	[{ 'If-Match': 'W/@' }, 412],
	[{ 'If-Match': '"x"', Range: 'bytes=0-1' }, 412],
	[{ 'If-Match': '"x"', 'If-None-Match': '@' }, 412],
	[{ 'If-Match': '@', 'If-None-Match': '@' }, 304],
	// the rest of what it has
	[{ 'If-Range': '@', Range: 'bytes=13-26' }, 206, [13, 27]],
	[{ 'If-Range': '@', Range: 'bytes=1000-' }, 416],
	[{ 'If-Range': '@' }, 200, ALL],
	[{ 'If-Range': '"x"', Range: 'bytes=13-26' }, 200, ALL],
	[{ 'If-Range': 'W/@', Range: 'bytes=13-26' }, 200, ALL],
	[{ 'If-Range': '"x"', Range: 'bytes=1000-' }, 200, ALL],
	[{ 'If-Range': 'Fri, 01 Jan 2038 00:00:00 GMT', Range: 'bytes=13-26' }, 200, ALL],
	[{ 'If-Range': 'x', Range: 'bytes=13-26' }, 200, ALL],
	// there is no date to compare these with
	[{ 'If-Modified-Since': 'Fri, 01 Jan 2038 00:00:00 GMT' }, 200, ALL],
	[{ 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 200, ALL],
	[{ 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT', Range: 'bytes=13-26' }, 206, [13, 27]],
];

/** What a web server adds to say of itself and the connection. */
const OWN = ['date', 'server', 'connection', 'keep-alive', 'x-request-id'];
const shownBy = ({ status, lines, bytes, complete }) => ({
	status,
	lines: lines
		.map(([name, value]) => `${name.toLowerCase()}: ${value}`)
		.filter((line) => !OWN.includes(line.split(':')[0]))
		.sort(),
	bytes: bytes.toString('latin1'),
	complete,
});

describe('what is asked for', () => {
	let ann, file, tag;
	before(async () => {
		ann = await register(stack, 'Ann');
		file = await fileOf(stack, ann, TEXT, { name: 'Übung.txt', thumbnail: TEXT.subarray(0, 500) });
		tag = (await download(stack, file.url, { token: ann.token })).headers.get('ETag');
		assert.match(tag, /^"[0-9a-f]{64}[!-~]*"$/);
	});

	const ask = (way, method, headers, end = '') =>
		download(fronts[way], file.url + end, {
			method,
			token: ann.token,
			headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('@', tag)])),
		});

	for (const [headers, status, part] of TABLE) {
		const said = Object.entries(headers).map((pair) => pair.join(': ')).join(', ') || 'nothing more';
		it(`with ${said}: ${status}`, async () => {
			const answers = {};
			for (const way of WAYS) answers[way] = await ask(way, 'GET', headers);
			const { lighttpd: answer } = answers;
			assert.equal(answer.status, status);
			if (part) assert.deepEqual(answer.bytes, TEXT.subarray(...part));
			const range = status === 206 ? `bytes ${part[0]}-${part[1] - 1}/1000` : status === 416 ? 'bytes */1000' : null;
			assert.equal(answer.headers.get('Content-Range'), range);
			if (status !== 416 && status !== 412) assert.equal(answer.headers.get('ETag'), tag);
			for (const way of WAYS)
				if (status < 400) assert.deepEqual(shownBy(answers[way]), shownBy(answer), way);
				else assert.deepEqual([answers[way].status, answers[way].body.code], [status, answer.body.code], way);

			// HEAD: as GET without a range, and without the body
			const { Range: _, ...others } = headers;
			const whole = await ask('lighttpd', 'GET', others);
			for (const way of WAYS) {
				const head = await ask(way, 'HEAD', headers);
				assert.equal(head.status, whole.status, way);
				assert.equal(head.bytes.length, 0, way);
				if (whole.status < 400) assert.deepEqual(shownBy(head).lines, shownBy(whole).lines, way);
			}
		});
	}

	it('has every header once, in each way', async () => {
		for (const way of WAYS) {
			const { lines } = await ask(way, 'GET', {});
			const names = lines.map(([name]) => name.toLowerCase());
			assert.deepEqual(names, [...new Set(names)], way);
			assert.deepEqual(shownBy({ lines, bytes: TEXT }).lines, [
				'accept-ranges: bytes',
				'cache-control: private, no-cache',
				'content-disposition: attachment; filename="_bung.txt"; filename*=UTF-8\'\'%C3%9Cbung.txt',
				"content-security-policy: sandbox; default-src 'none'",
				'content-length: 1000',
				'content-type: text/plain',
				`etag: ${tag}`,
				'x-content-type-options: nosniff',
			].sort(), way);
			assert.ok(names.includes('x-request-id'), way);
			assert.ok(!names.some((name) => name.startsWith('x-sendfile') || name.startsWith('x-accel')), way);
		}
	});

	it('may be the thumbnail, with a tag of its own', async () => {
		for (const way of WAYS) {
			const answer = await ask(way, 'GET', {}, '/thumbnail');
			assert.equal(answer.status, 200, way);
			assert.deepEqual(answer.bytes, TEXT.subarray(0, 500), way);
			assert.equal(answer.headers.get('Content-Type'), 'image/webp');
			assert.match(answer.headers.get('Content-Disposition'), /^inline;/);
			const own = answer.headers.get('ETag');
			assert.notEqual(own, tag);
			const part = await ask(way, 'GET', { Range: 'bytes=-5', 'If-Range': own }, '/thumbnail');
			assert.deepEqual([part.status, part.bytes.toString()], [206, '56789'], way);
			assert.equal((await ask(way, 'GET', { 'If-None-Match': own }, '/thumbnail')).status, 304, way);
			assert.equal((await ask(way, 'GET', { 'If-None-Match': tag }, '/thumbnail')).status, 200, way);
		}
		const plain = await fileOf(stack, ann, randomBytes(10));
		const answer = await download(stack, `${plain.url}/thumbnail`, { token: ann.token });
		assert.deepEqual([answer.status, answer.body.code], [404, 'not_found']);
	});

	it('is not looked for in Accept', async () => {
		assert.equal((await ask('lighttpd', 'GET', { Accept: 'video/mp4' })).status, 200);
	});
});

// --- what a browser makes of it --------------------------------------------------------------------

describe('what a browser gets', () => {
	let ann;
	before(async () => {
		ann = await register(stack, 'Ann');
	});

	it('shows pictures, sound and film, and never what can hold a script', async () => {
		for (const [type, shown] of [
			['image/png', true],
			['image/jpeg', true],
			['image/gif', true],
			['image/webp', true],
			['audio/mpeg', true],
			['video/mp4', true],
			['text/html', false],
			['image/svg+xml', false],
			['application/xhtml+xml', false],
			['text/xml', false],
			['application/pdf', false],
			['text/plain', false],
			['application/x-sh', false],
			['application/octet-stream', false],
		]) {
			const file = await fileOf(stack, ann, Buffer.from(`<script>alert('${type}')</script>`), { type, name: 'a.html' });
			for (const way of WAYS) {
				const { headers } = await download(fronts[way], file.url, { token: ann.token });
				assert.equal(headers.get('Content-Type'), type, way);
				assert.match(headers.get('Content-Disposition'), shown ? /^inline;/ : /^attachment;/, `${type}, ${way}`);
				assert.equal(headers.get('X-Content-Type-Options'), 'nosniff');
				assert.equal(headers.get('Content-Security-Policy'), "sandbox; default-src 'none'");
			}
		}
	});

	it('saves it under its name, whatever that is', async () => {
		for (const name of ['a b.txt', '"; filename="x.html', 'back\\slash', '100%41.txt', 'Ünï 👍.txt', "a'b;c,d=e", 'x'.repeat(255)]) {
			const file = await fileOf(stack, ann, TEXT, { name });
			for (const way of WAYS) {
				const { headers } = await download(fronts[way], file.url, { token: ann.token });
				const [, plain, extended] = headers
					.get('Content-Disposition')
					.match(/^attachment; filename="([^"\\%\x80-\xff]*)"; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]*)$/);
				assert.equal(decodeURIComponent(extended), name, way);
				assert.equal(plain.length, [...name].length);
			}
		}
	});
});

// --- what was uploaded -----------------------------------------------------------------------------

describe('what was uploaded', () => {
	let ann, ben, room;
	before(async () => {
		[ann, ben] = await Promise.all([register(stack, 'Ann'), register(stack, 'Ben')]);
		room = await directOf(ann, ben);
	});

	/** Uploads and sends it; resolves to what the other is told of it. */
	async function sent(bytes, name, type) {
		const headers = { 'content-type': type, 'content-disposition': `attachment; filename="${name}"` };
		const { id } = must(await ann.api.post('attachments', undefined, { body: bytes, headers }), 201);
		const { id: message } = await send(ann, room, 'Look', { attachments: [id] });
		return must(await ben.api.get(`conversations/${room.id}/messages/${message}`), 200).attachments[0];
	}

	it('comes back as it was, with its thumbnail, in each way', async () => {
		const bytes = png(640, 480, { comment: randomUUID() });
		const told = await sent(bytes, 'a.png', 'image/png');
		for (const way of WAYS) {
			const file = await download(fronts[way], told.url, { token: ben.token });
			assert.deepEqual([file.status, file.headers.get('Content-Type')], [200, 'image/png'], way);
			assert.deepEqual(file.bytes, bytes, way);
			assert.match(file.headers.get('Content-Disposition'), /^inline; filename="a.png";/);
			const thumbnail = await download(fronts[way], told.thumbnail_url, { token: ben.token });
			assert.deepEqual([thumbnail.status, thumbnail.headers.get('Content-Type')], [200, 'image/webp'], way);
			assert.match(thumbnail.bytes.toString('latin1'), /^RIFF.{4}WEBP/s);
		}
	});

	it('is saved and not shown where it can hold a script, whatever it was called', async () => {
		for (const text of [
			'<!DOCTYPE html><html><body><script>alert(document.domain)</script></body></html>',
			'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
			'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>',
			'<script>alert(1)</script>',
			'%PDF-1.4\n<script>alert(1)</script>',
		]) {
			const told = await sent(Buffer.from(text), 'harmless.png', 'image/png');
			for (const way of WAYS)
				for (const headers of [{}, { accept: 'text/html' }]) {
					const file = await download(fronts[way], told.url, { token: ben.token, headers });
					assert.equal(file.status, 200);
					assert.equal(file.headers.get('X-Content-Type-Options'), 'nosniff');
					assert.equal(file.headers.get('Content-Security-Policy'), "sandbox; default-src 'none'");
					assert.match(file.headers.get('Content-Disposition'), /^attachment;/, `${way}: ${text}`);
				}
		}
	});
});

// --- what must not happen --------------------------------------------------------------------------

describe('nobody', () => {
	let ann, file;
	before(async () => {
		ann = await register(stack, 'Ann');
		file = await fileOf(stack, ann, TEXT);
	});

	it('gets at the files but by the route', async () => {
		const below = `${file.sha256.slice(0, 2)}/${file.sha256}`;
		for (const way of WAYS)
			for (const path of [
				`/attachments/whole/${below}`,
				`/attachments/part/${below}`,
				`/attachments/${below}`,
				`/var/attachments/${below}`,
				`/${below}`,
				`/api/v1/attachments/${below}`,
			]) {
				const answer = await fetch(fronts[way].url + path, { headers: { authorization: `Bearer ${ann.token}` } });
				await answer.arrayBuffer();
				assert.equal(answer.status, 404, `${way} ${path}`);
			}
	});

	it('has a web server send a file by a header of a request', async () => {
		const path = `${stack.var}/attachments/${file.sha256.slice(0, 2)}/${file.sha256}`;
		const headers = {
			'X-Sendfile': path,
			'X-Sendfile2': `${path} 0-9`,
			'X-Accel-Redirect': `/attachments/whole/${file.sha256.slice(0, 2)}/${file.sha256}`,
			SENDFILE_BY: 'nginx',
			'Sendfile-By': 'lighttpd',
		};
		for (const way of WAYS)
			for (const path of ['/api/v1/config', '/api/v1/users/me', file.url]) {
				const answer = await download(fronts[way], path, { headers });
				assert.ok(!answer.bytes.includes(TEXT.subarray(0, 100)), `${way} ${path}`);
			}
		// and its own answer is what it would be without
		for (const way of WAYS) {
			const answer = await download(fronts[way], file.url, { token: ann.token, headers });
			assert.deepEqual([answer.status, answer.bytes], [200, TEXT], way);
		}
	});

	it('finds tokens in a log', async () => {
		await download(stack, file.url, { token: ann.token });
		for (const [name, text] of Object.entries(await stack.logs())) assert.ok(!text.includes(ann.token), name);
	});

	it('is given what is not what was uploaded', async () => {
		const gone = await fileOf(stack, ann, randomBytes(50), { content: 'short' });
		for (const way of WAYS) {
			const answer = await fetch(fronts[way].url + gone.url, { headers: { authorization: `Bearer ${ann.token}` } });
			assert.equal(answer.status, 500, way);
			assert.equal((await answer.json()).code, 'internal', way);
		}
	});
});

it('a page of another origin can read what it needs of the headers', async () => {
	const answer = await api(stack).call('OPTIONS', `attachments/${randomUUID()}`);
	assert.equal(answer.headers.get('Allow'), 'GET');
});
