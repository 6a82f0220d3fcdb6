// Who is in a group: adding, roles, removing, leaving; who may do what, and what each sees of it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { documentedRoutes } from '../lib/contract.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const path = (room, user) => `conversations/${room.id}/members/${user.id}`;
const put = (by, room, user, role) => by.api.put(path(room, user), role && { role });
const remove = (by, room, user) => by.api.delete(path(room, user));
const view = async (person, room) => must(await person.api.get(`conversations/${room.id}`), 200);

/** Of a conversation, as somebody in it sees it: { rev, roles: { user id: role } }; its counts agree. */
async function stateOf(person, room) {
	const { rev, members, member_count } = await view(person, room);
	assert.equal(member_count, members.length);
	return { rev, roles: Object.fromEntries(members.map(({ user_id, role }) => [user_id, role])) };
}

// What each may do, and to whom: self, another owner, another admin, another member, somebody who has left, and
// somebody who never was in it. {}: PUT without a role.
const RIGHTS = `
	caller    action  self owner admin member left never
	owner     {}      204  204   204   204    204  204
	owner     member  204  204   204   204    204  204
	owner     admin   204  204   204   204    204  204
	owner     owner   204  204   204   204    204  204
	owner     remove  204  204   204   204    204  204
	admin     {}      204  204   204   204    204  204
	admin     member  403  403   403   204    204  204
	admin     admin   204  403   204   403    403  403
	admin     owner   403  204   403   403    403  403
	admin     remove  204  403   403   204    204  204
	member    {}      204  403   403   403    403  403
	member    member  204  403   403   403    403  403
	member    admin   403  403   403   403    403  403
	member    owner   403  403   403   403    403  403
	member    remove  204  403   403   403    403  403
	left      {}      404  404   404   404    404  404
	left      member  404  404   404   404    404  404
	left      admin   404  404   404   404    404  404
	left      owner   404  404   404   404    404  404
	left      remove  204  404   404   404    404  404
	never     {}      404  404   404   404    404  404
	never     member  404  404   404   404    404  404
	never     admin   404  404   404   404    404  404
	never     owner   404  404   404   404    404  404
	never     remove  404  404   404   404    404  404`;
const RENAMES = { owner: 200, admin: 200, member: 403, left: 404, never: 404 };
// and what is the same for all: of a message of another member, and of the group
const DELETIONS = { owner: [204, 204], admin: [204, 403], member: [403, 403], left: [404, 404], never: [404, 404] };

