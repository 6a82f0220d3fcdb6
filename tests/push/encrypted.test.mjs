// End to end: clients that encrypt for each other's devices (X3DH) by the keys that the server hands out, over REST and MQTT. What
// they send comes through byte for byte, and is nowhere else: in no preview, index, other table or log.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, must, register, signIn } from '../lib/client.mjs';
import { service } from '../lib/operator.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { Keys } from '../lib/x3dh.mjs';

const SECRET = 'the eagle has landed at';
let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

/** A device with keys of its own, which it has published, and a connection. */
async function deviceOf(person) {
	const keys = new Keys();
	const device = Object.assign(person, { device: person.session.device.id, keys, published: keys.published() });
	must(await person.api.put(`devices/${device.device}/keys`, device.published), 200);
	device.mqtt = await connect(person);
	return device;
}

/** What of a message is ciphertext: an envelope for each device of the other. */
async function encryptFor(sender, other, plain) {
	const { data } = must(await sender.api.get(`users/${other.id}/keys`), 200);
	const envelopes = data.map((bundle) => [bundle.device_id, sender.keys.encrypt(bundle, plain)]);
	return Buffer.from(JSON.stringify(Object.fromEntries(envelopes))).toString('base64');
}

/** What a device makes of a message. */
const decrypt = (device, { ciphertext }) => device.keys.decrypt(JSON.parse(Buffer.from(ciphertext, 'base64'))[device.device]).toString();

