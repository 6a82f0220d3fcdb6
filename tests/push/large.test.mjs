// Large groups and large messages arrive whole.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { api, connect, groupOf, must, register, send } from '../lib/client.mjs';
import { checkEvent } from '../lib/contract.mjs';
import { Received } from '../lib/load.mjs';
import { sharedStack } from '../lib/stack.mjs';

const MEMBERS = 50;
const KIB = 1024;

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

/** Registers many at once, a few at a time: each is a password to hash. */
async function registerMany(count) {
	const people = [];
	while (people.length < count) {
		const batch = Math.min(8, count - people.length);
		people.push(...(await Promise.all([...Array(batch)].map(() => register(stack, `Member ${people.length}`)))));
	}
	return people;
}

it(`a group of ${MEMBERS}: all get all`, async () => {
	const people = await registerMany(MEMBERS);
	const devices = await Promise.all(people.map((person, i) => connect(person, { ws: i % 2 === 1 })));
	const inboxes = devices.map((device) => new Received(device));
	const group = await groupOf(people[0], people.slice(1));
	assert.equal(group.member_count, MEMBERS);
	for (const device of devices) {
		const event = await device.event('conversation.created', group, 10_000);
		assert.equal(event.data.members.length, MEMBERS);
	}
	const sent = (
		await Promise.all(
			people.slice(0, 4).map(async (person) => {
				const own = [];
				for (let i = 0; i < 5; i++) own.push(await send(person, group, `to ${MEMBERS}, ${i}`));
				return own;
			}),
		)
	).flat();
	for (const inbox of inboxes) {
		await inbox.all(sent);
		assert.equal(inbox.checkOrder(), 0);
		assert.equal(inbox.count, sent.length);
	}
	for (const device of devices) await device.end(true);
});

describe('a large message', () => {
	let alice, bob, group, devices;
	before(async () => {
		[alice, bob] = [await register(stack, 'Alice'), await register(stack, 'Bob')];
		group = await groupOf(alice, [bob]);
		devices = [await connect(bob), await connect(bob, { ws: true, version: 4 })];
	});
	after(() => Promise.all((devices ?? []).map((device) => device.end(true))));

	// each takes as much room as it can: six bytes for one in JSON, four in UTF-8, none of ASCII
	const bodies = [
		['plain', 'x'.repeat(64 * KIB)],
		['control characters, six bytes each in JSON', '\u0001'.repeat(64 * KIB)],
		['quotes and backslashes', '"\\'.repeat(32 * KIB)],
		['characters of four bytes', '😀'.repeat(16 * KIB)],
		['characters of three bytes', '€'.repeat(Math.floor((64 * KIB) / 3))],
		['ends of lines', '\r\n\t\u2028'.repeat(10 * KIB)],
	];

	/** Posts the text as it is; the event arrives at all devices, and is what GET gives. */
	async function arrives(json, check) {
		const path = `conversations/${group.id}/messages`;
		const answer = await api(stack, alice.token).post(path, undefined, {
			headers: { 'content-type': 'application/json' },
			body: json,
		});
		const sent = must(answer, 201);
		check(sent);
		const { text } = await bob.api.get(`${path}/${sent.id}`);
		assert.equal(text, answer.text);
		for (const device of devices) {
			const message = await device.next(({ event }) => event?.data?.id === sent.id, 10_000);
			checkEvent(message.topic, message.payload, message.packet);
			const event = message.payload.toString();
			assert.ok(event.endsWith(`"data":${text}}`), 'the event holds the message byte by byte');
		}
	}

	for (const [what, body] of bodies) {
		it(`64 KiB of ${what}`, async () => {
			assert.ok(Buffer.byteLength(body) <= 64 * KIB);
			const escaped = JSON.stringify({ body });
			// 64 KiB of control characters are 384 KiB of JSON: more than a request may have
			if (Buffer.byteLength(escaped) > 256 * KIB) {
				const answer = await alice.api.post(`conversations/${group.id}/messages`, { body });
				assert.equal(answer.status, 413);
				const most = body.slice(0, Math.floor((256 * KIB - 20) / 6));
				await arrives(JSON.stringify({ body: most }), (sent) => assert.equal(sent.body, most));
			} else {
				await arrives(escaped, (sent) => assert.equal(sent.body, body));
			}
		});
	}

	it('everything at its most, in a request of exactly 256 KiB', async () => {
		const ciphertext = Buffer.alloc(64 * KIB, 0xa5).toString('base64');
		// {"m":"…"} of 16 KiB in all
		const metadata = { m: 'm'.repeat(16 * KIB - 8) };
		const unescaped = 'e'.repeat(64 * KIB);
		const parts = JSON.stringify({ type: 'encrypted', ciphertext, metadata }).slice(0, -1) + ',"body":"';
		// what is left is filled by writing characters as escapes of six bytes, then by blanks
		const room = 256 * KIB - parts.length - 2;
		const escapes = Math.min(Math.floor((room - unescaped.length) / 5), unescaped.length);
		const text = '\\u0065'.repeat(escapes) + unescaped.slice(escapes);
		const json = `${parts}${text}"`.padEnd(256 * KIB - 1) + '}';
		assert.equal(Buffer.byteLength(json), 256 * KIB);
		await arrives(json, (sent) => {
			assert.equal(sent.body, unescaped);
			assert.equal(sent.ciphertext, ciphertext);
			assert.deepEqual(sent.metadata, metadata);
		});
	});

	it('one byte more is refused and does no harm', async () => {
		const json = JSON.stringify({ body: 'x' }).padEnd(256 * KIB + 1);
		const answer = await alice.api.post(`conversations/${group.id}/messages`, undefined, {
			headers: { 'content-type': 'application/json' },
			body: json,
		});
		assert.equal(answer.status, 413);
		await arrives(JSON.stringify({ body: 'small again' }), (sent) => assert.equal(sent.body, 'small again'));
	});
});
