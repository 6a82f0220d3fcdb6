// Members come and go, and everybody is told exactly what was committed while it was in.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, groupOf, must, register, send } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

const people = (...names) => Promise.all(names.map((name) => register(stack, name)));
const put = (by, room, user, role) =>
	by.api.put(`conversations/${room.id}/members/${user.id}`, role && { role });
const remove = (by, room, user) => by.api.delete(`conversations/${room.id}/members/${user.id}`);

/** What a device has got of a conversation, in its order. */
const of = (device, room) => device.kept.filter(({ event }) => event?.conversation_id === room.id);
const ordered = (messages) => messages.filter(({ event }) => event.rev !== undefined);

/** The text of an event's data, as it came. */
function dataText(message) {
	const text = message.payload.toString();
	return text.slice(text.indexOf('"data":') + '"data":'.length, -1);
}

/** The text of a member in GET /conversations/{conversation}, as it came. */
async function memberText(by, room, user) {
	const { text } = await by.api.get(`conversations/${room.id}`);
	const begin = text.indexOf(`{"user_id":"${user.id}"`);
	return text.slice(begin, text.indexOf('}', begin) + 1);
}

/** Until everything before this moment has come to these people: a message to each behind it. */
async function fence(by, pairs) {
	for (const [person, device] of pairs) {
		const { id } = await send(by, await directOf(by, person), 'behind it');
		await device.next(({ event }) => event?.data?.id === id, 20_000);
	}
}

const WAYS = [
	{ name: 'MQTT 5', options: { version: 5 } },
	{ name: 'MQTT 3.1.1', options: { version: 4 } },
	{ name: 'MQTT 5 on WebSocket', options: { version: 5, ws: true } },
	{ name: 'MQTT 3.1.1 on WebSocket', options: { version: 4, ws: true } },
];