describe('two people who encrypt', () => {
	let alice, phone, laptop, conversation, first, second;
	const plain = (text) => `${SECRET} ${text}`;
	const message = (ciphertext) => ({ id: randomUUID(), type: 'encrypted', ciphertext });

	before(async () => {
		alice = await deviceOf(await register(stack, 'Alice'));
		phone = await deviceOf(await register(stack, 'Bob'));
		laptop = await deviceOf(await signIn(phone));
		conversation = await directOf(alice, phone);
	});
	after(() => Promise.all([alice, phone, laptop].map((device) => device?.mqtt.end())));

	it('set up a session with each device of the other, over REST, and read it from MQTT', async () => {
		first = message(await encryptFor(alice, phone, plain('noon')));
		const answer = await alice.api.post(`conversations/${conversation.id}/messages`, first);
		const sent = must(answer, 201);
		assert.equal(sent.ciphertext, first.ciphertext);
		assert.ok(answer.text.includes(`"ciphertext":"${first.ciphertext}"`), 'byte for byte');
		for (const device of [phone, laptop]) {
			const { payload, event } = await device.mqtt.next(({ event }) => event.type === 'message.created' && event.data.id === first.id);
			assert.ok(payload.toString().includes(`"ciphertext":"${first.ciphertext}"`), 'byte for byte');
			assert.equal(event.data.body, null);
			assert.equal(decrypt(device, event.data), plain('noon'));
			assert.equal(device.keys.oneTime.size, 4, 'by a one-time pre-key of its own');
			assert.throws(() => decrypt(device, event.data), 'which is used up');
			assert.equal(must(await device.api.get(`devices/${device.device}/keys`), 200).one_time_prekeys, 4);
		}
	});

	it('answer over MQTT, and quote nothing of what cannot be read', async () => {
		second = { ...message(await encryptFor(laptop, alice, plain('midnight'))), reply_to: first.id };
		await laptop.mqtt.publish(`users/${laptop.id}/commands/send`, { ...second, conversation_id: conversation.id });
		const { event: reply } = await laptop.mqtt.next(({ event }) => event.command === 'send' && event.id === second.id);
		assert.equal(reply.status, 201);
		const { event } = await alice.mqtt.next(({ event }) => event.type === 'message.created' && event.data.id === second.id);
		assert.equal(event.data.ciphertext, second.ciphertext);
		assert.equal(decrypt(alice, event.data), plain('midnight'));
		const { id, type, body } = event.data.quoted;
		assert.deepEqual([id, type, body], [first.id, 'encrypted', null]);
	});

	it('find every byte in history and sync, and the same message when it is sent again', async () => {
		const sent = [first, second];
		const history = must(await alice.api.get(`conversations/${conversation.id}/messages?after=0`), 200).data;
		assert.deepEqual(history.map(({ ciphertext }) => ciphertext), sent.map(({ ciphertext }) => ciphertext));
		const { next, messages } = must(await phone.api.get('sync'), 200);
		assert.ok(next);
		assert.deepEqual(messages, []);
		for (const { id, ciphertext } of sent)
			assert.equal(must(await phone.api.get(`conversations/${conversation.id}/messages/${id}`), 200).ciphertext, ciphertext);
		const again = await alice.api.post(`conversations/${conversation.id}/messages`, first);
		assert.equal(must(again, 200).ciphertext, first.ciphertext);
		const large = message(randomBytes(65536).toString('base64'));
		must(await alice.api.post(`conversations/${conversation.id}/messages`, large), 201);
		const { messages: missed } = must(await phone.api.get(`sync?since=${next}`), 200);
		assert.deepEqual(missed.map(({ ciphertext }) => ciphertext), [large.ciphertext]);
		const { event } = await phone.mqtt.next(({ event }) => event.data?.id === large.id);
		assert.equal(event.data.ciphertext, large.ciphertext);
	});

	it('show nothing in a list of conversations, old or new', async () => {
		const [{ last_message }] = must(await phone.api.get('conversations'), 200).data;
		assert.deepEqual([last_message.type, last_message.body], ['encrypted', null]);
		const [shown] = must(await phone.api.get(`/messages/conversations/${phone.id}`), 200).data;
		assert.deepEqual(shown.last_message, { content: null, sender_id: alice.id });
		const { messages, total } = must(await phone.api.get(`/messages/${conversation.id}`), 200).data;
		assert.deepEqual([total, messages.map(({ content }) => content)], [3, [null, null, null]]);
		const backend = await service(stack);
		const [seen] = must(await backend.as(phone).get('conversations'), 200).data;
		assert.equal(seen.last_message.body, null);
	});

	it('are refused without a word of it', async () => {
		const path = `conversations/${conversation.id}/messages`;
		const reused = await alice.api.post(path, { ...first, ciphertext: second.ciphertext });
		assert.equal(reused.status, 409);
		const keys = alice.published;
		const [{ public_key }] = phone.published.one_time_prekeys;
		const other = await alice.api.put(`devices/${alice.device}/keys`, { ...keys, one_time_prekeys: [{ key_id: 0, public_key }] });
		assert.equal(other.status, 409);
		const bad = await alice.api.post(path, { ...message(`${first.ciphertext}*`), reply_to: randomUUID() });
		assert.equal(bad.status, 422);
		for (const { text } of [reused, other, bad])
			for (const word of [first.ciphertext, second.ciphertext, public_key, keys.identity_key]) assert.ok(!text.includes(word.slice(0, 40)));
	});

	it('leave what they wrote in one column of one table, which has no index', async () => {
		const tables = (await stack.sql("select tablename from pg_tables where schemaname = 'public'")).split('\n');
		const holding = (word) =>
			stack.sql(tables.map((table) => `select '${table}' where exists (select from ${table} t where t::text like '%${word}%')`).join(' union all '));
		for (const { ciphertext } of [first, second]) assert.equal(await holding(ciphertext.slice(0, 60)), 'messages');
		assert.equal(await holding(SECRET), '');
		const columns = await stack.sql(`select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid
			where i.indrelid = 'messages'::regclass and (a.attnum = any(i.indkey) or pg_get_indexdef(i.indexrelid) like '%' || a.attname || '%')`);
		assert.ok(columns.includes('seq'));
		assert.ok(!columns.split('\n').includes('ciphertext'), columns);
	});

	it('leave no trace of it, nor of keys, in any log', async () => {
		const words = [
			SECRET,
			...[first, second].map(({ ciphertext }) => ciphertext.slice(100, 140)),
			...[alice, phone, laptop].flatMap(({ published: { identity_key, signed_prekey, one_time_prekeys } }) => [
				identity_key,
				signed_prekey.public_key,
				signed_prekey.signature,
				...one_time_prekeys.map(({ public_key }) => public_key),
			]),
		];
		const logs = await stack.logs();
		for (const program of ['postgres', 'mosquitto', 'push', 'rest', 'lighttpd']) assert.ok(program in logs, Object.keys(logs).join());
		assert.ok(logs.rest.includes(alice.id), 'what they did is noted');
		for (const [program, log] of Object.entries(logs))
			for (const word of words) assert.ok(!log.includes(word), `${program} has noted ${word}`);
	});
});
