// Who is in a group no longer, or never was, or not yet: every path to it × every way of not being in it. Presence is none of
// them: whoever is signed in may watch anybody's, but who was blocked (tests/push/presence.test.mjs).
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { attach, fileOf } from '../lib/files.mjs';
import { mirrorOf } from '../lib/mirror.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const WORD = 'zanzibar';
const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const at = ({ room }, more = '') => `conversations/${room.id}${more}`;
const of = ({ room, message }, more = '') => `conversations/${room.id}/messages/${message.id}${more}`;
const own = ({ room, mine }, more = '') => `conversations/${room.id}/messages/${mine.id}${more}`;

// name: how; what who is out is answered; who is back, where history is what came since it joined
const PATHS = [
	['the conversation', (me, s) => me.api.get(at(s)), 404, 200],
	['its history', (me, s) => me.api.get(at(s, '/messages')), 404, 200],
	['history before a message', (me, s) => me.api.get(at(s, `/messages?before=${s.message.id}`)), 404, 422],
	['one message', (me, s) => me.api.get(of(s)), 404, 404],
	['one’s own message', (me, s) => me.api.get(own(s)), 404, 404],
	['its receipts', (me, s) => me.api.get(own(s, '/receipts')), 404, 404],
	['its versions', (me, s) => me.api.get(own(s, '/versions')), 404, 404],
	['a reaction', (me, s) => me.api.put(of(s, '/reactions/%F0%9F%91%8D')), 404, 404],
	['a reaction taken back', (me, s) => me.api.delete(of(s, '/reactions/%F0%9F%91%8D')), 404, 404],
	['an edit', (me, s) => me.api.patch(own(s), { body: 'Edited' }), 404, 404],
	['a deletion', (me, s) => me.api.delete(own(s)), 404, 404],
	['a message', (me, s) => me.api.post(at(s, '/messages'), { body: 'I am here' }), 404, 201],
	['the same message again', (me, s) => me.api.post(at(s, '/messages'), { id: s.mine.id, body: s.mine.body }), 404, 404],
	['a reply', (me, s) => me.api.post(at(s, '/messages'), { body: 'Re', reply_to: s.message.id }), 404, 422],
	['that it was read', (me, s) => me.api.post(at(s, '/read')), 404, 200],
	['that it was delivered', (me, s) => me.api.post(at(s, '/delivered')), 404, 200],
	['another member', (me, s) => me.api.put(at(s, `/members/${s.other.id}`)), 404, 403],
	['oneself as a member', (me, s) => me.api.put(at(s, `/members/${me.id}`)), 404, 204],
	['the removal of another', (me, s) => me.api.delete(at(s, `/members/${s.other.id}`)), 404, 403],
	['a title', (me, s) => me.api.patch(at(s), { title: 'Mine' }), 404, 403],
	['the deletion of the group', (me, s) => me.api.delete(at(s)), 404, 403],
	['one’s own view', (me, s) => me.api.patch(at(s, '/me'), { pinned: true }), 404, 200],
	['a search in it', (me, s) => me.api.get(`search/messages?q=${WORD}&conversation=${s.room.id}`), 404, 200],
	['a file that was sent in it', (me, s) => me.api.get(s.file.url), 404, 404],
	['the older service’s history', (me, s) => me.api.get(`/messages/${s.room.id}`), 403, 200],
	['the older service’s reading', (me, s) => me.api.post(`/messages/${s.room.id}/mark-read`, { user_id: me.id }), 403, 200],
];

const out = async (by, { room }, whom) => must(await by.api.delete(`conversations/${room.id}/members/${whom.id}`), 204);
const into = async (by, { room }, whom) => must(await by.api.put(`conversations/${room.id}/members/${whom.id}`), 204);

// how one comes to be out of it, or back
const WAYS = {
	'was never in it': async (owner, me, scene) => out(owner, scene, me),
	'has left': (owner, me, scene) => out(me, scene, me),
	'was removed': (owner, me, scene) => out(owner, scene, me),
	'was removed and is back': async (owner, me, scene) => {
		await out(owner, scene, me);
		await into(owner, scene, me);
	},
	'was in it when it was deleted': async (owner, me, { room }) => must(await owner.api.delete(`conversations/${room.id}`), 204),
};

for (const [way, leave] of Object.entries(WAYS))
	describe(`who ${way}`, () => {
		let owner, me, other, scene, mirror, device, back;
		before(async () => {
			back = way.endsWith('back');
			[owner, me, other] = await people('Owner', 'Me', 'Other');
			const room = await groupOf(owner, [me, other], { history: 'joined' });
			const message = await send(owner, room, `Secret ${WORD}`);
			const mine = await send(me, room, `Mine ${WORD}`);
			const file = await fileOf(stack, owner, Buffer.from(`a file of ${room.id}`));
			await attach(stack, file, room, message);
			scene = { room, message, mine, file, other };
			mirror = mirrorOf(me);
			await mirror.sync();
			device = await connect(me);
			await leave(owner, me, scene);
			// a stranger who has the ids
			if (way.includes('never')) [me] = await people('Stranger');
		});
		after(() => device?.end(true));

		for (const [name, ask, gone, returned] of PATHS)
			it(`${name}: ${way.endsWith('back') ? returned : gone}`, async () => {
				const answer = await ask(me, scene);
				assert.equal(answer.status, back ? returned : gone, answer.text);
				assert.ok(!answer.text.includes('Secret'), answer.text);
			});

		it('finds it in no list, no total, no search and no sync', async () => {
			const seen = must(await me.api.get('conversations'), 200).data.map(({ id }) => id);
			assert.deepEqual(seen, back ? [scene.room.id] : []);
			if (!back) assert.deepEqual(must(await me.api.get('unread'), 200), { unread_count: 0, conversations: 0 });
			assert.deepEqual(must(await me.api.get(`search/messages?q=${WORD}`), 200).data, []);
			const fresh = mirrorOf(me);
			await fresh.sync();
			assert.ok(![...fresh.messages.values()].some(({ body }) => body?.includes(WORD)));
			if (way.includes('never')) return;
			const pages = await mirror.sync();
			assert.deepEqual(pages.flatMap(({ left }) => left), back ? [] : [scene.room.id]);
		});

		it('is told of nothing that happens in it from then on', async () => {
			if (back) return;
			const before_ = device.kept.length;
			const typist = await connect(other);
			await typist.publish(`users/${other.id}/commands/typing`, { conversation_id: scene.room.id, typing: true }, { qos: 0 });
			const sent = await other.api.post(at(scene, '/messages'), { body: 'After' });
			assert.equal(sent.status, way.includes('deleted') ? 404 : 201);
			const watched = { id: device.clientId.split('/')[0] };
			const fence = await send(other, await directOf(other, watched), 'Behind it');
			await device.next(({ event }) => event?.data?.id === fence.id);
			const told = device.kept.slice(before_).filter(({ event }) => event?.conversation_id === scene.room.id || event?.data?.conversation_id === scene.room.id);
			assert.deepEqual(told.filter(({ event }) => !['member.removed', 'conversation.deleted'].includes(event.type)), []);
			await typist.end(true);
		});
	});
