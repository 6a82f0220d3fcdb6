// What an edit replaces, where it is kept; how long one may edit; and that a deletion leaves nothing of either in the database.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { sharedStack, startStack } from '../lib/stack.mjs';

const WINDOW_S = 3600;

let stack;
before(async () => {
	stack = await startStack({ env: { PARLEY_MESSAGE_VERSIONS: '1', PARLEY_EDIT_WINDOW_S: String(WINDOW_S) } });
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const pathOf = ({ conversation_id, id }) => `conversations/${conversation_id}/messages/${id}`;
const edit = async (person, message, change) => must(await person.api.patch(pathOf(message), change), 200);
const versions = async (person, message, query = '') =>
	must(await person.api.get(`${pathOf(message)}/versions${query}`), 200);
const refused = ({ status, body: { code } }) => `${status} ${code}`;

describe('the versions of a message', () => {
	it('are what each edit replaced, latest first', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const first = await send(ann, room, 'One', { metadata: { n: 1 }, ciphertext: 'AAAA' });
		assert.deepEqual((await versions(ann, first)).data, []);
		const second = await edit(ann, first, { body: 'Two', ciphertext: null });
		await edit(ann, first, { body: 'Two' });
		await edit(ann, first, { body: 'Three', metadata: null });
		const version = ({ rev, body, ciphertext, metadata }, at) => ({ rev, body, ciphertext, metadata, at });
		assert.deepEqual(await versions(ann, first), {
			data: [version(second, second.edited_at), version(first, first.created_at)],
			has_more: false,
			next: null,
		});
	});

	it('come page by page', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const message = await send(ann, room, '0');
		for (let i = 1; i <= 5; i++) await edit(ann, message, { body: `${i}` });
		const seen = [];
		for (let query = '?limit=2'; query; ) {
			const { data, has_more, next } = await versions(ann, message, query);
			seen.push(...data.map(({ body }) => body));
			assert.equal(has_more, next !== null);
			query = has_more && `?limit=2&cursor=${next}`;
		}
		assert.deepEqual(seen, ['4', '3', '2', '1', '0']);
		for (const query of ['cursor=x', 'cursor=0', 'cursor=-1', 'cursor=1.5', 'cursor=', 'limit=0', 'limit=201'])
			assert.equal((await ann.api.get(`${pathOf(message)}/versions?${query}`)).status, 422, query);
	});

	it('are for who sent it alone', async () => {
		const [owner, ann, eve] = await people('Owner', 'Ann', 'Eve');
		const room = await groupOf(owner, [ann]);
		const message = await send(ann, room, 'One');
		await edit(ann, message, { body: 'Two' });
		const path = `${pathOf(message)}/versions`;
		assert.equal(refused(await owner.api.get(path)), '403 forbidden');
		assert.equal(refused(await eve.api.get(path)), '404 not_found');
		must(await ann.api.delete(`conversations/${room.id}/members/${ann.id}`), 204);
		assert.equal(refused(await ann.api.get(path)), '404 not_found');
	});

	it('are not kept unless the setting says so', async () => {
		const other = await sharedStack();
		try {
			const [ann, ben] = [await register(other, 'Ann'), await register(other, 'Ben')];
			const room = await directOf(ann, ben);
			const message = await send(ann, room, 'One');
			await edit(ann, message, { body: 'Two' });
			assert.deepEqual((await versions(ann, message)).data, []);
			assert.equal(await other.sql(`select count(*) from message_versions where conversation_id = '${room.id}'`), '0');
		} finally {
			await other.stop();
		}
	});
});

describe('the time in which one may edit', () => {
	it('ends', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const message = await send(ann, room, 'One');
		const age = (seconds) =>
			stack.sql(`update messages set created_at = now() - interval '${seconds} s' where conversation_id = '${room.id}'`);
		await age(WINDOW_S - 60);
		await edit(ann, message, { body: 'Two' });
		await age(WINDOW_S + 1);
		const late = await ann.api.patch(pathOf(message), { body: 'Three' });
		assert.equal(refused(late), '403 forbidden');
		assert.match(late.body.detail, /time .* is over/);
		const german = await ann.api.patch(pathOf(message), { body: 'Three' }, { headers: { 'accept-language': 'de' } });
		assert.match(german.body.detail, /Zeit/);
		// the edit before, said again
		await edit(ann, message, { body: 'Two' });
		must(await ann.api.delete(pathOf(message)), 204);
	});
});

describe('what was deleted', () => {
	it('is nowhere in the database', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await directOf(ann, ben);
		const words = Array.from({ length: 7 }, () => `word${randomBytes(12).toString('hex')}`);
		const secret = Buffer.from(words[5]).toString('base64');
		const message = await send(ann, room, `I say ${words[0]}`, { metadata: { [words[1]]: words[2] }, ciphertext: secret });
		const reply = await send(ben, room, 'You said', { reply_to: message.id });
		await edit(ann, message, { body: `I said ${words[3]}` });
		await edit(ann, message, { metadata: { a: words[4] } });
		const found = async () => {
			const { stdout } = await promisify(execFile)('pg_dump', ['--dbname', stack.env.PARLEY_OWNER_DATABASE], {
				cwd: '/',
				maxBuffer: 256 << 20,
			});
			assert.ok(stdout.includes(reply.id));
			return [...words, secret].filter((word) => stdout.includes(word)).length;
		};
		// as many as one row of what is searched has the words of
		const plain = await send(ann, room, `And ${words[6]} in clear`);
		for (let i = 0; i < 16; i++) await send(ann, room, `${i}`);
		await stack.sql('select search_fill(1000)');
		const indexed = `select count(*) from message_words where conversation_id = '${room.id}' and words::text like '%${words[6]}%'`;
		assert.equal(await stack.sql(indexed), '1');
		assert.equal(await found(), 7, 'all but the clear text of what is encrypted');
		must(await ann.api.delete(pathOf(plain)), 204);
		must(await ann.api.delete(pathOf(message)), 204);
		assert.equal(await found(), 0);
		assert.deepEqual((await versions(ann, message)).data, []);
	});
});
