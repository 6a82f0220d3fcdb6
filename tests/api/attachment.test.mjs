// Files: what is taken and how it is named, what is refused, and that nothing is left of that on the disk.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { deflateSync, gzipSync } from 'node:zlib';
import { directOf, must, register, send } from '../lib/client.mjs';
import { startNginx } from '../lib/front.mjs';
import { avif, gif, gifOf, heic, jpeg, movie, photo, png, webp } from '../lib/picture.mjs';
import { childrenOf, stateOf } from '../lib/processes.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';
import { answerOf, exchange } from './raw.mjs';

const MIB = 1024 * 1024;
const MAX = 2 * MIB; // of a file, where nothing else is said
const QUOTA_MIB = 2048;
const LARGE = Number(process.env.PARLEY_TEST_UPLOAD_MIB ?? 64) * MIB;

const run = promisify(execFile);
const program = (await readFile(process.execPath)).subarray(0, MIB);
let stack, roomy, ann, folder;
before(async () => {
	stack = await startStack({
		env: {
			PARLEY_ATTACHMENT_WORKERS: '2',
			PARLEY_ATTACHMENT_MAX_BYTES: String(MAX),
			PARLEY_ATTACHMENT_TYPES: 'image/* audio/* video/* text/plain application/pdf application/octet-stream',
		},
	});
	ann = await register(stack, 'Ann');
	folder = await mkdtemp(join(tmpdir(), 'parley-attachment-'));
});
after(async () => {
	await roomy?.stop();
	await stack?.stop();
	if (folder) await rm(folder, { recursive: true });
});

const named = (name) => ({ 'content-disposition': `attachment; filename="${name}"` });
/** The file itself as the body. */
const upload = (person, bytes, headers = named('a.bin')) => person.api.post('attachments', undefined, { body: bytes, headers });
/** As a form of one field. */
const submit = (person, bytes, name = 'a.bin', field = 'file') => {
	const form = new FormData();
	form.set(field, new Blob([bytes]), name);
	return person.api.post('attachments', undefined, { body: form });
};

/** All files below a directory, by their path in it. */
async function filesBelow(directory) {
	const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
	const nested = entries.map(async (entry) =>
		entry.isDirectory() ? (await filesBelow(join(directory, entry.name))).map((path) => `${entry.name}/${path}`) : [entry.name],
	);
	return (await Promise.all(nested)).flat().sort();
}
const stored = (on = stack) => filesBelow(join(on.var, 'attachments'));
const waiting = async (on = stack) => [...(await filesBelow(join(on.var, 'attachments/tmp'))), ...(await filesBelow(join(on.var, 'upload')))];
const keyOf = (bytes) => {
	const hash = createHash('sha256').update(bytes).digest('hex');
	return `${hash.slice(0, 2)}/${hash}`;
};
const rowOf = async ({ id }, columns = 'name, media_type, size', on = stack) =>
	on.sql(`select ${columns} from attachments where id = '${id}'`);
const counted = async (name, on = stack) => (await metricsOf(on)).value(`parley_rest_${name}_total`);

/** Refused with this status and code, and on the disk and in the table it is as before. */
async function refused(answer, status, code, field) {
	const [files, rows] = [await stored(), await stack.sql('select count(*) from attachments')];
	const { status: was, body } = await answer();
	assert.deepEqual([was, body?.code], [status, code], JSON.stringify(body));
	if (field) assert.deepEqual(body.errors.map((error) => `${error.field} ${error.code}`), [field]);
	await waitFor(async () => (await waiting()).length === 0, 5000, 'nothing waits any more');
	assert.deepEqual(await stored(), files);
	assert.equal(await stack.sql('select count(*) from attachments'), rows);
	return body;
}

