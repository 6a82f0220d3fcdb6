// What a block does over REST: between two people nothing is opened and nothing sent, from the moment at which it is
// answered. Over MQTT: tests/push/block.test.mjs.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { interleaved } from '../lib/processes.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const two = () => Promise.all(['Ann', 'Ben'].map((name) => register(stack, name)));
const block = async (one, other) => must(await one.api.put(`blocks/${other.id}`), 204);
const unblock = async (one, other) => must(await one.api.delete(`blocks/${other.id}`), 204);
const post = (person, room, message) => person.api.post(`conversations/${room.id}/messages`, message);
const open = (one, other) => one.api.post('conversations', { kind: 'direct', member_ids: [other.id] });
const lastSeq = async (person, room) => must(await person.api.get(`conversations/${room.id}`), 200).last_seq;

function refused(answer) {
	assert.deepEqual([answer.status, answer.body.code], [403, 'blocked'], answer.text);
}

// in SQL, for who is interrupted
const blockSql = (one, other) => `select block_put('${one.id}', '${other.id}', 99, '${randomUUID()}');`;
const unblockSql = (one, other) => `select block_remove('${one.id}', '${other.id}', '${randomUUID()}');`;
// like: a message of the same content, which has the same digest wherever it is
const sendSql = (person, room, { id, body }, like) =>
	`select message_send('${room.id}', '${person.id}', '${id}', 'text', '${body}', null, null, null,
		(select digest from messages where id = '${like.id}'), '${randomUUID()}', '${randomUUID()}', null);`;

describe('a block', () => {
	it('shuts the direct conversation for both, and leaves what is there to read', async () => {
		const [ann, ben] = await two();
		const room = await directOf(ann, ben);
		const sent = await send(ben, room, 'before');
		await block(ann, ben);
		for (const [one, other] of [
			[ann, ben],
			[ben, ann],
		]) {
			refused(await post(one, room, { body: 'after' }));
			refused(await open(one, other));
			const { data } = must(await one.api.get(`conversations/${room.id}/messages`), 200);
			assert.deepEqual(data.map(({ id }) => id), [sent.id]);
			assert.equal(must(await one.api.get('conversations'), 200).data[0].id, room.id);
		}
		must(await ann.api.post(`conversations/${room.id}/read`, {}), 200);
		assert.equal(await lastSeq(ben, room), 1);
	});

	it('forbids to open one where there is none', async () => {
		const [ann, ben] = await two();
		await block(ann, ben);
		refused(await open(ben, ann));
		refused(await open(ann, ben));
		assert.deepEqual(must(await ann.api.get('conversations'), 200).data, []);
		await unblock(ann, ben);
		must(await open(ben, ann), 201);
	});

	it('answers a message that was acknowledged as before', async () => {
		const [ann, ben] = await two();
		const room = await directOf(ann, ben);
		const message = { id: randomUUID(), body: 'once' };
		must(await post(ben, room, message), 201);
		await block(ann, ben);
		must(await post(ben, room, message), 200);
		assert.equal((await post(ben, room, { ...message, body: 'other' })).body.code, 'id_reused');
		refused(await post(ben, room, { ...message, id: randomUUID() }));
	});

	it('says nothing to strangers, and nothing of what is wrong besides', async () => {
		const [ann, ben] = await two();
		const room = await directOf(ann, ben);
		await block(ann, ben);
		const carol = await register(stack, 'Carol');
		assert.equal((await post(carol, room, { body: 'x' })).status, 404);
		assert.equal((await post(ben, room, {})).status, 422);
		assert.equal((await open(ben, { id: randomUUID() })).status, 422);
		must(await open(carol, ann), 201);
		must(await open(carol, ben), 201);
	});

	it('does not concern groups', async () => {
		const [ann, ben] = await two();
		await block(ann, ben);
		const group = await groupOf(ben, [ann]);
		for (const person of [ann, ben]) await send(person, group, 'in a group');
		const other = await groupOf(ann, []);
		must(await ann.api.put(`conversations/${other.id}/members/${ben.id}`, {}), 204);
		await send(ben, other, 'added');
	});

	it('is over when the last of the two takes it back', async () => {
		const [ann, ben] = await two();
		const room = await directOf(ann, ben);
		await block(ann, ben);
		await block(ben, ann);
		await unblock(ann, ben);
		refused(await post(ann, room, { body: 'still' }));
		refused(await open(ben, ann));
		await unblock(ben, ann);
		for (const [one, other] of [
			[ann, ben],
			[ben, ann],
		]) {
			await send(one, room, 'again');
			assert.equal(must(await open(one, other), 200).id, room.id);
		}
	});

	it('goes with an account', async () => {
		const [ann, ben] = await two();
		const room = await directOf(ann, ben);
		await block(ann, ben);
		await block(ben, ann);
		must(await ben.api.delete('users/me'), 204);
		assert.deepEqual(must(await ann.api.get('blocks'), 200).data, []);
		// as in any conversation with somebody who is gone
		await send(ann, room, 'anybody there?');
	});
});