describe('the rights', () => {
	const KINDS = ['owner', 'admin', 'member', 'left', 'never'];
	// of each kind the one that acts, and another; keeper sees what has come of it
	const cast = { self: {}, other: {} };
	let keeper;
	before(async () => {
		[keeper] = await people('Keeper');
		for (const part of Object.values(cast))
			for (const kind of KINDS) [part[kind]] = await people(`${kind} ${Object.keys(part).length}`);
	});

	/** A new group with everybody in the place that the kind says. */
	async function scene() {
		const all = Object.values(cast).flatMap((part) => KINDS.slice(0, 4).map((kind) => [kind, part[kind]]));
		const room = await groupOf(
			keeper,
			all.map(([, person]) => person),
		);
		for (const [kind, person] of all) {
			if (['owner', 'admin'].includes(kind)) must(await put(keeper, room, person, kind), 204);
			if (kind === 'left') must(await remove(keeper, room, person), 204);
		}
		return room;
	}

	const [head, ...rows] = RIGHTS.trim()
		.split('\n')
		.map((line) => line.trim().split(/\s+/));
	for (const [caller, action, ...statuses] of rows)
		it(`${caller}: ${action === 'remove' ? action : `PUT ${action}`}`, async () => {
			const me = cast.self[caller];
			let room;
			for (const [i, status] of statuses.entries()) {
				const whom = head[i + 2];
				const target = whom === 'self' ? me : cast.other[whom];
				room ??= await scene();
				const was = await stateOf(keeper, room);
				const role = action === '{}' ? undefined : action;
				const act = () => (action === 'remove' ? remove(me, room, target) : put(me, room, target, role));
				const answer = await act();
				assert.equal(answer.status, Number(status), `${whom}: ${answer.text}`);
				const expected = structuredClone(was);
				if (status === '204') {
					if (action === 'remove') delete expected.roles[target.id];
					else expected.roles[target.id] = role ?? was.roles[target.id] ?? 'member';
					// the change, and the system message of it
					if (expected.roles[target.id] !== was.roles[target.id]) expected.rev += 2;
				} else {
					assert.equal(answer.body.code, status === '403' ? 'forbidden' : 'not_found');
				}
				assert.deepEqual(await stateOf(keeper, room), expected, whom);
				if (status !== '204') continue;
				// again and again, even where one may no longer do what one has done to oneself
				must(await act(), 204);
				assert.deepEqual(await stateOf(keeper, room), expected, `${whom}, again`);
				if (expected.rev > was.rev) room = undefined;
			}
		});

	for (const [caller, status] of Object.entries(RENAMES))
		it(`${caller}: PATCH`, async () => {
			const room = await scene();
			const was = await view(keeper, room);
			const answer = await cast.self[caller].api.patch(`conversations/${room.id}`, { title: 'New' });
			assert.equal(answer.status, status, answer.text);
			const now = await view(keeper, room);
			assert.deepEqual([now.title, now.rev], status === 200 ? ['New', was.rev + 2] : [was.title, was.rev]);
		});
});

describe('the rights to delete', () => {
	for (const [caller, [ofMessage, ofGroup]] of Object.entries(DELETIONS))
		it(`${caller}: a message of another ${ofMessage}, the group ${ofGroup}`, async () => {
			const [owner, me, other] = await people('Owner', caller, 'Other');
			const room = await groupOf(owner, caller === 'never' ? [other] : [me, other]);
			if (['owner', 'admin'].includes(caller)) must(await put(owner, room, me, caller), 204);
			if (caller === 'left') must(await remove(me, room, me), 204);
			const { id } = await send(other, room, 'Not mine');
			assert.equal((await me.api.delete(`conversations/${room.id}/messages/${id}`)).status, ofMessage);
			assert.equal((await me.api.delete(`conversations/${room.id}`)).status, ofGroup);
			assert.equal((await other.api.get(`conversations/${room.id}`)).status, ofGroup === 204 ? 404 : 200);
		});
});

describe('who is nobody', () => {
	it('is neither added nor removed, and what one may not is told first', async () => {
		const [ann, ben, gone] = await people('Ann', 'Ben', 'Gone');
		const room = await groupOf(ann, [ben]);
		await stack.sql(`update users set deleted_at = now() where id = '${gone.id}'`);
		const was = await stateOf(ann, room);
		for (const nobody of [gone, { id: randomUUID() }]) {
			assert.equal((await put(ann, room, nobody)).body.code, 'not_found');
			assert.equal((await put(ann, room, nobody, 'owner')).status, 404);
			assert.equal((await put(ben, room, nobody)).status, 403);
			assert.equal((await remove(ben, room, nobody)).status, 403);
		}
		assert.equal((await remove(ann, room, { id: randomUUID() })).status, 404);
		must(await remove(ann, room, gone), 204);
		assert.deepEqual(await stateOf(ann, room), was);
	});

	it('whose account is erased can still be removed', async () => {
		const [ann, gone] = await people('Ann', 'Gone');
		const room = await groupOf(ann, [gone]);
		await stack.sql(`update users set deleted_at = now() where id = '${gone.id}'`);
		assert.equal((await put(ann, room, gone, 'admin')).status, 404);
		must(await remove(ann, room, gone), 204);
		assert.deepEqual(Object.keys((await stateOf(ann, room)).roles), [ann.id]);
	});
});