describe('a file', () => {
	it('is taken as it is, and as a form', async () => {
		for (const how of [upload, submit]) {
			const bytes = randomBytes(3000);
			const answer = must(await how(ann, bytes), 201);
			assert.deepEqual(
				[answer.name, answer.size, answer.width, answer.height, answer.thumbnail_url, answer.url],
				['a.bin', 3000, null, null, null, `/api/v1/attachments/${answer.id}`],
			);
			assert.equal(await rowOf(answer), `a.bin|${answer.media_type}|3000`);
			assert.deepEqual(await readFile(join(stack.var, 'attachments', keyOf(bytes))), bytes);
			assert.deepEqual(await waiting(), []);
		}
	});

	it('is taken from curl', async () => {
		const path = join(folder, 'from curl.txt');
		await writeFile(path, 'Hello from curl\n');
		const args = ['--silent', '--fail-with-body', '-H', `Authorization: Bearer ${ann.token}`, `${stack.url}/api/v1/attachments`];
		const form = JSON.parse((await run('curl', [...args, '-F', `file=@${path}`])).stdout);
		const plain = JSON.parse(
			(await run('curl', [...args, '--data-binary', `@${path}`, '-H', 'Content-Disposition: attachment; filename=curl.txt'])).stdout,
		);
		const chunked = JSON.parse(
			(await run('curl', [...args, '-X', 'POST', '-T', path, '-H', 'Transfer-Encoding: chunked', '-H', 'Content-Disposition: attachment; filename=curl.txt'])).stdout,
		);
		assert.deepEqual([form, plain, chunked].map(({ name, media_type, size }) => [name, media_type, size]), [
			['from curl.txt', 'text/plain', 16],
			['curl.txt', 'text/plain', 16],
			['curl.txt', 'text/plain', 16],
		]);
	});

	it('of the same content is stored once', async () => {
		const bytes = randomBytes(1000);
		const [first, ...others] = await Promise.all([...Array(5)].map(() => upload(ann, bytes).then((answer) => must(answer, 201))));
		assert.equal(new Set([first, ...others].map(({ id }) => id)).size, 5);
		assert.equal(await stack.sql(`select count(*) from attachments where sha256 = '\\x${keyOf(bytes).slice(3)}'`), '5');
		assert.equal((await stored()).filter((path) => path === keyOf(bytes)).length, 1);
	});

	it('keeps the thumbnail that it has, which another libvips would make of another size', async () => {
		const bytes = png(333, 222);
		const thumbnail = join(stack.var, 'attachments', `${keyOf(bytes)}.thumb`);
		const first = must(await upload(ann, bytes), 201);
		await writeFile(thumbnail, Buffer.concat([await readFile(thumbnail), Buffer.alloc(7)]));
		const size = (await readFile(thumbnail)).length;
		await stack.sql(`update attachments set thumbnail_bytes = ${size} where id = '${first.id}'`);

		const second = must(await upload(ann, bytes), 201);
		for (const { thumbnail_url: url } of [first, second]) {
			const answer = await fetch(`${stack.url}${url}`, { headers: { authorization: `Bearer ${ann.token}` } });
			assert.deepEqual([answer.status, (await answer.arrayBuffer()).byteLength], [200, size]);
		}
	});

	it('of exactly the largest size is taken', async () => {
		assert.equal(must(await upload(ann, randomBytes(MAX)), 201).size, MAX);
		assert.equal(must(await submit(ann, randomBytes(MAX)), 201).size, MAX);
	});
});

// tests/unit/filename_test.c and multipart_test.c have all spellings
describe('the name of a file', () => {
	const disposition = (rest) => ({ 'content-disposition': `attachment; ${rest}` });
	const latin1 = (text) => Buffer.from(text).toString('latin1'); // what fetch sends byte by byte

	for (const [header, name] of [
		['filename="with space; and.txt"', 'with space; and.txt'],
		[latin1('filename="schön.txt"'), 'schön.txt'],
		["filename=\"fallback.txt\"; filename*=UTF-8''na%C3%AFve%20%F0%9F%98%80.txt", 'naïve 😀.txt'],
		['filename="../../etc/passwd"', 'passwd'],
		['filename="C:\\temp\\a.doc"', 'a.doc'],
		["filename*=UTF-8''a%0D%0Ab%1B%7F.txt", 'ab.txt'],
		[`filename*=UTF-8''${'%E2%82%AC'.repeat(90)}.txt`, `${'€'.repeat(83)}.txt`],
	])
		it(`${header.slice(0, 50)} is ${name.slice(0, 20)}`, async () => {
			const answer = must(await upload(ann, 'text', disposition(header)), 201);
			assert.equal(answer.name, name);
			assert.equal(await rowOf(answer, 'name'), name);
		});

	for (const [name, kept] of [
		['schön 😀.txt', 'schön 😀.txt'],
		['a"b.txt', 'a"b.txt'],
		['100%.txt', '100%.txt'],
		['dir/a.txt', 'a.txt'],
	])
		it(`${name} of a form is ${kept}`, async () => {
			assert.equal(must(await submit(ann, 'text', name), 201).name, kept);
		});

	for (const [header, status, code, field] of [
		[undefined, 422, 'invalid_input', 'filename required'],
		['attachment', 422, 'invalid_input', 'filename required'],
		['attachment; filename=".."', 422, 'invalid_input', 'filename required'],
		['attachment; filename="sch\xf6n.txt"', 422, 'invalid_input', 'filename bad_format'],
		["attachment; filename*=UTF-8''%FF.txt", 422, 'invalid_input', 'filename bad_format'],
		["attachment; filename*=UTF-8''%4", 400, 'malformed'],
		['attachment; filename=a; filename=b', 400, 'malformed'],
	])
		it(`${header} is refused`, () => refused(() => upload(ann, 'text', header ? { 'content-disposition': header } : {}), status, code, field));
});