for (const { name, options } of WAYS)
	describe(`over ${name}`, () => {
		let ann, ben, cat, keeper, room;
		let devices;
		before(async () => {
			[ann, ben, cat, keeper] = await people('Ann', 'Ben', 'Cat', 'Keeper');
			devices = await Promise.all([ann, ben, cat].map((person) => connect(person, options)));
			room = await groupOf(ann, [ben]);
		});
		after(() => Promise.all(devices.map((device) => device.end(true))));

		/** Takes an event from each of these devices; all have the same bytes, on the same topic. */
		async function take(type, some) {
			const taken = await Promise.all(
				some.map((device) =>
					device.next(({ event }) => event?.type === type && event.conversation_id === room.id),
				),
			);
			for (const { topic, payload, packet } of taken) {
				assert.match(topic, /^users\/[^/]+\/conversations$/);
				assert.equal(packet.qos, 1);
				assert.equal(payload.toString(), taken[0].payload.toString());
			}
			return taken[0];
		}

		/** And the system message behind it, of the next rev. */
		async function takeSaid(behind, some, metadata) {
			const taken = await Promise.all(
				some.map((device) =>
					device.next(({ event }) => event?.type === 'message.created' && event.rev === behind.event.rev + 1),
				),
			);
			for (const { topic, payload, event } of taken) {
				assert.match(topic, /^users\/[^/]+\/messages$/);
				assert.equal(payload.toString(), taken[0].payload.toString());
				const { sender_id, type, body } = event.data;
				assert.deepEqual([sender_id, type, body, event.data.metadata], [null, 'system', null, metadata]);
			}
			const { id } = taken[0].event.data;
			const { text } = await ann.api.get(`conversations/${room.id}/messages/${id}`);
			assert.equal(dataText(taken[0]), text);
		}

		it('who is added is told to all, it included, as GET has it byte by byte', async () => {
			await send(ann, room, 'Cat does not hear this');
			must(await put(ann, room, cat), 204);
			const added = await take('member.added', devices);
			assert.equal(dataText(added), await memberText(ann, room, cat));
			assert.deepEqual(
				[added.event.rev, added.event.data.role, added.event.data.last_read_seq],
				[3, 'member', 1],
			);
			await takeSaid(added, devices, { event: 'member.added', by: ann.id, user_id: cat.id, role: 'member' });
			assert.deepEqual(of(devices[2], room), []);
		});

		it('so is a role', async () => {
			must(await put(ann, room, cat, 'admin'), 204);
			const updated = await take('member.updated', devices);
			assert.equal(dataText(updated), await memberText(ann, room, cat));
			assert.deepEqual([updated.event.rev, updated.event.data.role], [5, 'admin']);
			await takeSaid(updated, devices, { event: 'member.updated', by: ann.id, user_id: cat.id, role: 'admin' });
		});

		it('so is a title', async () => {
			must(await cat.api.patch(`conversations/${room.id}`, { title: 'Three of us' }), 200);
			const updated = await take('conversation.updated', devices);
			const { event } = updated;
			assert.deepEqual([event.rev, event.data.rev, event.data.title], [7, 7, 'Three of us']);
			await takeSaid(updated, devices, { event: 'conversation.updated', by: cat.id, title: 'Three of us' });
		});

		it('what is so already is told to nobody', async () => {
			must(await put(ann, room, cat, 'admin'), 204);
			must(await put(ann, room, cat), 204);
			must(await remove(ann, room, keeper), 204);
			must(await cat.api.patch(`conversations/${room.id}`, { title: 'Three of us' }), 200);
			await fence(keeper, [[ann, devices[0]], [ben, devices[1]], [cat, devices[2]]]);
			for (const device of devices.slice(1)) device.kept.splice(0, device.kept.length, ...of(device, room));
			assert.deepEqual(of(devices[2], room), []);
		});

		it('who is removed hears of that, as it was in the end, and of nothing more', async () => {
			const last = await memberText(ann, room, cat);
			must(await remove(ann, room, cat), 204);
			const removed = await take('member.removed', devices);
			assert.equal(dataText(removed), last);
			assert.equal(removed.event.rev, 9);
			await takeSaid(removed, devices.slice(0, 2), {
				event: 'member.removed',
				by: ann.id,
				user_id: cat.id,
				role: 'admin',
			});
			const message = await send(ben, room, 'Is she gone?');
			must(await ann.api.post(`conversations/${room.id}/read`), 200);
			must(await put(ann, room, ben, 'admin'), 204);
			must(await ann.api.patch(`conversations/${room.id}`, { title: 'Two of us' }), 200);
			assert.equal(message.rev, 11);
			await fence(keeper, [[cat, devices[2]]]);
			assert.deepEqual(of(devices[2], room), []);
		});

		it('who leaves, the same', async () => {
			must(await remove(ben, room, ben), 204);
			const removed = await take('member.removed', devices.slice(0, 2));
			const { event } = removed;
			assert.deepEqual([event.rev, event.data.user_id, event.data.role], [16, ben.id, 'admin']);
			await takeSaid(removed, devices.slice(0, 1), {
				event: 'member.left',
				by: ben.id,
				user_id: ben.id,
				role: 'admin',
			});
			await send(ann, room, 'Alone');
			await fence(keeper, [[ben, devices[1]]]);
			assert.ok(!of(devices[1], room).some((message) => message.event.rev > 16));
		});

		it('who comes back hears again from then on', async () => {
			must(await put(ann, room, ben), 204);
			const { event } = await take('member.added', devices.slice(0, 2));
			assert.deepEqual([event.rev, event.data.role, event.data.last_read_seq], [19, 'member', 10]);
			const message = await send(ann, room, 'Welcome back');
			await devices[1].next(({ event: found }) => found?.data?.id === message.id);
		});
	});

