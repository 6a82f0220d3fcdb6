// People of an identity provider, through the whole stack: made at first sight on either plane, ended on both, and kept
// out over restarts. The provider is a web server of the test, its tokens are made by npm jose.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { api, connect, directOf, must, register } from '../lib/client.mjs';
import { newKey, sessionIdOf, sign, userIdOf } from '../lib/identity.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { waitForReplica } from '../lib/replica.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const ISSUER = 'https://id.example.test';
const AUDIENCE = 'the-app';
const CLOSED_WITHIN_MS = 1000;
const seconds = () => Math.floor(Date.now() / 1000);

let stack, key, served;
const provider = createServer((request, response) => {
	response.setHeader('content-type', 'application/json');
	response.end(JSON.stringify({ keys: served.map(({ jwk }) => jwk) }));
});
before(async () => {
	key = await newKey('ES256', 'first');
	served = [key];
	await new Promise((resolve) => provider.listen(0, '127.0.0.1', resolve));
	const url = `http://127.0.0.1:${provider.address().port}/keys`;
	stack = await startStack({ env: { PARLEY_IDP_ISSUER: ISSUER, PARLEY_IDP_AUDIENCE: AUDIENCE, PARLEY_IDP_JWKS_URL: url } });
});
after(async () => {
	provider.close();
	await stack?.stop();
});

/** Keys that are there without being fetched, which happens once a minute at most. */
const putKeys = (...keys) =>
	stack.sql(`select identity_keys_put('${ISSUER}', '${JSON.stringify(keys.map(({ jwk }) => jwk))}', gen_random_uuid())`);

let people = 0;
/** Somebody whom nobody here has seen: { subject, id, sid, session, token, api, stack }. */
async function stranger(claims = {}, by = key) {
	const subject = claims.sub ?? `user_${++people}`;
	const sid = claims.sid ?? `sess_${randomUUID()}`;
	const token = await sign(by, { iss: ISSUER, aud: AUDIENCE, sub: subject, sid, jti: randomUUID(), ...claims });
	return { stack, subject, sid, token, id: userIdOf(ISSUER, subject), session: sessionIdOf(ISSUER, subject, 'sid', sid), api: api(stack, token) };
}
/** Another token of the same session. */
const again = ({ subject, sid }, claims = {}) => stranger({ sub: subject, sid, ...claims });

/** Connects as soon as the broker knows the key. */
const connected = (person, options) =>
	waitFor(() => connect(person, options).catch((error) => /closed/.test(error.message) ? undefined : Promise.reject(error)), 5000, 'let in');
const row = (text) => waitFor(() => stack.sql(text), 5000, text);
const isOut = (person) => assert.rejects(connect(person, { subscribe: [] }), /Not authorized|135/i);

it('seen first by MQTT: the account is made with its documented id, and its command is answered', async () => {
	const alice = await register(stack, 'Alice');
	const zoe = await stranger({ preferred_username: `zoe-${seconds()}`, name: 'Zoë', email: 'zoe@example.test' });
	const phone = await connected(zoe, { version: 4, ws: true });
	assert.equal(
		await row(`select u.display_name, u.handle, u.email, i.issuer, i.subject, s.refresh_expires_at > now() from users u
			join identities i on i.user_id = u.id join sessions s on s.user_id = u.id and s.id = '${zoe.session}' where u.id = '${zoe.id}'`),
		`Zoë|zoe-${/zoe-(\d+)/.exec(JSON.stringify(JSON.parse(Buffer.from(zoe.token.split('.')[1], 'base64url')))).at(1)}|zoe@example.test|${ISSUER}|${zoe.subject}|t`,
	);
	const room = await directOf(alice, zoe);
	await phone.event('conversation.created', room);
	const id = randomUUID();
	await phone.publish(`users/${zoe.id}/commands/send`, { id, conversation_id: room.id, body: 'from outside' });
	const { event: reply } = await phone.next(({ topic, event }) => topic.endsWith('/replies') && event?.id === id);
	assert.equal(reply.status, 201);
	const { data } = must(await alice.api.get(`conversations/${room.id}/messages`), 200);
	assert.deepEqual(data.map(({ sender_id, body }) => [sender_id, body]), [[zoe.id, 'from outside']]);
	// the same person over REST, by the same token and another
	for (const { api: zoes } of [zoe, await again(zoe)]) assert.equal(must(await zoes.get('users/me'), 200).id, zoe.id);
	await phone.end(true);
});

it('seen first by REST, then by MQTT', async () => {
	const person = await stranger({ name: 'Rest First' });
	assert.deepEqual((({ id, display_name }) => [id, display_name])(must(await person.api.get('users/me'), 200)), [person.id, 'Rest First']);
	const device = await connect(person);
	const room = must(await person.api.post('conversations', { kind: 'group', title: 'Mine', member_ids: [] }), 201);
	await device.event('conversation.created', room);
	await device.end(true);
	assert.equal(await stack.sql(`select count(*) from sessions where user_id = '${person.id}'`), '1');
});