describe('what a file is', () => {
	const script = '<script>alert(1)</script>';
	const wav = Buffer.concat([Buffer.from('RIFF\x24\x08\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x44\xac\0\0\x88\x58\x01\0\x02\0\x10\0data\0\x08\0\0', 'latin1'), Buffer.alloc(2048)]);

	for (const [what, bytes, type, width = null, height = null] of [
		['a JPEG', jpeg, 'image/jpeg', 40, 20],
		['a PNG', png(640, 480), 'image/png', 640, 480],
		['a GIF', gif, 'image/gif', 40, 20],
		['a WebP', webp, 'image/webp', 40, 20],
		['an AVIF', avif, 'image/avif', 40, 20],
		['a HEIC', heic, 'image/heic', 40, 20],
		['a WAV', wav, 'audio/wav'],
		['a PDF', '%PDF-1.7\n%\xe2\xe3\n1 0 obj\n<<>>\nendobj\n', 'application/pdf'],
		['text', 'Dear all,\n\nsee you.\n', 'text/plain'],
		['HTML', `<!DOCTYPE html><html><body>${script}</body></html>`, 'application/octet-stream'],
		['SVG', `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">${script}</svg>`, 'application/octet-stream'],
		['a program', program, 'application/octet-stream'],
		['something encrypted', Buffer.concat([Buffer.from([0, 1, 2, 3]), randomBytes(64).fill(0x9b, 0, 8)]), 'application/octet-stream'],
	])
		it(`${what} is ${type}, whatever is claimed`, async () => {
			const headers = { ...named('claim.html'), 'content-type': 'text/html' };
			const answer = must(await upload(ann, bytes, headers), 201);
			assert.deepEqual([answer.media_type, answer.width, answer.height], [type, width, height]);
			const thumbnail = await readFile(join(stack.var, 'attachments', `${keyOf(bytes)}.thumb`)).catch(() => null);
			assert.equal(answer.thumbnail_url, width && `/api/v1/attachments/${answer.id}/thumbnail`);
			assert.equal(await rowOf(answer, "coalesce(thumbnail_bytes, 0)"), String(thumbnail?.length ?? 0));
			if (width) assert.equal(thumbnail.toString('latin1', 8, 12), 'WEBP');
		});

	it('an archive is refused where they are not taken', async () => {
		const bytes = gzipSync('text');
		const before_ = await counted('uploads_type');
		await refused(() => upload(ann, bytes), 415, 'unsupported_media_type');
		assert.equal(await counted('uploads_type'), before_ + 1);
	});
});