// Five stay and write; four come and go by their own and the owner's hand, and write and read when they are in.
describe('while many write', () => {
	const STAYS = 8;
	const WRITES = 40;
	let owner, writers, movers, everybody, room, devices, staying;

	before(async () => {
		[owner] = await people('Owner');
		writers = await people('Writer 1', 'Writer 2', 'Writer 3', 'Writer 4');
		movers = await people('Mover 1', 'Mover 2', 'Mover 3', 'Mover 4');
		everybody = [owner, ...writers, ...movers];
		room = await groupOf(owner, writers);
		devices = new Map();
		for (const [i, person] of everybody.entries())
			devices.set(person, await connect(person, { ws: i % 2 === 0, version: i % 4 < 2 ? 4 : 5 }));

		/** Something that only members may do: done, or refused as to a stranger. */
		const attempt = async (person, what, body) => {
			const answer = await person.api.post(`conversations/${room.id}/${what}`, body);
			assert.ok([200, 201, 404].includes(answer.status), answer.text);
		};
		await Promise.all([
			...[owner, ...writers].map(async (person) => {
				for (let i = 0; i < WRITES; i++) {
					await send(person, room, `number ${i}`);
					if (i % 5 === 0) must(await person.api.post(`conversations/${room.id}/delivered`), 200);
				}
			}),
			...movers.map(async (person, i) => {
				for (let stay = 0; stay < STAYS; stay++) {
					must(await put(owner, room, person, stay % 3 === 0 ? 'admin' : 'member'), 204);
					const acts = [
						attempt(person, 'messages', { body: `stay ${stay}` }),
						attempt(person, 'read'),
						attempt(person, 'delivered'),
						attempt(person, 'messages', { body: `stay ${stay} still` }),
					];
					if (stay % 2) await Promise.all(acts.slice(0, 2));
					// of the last stay of every second one there is no end
					if (stay < STAYS - 1 || i % 2) must(await remove(stay % 2 ? person : owner, room, person), 204);
					await Promise.all(acts);
				}
			}),
			(async () => {
				for (let i = 0; i < 20; i++)
					must(await owner.api.patch(`conversations/${room.id}`, { title: `Title ${i}` }), 200);
			})(),
		]);
		staying = [owner, ...writers, ...movers.filter((_, i) => i % 2 === 0)];
		const [keeper] = await people('Keeper');
		await fence(keeper, [...devices]);
	});
	after(() => Promise.all([...(devices?.values() ?? [])].map((device) => device.end(true))));

	const all = () => ordered(of(devices.get(owner), room));

	it('who was always in sees rev rise by one, over messages, members and titles together', async () => {
		const { rev } = must(await owner.api.get(`conversations/${room.id}`), 200); // 1: its opening
		for (const person of [owner, ...writers]) {
			const seen = ordered(of(devices.get(person), room));
			assert.deepEqual(
				seen.map(({ event }) => event.rev),
				Array.from({ length: rev - 1 }, (_, i) => i + 2),
			);
			assert.deepEqual(
				seen.map(({ payload }) => payload.toString()),
				all().map(({ payload }) => payload.toString()),
			);
		}
		const count = (type) => all().filter(({ event }) => event.type === type).length;
		assert.equal(count('member.added'), movers.length * STAYS);
		assert.equal(count('member.removed'), movers.length * STAYS - movers.length / 2);
		assert.equal(count('conversation.updated'), 20);
	});

	it('who came and went sees what was committed while it was in, without a gap, and nothing else', () => {
		for (const person of movers) {
			const expected = [];
			let inside = false;
			for (const { event, payload } of all()) {
				const own = event.type.startsWith('member.') && event.data.user_id === person.id;
				if (own && event.type === 'member.added') inside = true;
				if (inside) expected.push(payload.toString());
				if (own && event.type === 'member.removed') inside = false;
			}
			assert.deepEqual(
				ordered(of(devices.get(person), room)).map(({ payload }) => payload.toString()),
				expected,
			);
		}
	});

	it('receipts, too, come to members alone', () => {
		for (const person of movers) {
			let inside = false;
			for (const { event } of of(devices.get(person), room)) {
				const own = event.type.startsWith('member.') && event.data.user_id === person.id;
				if (own && event.type === 'member.added') inside = true;
				assert.ok(inside, `${event.type} of rev ${event.rev} came to somebody who was not in`);
				if (own && event.type === 'member.removed') inside = false;
			}
		}
	});

	it('nobody writes while it is not in', () => {
		const inside = new Set([owner, ...writers].map(({ id }) => id));
		for (const { event } of all()) {
			if (event.type === 'member.added') inside.add(event.data.user_id);
			if (event.type === 'member.removed') inside.delete(event.data.user_id);
			if (event.type === 'message.created' && event.data.type !== 'system')
				assert.ok(inside.has(event.data.sender_id), `seq ${event.data.seq}`);
		}
		assert.deepEqual([...inside].sort(), staying.map(({ id }) => id).sort());
	});

	it('what is unread in the end is what the events say', async () => {
		const read = new Map([owner, ...writers].map(({ id }) => [id, 0]));
		const said = []; // of the system, nobody's unread
		let last = 0;
		for (const { event } of of(devices.get(owner), room)) {
			const { type, data } = event;
			if (type === 'message.created') {
				last = data.seq;
				if (data.sender_id === null) said.push(data.seq);
				else read.set(data.sender_id, data.seq);
			} else if (type === 'member.added') {
				assert.deepEqual([data.last_read_seq, data.last_delivered_seq], [last, last]);
				read.set(data.user_id, last);
			} else if (type === 'receipt.read' && read.has(data.user_id)) {
				read.set(data.user_id, Math.max(read.get(data.user_id), data.seq));
			}
		}
		for (const person of staying) {
			const { me, last_seq } = must(await person.api.get(`conversations/${room.id}`), 200);
			const from = read.get(person.id);
			const unread = last - from - said.filter((seq) => seq > from).length;
			assert.deepEqual([last_seq, me.last_read_seq, me.unread_count], [last, read.get(person.id), unread]);
			// of the fence: one more, in a conversation of its own
			assert.deepEqual(must(await person.api.get('unread'), 200), {
				unread_count: unread + 1,
				conversations: unread > 0 ? 2 : 1,
			});
		}
		for (const person of movers.filter((one) => !staying.includes(one)))
			assert.deepEqual(must(await person.api.get('unread'), 200), { unread_count: 1, conversations: 1 });
	});
});
