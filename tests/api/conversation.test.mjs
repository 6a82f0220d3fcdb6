// Opening conversations, one of them, and the list.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const faultsOf = (answer) => answer.body.errors.map(({ field, code }) => `${field} ${code}`).sort();
const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const memberIds = (conversation) => conversation.members.map(({ user_id }) => user_id).sort();

describe('a direct conversation', () => {
	it('is of two equal people, and nothing is in it', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const answer = await ann.api.post('conversations', { kind: 'direct', member_ids: [ben.id] });
		const opened = must(answer, 201);
		assert.deepEqual(memberIds(opened), [ann.id, ben.id].sort());
		assert.deepEqual(
			opened.members.map(({ role }) => role),
			['member', 'member'],
		);
		const { kind, title, external_ref, created_by, last_seq, rev, member_count, last_message, me } = opened;
		assert.deepEqual(
			{ kind, title, external_ref, created_by, last_seq, rev, member_count, last_message },
			{
				kind: 'direct',
				title: null,
				external_ref: null,
				created_by: ann.id,
				last_seq: 0,
				rev: 1,
				member_count: 2,
				last_message: null,
			},
		);
		assert.deepEqual(
			{ ...me, joined_at: null },
			{
				role: 'member',
				joined_at: null,
				last_read_seq: 0,
				last_delivered_seq: 0,
				unread_count: 0,
				muted_until: null,
				pinned: false,
				archived: false,
			},
		);
		assert.equal(me.joined_at, opened.created_at);
		assert.deepEqual(must(await ann.api.get(`conversations/${opened.id}`), 200), opened);
	});

	it('is one, whoever opens it and however often', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const first = must(await ann.api.post('conversations', { kind: 'direct', member_ids: [ben.id] }), 201);
		const ways = [
			[ann, [ben.id]],
			[ben, [ann.id]],
			[ann, [ben.id.toUpperCase()]],
		];
		for (const [person, member_ids] of ways)
			assert.equal(
				must(await person.api.post('conversations', { kind: 'direct', member_ids }), 200).id,
				first.id,
			);
	});

	it('is one when both open it at the same moment, 40 times', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const answers = await Promise.all(
			Array.from({ length: 40 }, (_, i) =>
				(i % 2 ? ann : ben).api.post('conversations', {
					kind: 'direct',
					member_ids: [(i % 2 ? ben : ann).id],
				}),
			),
		);
		assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(39).fill(200), 201]);
		assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1);
		for (const person of [ann, ben])
			assert.equal(must(await person.api.get('conversations'), 200).data.length, 1);
	});
});