describe('a picture', () => {
	/** Width and height of a WebP with a head of its own. */
	const sizeOf = (bytes) => [bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1];
	const thumbnailOf = (bytes) => readFile(join(stack.var, 'attachments', `${keyOf(bytes)}.thumb`));

	it('is as large as it is shown, and its thumbnail upright and without what the camera noted', async () => {
		const bytes = photo();
		assert.ok(bytes.includes('Photographer') && bytes.includes('2026:11:26'));
		const answer = must(await upload(ann, bytes), 201);
		assert.deepEqual([answer.width, answer.height], [20, 40]);
		const thumbnail = await thumbnailOf(bytes);
		assert.deepEqual(sizeOf(thumbnail), [20, 40]);
		assert.ok(!thumbnail.includes('Photographer') && !thumbnail.includes('2026:11:26'));
	});

	it('has a thumbnail of at most 320 pixels, never larger than itself', async () => {
		for (const [width, height, small] of [[3000, 1000, [320, 107]], [100, 2000, [16, 320]], [320, 320, [320, 320]], [9, 5, [9, 5]]]) {
			const bytes = png(width, height);
			must(await upload(ann, bytes), 201);
			assert.deepEqual(sizeOf(await thumbnailOf(bytes)), small);
		}
	});

	it('that moves shows its first frame', async () => {
		assert.deepEqual(Object.values(must(await upload(ann, movie(3)), 201)).slice(4, 6), [40, 20]);
	});

	for (const [what, bytes, field] of [
		['of 60000 × 60000 pixels', png(60_000, 60_000, { rows: 10 }), 'file too_many_pixels'],
		['of 50 million and one row', png(10_000, 5001), 'file too_many_pixels'],
		['of one row of 2 billion pixels', png(2 ** 31 - 1, 1), undefined],
		['a GIF of 65535 × 65535', gifOf(65_535, 65_535), undefined],
		['cut off', png(640, 480, { comment: 'x'.repeat(2000) }).subarray(0, -60), 'file bad_image'],
		['a JPEG cut off', jpeg.subarray(0, -20), 'file bad_image'],
		['a JPEG of its head alone', jpeg.subarray(0, 20), 'file bad_image'],
		['a PNG with a bad check sum', png(64, 64).map((byte, i, all) => (i === all.length - 16 ? byte ^ 1 : byte)), 'file bad_image'],
		['a HEIC that ends', heic.subarray(0, 480), 'file bad_image'],
	])
		it(`${what} is refused`, async () => {
			const body = await refused(() => upload(ann, bytes), 422, 'invalid_input', field);
			if (!field) assert.match(body.errors[0].code, /^(bad_image|too_many_pixels)$/);
		});

	it('of a million frames costs no more than one', async () => {
		const bytes = movie(40_000);
		const answer = await upload(ann, bytes);
		assert.ok([201, 422].includes(answer.status), answer.text);
	});

	it('that unpacks to a lot is decoded within its limits, or refused', async () => {
		const answer = await upload(ann, png(7000, 7000));
		assert.equal(must(answer, 201).width, 7000);
	});

	it('at which the process that decodes hangs is refused, and meanwhile messages and downloads wait for nothing', async () => {
		const ben = await register(stack, 'Ben');
		const room = await directOf(ann, ben);
		const { url } = must(await upload(ann, 'There already'), 201);
		const [killed, workers, files] = [await counted('media_killed'), await childrenOf(await stack.pid('rest')), await stored()];
		const children = async () => (await Promise.all(workers.map(childrenOf))).flat();
		// as many as there are workers for files
		const answers = [1, 2].map((i) => upload(ann, png(7000, 7000, { comment: `hang ${i}` })));
		const hung = await waitFor(async () => (await children()).length === 2 && children(), 10_000, 'both decode');
		for (const child of hung) process.kill(child, 'SIGSTOP');
		for (const child of hung) await waitFor(async () => (await stateOf(child)) === 'T', 1000, 'it hangs');
		for (let i = 0; i < 20; i++) {
			await send(ann, room, `message ${i}`);
			assert.equal(await (await fetch(stack.url + url, { headers: { authorization: `Bearer ${ann.token}` } })).text(), 'There already');
		}
		assert.equal((await children()).length, 2, 'they hang still');
		for (const { status, body } of await Promise.all(answers)) assert.deepEqual([status, body.errors[0].code], [422, 'bad_image']);
		assert.deepEqual(await children(), []);
		assert.deepEqual(await stored(), files);
		assert.equal(await counted('media_killed'), killed + 2);
		must(await upload(ann, jpeg), 201);
	});
});

