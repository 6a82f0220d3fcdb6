// What an identity provider tells of its people, in the shape of Clerk, signed by npm standardwebhooks.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { api, directOf, groupOf, handleOf, must, register } from '../lib/client.mjs';
import { userIdOf } from '../lib/identity.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { webhookHeaders } from '../lib/webhook.mjs';

const PATH = '/api/v1/webhooks/identity';
const FIELDS = ['handle', 'display_name', 'email', 'avatar_url'];

let stack, reader;
before(async () => {
	stack = await sharedStack();
	reader = await register(stack, 'Reader');
});
after(() => stack?.stop());

/** Sends a text as it is, signed; options as of webhookHeaders, and headers to be put over them. */
const post = (text, { headers, ...options } = {}) =>
	api(stack).call('POST', PATH, undefined, { headers: { ...webhookHeaders(text, options), ...headers }, body: text });
const tell = (type, data, options) => post(JSON.stringify({ object: 'event', type, data }), options);
const told = async (...event) => must(await tell(...event), 200).outcome;

/** What Clerk says of somebody; changes are put over it. No issuer is configured here, so it is of "webhook". */
function somebody(changes = {}) {
	const id = `user_${randomUUID()}`;
	return {
		id,
		object: 'user',
		username: handleOf('clerk'),
		first_name: 'Claire',
		last_name: 'Clerk',
		image_url: 'https://img.example/claire.png',
		email_addresses: [
			{ id: 'idn_1', email_address: `${id}@example.com`, verification: { status: 'verified', strategy: 'email_code' } },
			{ id: 'idn_2', email_address: `other-${id}@example.com`, verification: { status: 'unverified' } },
		],
		primary_email_address_id: 'idn_1',
		created_at: 1654012591514,
		updated_at: 1654012591835,
		...changes,
	};
}
const idOf = (data) => userIdOf('webhook', data.id);

/** The row of a user by its fields; undefined when there is none. */
async function rowOf(data, fields = FIELDS) {
	const text = await stack.sql(`select row_to_json(u) from users u where id = '${idOf(data)}'`);
	if (!text) return undefined;
	const row = JSON.parse(text);
	return Object.fromEntries(fields.map((field) => [field, row[field]]));
}
const asTold = (data) => ({
	handle: data.username,
	display_name: `${data.first_name} ${data.last_name}`,
	email: data.email_addresses[0].email_address,
	avatar_url: data.image_url,
});

