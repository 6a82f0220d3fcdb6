// Accounts that are erased with their messages: all of them, wherever they are, told as any deletion, and also when who does it dies.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { api, connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { history } from '../lib/load.mjs';
import { mirrorOf } from '../lib/mirror.mjs';
import { parley } from '../lib/operator.mjs';
import { sharedStack, startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';
import { webhookHeaders } from '../lib/webhook.mjs';

const ISSUER = 'https://erasure.example.org';
const SETTINGS = { PARLEY_ERASE_MESSAGES: '1' };

let stack;
before(async () => {
	stack = await startStack({ env: { ...SETTINGS, PARLEY_IDENTITY_WEBHOOK_ISSUER: ISSUER } });
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const erased = (person, deadline = 20_000) =>
	waitFor(
		async () => (await stack.sql(`select count(*) from messages where sender_id = '${person.id}' and deleted_at is null`)) === '0'
			&& (await stack.sql(`select count(*) from erasures where user_id = '${person.id}'`)) === '0',
		deadline,
		'all messages are deleted',
	);
/** As many messages as one likes, of whom one likes. */
const sendMany = (room, person, count, words = 'Words') =>
	stack.sql(`select count(s) from generate_series(1, ${count}) i cross join lateral message_send('${room.id}', '${person.id}',
		gen_random_uuid(), 'text', '${words} ' || i, null, null, null, decode(md5(i::text), 'hex'), gen_random_uuid(), gen_random_uuid(), null) s`);

it('goes from direct conversations, groups, and those that it had left, and from nobody else', async () => {
	const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
	const direct = await directOf(ann, ben);
	const group = await groupOf(cat, [ann, ben]);
	const former = await groupOf(ben, [ann, cat]);
	const alone = await groupOf(ann, []);
	for (const room of [direct, group, former]) {
		await send(ann, room, 'Hers');
		await send(ben, room, 'His');
		await send(ann, room, 'Hers again');
	}
	await send(ann, alone, 'To nobody');
	must(await ann.api.delete(`conversations/${former.id}/members/${ann.id}`), 204);
	must(await cat.api.post(`conversations/${group.id}/read`, { seq: 1 }), 200);
	const mirror = mirrorOf(ben);
	await mirror.sync();
	const device = await connect(ben);
	try {
		must(await ann.api.delete('users/me'), 204);
		await erased(ann);
		for (const room of [direct, group, former]) {
			const messages = (await history(ben, room)).filter(({ type }) => type !== 'system');
			assert.deepEqual(messages.map(({ body }) => body), [null, 'His', null]);
			assert.deepEqual(messages.map(({ deleted_at }) => deleted_at !== null), [true, false, true]);
			assert.deepEqual(messages.map(({ sender_id }) => sender_id), [ann.id, ben.id, ann.id]);
			const events = [await device.event('message.deleted', room), await device.event('message.deleted', room)];
			assert.deepEqual(events.map(({ data }) => data.seq), [1, 3]);
			assert.equal(events[1].rev, events[0].rev + 1);
		}
		const { unread_count } = must(await cat.api.get(`conversations/${group.id}`), 200).me;
		assert.equal(unread_count, 1);
		assert.deepEqual(must(await ben.api.get('unread'), 200), { unread_count: 0, conversations: 0 });
		await mirror.sync();
		for (const room of [direct, group, former])
			assert.deepEqual(
				mirror.history(room.id).flatMap(({ type, seq, body }) => (type === 'system' ? [] : [[seq, body]])),
				[[1, null], [3, null]],
			);
		assert.equal(await stack.sql(`select body is null from messages where conversation_id = '${alone.id}'`), 't');
	} finally {
		await device.end(true);
	}
});

it('ends when who does it is killed, again and again', async () => {
	const [ann, ben] = await people('Ann', 'Ben');
	const room = await groupOf(ben, [ann]);
	const other = await directOf(ann, ben);
	await sendMany(room, ann, 3000);
	await sendMany(room, ben, 100);
	await sendMany(other, ann, 300);
	const left = async () => Number(await stack.sql(`select count(*) from messages where sender_id = '${ann.id}' and deleted_at is null`));
	must(await ann.api.delete('users/me'), 204);
	for (let kills = 0; kills < 2; kills++) {
		const before_ = await left();
		await waitFor(async () => (await left()) < before_ || before_ === 0, 20_000, 'some are deleted');
		const pid = await stack.kill('notify');
		await stack.replaced('notify', pid, 20_000);
	}
	await erased(ann, 60_000);
	const messages = await history(ben, room);
	assert.equal(messages.filter(({ deleted_at }) => deleted_at).length, 3000);
	assert.equal(messages.filter(({ body, sender_id }) => body && sender_id === ben.id).length, 100);
	// one rev a deletion, whoever did it
	const { rev } = must(await ben.api.get(`conversations/${room.id}`), 200);
	const revs = messages.filter(({ deleted_at }) => deleted_at).map((message) => message.rev);
	assert.equal(new Set(revs).size, 3000);
	assert.equal(Math.max(...revs), rev);
	assert.equal(must(await ben.api.get(`conversations/${other.id}`), 200).me.unread_count, 0);
});

it('goes as well by an operator, and by the identity provider', async () => {
	const [ben, cat] = await people('Ben', 'Cat');
	const room = await directOf(ben, cat);
	await send(ben, room, 'By an operator');
	const done = await parley(stack, ['user', 'erase', ben.handle, '--json'], { env: SETTINGS });
	assert.deepEqual([done.status, done.json], [0, { id: ben.id, erased: true }]);
	await erased(ben);
	const nobody = await parley(stack, ['user', 'erase', randomUUID()]);
	assert.equal(nobody.status, 1);
	assert.equal((await ben.api.get('users/me')).status, 401);

	const webhook = async (type, data) => {
		const text = JSON.stringify({ type, data });
		const headers = { ...webhookHeaders(text), 'content-type': 'application/json' };
		return must(await api(stack).call('POST', 'webhooks/identity', undefined, { headers, body: text }), 200).outcome;
	};
	const subject = randomUUID();
	assert.equal(await webhook('user.created', { id: subject, first_name: 'Dan', updated_at: Date.now() }), 'created');
	const dan = { id: await stack.sql(`select user_id from identities where subject = '${subject}'`) };
	const group = must(await cat.api.post('conversations', { kind: 'direct', member_ids: [dan.id] }), 201);
	await sendMany(group, dan, 3);
	assert.equal(await webhook('user.deleted', { id: subject, deleted: true }), 'deleted');
	await erased(dan);
	assert.deepEqual((await history(cat, group)).map(({ body }) => body), [null, null, null]);
});

it('leaves them where the setting does not say so', async () => {
	const other = await sharedStack();
	try {
		const [ann, ben] = [await register(other, 'Ann'), await register(other, 'Ben')];
		const room = await directOf(ann, ben);
		await send(ann, room, 'Stays');
		must(await ann.api.delete('users/me'), 204);
		assert.equal(await other.sql(`select count(*) from erasures where user_id = '${ann.id}'`), '0');
		assert.deepEqual((await history(ben, room)).map(({ body }) => body), ['Stays']);
	} finally {
		await other.stop();
	}
});