describe('a block under way', () => {
	it('lets nothing in once it is answered', async () => {
		const [ann, ben] = await two();
		const room = await directOf(ann, ben);
		let blocked = false;
		const statuses = [];
		const talk = async (person) => {
			for (let i = 0; i < 500; i++) {
				const late = blocked;
				const { status } = await post(person, room, { body: `${i}` });
				statuses.push(status);
				if (late) assert.equal(status, 403);
				if (status === 403) return;
			}
		};
		const talking = [ann, ben, ann, ben].map(talk);
		await waitFor(() => statuses.length >= 8, 10_000, 'both talk');
		await block(ann, ben);
		blocked = true;
		const last = await lastSeq(ann, room);
		await Promise.all(talking);
		assert.equal(await lastSeq(ann, room), last);
		assert.equal(statuses.filter((status) => status === 201).length, last);
		assert.equal(statuses.filter((status) => status === 403).length, 4);
	});

	it('overtakes a message that waits for the conversation', async () => {
		const [ann, ben] = await two();
		const room = await directOf(ann, ben);
		const hold = `select 1 from conversations where id = '${room.id}' for update;`;
		refused(await interleaved(stack, hold, () => post(ben, room, { body: 'late' }), blockSql(ann, ben)));
		assert.equal(await lastSeq(ann, room), 0);
	});

	it('does not undo a twin that came before it', async () => {
		const [ann, ben] = await two();
		const room = await directOf(ann, ben);
		const like = await send(ben, room, 'twice');
		const message = { id: randomUUID(), body: 'twice' };
		const first = sendSql(ben, room, message, like);
		const answer = await interleaved(stack, first, () => post(ben, room, message), blockSql(ann, ben));
		assert.equal(must(answer, 200).seq, 2);
		refused(await post(ben, room, { body: 'no twin' }));
	});

	it('and a conversation that is being opened come one after the other', async () => {
		const [ann, ben] = await two();
		refused(await interleaved(stack, blockSql(ann, ben), () => open(ben, ann)));

		const [cat, dan] = await two();
		const id = randomUUID();
		const opens = `select conversation_create('${id}', 'direct', '${dan.id}', null, null, null, 'all',
			array['${cat.id}']::uuid[], '${randomUUID()}');`;
		must(await interleaved(stack, opens, () => cat.api.put(`blocks/${dan.id}`)), 204);
		refused(await post(dan, { id }, { body: 'x' }));
	});

	it('and another the other way round are both taken back', async () => {
		const [ann, ben] = await two();
		const room = await directOf(ann, ben);
		await block(ann, ben);
		await block(ben, ann);
		const answer = await interleaved(stack, unblockSql(ann, ben), () => ben.api.delete(`blocks/${ann.id}`));
		must(answer, 204);
		await send(ann, room, 'again');

		await block(ann, ben);
		must(await interleaved(stack, unblockSql(ann, ben), () => ben.api.put(`blocks/${ann.id}`)), 204);
		refused(await post(ann, room, { body: 'x' }));
	});

	it('does not wait for who is erased at the same time, nor that for it', async () => {
		const [ann, ben] = await two();
		const room = await directOf(ann, ben);
		await block(ann, ben);
		await block(ben, ann);
		const answers = await Promise.all([
			ann.api.delete(`blocks/${ben.id}`),
			ben.api.delete('users/me'),
			ann.api.put(`blocks/${ben.id}`),
		]);
		for (const { status } of answers) assert.ok([204, 404].includes(status), String(status));
		assert.deepEqual(must(await ann.api.get('blocks'), 200).data, []);
		await send(ann, room, 'alone');
	});
});