describe('refused is', () => {
	const form = (text, boundary = 'xx') => ({ body: text, headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } });
	const part = (name, content, more = '') => `--xx\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${content}\r\n`;
	const post = (options) => ann.api.post('attachments', undefined, options);

	it('an empty file', async () => {
		await refused(() => upload(ann, ''), 422, 'invalid_input', 'file empty');
		await refused(() => submit(ann, ''), 422, 'invalid_input', 'file empty');
	});

	it('a form without the field, with two, or without a name', async () => {
		await refused(() => submit(ann, 'text', 'a.txt', 'document'), 422, 'invalid_input', 'file required');
		await refused(() => post(form('--xx--\r\n')), 422, 'invalid_input', 'file required');
		await refused(() => post(form(`${part('file', 'text')}--xx--\r\n`)), 422, 'invalid_input', 'filename required');
		const one = part('file', 'text', '; filename=a.txt');
		await refused(() => post(form(`${one}${one}--xx--\r\n`)), 422, 'invalid_input', 'file duplicate');
	});

	it('not a field that it does not know', async () => {
		const text = `preamble\r\n${part('caption', 'x'.repeat(100))}${part('file', 'text', '; filename=a.txt')}--xx--\r\nepilogue`;
		assert.equal(must(await post(form(text)), 201).size, 4);
	});

	it('a form that is none', async () => {
		for (const [text, boundary] of [
			['', 'xx'],
			[part('file', 'text', '; filename=a.txt'), 'xx'],
			[part('file', 'text', '; filename=a.txt') + '--xx--', 'yy'],
			[part('file', 'text', '; filename=a.txt') + '--xx--', ''],
			['--xx\r\n\r\ntext\r\n--xx--', 'xx'],
			[`--xx\r\nX: ${'x'.repeat(5000)}\r\n\r\ntext\r\n--xx--`, 'xx'],
			[`${part('a', 'b').repeat(20)}--xx--`, 'xx'],
		])
			await refused(() => post(form(text, boundary)), 400, 'malformed');
	});

	it('what is compressed on its way', () =>
		refused(() => upload(ann, deflateSync('text'), { ...named('a'), 'content-encoding': 'deflate' }), 415, 'unsupported_media_type'));

	it('what is larger than the limit, with a problem document and not with a closed connection', async () => {
		for (const bytes of [MAX + 1, MAX + 60 * 1024, MAX + 128 * 1024, 8 * MAX]) {
			await refused(() => upload(ann, randomBytes(bytes)), 413, 'too_large');
			await refused(() => submit(ann, randomBytes(bytes)), 413, 'too_large');
		}
	});

	it('what is larger than the limit, also when its length is not said', async () => {
		const path = join(folder, 'large');
		await writeFile(path, randomBytes(MAX + 1));
		const { stdout } = await run('curl', ['--silent', '-X', 'POST', '-T', path, '-H', 'Transfer-Encoding: chunked', '-H', 'Expect:', '-H', `Authorization: Bearer ${ann.token}`,
			'-H', 'Content-Disposition: attachment; filename=a', `${stack.url}/api/v1/attachments`]);
		assert.equal(JSON.parse(stdout).code, 'too_large');
		assert.deepEqual(await waiting(), []);
	});

	it('what ends early, and nothing is left of it', async () => {
		const files = await stored();
		const { hostname: host, port } = new URL(stack.url);
		const socket = connectTcp({ host, port: Number(port) });
		socket.on('error', () => undefined);
		socket.write(`POST /api/v1/attachments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ann.token}\r\nContent-Disposition: attachment; filename=a\r\nContent-Length: ${MAX}\r\n\r\n`);
		socket.write(Buffer.alloc(MAX / 2));
		await waitFor(async () => (await waiting()).length > 0, 5000, 'half of it is on the disk');
		socket.destroy();
		await waitFor(async () => (await waiting()).length === 0, 5000, 'nothing of it is left');
		assert.deepEqual(await stored(), files);
	});

	it('what comes without a token, before anything of it is written', async () => {
		const bytes = await exchange(stack.url, `POST /api/v1/attachments HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\ntext`);
		assert.equal(answerOf(bytes).status, 401);
		assert.deepEqual(await waiting(), []);
	});

	it('all when the disk takes nothing, and nothing is left behind', async () => {
		const tmp = join(stack.var, 'attachments/tmp');
		await rename(tmp, `${tmp}.away`);
		await writeFile(tmp, '');
		const before_ = await counted('uploads_unavailable');
		const rows = await stack.sql('select count(*) from attachments');
		try {
			const answer = await upload(ann, 'text');
			assert.deepEqual([answer.status, answer.body.code], [503, 'unavailable']);
		} finally {
			await rm(tmp);
			await rename(`${tmp}.away`, tmp);
		}
		assert.equal(await counted('uploads_unavailable'), before_ + 1);
		assert.equal(await stack.sql('select count(*) from attachments'), rows);
		must(await upload(ann, 'text'), 201);
	});
});