describe('a group', () => {
	it('has an owner, and whom it names, once each', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const sent = {
			kind: 'group',
			title: 'Dispatch 🚚',
			avatar_url: 'https://example.org/g.png',
			external_ref: randomUUID(),
			history: 'joined',
			member_ids: [cat.id, ben.id, ben.id.toUpperCase(), ann.id],
		};
		const group = must(await ann.api.post('conversations', sent), 201);
		assert.equal(group.member_count, 3);
		assert.deepEqual(memberIds(group), [ann.id, ben.id, cat.id].sort());
		assert.deepEqual([group.members[0].user_id, group.members[0].role], [ann.id, 'owner']);
		assert.deepEqual(
			group.members.slice(1).map(({ role }) => role),
			['member', 'member'],
		);
		const { title, avatar_url, external_ref, me } = group;
		assert.deepEqual(
			{ title, avatar_url, external_ref },
			{ title: sent.title, avatar_url: sent.avatar_url, external_ref: sent.external_ref },
		);
		assert.equal(me.role, 'owner');
		assert.equal(must(await ben.api.get(`conversations/${group.id}`), 200).me.role, 'member');
	});

	it('may have no title and nobody else', async () => {
		const [ann] = await people('Ann');
		const group = must(
			await ann.api.post('conversations', { kind: 'group', title: null, member_ids: [] }),
			201,
		);
		assert.deepEqual([group.title, group.member_count], [null, 1]);
	});

	it('of the same people is another group', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		assert.notEqual((await groupOf(ann, [ben])).id, (await groupOf(ann, [ben])).id);
	});

	it('of an external_ref is one, 20 times at once, and its first words hold', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const external_ref = `order/${randomUUID()} ü`;
		const answers = await Promise.all(
			Array.from({ length: 20 }, (_, i) =>
				(i % 2 ? ann : ben).api.post('conversations', {
					kind: 'group',
					external_ref,
					title: `Title ${i}`,
					member_ids: [ann.id, ben.id],
				}),
			),
		);
		assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(19).fill(200), 201]);
		const [{ body: made }] = answers.filter(({ status }) => status === 201);
		for (const { body } of answers) assert.deepEqual([body.id, body.title], [made.id, made.title]);
	});

	it('of an external_ref that others have is a conflict, which shows nothing', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const external_ref = randomUUID();
		const group = await groupOf(ann, [ben], { external_ref });
		const answer = await cat.api.post('conversations', {
			kind: 'group',
			external_ref,
			member_ids: [ann.id, cat.id],
		});
		assert.equal(answer.status, 409);
		assert.equal(answer.body.code, 'conflict');
		assert.ok(!answer.text.includes(group.id));
		assert.deepEqual(must(await cat.api.get('conversations'), 200).data, []);
	});

	it('holds 256 people and not one more', async () => {
		const [ann] = await people('Ann');
		const ids = Array.from({ length: 256 }, () => randomUUID());
		await stack.sql(
			`insert into users (id, handle, display_name) values ${ids.map((id) => `('${id}', 'm${id.replaceAll('-', '').slice(0, 24)}', 'Many')`)}`,
		);
		const full = await ann.api.post('conversations', { kind: 'group', member_ids: ids });
		assert.equal(full.status, 409);
		assert.equal(full.body.code, 'group_full');
		const most = must(
			await ann.api.post('conversations', {
				kind: 'group',
				member_ids: [ann.id, ...ids.slice(1), ...ids.slice(1)],
			}),
			201,
		);
		assert.equal(most.member_count, 256);
		assert.equal(most.members.length, 256);
	});
});

describe('the event of a new conversation', () => {
	it('goes to every member, once, and to nobody else', async () => {
		const [ann, ben, cat, dan] = await people('Ann', 'Ben', 'Cat', 'Dan');
		const devices = await Promise.all([ann, ben, cat, dan].map((person) => connect(person)));
		try {
			const external_ref = randomUUID();
			const group = await groupOf(ann, [ben, cat], { external_ref, title: 'All "of" us 👋' });
			await ben.api
				.post('conversations', { kind: 'group', external_ref, member_ids: [] })
				.then((answer) => must(answer, 200));
			const { me, ...shown } = group;
			for (const device of devices.slice(0, 3)) {
				const event = await device.event('conversation.created', group);
				assert.deepEqual(event.data, shown);
				assert.deepEqual([event.rev, event.at], [1, group.created_at]);
			}
			// what comes after it shows that nothing more came before
			const last = await groupOf(ann, [ben, cat, dan]);
			for (const device of devices) {
				const { event } = await device.next(({ event: found }) => found?.type?.startsWith('conversation.'));
				assert.equal(event.conversation_id, last.id);
			}
			assert.equal(me.role, 'owner');
		} finally {
			for (const device of devices) await device.end(true);
		}
	});
});

