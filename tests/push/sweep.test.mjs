// What is taken away of itself: files that are in no message, content that no file names, and what uploads that died have left. Nothing else.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { access, mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { directOf, must, register } from '../lib/client.mjs';
import { png } from '../lib/picture.mjs';
import { startAnother } from '../lib/processes.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const ORPHAN_S = 5; // more than a busy machine takes from an upload to its message
const SWEPT_MS = 20_000;
let stack, alice, bob, conversation;
before(async () => {
	stack = await startStack({ env: { PARLEY_ATTACHMENT_WORKERS: '2', PARLEY_ATTACHMENT_ORPHAN_S: String(ORPHAN_S) } });
	[alice, bob] = await Promise.all([register(stack, 'Alice'), register(stack, 'Bob')]);
	conversation = await directOf(alice, bob);
});
after(() => stack?.stop());

const directory = () => join(stack.var, 'attachments');
const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex');
const pathOf = (hash) => join(directory(), hash.slice(0, 2), hash);
const exists = (path) => access(path).then(() => true, () => false);
const there = (bytes) => exists(pathOf(hashOf(bytes)));
const headers = { 'content-disposition': 'attachment; filename="a.bin"' };
const upload = async (person, bytes) => must(await person.api.post('attachments', undefined, { body: bytes, headers }), 201);
const messages = () => `conversations/${conversation.id}/messages`;
const send = async (person, ...files) => must(await person.api.post(messages(), { attachments: files.map(({ id }) => id) }), 201);
const swept = (bytes) => waitFor(async () => !(await there(bytes)), SWEPT_MS, 'it is swept');
const count = (table, where = 'true') => stack.sql(`select count(*) from ${table} where ${where}`).then(Number);
/** Until files of now would have been swept, by one that is. */
async function sweepsPass() {
	const bytes = randomBytes(40);
	await upload(alice, bytes);
	await swept(bytes);
}

describe('a file', () => {
	it('that is never sent goes, with its thumbnail and its row, and is nobody’s any more', async () => {
		const picture = png(300, 200, { comment: randomBytes(8).toString('hex') });
		const file = await upload(alice, picture);
		const thumbnail = `${pathOf(hashOf(picture))}.thumb`;
		assert.ok(file.thumbnail_url && (await exists(thumbnail)));
		await swept(picture);
		assert.equal(await exists(thumbnail), false);
		assert.equal(await count('attachments', `id = '${file.id}'`), 0);
		must(await alice.api.get(file.url), 404);
		assert.equal((await alice.api.post(messages(), { attachments: [file.id] })).status, 422);
		await waitFor(async () => (await count('attachment_loose')) === 0, SWEPT_MS, 'no content is loose');
		const { notify } = await stack.logs();
		assert.match(notify, /"message":"swept","what":"attachments","count":\d+/);
		assert.match(notify, /"message":"swept","what":"contents","count":\d+/);
	});

	it('that was sent stays, until its message is deleted', async () => {
		const [kept, deleted] = [randomBytes(50), randomBytes(60)];
		const file = await upload(alice, kept);
		await send(alice, file);
		const message = await send(alice, await upload(alice, deleted));
		await sweepsPass();
		assert.deepEqual([await there(kept), await there(deleted)], [true, true]);
		must(await alice.api.delete(`${messages()}/${message.id}`), 204);
		await swept(deleted);
		assert.equal(await there(kept), true);
		assert.equal(await count('attachments', `id = '${file.id}'`), 1);
	});

	it('of two people stays until both of theirs are gone', async () => {
		const bytes = randomBytes(70);
		const mine = await send(alice, await upload(alice, bytes));
		const theirs = await send(bob, await upload(bob, bytes));
		must(await alice.api.delete(`${messages()}/${mine.id}`), 204);
		await sweepsPass();
		assert.deepEqual([await there(bytes), await count('attachments', `sha256 = '\\x${hashOf(bytes)}'`)], [true, 1]);
		must(await bob.api.delete(`${messages()}/${theirs.id}`), 204);
		await swept(bytes);
	});

	it('in two messages stays while one of them does', async () => {
		const bytes = randomBytes(80);
		const file = await upload(alice, bytes);
		const first = await send(alice, file);
		await send(alice, file);
		must(await alice.api.delete(`${messages()}/${first.id}`), 204);
		await sweepsPass();
		assert.equal(await there(bytes), true);
	});

	it('is not counted any more against what its owner may upload', async () => {
		const carol = await register(stack, 'Carol');
		const bytes = randomBytes(1000);
		await upload(carol, bytes);
		const used = () => stack.sql(`select bytes from attachment_usage where user_id = '${carol.id}'`);
		assert.equal(await used(), '1000');
		await swept(bytes);
		assert.equal(await used(), '0');
	});
});