describe('a person who is told of', () => {
	it('is there, and can be written to', async () => {
		const data = somebody();
		assert.equal(await told('user.created', data), 'created');
		assert.deepEqual(await rowOf(data), asTold(data));
		const profile = must(await reader.api.get(`users/${idOf(data)}`), 200);
		assert.equal(profile.display_name, 'Claire Clerk');
		assert.equal(profile.deleted, false);
		await directOf(reader, { id: idOf(data) });
	});

	it('is there by the headers of Svix, too', async () => {
		const data = somebody();
		assert.equal(await told('user.created', data, { prefix: 'svix' }), 'created');
		assert.deepEqual(await rowOf(data), asTold(data));
	});

	it('is there after an update whose creation was never told', async () => {
		const data = somebody();
		assert.equal(await told('user.updated', data), 'created');
		assert.deepEqual(await rowOf(data), asTold(data));
	});

	it('has a handle of its own when it has none, or somebody has it, and no address that somebody has', async () => {
		const taken = somebody({ username: reader.handle });
		assert.equal(await told('user.created', taken), 'created');
		const first = await rowOf(taken);
		assert.match(first.handle, /^user-[0-9a-f]{24}$/);
		assert.equal(first.email, taken.email_addresses[0].email_address);
		const second = somebody({ username: null, first_name: null, last_name: null, email_addresses: taken.email_addresses });
		assert.equal(await told('user.created', second), 'created');
		const { handle, display_name, email } = await rowOf(second);
		assert.match(handle, /^user-[0-9a-f]{24}$/);
		assert.equal(display_name, handle);
		assert.equal(email, null);
		assert.equal(must(await reader.api.get('users/me'), 200).handle, reader.handle);
	});

	it('has no address that the provider has not verified', async () => {
		const data = somebody({ primary_email_address_id: 'idn_2' });
		assert.equal(await told('user.created', data), 'created');
		assert.equal((await rowOf(data)).email, null);
	});

	it('is told anew: what is newer counts, also over what is here', async () => {
		const data = somebody();
		await told('user.created', data);
		await stack.sql(`update users set display_name = 'Own choice', bio = 'Kept' where id = '${idOf(data)}'`);
		const newer = { ...data, updated_at: data.updated_at + 1, first_name: 'Clara', username: handleOf('clara'), image_url: null,
			primary_email_address_id: null };
		assert.equal(await told('user.updated', newer), 'updated');
		assert.deepEqual(await rowOf(data, [...FIELDS, 'bio']), {
			handle: newer.username,
			display_name: 'Clara Clerk',
			email: null,
			avatar_url: null,
			bio: 'Kept',
		});
	});

	it('is not told what is older than what was told', async () => {
		const data = somebody();
		await told('user.created', data);
		const newest = { ...data, updated_at: data.updated_at + 10, first_name: 'Newest' };
		assert.equal(await told('user.updated', newest), 'updated');
		assert.equal(await told('user.updated', { ...data, updated_at: data.updated_at + 5, first_name: 'Late' }), 'stale');
		assert.equal(await told('user.created', data), 'stale');
		assert.deepEqual(await rowOf(data), asTold(newest));
		// as of the same moment: nobody can say which is newer
		assert.equal(await told('user.updated', { ...newest, first_name: 'Same' }), 'updated');
	});

	it('keeps its handle when the new one is taken, and loses an address that somebody has', async () => {
		const data = somebody(), other = somebody();
		await told('user.created', data);
		await told('user.created', other);
		const newer = { ...data, updated_at: data.updated_at + 1, username: other.username, email_addresses: other.email_addresses };
		assert.equal(await told('user.updated', newer), 'updated');
		assert.deepEqual(await rowOf(data), { ...asTold(data), email: null });
		assert.deepEqual(await rowOf(other), asTold(other));
	});

	it('is erased, and nobody is made of it again', async () => {
		const data = somebody();
		await told('user.created', data);
		const group = await groupOf(reader, [{ id: idOf(data) }]);
		assert.equal(await told('user.deleted', { id: data.id, object: 'user', deleted: true }), 'deleted');
		const profile = must(await reader.api.get(`users/${idOf(data)}`), 200);
		assert.equal(profile.deleted, true);
		assert.equal(profile.display_name, 'Deleted user');
		const members = must(await reader.api.get(`conversations/${group.id}`), 200).members;
		assert.deepEqual(members.map((member) => member.user_id), [reader.id]);
		assert.equal(await stack.sql(`select subject is null from identities where user_id = '${idOf(data)}'`), 't');

		assert.equal(await told('user.deleted', { id: data.id, deleted: true }), 'deleted');
		assert.equal(await told('user.updated', { ...data, updated_at: data.updated_at + 1000 }), 'erased');
		assert.equal((await rowOf(data)).display_name, 'Deleted user');
	});

	it('is erased before anybody has seen it', async () => {
		const data = somebody();
		assert.equal(await told('user.deleted', { id: data.id, deleted: true }), 'deleted');
		assert.equal(await told('user.created', data), 'erased');
		assert.equal(must(await reader.api.get(`users/${idOf(data)}`), 200).deleted, true);
	});
});

describe('a webhook', () => {
	it('does something once', async () => {
		const data = somebody(), id = `msg_${randomUUID()}`;
		assert.equal(await told('user.created', data, { id }), 'created');
		const newer = { ...data, updated_at: data.updated_at + 1, first_name: 'Other' };
		assert.equal(await told('user.created', data, { id }), 'repeated');
		assert.equal(await told('user.updated', newer, { id, prefix: 'svix' }), 'repeated');
		assert.equal(await told('user.deleted', data, { id }), 'repeated');
		assert.deepEqual(await rowOf(data), asTold(data));
	});

	it('does something once when it comes eight times at once', async () => {
		for (const type of ['user.created', 'user.updated']) {
			const data = somebody(), id = `msg_${randomUUID()}`;
			const outcomes = await Promise.all(Array.from({ length: 8 }, () => told(type, data, { id })));
			assert.deepEqual(outcomes.sort(), ['created', ...Array(7).fill('repeated')]);
		}
		const data = somebody(), id = `msg_${randomUUID()}`;
		const outcomes = await Promise.all(Array.from({ length: 8 }, () => told('user.deleted', data, { id })));
		assert.equal(outcomes.filter((outcome) => outcome === 'deleted').length, 1);
		assert.equal(outcomes.filter((outcome) => outcome === 'repeated').length, 7);
	});

	it('makes one person when creation and updates come at once', async () => {
		const data = somebody();
		const outcomes = await Promise.all(
			Array.from({ length: 8 }, (_, i) => told(i ? 'user.updated' : 'user.created', { ...data, updated_at: data.updated_at + i, first_name: `N${i}` })),
		);
		assert.equal(outcomes.filter((outcome) => outcome === 'created').length, 1);
		assert.equal((await rowOf(data)).display_name, 'N7 Clerk');
	});

	it('may have several signatures, of which one is right', async () => {
		for (const around of [(right) => `v1,AAAA ${right}`, (right) => `${right} v1a,AAAA`, (right) => `v2,x  ${right} v1,`]) {
			const text = JSON.stringify({ type: 'user.created', data: somebody() });
			const headers = webhookHeaders(text);
			headers['webhook-signature'] = around(headers['webhook-signature']);
			const answer = await api(stack).call('POST', PATH, undefined, { headers, body: text });
			assert.equal(must(answer, 200).outcome, 'created');
		}
	});

	it('of another type is ignored', async () => {
		for (const type of ['session.created', 'organization.created', 'user', 'USER.CREATED', 'user.created '])
			assert.equal(await told(type, somebody()), 'ignored', type);
		assert.equal(must(await post('{"type":"ping"}'), 200).outcome, 'ignored');
	});

	it('may be nested deeper than a request of a client', async () => {
		const data = somebody({ public_metadata: Array.from({ length: 25 }).reduce((inner) => ({ inner }), {}) });
		assert.equal(await told('user.created', data), 'created');
		const deep = Array.from({ length: 40 }).reduce((inner) => ({ inner }), {});
		assert.equal((await tell('user.created', somebody({ public_metadata: deep }))).status, 400);
	});

	it('is 400 when it is signed and no JSON object', async () => {
		for (const text of ['', '{', '[]', '"x"', '{"type":"user.created","type":"user.deleted"}', 'type=user.created']) {
			const answer = await post(text);
			assert.equal(answer.status, 400, text);
			assert.equal(answer.body.code, 'malformed');
		}
	});

	it('is 422 when it does not say who', async () => {
		for (const [text, field] of [
			['{"type":"user.created"}', 'data'],
			['{"type":"user.created","data":null}', 'data'],
			['{"type":"user.updated","data":{}}', 'data.id'],
			['{"type":"user.deleted","data":{"id":""}}', 'data.id'],
			['{"type":"user.deleted","data":{"id":7}}', 'data.id'],
			[`{"type":"user.created","data":{"id":"${'x'.repeat(256)}"}}`, 'data.id'],
			['{"data":{"id":"user_1"}}', 'type'],
			['{"type":7,"data":{"id":"user_1"}}', 'type'],
		]) {
			const answer = await post(text);
			assert.equal(answer.status, 422, text);
			assert.equal(answer.body.errors[0].field, field);
		}
	});
});