describe('who erases its account', () => {
	it('is in none of the groups to which it was being added at that moment', async () => {
		const [ann, ...others] = await people('Ann', ...Array.from({ length: 10 }, (_, i) => `Other ${i}`));
		const rooms = [];
		for (let i = 0; i < 4; i++) rooms.push(await groupOf(ann, others.slice(5)));
		await Promise.all(
			others.map(async (one) => {
				const adding = rooms.flatMap((room) => [put(ann, room, one), put(ann, room, one, 'admin')]);
				must(await one.api.delete('users/me'), 204);
				for (const answer of await Promise.all(adding))
					assert.ok([204, 404].includes(answer.status), answer.text);
			}),
		);
		for (const room of rooms) {
			assert.deepEqual((await stateOf(ann, room)).roles, { [ann.id]: 'owner' });
			assert.equal((await put(ann, room, others[0])).status, 404);
		}
	});
});

describe('the last owner', () => {
	const refused = (answer) => {
		assert.equal(answer.status, 409, answer.text);
		assert.equal(answer.body.code, 'conflict');
		assert.match(answer.body.detail, /last owner/);
	};

	it('neither leaves nor steps down before somebody else is one', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben]);
		const was = await stateOf(ann, room);
		for (const act of [() => remove(ann, room, ann), () => put(ann, room, ann, 'admin'), () => put(ann, room, ann, 'member')])
			refused(await act());
		assert.deepEqual(await stateOf(ann, room), was);
		must(await put(ann, room, ben, 'owner'), 204);
		must(await put(ann, room, ann, 'member'), 204);
		assert.deepEqual((await stateOf(ben, room)).roles, { [ann.id]: 'member', [ben.id]: 'owner' });
		refused(await remove(ben, room, ben));
		must(await remove(ann, room, ann), 204);
	});

	it('stays also when it is alone', async () => {
		const [ann] = await people('Ann');
		refused(await remove(ann, await groupOf(ann, []), ann));
	});

	it('is one of two who leave at the same moment, 20 times', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		for (let round = 0; round < 20; round++) {
			const room = await groupOf(ann, [ben]);
			must(await put(ann, room, ben, 'owner'), 204);
			const leave = (one) => remove(one, room, one);
			const step = (one) => put(one, room, one, 'member');
			// both leave, both step down, or one the one and one the other
			const [mine, theirs] = [[leave, leave], [step, step], [leave, step]][round % 3];
			const answers = await Promise.all([mine(ann), theirs(ben)]);
			assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 409]);
			const owner = answers[0].status === 409 ? ann : ben;
			assert.equal((await stateOf(owner, room)).roles[owner.id], 'owner');
		}
	});
});

describe('a direct conversation', () => {
	it('is of its two people, and has no title', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await directOf(ann, ben);
		const was = await stateOf(ann, room);
		const acts = [
			() => put(ann, room, cat),
			() => put(ann, room, ben),
			() => put(ann, room, ann, 'owner'),
			() => remove(ann, room, ann),
			() => remove(ann, room, ben),
			() => remove(ann, room, cat),
			() => ann.api.patch(`conversations/${room.id}`, { title: 'Us' }),
		];
		for (const act of acts) {
			const answer = await act();
			assert.equal(answer.status, 409, answer.text);
			assert.equal(answer.body.code, 'conflict');
			assert.match(answer.body.detail, /direct/);
		}
		assert.deepEqual(await stateOf(ann, room), was);
		assert.equal((await put(cat, room, cat)).status, 404);
	});
});