describe('what opens no conversation', () => {
	let ann, ben;
	before(async () => {
		[ann, ben] = await people('Ann', 'Ben');
	});

	const wrong = [
		[{}, ['kind required', 'member_ids required']],
		[{ kind: 'channel', member_ids: [] }, ['kind bad_format']],
		[{ kind: 1, member_ids: 'x' }, ['kind bad_type', 'member_ids bad_type']],
		[{ kind: 'direct', member_ids: [] }, ['member_ids too_short']],
		[{ kind: 'direct', member_ids: () => [ben.id, ann.id] }, ['member_ids too_long']],
		[{ kind: 'direct', member_ids: () => [ann.id] }, ['member_ids[0] not_allowed']],
		[{ kind: 'direct', member_ids: () => [ben.id], title: 'x' }, ['title not_allowed']],
		[
			{ kind: 'direct', member_ids: () => [ben.id], external_ref: 'x', avatar_url: 'https://a/' },
			['avatar_url not_allowed', 'external_ref not_allowed'],
		],
		[{ kind: 'direct', member_ids: [randomUUID()] }, ['member_ids unknown']],
		[
			{ kind: 'group', member_ids: () => [ben.id, randomUUID(), randomUUID()] },
			['member_ids unknown', 'member_ids unknown'],
		],
		[
			{ kind: 'group', member_ids: () => [ben.id, 'x', 5, null] },
			['member_ids[1] bad_format', 'member_ids[2] bad_type', 'member_ids[3] bad_type'],
		],
		[{ kind: 'group', member_ids: [], title: '' }, ['title too_short']],
		[{ kind: 'group', member_ids: [], title: ' ' }, ['title bad_format']],
		[{ kind: 'group', member_ids: [], title: 'x'.repeat(129) }, ['title too_long']],
		[{ kind: 'group', member_ids: [], external_ref: '' }, ['external_ref too_short']],
		[{ kind: 'group', member_ids: [], external_ref: 'ü'.repeat(128) }, ['external_ref too_long']],
		[{ kind: 'group', member_ids: [], external_ref: 'a\nb' }, ['external_ref bad_format']],
		[{ kind: 'group', member_ids: [], avatar_url: 'data:text/html,x' }, ['avatar_url bad_format']],
		[{ kind: 'group', member_ids: [], history: 'none' }, ['history bad_format']],
		[{ kind: 'group', member_ids: Array(4097).fill('x') }, ['member_ids too_long']],
		[
			{ kind: 'group', member_ids: Array(40).fill('x') },
			Array.from({ length: 16 }, (_, i) => `member_ids[${i}] bad_format`).sort(),
		],
	];
	for (const [sent, expected] of wrong)
		it(`${JSON.stringify({ ...sent, member_ids: sent.member_ids?.toString() }).slice(0, 90)} for ${expected[0]}`, async () => {
			const before_ = must(await ann.api.get('conversations'), 200);
			const member_ids = typeof sent.member_ids === 'function' ? sent.member_ids() : sent.member_ids;
			const answer = await ann.api.post('conversations', { ...sent, member_ids });
			assert.equal(answer.status, 422);
			assert.deepEqual(faultsOf(answer), expected);
			assert.deepEqual(must(await ann.api.get('conversations'), 200), before_);
		});

	it('a deleted account', async () => {
		const [gone] = await people('Gone');
		await stack.sql(`update users set deleted_at = now() where id = '${gone.id}'`);
		const answer = await ann.api.post('conversations', { kind: 'direct', member_ids: [gone.id] });
		assert.equal(answer.status, 422);
		assert.deepEqual(faultsOf(answer), ['member_ids unknown']);
		assert.equal(must(await ann.api.get(`users/${gone.id}`), 200).deleted, true);
		assert.equal((await gone.api.get('users/me')).status, 401);
		assert.equal(
			(await gone.api.post('conversations', { kind: 'direct', member_ids: [ann.id] })).status,
			401,
		);
	});
});

