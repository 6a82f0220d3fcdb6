// Files in a bucket: there and back again by way of a store that checks signatures, and what is left when it does not take one.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { api, directOf, must, register } from '../lib/client.mjs';
import { png } from '../lib/picture.mjs';
import { startBucket } from '../lib/s3.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const ORPHAN_S = 6; // more than a busy machine takes from an upload to its message
let bucket, stack, alice, bob;
before(async () => {
	bucket = await startBucket();
	stack = await startStack({ env: { ...bucket.settings, PARLEY_ATTACHMENT_WORKERS: '1', PARLEY_ATTACHMENT_ORPHAN_S: String(ORPHAN_S) } });
	[alice, bob] = await Promise.all([register(stack, 'Alice'), register(stack, 'Bob')]);
});
after(async () => {
	await stack?.stop();
	await bucket?.stop();
});

const upload = (person, bytes, name = 'a.bin') =>
	person.api.post('attachments', undefined, { body: bytes, headers: { 'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}` } });
const keyOf = (bytes) => {
	const hash = createHash('sha256').update(bytes).digest('hex');
	return `${hash.slice(0, 2)}/${hash}`;
};
/** A file that stays: in a message of its own conversation. */
async function sent(person, other, bytes, name) {
	const file = must(await upload(person, bytes, name), 201);
	const conversation = await directOf(person, other);
	must(await person.api.post(`conversations/${conversation.id}/messages`, { attachments: [file.id] }), 201);
	return file;
}
/** Where a client is sent. */
async function locationOf(person, path) {
	const answer = await person.api.get(path);
	must(answer, 302);
	assert.equal(answer.headers.get('cache-control'), 'no-store');
	return answer.headers.get('location');
}
/** As a client that follows: to a host of its own, whose name need not be known here. */
const follow = (location, { method = 'GET', headers = {} } = {}) =>
	new Promise((resolve, reject) => {
		const { host, port, pathname, search } = new URL(location);
		const sending = request({ host: '127.0.0.1', port, path: pathname + search, method, headers: { host, ...headers } }, async (answer) => {
			const parts = [];
			for await (const part of answer) parts.push(part);
			resolve({ status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(parts) });
		});
		sending.on('error', reject);
		sending.end();
	});
const rows = (bytes) => stack.sql(`select count(*) from attachments where sha256 = '\\x${keyOf(bytes).slice(3)}'`).then(Number);
const spooled = () => readdir(join(stack.var, 'attachments/tmp'));

describe('a file', () => {
	it('is put into the bucket, byte for byte, with its thumbnail, and nothing of it stays here', async () => {
		const picture = png(800, 400, { comment: randomBytes(8).toString('hex') });
		const file = await sent(alice, bob, picture, 'a picture.png');
		const [content, thumbnail] = [bucket.objects.get(keyOf(picture)), bucket.objects.get(`${keyOf(picture)}.thumb`)];
		assert.deepEqual(content.bytes, picture);
		assert.ok(thumbnail.bytes.length > 0);
		assert.equal(content.type, 'application/octet-stream', 'by itself it is nothing that a browser shows');
		assert.deepEqual(await readdir(join(stack.var, 'attachments')), ['tmp']);
		assert.deepEqual(await spooled(), []);

		for (const reader of [alice, bob]) {
			const whole = await follow(await locationOf(reader, file.url));
			assert.deepEqual(whole.bytes, picture);
			assert.equal(whole.headers['content-type'], 'image/png');
			assert.match(whole.headers['content-disposition'], /^inline; .*filename\*=UTF-8''a%20picture\.png$/);
			assert.equal(whole.headers['cache-control'], 'private, no-cache');
		}
		const small = await follow(await locationOf(bob, file.thumbnail_url));
		assert.deepEqual(small.bytes, thumbnail.bytes);
		assert.equal(small.headers['content-type'], 'image/webp');
	});

	it('of twenty megabytes goes through, and parts of it can be asked for', async () => {
		const bytes = randomBytes(20 << 20);
		const file = await sent(alice, bob, bytes);
		const location = await locationOf(bob, file.url);
		assert.deepEqual((await follow(location)).bytes, bytes);
		const part = await follow(location, { headers: { range: 'bytes=1000000-1000999' } });
		assert.deepEqual([part.status, part.bytes.length], [206, 1000]);
		assert.deepEqual(part.bytes, bytes.subarray(1000000, 1001000));
	});

	it('is for HEAD as for GET, and known by its ETag before anybody is sent anywhere', async () => {
		const bytes = randomBytes(100);
		const file = await sent(alice, bob, bytes);
		const head = await bob.api.head(file.url);
		must(head, 302);
		const answer = await follow(head.headers.get('location'), { method: 'HEAD' });
		assert.deepEqual([answer.status, answer.headers['content-length'], answer.bytes.length], [200, '100', 0]);
		const etag = head.headers.get('etag');
		must(await bob.api.get(file.url, { headers: { 'if-none-match': etag } }), 304);
		must(await bob.api.get(file.url, { headers: { 'if-match': '"another"' } }), 412);
	});

	it('is nobody else’s to know of, and a location is for a minute, one object and one method', async () => {
		const file = await sent(alice, bob, randomBytes(100));
		const other = must(await upload(alice, randomBytes(100)), 201);
		const stranger = await register(stack, 'Stranger');
		must(await stranger.api.get(file.url), 404);
		must(await bob.api.get(other.url), 404);
		must(await api(stack).get(file.url), 401);

		const location = await locationOf(bob, file.url);
		const url = new URL(location);
		assert.equal(url.searchParams.get('X-Amz-Expires'), '60');
		const changed = (change) => {
			const copy = new URL(location);
			change(copy);
			return copy.href;
		};
		const refusals = [
			follow(location, { method: 'DELETE' }),
			follow(changed((copy) => (copy.pathname = copy.pathname.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))))),
			follow(changed((copy) => copy.searchParams.set('X-Amz-Expires', '600'))),
			follow(changed((copy) => copy.searchParams.set('response-content-type', 'text/html'))),
			follow(changed((copy) => copy.searchParams.delete('response-content-disposition'))),
		];
		for (const answer of await Promise.all(refusals)) assert.equal(answer.status, 403);
		assert.ok(!JSON.stringify(await stack.logs()).includes(url.searchParams.get('X-Amz-Signature')), 'no log has one');
	});

	it('that is never sent goes from the bucket, thumbnail and all', async () => {
		const picture = png(300, 300, { comment: randomBytes(8).toString('hex') });
		must(await upload(alice, picture), 201);
		assert.ok(bucket.objects.has(keyOf(picture)));
		await waitFor(() => !bucket.objects.has(keyOf(picture)) && !bucket.objects.has(`${keyOf(picture)}.thumb`), 15_000, 'it is swept');
		assert.equal(await rows(picture), 0);
	});
});

describe('a bucket', () => {
	/** Refused for now, quickly enough, and nothing is left of it; then it is as before. */
	async function untaken(bytes, begin, end, deadline_ms = 5000) {
		await begin();
		const started = performance.now();
		try {
			const answer = await upload(alice, bytes);
			must(answer, 503);
			assert.equal(answer.body.code, 'unavailable');
			assert.ok(answer.headers.get('retry-after'));
			assert.ok(performance.now() - started < deadline_ms, `${performance.now() - started} ms`);
		} finally {
			await end();
		}
		assert.equal(await rows(bytes), 0);
		assert.equal(bucket.objects.has(keyOf(bytes)), false);
		assert.deepEqual(await spooled(), []);
		must(await upload(alice, bytes), 201);
		assert.deepEqual(bucket.objects.get(keyOf(bytes)).bytes, bytes);
	}
	const withAnother = (field, value) => {
		const was = bucket[field];
		return [() => (bucket[field] = value), () => (bucket[field] = was)];
	};
	const logged = async (pattern) => assert.match((await stack.logs()).rest, pattern);

	it('that has another secret takes nothing', async () => {
		await untaken(randomBytes(1000), ...withAnother('secret', 'another'));
		await logged(/the bucket does not take an attachment","answer":"403 SignatureDoesNotMatch"/);
	});

	it('that is missing takes nothing', async () => {
		await untaken(randomBytes(1000), ...withAnother('name', 'another'));
		await logged(/"answer":"404 NoSuchBucket"/);
	});

	it('that is away takes nothing', async () => {
		await untaken(randomBytes(1000), () => bucket.stop(), () => bucket.start());
		await logged(/"answer":"0 Failed to connect/);
	});

	it('that says nothing is given up after ten seconds', async () => {
		await untaken(randomBytes(1000), () => bucket.mute(true), () => bucket.mute(false), 15_000);
		await logged(/"answer":"0 Operation too slow/);
	});

	it('that is away when something is to be removed has it removed later', async () => {
		const bytes = randomBytes(1000);
		const hash = keyOf(bytes).slice(3);
		must(await upload(alice, bytes), 201);
		await bucket.stop();
		try {
			const put_off = `select count(*) from attachment_loose where sha256 = '\\x${hash}' and due_at between now() + interval '1 minute' and now() + interval '30 minutes'`;
			await stack.sql(`update attachment_loose set due_at = now() where sha256 = '\\x${hash}'`);
			await waitFor(async () => (await stack.sql(put_off)) === '1', 60_000, 'it is put off');
			assert.equal(await rows(bytes), 0);
		} finally {
			await bucket.start();
		}
		assert.ok(bucket.objects.has(keyOf(bytes)));
		await stack.sql(`update attachment_loose set due_at = now() where sha256 = '\\x${hash}'`);
		await waitFor(() => !bucket.objects.has(keyOf(bytes)), 10_000, 'it is removed');
	});
});

it('a bucket in the name of the host is the same', async () => {
	const hosted = await startBucket({ pathStyle: false });
	const another = await startStack({ env: hosted.settings });
	try {
		const ann = await register(another, 'Ann');
		const bytes = randomBytes(5000);
		const file = must(await upload(ann, bytes), 201);
		assert.deepEqual(hosted.objects.get(keyOf(bytes)).bytes, bytes);
		const location = await locationOf(ann, file.url);
		assert.match(location, /^http:\/\/parley-files\.localhost:\d+\/..\/[0-9a-f]{64}\?/);
		assert.deepEqual((await follow(location)).bytes, bytes);
	} finally {
		await another.stop();
		await hosted.stop();
	}
});