describe('a full group', () => {
	it('takes exactly as many as it may have, however many are added at once', async () => {
		const [ann] = await people('Ann');
		const ids = Array.from({ length: 270 }, () => randomUUID());
		await stack.sql(
			`insert into users (id, handle, display_name) values ${ids.map((id) => `('${id}', 'f${id.replaceAll('-', '').slice(0, 24)}', 'Full')`)}`,
		);
		const room = must(
			await ann.api.post('conversations', { kind: 'group', member_ids: ids.slice(0, 250) }),
			201,
		);
		const answers = await Promise.all(ids.slice(250).map((id) => put(ann, room, { id })));
		assert.deepEqual(
			answers.map(({ status }) => status).sort(),
			[...Array(5).fill(204), ...Array(15).fill(409)],
		);
		for (const { status, body } of answers) if (status === 409) assert.equal(body.code, 'group_full');
		const full = await stateOf(ann, room);
		assert.deepEqual([Object.keys(full.roles).length, full.rev], [256, 11]);

		// who is in it already is no one more
		must(await put(ann, room, { id: ids[0] }), 204);
		must(await put(ann, room, { id: ids[0] }, 'admin'), 204);
		must(await remove(ann, room, { id: ids[1] }), 204);
		const refused = answers.findIndex(({ status }) => status === 409);
		must(await put(ann, room, { id: ids[250 + refused] }), 204);
		assert.equal((await put(ann, room, { id: ids[1] })).status, 409);
	});
});

describe('bad input', () => {
	it('changes nothing', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await groupOf(ann, [ben]);
		const was = await stateOf(ann, room);
		const rows = [
			[{ role: 'Owner' }, 'role bad_format'],
			[{ role: '' }, 'role bad_format'],
			[{ role: 'boss' }, 'role bad_format'],
			[{ role: 1 }, 'role bad_type'],
			[{ role: ['admin'] }, 'role bad_type'],
		];
		for (const user of [ben, cat])
			for (const [body, fault] of rows) {
				const answer = await ann.api.put(path(room, user), body);
				assert.equal(answer.status, 422);
				assert.deepEqual(
					answer.body.errors.map(({ field, code }) => `${field} ${code}`),
					[fault],
				);
			}
		assert.deepEqual(await stateOf(ann, room), was);
	});

	it('is not what a field more, or null, is', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, []);
		must(await ann.api.put(path(room, ben), { role: null, colour: 'red' }), 204);
		assert.equal((await stateOf(ann, room)).roles[ben.id], 'member');
	});
});

describe('who joins', () => {
	const history = async (person, room) =>
		must(await person.api.get(`conversations/${room.id}/messages`), 200).data.map(({ seq }) => seq);

	for (const [rule, seen] of [
		['all', [4, 3, 2, 1]],
		['joined', [4]],
	])
		it(`sees of what was before what the rule ${rule} says, and nothing of it is unread`, async () => {
			const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
			const room = await groupOf(ann, [ben], { history: rule });
			const first = await send(ann, room, 'One');
			await send(ann, room, 'Two');
			await send(ann, room, 'Three');
			must(await put(ann, room, cat), 204);

			const { me, last_message, last_seq, members } = await view(cat, room);
			assert.deepEqual(
				[me.role, me.last_read_seq, me.last_delivered_seq, me.unread_count, last_seq],
				['member', 3, 3, 0, 4],
			);
			assert.deepEqual([last_message.seq, last_message.type], [4, 'system']);
			assert.deepEqual(
				members.map(({ user_id }) => user_id).sort(),
				[ann.id, ben.id, cat.id].sort(),
			);
			assert.deepEqual(await history(cat, room), seen);
			assert.equal(
				(await cat.api.get(`conversations/${room.id}/messages/${first.id}`)).status,
				rule === 'all' ? 200 : 404,
			);
			const reply = await cat.api.post(`conversations/${room.id}/messages`, { body: 'Re', reply_to: first.id });
			assert.equal(reply.status, rule === 'all' ? 201 : 422);

			const next = await send(ann, room, 'For all three');
			assert.deepEqual(await history(cat, room), rule === 'all' ? [6, 5, ...seen] : [5, ...seen]);
			assert.equal((await view(cat, room)).me.unread_count, 1);
			assert.deepEqual(must(await cat.api.get('unread'), 200), { unread_count: 1, conversations: 1 });
			assert.equal(must(await cat.api.get('conversations'), 200).data[0].last_message.id, next.id);
		});

	it('comes back to the rule, the role and the view of somebody new', async () => {
		const [ann, ben, cat] = await people('Ann', 'Ben', 'Cat');
		const room = await groupOf(ann, [ben, cat], { history: 'joined' });
		await send(ann, room, 'Cat is here');
		must(await put(ann, room, cat, 'admin'), 204);
		const before_ = (await view(cat, room)).me;
		must(await remove(cat, room, cat), 204);
		await send(ann, room, 'Cat is away');
		await send(ben, room, 'Still');
		must(await put(ann, room, cat), 204);
		const { me, member_count } = await view(cat, room);
		assert.equal(member_count, 3);
		assert.ok(me.joined_at > before_.joined_at);
		assert.deepEqual(
			{ ...me, joined_at: null },
			{
				role: 'member',
				joined_at: null,
				last_read_seq: 5,
				last_delivered_seq: 5,
				unread_count: 0,
				muted_until: null,
				pinned: false,
				archived: false,
			},
		);
		assert.deepEqual(await history(cat, room), [6]);
		await send(ann, room, 'Cat is back');
		assert.deepEqual(await history(cat, room), [7, 6]);
		assert.equal((await view(cat, room)).me.unread_count, 1);
	});

	it('finds the conversation at its place in the list', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const rooms = [];
		for (let i = 0; i < 6; i++) {
			const room = await groupOf(ann, []);
			await send(ann, room, `In ${i}`);
			rooms.push(room);
		}
		const order = [3, 0, 5, 1, 4, 2];
		for (const i of order) must(await put(ann, rooms[i], ben), 204);
		for (const limit of [1, 2, 4, 200]) {
			const found = [];
			for (let cursor = ''; cursor !== null; ) {
				const page = must(await ben.api.get(`conversations?limit=${limit}${cursor && `&cursor=${cursor}`}`), 200);
				found.push(...page.data.map(({ id }) => id));
				cursor = page.next;
			}
			assert.deepEqual(found, order.map((i) => rooms[i].id).reverse());
		}
	});
});