describe('a webhook that is not signed well', () => {
	const minutes = (count) => new Date(Date.now() + count * 60_000);
	const REFUSED = {
		'no headers at all': () => ({ drop: ['webhook-id', 'webhook-timestamp', 'webhook-signature'] }),
		'no id': () => ({ drop: ['webhook-id'] }),
		'no time': () => ({ drop: ['webhook-timestamp'] }),
		'no signature': () => ({ drop: ['webhook-signature'] }),
		'an empty signature': () => ({ headers: { 'webhook-signature': '' } }),
		'a signature of another version': ({ signature }) => ({ headers: { 'webhook-signature': signature.replace('v1,', 'v1a,') } }),
		'a signature without a version': ({ signature }) => ({ headers: { 'webhook-signature': signature.slice(3) } }),
		'half a signature': ({ signature }) => ({ headers: { 'webhook-signature': signature.slice(0, 23) } }),
		'a signature by another secret': () => ({ secret: `whsec_${Buffer.from('somebody else entirely').toString('base64')}` }),
		'another id than was signed': () => ({ headers: { 'webhook-id': 'msg_other' } }),
		'another time than was signed': () => ({ headers: { 'webhook-timestamp': String(Math.floor(Date.now() / 1000) - 1) } }),
		'more than five minutes of age': () => ({ at: minutes(-5.1) }),
		'a time that is yet to come': () => ({ at: minutes(5.2) }),
		'a time in milliseconds': () => ({ headers: { 'webhook-timestamp': String(Date.now()) } }),
		'another body than was signed': () => ({ body: (text) => text.replace('Claire', 'Cleire') }),
		'a space behind the body': () => ({ body: (text) => `${text} ` }),
		'names of two standards mixed': ({ signature }) => ({ drop: ['webhook-signature'], headers: { 'svix-signature': signature } }),
		'right headers of Svix behind wrong ones': ({ text }) => ({
			headers: { 'webhook-signature': 'v1,AAAA', ...webhookHeaders(text, { prefix: 'svix' }) },
		}),
	};
	for (const [what, change] of Object.entries(REFUSED))
		it(`is refused: ${what}`, async () => {
			const data = somebody();
			const text = JSON.stringify({ type: 'user.created', data });
			const { drop = [], headers: over = {}, body = (same) => same, ...options } = change({
				text,
				signature: webhookHeaders(text)['webhook-signature'],
			});
			const headers = { ...webhookHeaders(text, options), ...over };
			for (const name of drop) delete headers[name];
			const answer = await api(stack).call('POST', PATH, undefined, { headers, body: body(text) });
			assert.equal(answer.status, 401, answer.text);
			assert.equal(answer.body.code, 'unauthorized');
			assert.equal(await rowOf(data), undefined);
			// its id is not used up
			assert.equal(await told('user.created', data, { id: headers['webhook-id'] === 'msg_other' ? undefined : headers['webhook-id'] }), 'created');
		});

	it('is taken up to five minutes before and after', async () => {
		for (const at of [minutes(-4.8), minutes(4.8)]) assert.equal(await told('user.created', somebody(), { at }), 'created');
	});
});