describe('a group that is changed', () => {
	const patch = (person, room, change) => person.api.patch(`conversations/${room.id}`, change);

	it('has the title and picture that were sent, keeps what was not, and loses what was null', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben], { title: 'Old', external_ref: randomUUID() });
		await send(ben, room, 'One');
		const steps = [
			[{ title: 'New “title” 🚚' }, { title: 'New “title” 🚚', avatar_url: null }],
			[{ avatar_url: 'https://example.org/g.png', kind: 'direct' }, { avatar_url: 'https://example.org/g.png' }],
			[{ title: null }, { title: null }],
			[{ title: 'x'.repeat(128), avatar_url: null }, { title: 'x'.repeat(128), avatar_url: null }],
		];
		let was = must(await ann.api.get(`conversations/${room.id}`), 200);
		for (const [change, shown] of steps) {
			const now = must(await patch(ann, room, change), 200);
			const { last_activity_at, last_message } = now;
			assert.deepEqual(now, {
				...was,
				...shown,
				rev: was.rev + 2,
				last_seq: was.last_seq + 1,
				last_activity_at,
				last_message,
			});
			assert.deepEqual([last_message.type, last_message.created_at], ['system', last_activity_at]);
			assert.deepEqual(must(await ann.api.get(`conversations/${room.id}`), 200), now);
			const listed = must(await ben.api.get('conversations'), 200).data[0];
			assert.deepEqual([listed.title, listed.avatar_url, listed.rev], [now.title, now.avatar_url, now.rev]);
			// the same again, or nothing at all, is no change
			for (const again of [change, {}, { title: now.title }])
				assert.deepEqual(must(await patch(ann, room, again), 200), now);
			was = now;
		}
	});

	it('is told to its members as it then is, once', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await groupOf(ann, [ben]);
		const devices = await Promise.all([ann, ben, cat].map((person) => connect(person)));
		try {
			const { me, members, last_message, ...shown } = must(await patch(ann, room, { title: 'Told' }), 200);
			must(await patch(ann, room, { title: 'Told' }), 200);
			const fence = await groupOf(ann, [ben, cat]);
			for (const device of devices.slice(0, 2)) {
				const event = await device.event('conversation.updated', room);
				// as it was before the system message
				const { last_activity_at } = room;
				assert.deepEqual([event.rev, event.data], [2, { ...shown, rev: 2, last_seq: 0, last_activity_at }]);
			}
			for (const device of devices) {
				await device.event('conversation.created', fence);
				assert.ok(!device.kept.some(({ event }) => event.type === 'conversation.updated'));
			}
			assert.deepEqual([me.role, members.length, last_message.type], ['owner', 2, 'system']);
		} finally {
			for (const device of devices) await device.end(true);
		}
	});

	it('is as it was after bad input, which is told field by field', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben]);
		const wrong = [
			[{ title: '' }, ['title too_short']],
			[{ title: ' ' }, ['title bad_format']],
			[{ title: 'x'.repeat(129) }, ['title too_long']],
			[{ title: 'a\nb' }, ['title bad_format']],
			[{ title: 1, avatar_url: [] }, ['avatar_url bad_type', 'title bad_type']],
			[{ title: 'Good', avatar_url: 'javascript:x' }, ['avatar_url bad_format']],
			[{ avatar_url: `https://a/${'x'.repeat(2048)}` }, ['avatar_url too_long']],
		];
		for (const [change, expected] of wrong) {
			const answer = await patch(ann, room, change);
			assert.equal(answer.status, 422);
			assert.deepEqual(faultsOf(answer), expected);
		}
		const now = must(await ann.api.get(`conversations/${room.id}`), 200);
		assert.deepEqual([now.title, now.avatar_url, now.rev], [room.title, null, 1]);
	});

	it('by several at once has each change once', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben]);
		must(await ann.api.put(`conversations/${room.id}/members/${ben.id}`, { role: 'admin' }), 204);
		const answers = await Promise.all(
			Array.from({ length: 20 }, (_, i) => patch(i % 2 ? ann : ben, room, { title: `Title ${i}` })),
		);
		const found = answers.map((answer) => must(answer, 200)).sort((a, b) => a.rev - b.rev);
		assert.deepEqual(
			found.map(({ rev }) => rev),
			Array.from({ length: 20 }, (_, i) => 2 * i + 5),
		);
		assert.equal(must(await ann.api.get(`conversations/${room.id}`), 200).title, found.at(-1).title);
	});
});