describe('one’s own view', () => {
	const patch = (person, room, change) => person.api.patch(`conversations/${room.id}/me`, change);

	it('is what was sent, and otherwise what it was, wherever it is shown', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const plain = { muted_until: null, pinned: false, archived: false };
		for (const room of [await groupOf(ann, [ben]), await directOf(ann, ben)]) {
			await send(ben, room, 'Unread');
			const { rev, me } = await view(ann, room);
			let shown = { ...me };
			const steps = [
				[{ pinned: true }, { pinned: true }],
				[{ muted_until: '2031-01-01T12:00:00.5+02:00' }, { muted_until: '2031-01-01T10:00:00.500000Z' }],
				[{ archived: true, pinned: null, muted_until: undefined }, { archived: true }],
				[{ muted_until: null, pinned: false }, { muted_until: null, pinned: false }],
				[{ muted_until: '9999-12-31T23:59:59.999999Z' }, { muted_until: '9999-12-31T23:59:59.999999Z' }],
				[{}, {}],
				[{ muted_until: '1970-01-01T00:00:00Z', role: 'owner' }, { muted_until: '1970-01-01T00:00:00.000000Z' }],
				[plain, plain],
			];
			for (const [change, expected] of steps) {
				shown = { ...shown, ...expected };
				assert.deepEqual(must(await patch(ann, room, change), 200), shown);
				const now = await view(ann, room);
				assert.deepEqual([now.me, now.rev], [shown, rev]);
				const listed = must(await ann.api.get('conversations'), 200).data.find(({ id }) => id === room.id);
				assert.deepEqual(listed.me, shown);
				const { muted_until, pinned, archived } = (await view(ben, room)).me;
				assert.deepEqual({ muted_until, pinned, archived }, plain);
			}
			assert.equal(shown.unread_count, 1);
		}
	});

	it('is as it was after bad input', async () => {
		const [ann] = await people('Ann');
		const room = await groupOf(ann, []);
		const was = must(await patch(ann, room, { pinned: true }), 200);
		const rows = [
			[{ pinned: 1, archived: 'true' }, ['archived bad_type', 'pinned bad_type']],
			[{ pinned: false, muted_until: 'tomorrow' }, ['muted_until bad_format']],
			[{ muted_until: 5 }, ['muted_until bad_type']],
			...['', '2031-02-30T00:00:00Z', '2031-01-01', '2031-01-01 00:00:00Z', '9999-12-31T23:59:59-01:00', 'infinity'].map(
				(muted_until) => [{ muted_until }, ['muted_until bad_format']],
			),
		];
		for (const [change, expected] of rows) {
			const answer = await patch(ann, room, change);
			assert.equal(answer.status, 422, JSON.stringify(change));
			assert.deepEqual(answer.body.errors.map(({ field, code }) => `${field} ${code}`).sort(), expected);
		}
		assert.deepEqual((await view(ann, room)).me, was);
	});

	it('ends when one leaves', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben]);
		must(await patch(ben, room, { pinned: true, archived: true, muted_until: '2031-01-01T00:00:00Z' }), 200);
		must(await remove(ben, room, ben), 204);
		assert.equal((await patch(ben, room, { pinned: true })).status, 404);
		must(await put(ann, room, ben), 204);
		const { muted_until, pinned, archived } = (await view(ben, room)).me;
		assert.deepEqual({ muted_until, pinned, archived }, { muted_until: null, pinned: false, archived: false });
	});
});