describe('content', () => {
	const place = async (bytes, due) => {
		await mkdir(dirname(pathOf(hashOf(bytes))), { recursive: true });
		await writeFile(pathOf(hashOf(bytes)), bytes);
		await stack.sql(`insert into attachment_loose (sha256, due_at) values ('\\x${hashOf(bytes)}', now() + interval '${due}')`);
	};

	it('that an upload has left which died before its row goes when its time is over, and not before', async () => {
		const [late, underWay] = [randomBytes(90), randomBytes(91)];
		await place(late, '-1 s');
		await place(underWay, '1 hour');
		await swept(late);
		await sweepsPass();
		assert.equal(await there(underWay), true);
		await stack.sql(`update attachment_loose set due_at = now() where sha256 = '\\x${hashOf(underWay)}'`);
		await swept(underWay);
	});

	it('is not taken for removed where its directory is not', async () => {
		const bytes = randomBytes(92);
		const away = `${directory()}.away`;
		await rename(directory(), away);
		try {
			await stack.sql(`insert into attachment_loose (sha256, due_at) values ('\\x${hashOf(bytes)}', now())`);
			await waitFor(async () => (await count('attachment_loose', `sha256 = '\\x${hashOf(bytes)}' and due_at > now() + interval '1 minute'`)) === 1, SWEPT_MS);
			assert.match((await stack.logs()).notify, /there is no directory of attachments here/);
			assert.equal(await exists(directory()), false, 'and none is made');
		} finally {
			await rename(away, directory());
			await stack.sql(`delete from attachment_loose where sha256 = '\\x${hashOf(bytes)}'`);
		}
	});
});

it('what an upload that died has left half is removed at the start, once it is old', async () => {
	const spool = join(directory(), 'tmp');
	await mkdir(spool, { recursive: true });
	const [old, young] = [join(spool, 'old'), join(spool, 'young')];
	for (const path of [old, young]) await writeFile(path, 'x');
	const long_ago = new Date(Date.now() - 7_200_000);
	await utimes(old, long_ago, long_ago);
	await stack.kill('notify');
	await waitFor(async () => !(await exists(old)), SWEPT_MS, 'the old one is gone');
	assert.equal(await exists(young), true);
});

it('who uploads the same again and again while it is swept never has a file without content, and in the end nothing is left', async () => {
	const helpers = [];
	const pid = await stack.pid('notify');
	for (let i = 0; i < 2; i++) helpers.push(await startAnother(pid, { PARLEY_ATTACHMENT_ORPHAN_S: '1' }));
	const contents = Array.from({ length: 2 }, () => randomBytes(100));
	const end = Date.now() + 12_000;
	let uploads = 0;
	const sent = [];
	try {
		await Promise.all(
			[alice, bob].flatMap((person) =>
				contents.map(async (bytes, i) => {
					while (Date.now() < end) {
						const file = await upload(person, bytes);
						uploads++;
						const answer = await person.api.get(file.url);
						// swept already, which is as it is to be; a row without content would be 500
						if (answer.status !== 404) must(answer, 200);
						if (uploads % 4 !== i) continue;
						const message = await person.api.post(messages(), { attachments: [file.id] });
						if (message.status !== 422) sent.push([person, must(message, 201), file]);
					}
				}),
			),
		);
		for (const [person, , file] of sent) must(await person.api.get(file.url), 200);
		await sweepsPass();
		for (const [person, , file] of sent) must(await person.api.get(file.url), 200);
		for (const [person, message] of sent) must(await person.api.delete(`${messages()}/${message.id}`), 204);
		for (const bytes of contents) await swept(bytes);
		await waitFor(async () => (await count('attachment_loose')) === 0, SWEPT_MS, 'no content is loose');
	} finally {
		await Promise.all(helpers.map((helper) => helper.kill('SIGTERM')));
	}
	assert.ok(uploads >= 8 && sent.length > 0, `${uploads} uploads, ${sent.length} sent`);
	for (const { output } of helpers) assert.doesNotMatch(output, /"level":"error"/);
});

it('a parley-notify that is killed while it sweeps loses nothing', async () => {
	const many = Array.from({ length: 12 }, () => randomBytes(100));
	await Promise.all(many.map((bytes) => upload(alice, bytes)));
	const end = Date.now() + 8000;
	while (Date.now() < end && (await count('attachments', `owner_id = '${alice.id}'`)) > 0) {
		const was = await stack.kill('notify');
		await stack.replaced('notify', was, 10_000);
	}
	for (const bytes of many) await swept(bytes);
	await waitFor(async () => (await count('attachment_loose')) === 0, SWEPT_MS, 'no content is loose');
});