describe('the quota', () => {
	const used = ({ id }) => stack.sql(`select bytes from attachment_usage where user_id = '${id}'`);
	const fill = ({ id }, room) =>
		stack.sql(`insert into attachment_usage values ('${id}', ${QUOTA_MIB * MIB - room}) on conflict (user_id) do update set bytes = excluded.bytes`);

	it('counts what one has, and frees what has gone', async () => {
		const ben = await register(stack, 'Ben');
		const made = [];
		for (const size of [1000, 2000]) made.push(must(await upload(ben, randomBytes(size)), 201));
		assert.equal(await used(ben), '3000');
		await stack.sql(`delete from attachments where id = '${made[0].id}'`);
		assert.equal(await used(ben), '2000');
	});

	it('is exact when many come at once', async () => {
		const cat = await register(stack, 'Cat');
		await fill(cat, 3500);
		const before_ = await counted('uploads_quota');
		const answers = await Promise.all([...Array(8)].map(() => upload(cat, randomBytes(1000))));
		assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 201, 409, 409, 409, 409, 409]);
		assert.ok(answers.every(({ status, body }) => status === 201 || body.code === 'quota_exceeded'));
		assert.equal(await used(cat), String(QUOTA_MIB * MIB - 500));
		assert.equal(await counted('uploads_quota'), before_ + 5);
		await refused(() => upload(cat, randomBytes(501)), 409, 'quota_exceeded');
		must(await upload(cat, randomBytes(500)), 201);
		await refused(() => upload(cat, 'x'), 409, 'quota_exceeded');
	});

	it('is of each person alone', async () => {
		const dan = await register(stack, 'Dan');
		must(await upload(dan, 'mine'), 201);
		assert.equal(await used(dan), '4');
	});
});

describe('behind nginx', () => {
	let nginx;
	before(async () => {
		nginx = await startNginx(stack);
	});
	after(() => nginx?.stop());

	it('files are taken, and refused', async () => {
		const eve = await register(nginx, 'Eve');
		for (const how of [upload, submit]) assert.equal(must(await how(eve, png(300, 200)), 201).width, 300);
		assert.equal(must(await upload(eve, randomBytes(MAX)), 201).size, MAX);
		await refused(() => upload(eve, randomBytes(MAX + 1)), 413, 'too_large');
		await refused(() => upload(eve, Buffer.alloc(26 * MIB)), 413, 'too_large');
		await refused(() => upload(eve, 'text', {}), 422, 'invalid_input', 'filename required');
	});
});

describe('a large file', () => {
	it('takes no memory of a worker', { skip: !!process.env.PARLEY_ASAN }, async () => {
		roomy = await startStack({ env: { PARLEY_ATTACHMENT_WORKERS: '1', PARLEY_REST_WORKERS: '1', PARLEY_ATTACHMENT_MAX_BYTES: String(LARGE), PARLEY_ATTACHMENT_QUOTA_MIB: '0' } });
		const dan = await register(roomy, 'Dan');
		const path = join(folder, 'large.bin');
		await (await open(path, 'w')).close();
		await truncate(path, LARGE);
		must(await upload(dan, 'small'), 201); // what a worker takes once
		const workers = await childrenOf(await roomy.pid('rest'));
		const peak = async (pid) => Number(/VmHWM:\s*(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1]);
		for (const pid of workers) await writeFile(`/proc/${pid}/clear_refs`, '5');
		const before_ = await Promise.all(workers.map(peak));
		for (const how of [['-F', `file=@${path}`], ['-X', 'POST', '-T', path, '-H', 'Content-Disposition: attachment; filename=large.bin']]) {
			const { stdout } = await run('curl', ['--silent', '-H', `Authorization: Bearer ${dan.token}`, ...how, `${roomy.url}/api/v1/attachments`]);
			assert.equal(JSON.parse(stdout).size, LARGE, stdout);
		}
		const grown = (await Promise.all(workers.map(peak))).map((kb, i) => kb - before_[i]);
		assert.ok(Math.max(...grown) < 2048, `grown by ${grown} kB`);
		assert.equal((await stored(roomy)).length, 2);
		assert.deepEqual(await waiting(roomy), []);
	});
});