describe('the list', () => {
	/** All pages of so many each; checks what holds of each page. */
	async function pages(person, limit) {
		const all = [];
		let cursor;
		for (;;) {
			const page = must(
				await person.api.get(`conversations?limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`),
				200,
			);
			assert.ok(page.data.length <= limit);
			if (page.has_more) assert.equal(page.data.length, limit);
			all.push(...page.data);
			if (!page.has_more) return all;
			cursor = page.next;
		}
	}
	const ids = (list) => list.map(({ id }) => id);

	it('of nobody is empty', async () => {
		const [ann] = await people('Ann');
		assert.deepEqual(must(await ann.api.get('conversations'), 200), {
			data: [],
			has_more: false,
			next: null,
		});
	});

	it('says of each what the conversation says of itself, without the members of groups', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const direct = await directOf(ann, ben);
		const group = await groupOf(ben, [ann]);
		await send(ben, direct, 'One');
		await send(ben, group, 'Two', { metadata: { a: 1 } });
		const list = must(await ann.api.get('conversations'), 200).data;
		assert.deepEqual(ids(list), [group.id, direct.id]);
		for (const entry of list) {
			const { members, ...rest } = must(await ann.api.get(`conversations/${entry.id}`), 200);
			const { members: shown, ...same } = entry;
			assert.deepEqual(same, rest);
			if (entry.kind === 'direct') {
				assert.deepEqual(
					shown.map(({ user_id }) => user_id),
					[ann.id, ben.id],
				);
				assert.deepEqual(
					[...shown].sort((a, b) => (a.user_id < b.user_id ? -1 : 1)),
					members,
				);
			}
		}
		assert.equal(list[0].last_message.body, 'Two');
	});

	it('has the latest activity first, directs and groups mixed, on pages of any size', async () => {
		const [ann, ...others] = await people('Ann', 'Ben', 'Cat', 'Dan', 'Eve');
		const all = [];
		for (const other of others) {
			all.push(await directOf(ann, other));
			all.push(await groupOf(other, [ann]), await groupOf(ann, others));
		}
		// several rounds within 30 s: of groups, only the first is written to everybody's list at once
		const written = [];
		for (let round = 0; round < 4; round++) {
			const order = all
				.map((conversation) => [Math.random(), conversation])
				.sort((a, b) => a[0] - b[0])
				.map((pair) => pair[1]);
			for (const conversation of order.slice(0, 6 + round * 2)) {
				await send(ann, conversation, `Round ${round}`);
				written.push(conversation.id);
			}
			const expected = [...new Set([...written].reverse())];
			const rest = ids(all)
				.filter((id) => !expected.includes(id))
				.reverse();
			for (const limit of [1, 2, 3, 5, 7, 50, 200])
				assert.deepEqual(
					ids(await pages(ann, limit)),
					[...expected, ...rest],
					`round ${round}, pages of ${limit}`,
				);
		}
		const list = await pages(ann, 4);
		for (let i = 1; i < list.length; i++) assert.ok(list[i - 1].last_activity_at >= list[i].last_activity_at);
	});

	it('keeps its order when a group that was quiet for long gets a message after one that was not', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const groups = [];
		for (let i = 0; i < 6; i++) groups.push(await groupOf(ann, [ben]));
		// as if all had been quiet for an hour, but for two whose members were told of something 20 s ago
		await stack.sql(`update conversations set last_activity_at = now() - interval '1 hour', members_activity_at = now() - interval '1 hour'
			where id in (${groups.map(({ id }) => `'${id}'`)})`);
		await stack.sql(
			`update members set activity_at = now() - interval '1 hour' where conversation_id in (${groups.map(({ id }) => `'${id}'`)})`,
		);
		for (const { id } of groups.slice(0, 2)) {
			await stack.sql(
				`update conversations set members_activity_at = now() - interval '20 s', last_activity_at = now() - interval '20 s' where id = '${id}'`,
			);
			await stack.sql(
				`update members set activity_at = now() - interval '20 s' where conversation_id = '${id}'`,
			);
		}
		await send(ben, groups[4], 'Quiet for long');
		await send(ben, groups[0], 'Busy');
		await send(ben, groups[5], 'Quiet for long');
		await send(ben, groups[1], 'Busy');
		for (const limit of [1, 2, 3, 200])
			assert.deepEqual(
				ids(await pages(ann, limit)).slice(0, 4),
				[groups[1].id, groups[5].id, groups[0].id, groups[4].id],
				`pages of ${limit}`,
			);
	});

	it('leaves out nothing that stays quiet while others are written to', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const quiet = [];
		for (let i = 0; i < 12; i++) quiet.push(await groupOf(ann, [ben]));
		const busy = [await directOf(ann, ben), await groupOf(ann, [ben])];
		let writing = true;
		const writer = (async () => {
			while (writing) for (const conversation of busy) await send(ben, conversation, 'Again');
		})();
		try {
			for (let round = 0; round < 5; round++) {
				const found = ids(await pages(ann, 3)).filter((id) => !ids(busy).includes(id));
				assert.deepEqual(found, ids(quiet).reverse());
			}
		} finally {
			writing = false;
			await writer;
		}
	});

	const cursorOf = (us, id) => {
		const bytes = Buffer.alloc(24);
		bytes.writeBigInt64BE(us);
		Buffer.from(id.replaceAll('-', ''), 'hex').copy(bytes, 8);
		return bytes.toString('base64url');
	};
	const bad = [
		'',
		'x',
		'A'.repeat(31),
		'A'.repeat(33),
		'A'.repeat(32),
		'_'.repeat(32),
		'+'.repeat(32),
		'A'.repeat(31) + '=',
		'0',
		'%2',
		'%zz',
		cursorOf(-1n, randomUUID()),
		cursorOf((1n << 63n) - 1n, randomUUID()),
		cursorOf(-(1n << 63n), randomUUID()),
		cursorOf(1n, '00000000-0000-0000-0000-000000000000'),
	];
	for (const cursor of bad)
		it(`takes no cursor ${JSON.stringify(cursor)}`, async () => {
			const [ann] = await people('Ann');
			const answer = await ann.api.get(`conversations?cursor=${cursor}`);
			assert.equal(answer.status, 422);
			assert.deepEqual(faultsOf(answer), ['cursor bad_format']);
		});

	it('takes a cursor of any moment', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const { id } = await directOf(ann, ben);
		for (const [us, expected] of [
			[0n, []],
			[253402300799999999n, [id]],
		])
			assert.deepEqual(
				ids(must(await ann.api.get(`conversations?cursor=${cursorOf(us, randomUUID())}`), 200).data),
				expected,
			);
	});

	it('has 1 to 200 on a page', async () => {
		const [ann] = await people('Ann');
		for (const limit of ['0', '201', '-1', 'x', '', '1.5', '01', '+1', ' 1', '99999999999999999999', '1e2']) {
			const answer = await ann.api.get(`conversations?limit=${encodeURIComponent(limit)}`);
			assert.equal(answer.status, 422, limit);
			assert.deepEqual(faultsOf(answer), ['limit out_of_range'], limit);
		}
		const both = await ann.api.get('conversations?limit=0&cursor=x');
		assert.deepEqual(faultsOf(both), ['cursor bad_format', 'limit out_of_range']);
		const twice = await ann.api.get('conversations?limit=1&limit=2');
		assert.equal(twice.status, 422);
		assert.deepEqual(faultsOf(twice), ['limit duplicate']);
		for (const limit of [1, 200]) must(await ann.api.get(`conversations?limit=${limit}&unknown=x`), 200);
	});
});