it('logging out closes its connections, and no token of that session comes in again; another session does', async () => {
	const person = await stranger({ exp: seconds() + 7200 });
	const devices = [await connect(person), await connect(await again(person), { version: 4, ws: true })];
	must(await person.api.post('auth/logout'), 204);
	const begin = performance.now();
	for (const device of devices) await device.closed(CLOSED_WITHIN_MS);
	assert.ok(performance.now() - begin < CLOSED_WITHIN_MS);
	await isOut(person);
	await isOut(await again(person));
	must(await person.api.get('users/me'), 401);
	const other = await connect(await stranger({ sub: person.subject }));
	await other.end(true);
});

it('a session that ended without the broker being told is found out when it comes', async () => {
	const person = await stranger();
	must(await person.api.get('users/me'), 200);
	await stack.sql(`update sessions set revoked_at = now() where id = '${person.session}'`);
	const device = await connect(person, { subscribe: [] });
	await device.closed(CLOSED_WITHIN_MS);
	await isOut(person);
});

it('a key that is new is fetched when it is met; one that is gone is good no longer', async () => {
	const next = await newKey('RS256', 'next');
	const person = await stranger();
	const device = await connect(person);
	const newer = await stranger({ sub: person.subject }, next);
	served = [next];
	await stack.sql('delete from identity_wanted'); // none was within this minute
	await assert.rejects(connect(newer), /closed/);
	const second = await connected(newer);
	await assert.rejects(connect(await again(person)), /closed/);
	assert.equal(device.client.connected, true, 'who is in stays');
	await putKeys(key, next);
	const third = await connected(await again(person));
	for (const one of [device, second, third]) await one.end(true);
});

it('keys are those of the change that was told, also when its commit was not to be seen for long', async () => {
	const newer = await newKey('EdDSA', 'newer');
	const person = await stranger({}, newer);
	const told = async () => (await stack.logs()).mosquitto.split('keys of identity providers taken').length;
	const before_ = await told();
	const release = await waitForReplica(stack);
	let put;
	try {
		put = putKeys(key, newer);
		await waitFor(async () => (await metricsOf(stack)).value('parley_push_held') === 1, 4000, 'parley-push holds it');
	} finally {
		await release();
	}
	await put;
	await waitFor(async () => (await told()) > before_, 5000, 'the plugin is told');
	const device = await connected(person);
	await device.end(true);
});

describe('who may not come in', () => {
	const disable = (person) => stack.sql(`select user_disable('${person.id}', gen_random_uuid())`);
	const enable = (person) => stack.sql(`select user_enable('${person.id}', gen_random_uuid())`);
	const fresh = ({ subject }) => stranger({ sub: subject });

	it('is closed on both planes, and stays out with every token over restarts of the broker and parley-push', async () => {
		const [shut, erased, ended, witness] = [await stranger(), await stranger(), await stranger({ exp: seconds() + 90_000 }), await stranger()];
		const devices = [];
		for (const person of [shut, erased, ended]) devices.push(await connect(person));
		// a worker that has just read keys reads them again after a second
		await waitFor(async () => (await erased.api.get('users/me')).status === 200, 5000, 'REST knows the key again');
		await row(`select id from sessions where id = '${shut.session}'`);
		await disable(shut);
		must(await erased.api.delete('users/me'), 204);
		must(await ended.api.post('auth/logout'), 204);
		for (const device of devices) await device.closed(CLOSED_WITHIN_MS);
		// as if it had ended long ago: its token lives on
		await stack.sql(`update sessions set revoked_at = now() - interval '1 day' where id = '${ended.session}'`);
		const all = [shut, await fresh(shut), erased, await fresh(erased), ended, await again(ended)];
		const stayOut = async () => {
			for (const person of all) await isOut(person);
			for (const person of all) must(await person.api.get('users/me'), 401);
		};
		await stayOut();
		for (const name of ['mosquitto', 'push']) {
			const before_ = await stack.kill(name);
			await stack.replaced(name, before_, 10_000);
			const device = await connected(await fresh(witness));
			await stayOut();
			await device.end(true);
		}
		assert.equal(await stack.sql(`select count(*) from users where id = '${erased.id}' and deleted_at is null`), '0');

		// enabled again: by a session of after that
		await enable(shut);
		const device = await waitFor(async () => connect(await fresh(shut)).catch(() => undefined), 5000, 'let in again');
		await isOut(shut);
		await device.end(true);
	});
});

it('nothing was left out, and nobody was refused but who had to be', async () => {
	const { push, mosquitto } = await stack.logs();
	assert.doesNotMatch(push, /"level":"error"/);
	assert.doesNotMatch(mosquitto, /"level":"error"/);
});