describe('the status of a message', () => {
	it('is that of the members who were there when it was sent, and still are', async () => {
		const [ann, ben, cat, dan] = await people('Ann', 'Ben', 'Cat', 'Dan');
		const room = await groupOf(ann, [ben, cat]);
		const { id, seq } = await send(ann, room, 'Who has read this?');
		const statuses = async (...readers) => {
			const all = [];
			const latest = [];
			for (const reader of readers) {
				all.push(must(await reader.api.get(`conversations/${room.id}/messages/${id}`), 200).status);
				// the message, or a system message behind it
				latest.push(
					(await view(reader, room)).last_message,
					must(await reader.api.get('conversations'), 200).data[0].last_message,
				);
			}
			for (const message of latest) assert.deepEqual(message, latest[0]);
			return [...new Set(latest[0].id === id ? [...all, latest[0].status] : all)];
		};
		must(await ben.api.post(`conversations/${room.id}/read`, { seq }), 200);
		assert.deepEqual(await statuses(ann, ben, cat), ['sent']);
		must(await put(ann, room, dan), 204);
		assert.deepEqual(await statuses(ann, ben, cat, dan), ['sent']);
		must(await remove(cat, room, cat), 204);
		assert.deepEqual(await statuses(ann, ben, dan), ['read']);
		// who comes back was not there when it was sent
		must(await put(ann, room, cat), 204);
		assert.deepEqual(await statuses(ann, ben, cat, dan), ['read']);
		// of its recipients nobody is left
		must(await remove(ann, room, ben), 204);
		assert.deepEqual(await statuses(ann, cat, dan), ['sent']);
	});
});

describe('who has left', () => {
	// what each address of a conversation is sent, where it needs something
	const bodies = {
		conversation_update: { title: 'Mine' },
		member_put: { role: 'member' },
		membership_update: { pinned: true },
		message_create: { body: 'I am still here' },
		message_edit: { body: 'I was here' },
	};

	for (const how of ['by itself', 'removed'])
		it(`${how}: finds nothing any more, at any address of the conversation`, async () => {
			const [ann, ben] = await people('Ann', 'Ben');
			const room = await groupOf(ann, [ben]);
			const message = await send(ann, room, 'Before');
			must(await remove(how === 'removed' ? ann : ben, room, ben), 204);
			const was = await stateOf(ann, room);
			// the older service's say it in their own way: api/matrix
			const routes = documentedRoutes.filter((route) => /^\/api\/.*\{conversation\}/.test(route.path));
			assert.ok(routes.length >= 9);
			for (const route of routes) {
				const at = route.path
					.replace('{conversation}', room.id)
					.replace('{message}', message.id)
					.replace('{user}', ann.id)
					.replace('{emoji}', '%F0%9F%91%8D');
				const answer = await ben.api.call(route.method, at, bodies[route.operation.operationId]);
				assert.equal(answer.status, 404, `${route.method} ${route.path}`);
				assert.equal(answer.body.code, 'not_found');
			}
			assert.equal((await put(ben, room, ben)).status, 404);
			assert.deepEqual(must(await ben.api.get('conversations'), 200).data, []);
			assert.deepEqual(must(await ben.api.get('unread'), 200), { unread_count: 0, conversations: 0 });
			assert.deepEqual(await stateOf(ann, room), was);
		});

	it('is not in a conversation of an external_ref any more', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const external_ref = randomUUID();
		const room = await groupOf(ann, [ben], { external_ref });
		must(await remove(ben, room, ben), 204);
		const answer = await ben.api.post('conversations', { kind: 'group', external_ref, member_ids: [] });
		assert.equal(answer.status, 409);
		assert.ok(!answer.text.includes(room.id));
	});

	it('has sent what was committed before, and nothing after', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, [ben]);
		for (let round = 0; round < 10; round++) {
			const sends = Array.from({ length: 8 }, () =>
				ben.api.post(`conversations/${room.id}/messages`, { body: `Round ${round}` }),
			);
			const leaving = remove(round % 2 ? ben : ann, room, ben);
			const answers = await Promise.all(sends);
			must(await leaving, 204);
			for (const { status } of answers) assert.ok([201, 404].includes(status), String(status));
			const sent = answers.filter(({ status }) => status === 201).map(({ body }) => body.seq);
			const kept = must(await ann.api.get(`conversations/${room.id}/messages?limit=200`), 200).data;
			assert.deepEqual(
				kept
					.filter(({ body }) => body === `Round ${round}`)
					.map(({ seq }) => seq)
					.sort(),
				sent.sort(),
			);
			must(await put(ann, room, ben), 204);
		}
	});
});

describe('many at once', () => {
	it('say the same, and it happens once', async () => {
		const [ann, ben] = await people('Ann', 'Ben');
		const room = await groupOf(ann, []);
		const steps = [
			[() => put(ann, room, ben), 'member'],
			[() => put(ann, room, ben, 'admin'), 'admin'],
			[() => remove(ann, room, ben), undefined],
			[() => put(ann, room, ben, 'owner'), 'owner'],
		];
		for (const [i, [act, role]] of steps.entries()) {
			for (const answer of await Promise.all(Array.from({ length: 20 }, act))) must(answer, 204);
			const { rev, roles } = await stateOf(ann, room);
			assert.deepEqual([rev, roles[ben.id]], [2 * i + 3, role]);
		}
	});

	it('are added, leave and change roles: what is left agrees with what was answered', async () => {
		const [ann, ...others] = await people('Ann', ...Array.from({ length: 6 }, (_, i) => `Other ${i}`));
		const room = await groupOf(ann, []);
		await Promise.all(
			others.map(async (one) => {
				for (let i = 0; i < 12; i++) {
					must(await put(ann, room, one, i % 3 ? 'member' : 'admin'), 204);
					// two say the same at the same moment: one of them finds it done
					const answers = await Promise.all([remove(one, room, one), remove(ann, room, one), send(ann, room, 'x')]);
					for (const answer of answers.slice(0, 2)) must(answer, 204);
				}
				must(await put(ann, room, one, 'admin'), 204);
			}),
		);
		const { rev, roles } = await stateOf(ann, room);
		assert.deepEqual(roles, Object.fromEntries([[ann.id, 'owner'], ...others.map(({ id }) => [id, 'admin'])]));
		// each change, with its system message, and each message once: 12 × (added, removed, message) and once added, for each
		assert.equal(rev, 1 + others.length * (12 * 5 + 2));
	});
});
