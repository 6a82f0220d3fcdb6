// Tokens of identity providers: whose keys parley-push has told, and as whom they let in. Made by npm jose.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import * as jose from 'jose';
import { newKey, sessionIdOf, sign, userIdOf } from '../lib/identity.mjs';
import { Broker, CONTROL, Key, fence, newId, publish, received, revoke, seconds, subscribe, until } from './broker.mjs';

const ISSUER = 'https://id.example.test';
const OTHER = 'https://other.example.test/realms/a';
const AUDIENCE = 'parley-app';
const IDENTITY = 'parley/identity';

let broker;
let push;
let keys;

const provider = (issuer, list, audience = [AUDIENCE]) => ({ issuer, audience, keys: list.map(({ jwk }) => jwk) });
const told = (...issuers) => {
	const text = JSON.stringify({ issuers });
	return publish(push, CONTROL, `keys ${Buffer.byteLength(text)}\n\n${text}`);
};
const tellAll = () => told(provider(ISSUER, [keys.RS256, keys.ES256, keys.EdDSA]), provider(OTHER, [keys.other]));

before(async () => {
	broker = await Broker.start();
	push = await broker.connectPush();
	assert.equal(await subscribe(push, IDENTITY), 1);
	assert.equal(await subscribe(push, 'users/+/commands/#'), 1);
	keys = Object.fromEntries(await Promise.all(['RS256', 'ES256', 'EdDSA'].map(async (alg) => [alg, await newKey(alg, `kid-${alg}`)])));
	keys.other = await newKey('ES256', 'kid-other');
	await tellAll();
});
after(() => broker.stop());

let people = 0;
const newSubject = () => `user_${++people}`;
const claimsOf = (subject, changes = {}) => ({ iss: ISSUER, aud: AUDIENCE, sub: subject, jti: newId(), ...changes });
const token = (subject, changes = {}, { key = keys.ES256, header = {} } = {}) => sign(key, claimsOf(subject, changes), header);
const connect = (subject, password, rest = {}) => broker.connect(userIdOf(ISSUER, subject), { token: password, ...rest });
// What the plugin has said of a user, latest last.
const seen = (user) => received(push, { topic: IDENTITY }).map(({ text }) => text.split('\n'))
	.map(([head, claims]) => ({ words: head.split(' '), claims })).filter(({ words }) => words[0] === 'seen' && words[1] === user);

for (const [i, version] of [4, 5, 5].entries()) {
	const alg = ['RS256', 'ES256', 'EdDSA'][i];
	test(`${alg}: its user comes in, MQTT ${version}, and parley-push is told with the claims`, async () => {
		const subject = newSubject();
		const user = userIdOf(ISSUER, subject);
		const claims = claimsOf(subject, { aud: ['x', AUDIENCE], name: 'Zoë "Z" O\'Hara', picture: 'https://a/b?c', roles: [1, { a: null }] });
		const password = await sign(keys[alg], claims);
		const client = await connect(subject, password, { version, ws: version === 5 });
		assert.equal(await subscribe(client, `users/${user}/#`), 1);
		await fence(push, user, client);
		await until(() => seen(user).length === 1, 'parley-push is told');
		const [{ words, claims: text }] = seen(user);
		assert.deepEqual(words, ['seen', user, sessionIdOf(ISSUER, subject, 'jti', claims.jti)]);
		assert.deepEqual(JSON.parse(text), jose.decodeJwt(password));
		assert.equal(await publish(client, `users/${user}/commands/send`, 'mine'), 0);
		await until(() => received(push, { topic: `users/${user}/commands/send` }).length === 1, 'a command goes through');
		client.end(true);
	});
}

test('a token that is longer than ours ever are', async () => {
	const subject = newSubject();
	const password = await token(subject, { groups: Array.from({ length: 120 }, (_, i) => `group-${i}-${'x'.repeat(32)}`) });
	assert.ok(password.length > 6000 && password.length < 8192, `${password.length}`);
	(await connect(subject, password)).end(true);
	await until(() => seen(userIdOf(ISSUER, subject)).length === 1, 'told');
});

test('the session is that of sid, of jti, or of the token, and those of one sid are one', async () => {
	const subject = newSubject();
	const user = userIdOf(ISSUER, subject);
	const bare = await token(subject, { jti: undefined });
	const passwords = [await token(subject, { sid: 'sess_1' }), await token(subject, { sid: 'sess_1' }), bare];
	const clients = [];
	for (const password of passwords) clients.push(await connect(subject, password));
	await until(() => seen(user).length === 3, 'told of all');
	const sid = sessionIdOf(ISSUER, subject, 'sid', 'sess_1');
	assert.deepEqual(seen(user).map(({ words }) => words[2]), [sid, sid, sessionIdOf(ISSUER, subject, 'token', bare)]);
	await revoke(push, [sid]);
	await until(() => clients[0].closed && clients[1].closed, 'both connections of the session are closed');
	await assert.rejects(connect(subject, await token(subject, { sid: 'sess_1' })), { code: 135 });
	await subscribe(clients[2], `users/${user}/#`);
	await fence(push, user, clients[2]);
	assert.ok(!clients[2].closed);
});

const unsigned = (subject, header) => `${[header, { ...claimsOf(subject), iat: seconds(), exp: seconds() + 600 }]
	.map((part) => jose.base64url.encode(JSON.stringify(part))).join('.')}.`;
const spki = (key) => jose.exportSPKI(key.publicKey);
const hmac = async (subject, header = {}) => new jose.SignJWT({ ...claimsOf(subject), iat: seconds(), exp: seconds() + 600 })
	.setProtectedHeader({ alg: 'HS256', kid: keys.RS256.kid, ...header }).sign(new TextEncoder().encode(await spki(keys.RS256)));

// Each good but for one thing.
const refused = [
	['alg none', (subject) => unsigned(subject, { alg: 'none', kid: keys.RS256.kid })],
	['HS256 with the public key as its secret', (subject) => hmac(subject)],
	['the key of another algorithm', (subject) => token(subject, {}, { key: { ...keys.ES256, kid: keys.RS256.kid } })],
	['a foreign key under a known kid', async (subject) => token(subject, {}, { key: await newKey('ES256', keys.ES256.kid) })],
	['a key of another issuer', (subject) => token(subject, {}, { key: { ...keys.other, kid: keys.ES256.kid } })],
	['no kid', (subject) => token(subject, {}, { header: { kid: undefined } })],
	['a key that it brings itself', (subject) => token(subject, {}, { header: { jwk: keys.ES256.jwk } })],
	['crit', (subject) => token(subject, {}, { header: { b64: true, crit: ['b64'] } })],
	['another type', (subject) => token(subject, {}, { header: { typ: 'logout+jwt' } })],
	['an issuer that nobody has told of', (subject) => token(subject, { iss: `${ISSUER}/` })],
	['another audience', (subject) => token(subject, { aud: ['another'] })],
	['no audience', (subject) => token(subject, { aud: undefined })],
	['expired', (subject) => token(subject, { exp: seconds() - 1 })],
	['no exp', (subject) => token(subject, { exp: undefined })],
	['not valid yet', (subject) => token(subject, { nbf: seconds() + 120 })],
	['issued in the future', (subject) => token(subject, { iat: seconds() + 120 })],
	['no subject', (subject) => token(subject, { sub: undefined })],
	['another subject', () => token('user_0')],
	['a changed signature', async (subject) => (await token(subject)).replace(/.{8}$/, 'AAAAAAAA')],
	['too long', (subject) => token(subject, { groups: 'x'.repeat(7000) })],
];
for (const [name, make] of refused) {
	test(`refused: ${name}`, async () => {
		const subject = newSubject();
		const password = await make(subject);
		await assert.rejects(connect(subject, password), { code: 135 });
		assert.equal(seen(userIdOf(ISSUER, subject)).length, 0);
		(await connect(subject, await token(subject))).end(true);
	});
}

test("refused: another person's name with one's own token, whether ours or theirs", async () => {
	const [subject, alice] = [newSubject(), newId()];
	const password = await token(subject);
	await assert.rejects(broker.connect(alice, { token: password }), { code: 135 });
	await assert.rejects(broker.connect(userIdOf(OTHER, subject), { token: password }), { code: 135 });
	await assert.rejects(connect(subject, broker.token(alice)), { code: 135 });
});

test('a key that is not known is asked for once a second, and its client is not sent away for good', async () => {
	const next = await newKey('RS256', 'kid-next');
	const subject = newSubject();
	const password = await token(subject, {}, { key: next });
	const wanted = () => received(push, { topic: IDENTITY }).filter(({ text }) => text === `wanted ${ISSUER}\n`).length;
	const count = wanted();
	for (let i = 0; i < 5; i++) await assert.rejects(connect(subject, password), { message: 'closed before CONNACK' });
	await until(() => wanted() > count, 'parley-push is told');
	assert.ok(wanted() <= count + 3, `${wanted() - count} times`);
	const waiting = connect(subject, password, { reconnectPeriod: 50 }).catch(() => {});
	await waiting;
	const client = broker.clients.at(-1);
	await told(provider(ISSUER, [keys.RS256, keys.ES256, keys.EdDSA, next]), provider(OTHER, [keys.other]));
	await until(() => client.connected, 'it is let in');
	client.end(true);
});

test('keys that take the place of others: the old ones are good no longer, who is in stays', async () => {
	const subject = newSubject();
	const user = userIdOf(ISSUER, subject);
	const client = await connect(subject, await token(subject));
	await subscribe(client, `users/${user}/#`);
	await told(provider(ISSUER, [keys.RS256]));
	await assert.rejects(connect(subject, await token(subject)), { message: 'closed before CONNACK' });
	(await connect(subject, await token(subject, {}, { key: keys.RS256 }))).end(true);
	await assert.rejects(broker.connect(userIdOf(OTHER, subject), { token: await token(subject, { iss: OTHER }, { key: keys.other }) }),
		{ code: 135 });

	// bad ones change nothing
	for (const text of ['{}', '{"issuers":{}}', '[]', '{"issuers":[]', `{"issuers":[{"issuer":"${ISSUER}"}]}`])
		await publish(push, CONTROL, `keys ${text.length}\n\n${text}`);
	await until(() => broker.log.split('\n').filter((line) => line.includes('refused, they stay')).length === 5, 'the log tells');
	(await connect(subject, await token(subject, {}, { key: keys.RS256 }))).end(true);

	// nobody's any more
	await told();
	await assert.rejects(connect(subject, await token(subject, {}, { key: keys.RS256 })), { code: 135 });
	await fence(push, user, client);
	assert.ok(!client.closed && !push.closed);
	await tellAll();
	client.end(true);
});

test('the connection is closed when the token expires', async () => {
	const subject = newSubject();
	const client = await connect(subject, await token(subject, { exp: seconds() + 3 }));
	await until(() => client.closed, 'closed');
	await assert.rejects(connect(subject, await token(subject, { exp: seconds() })), { code: 135 });
});

test('who is barred does not come in, with whatever token, until it may again', async () => {
	const subject = newSubject();
	const user = userIdOf(ISSUER, subject);
	const client = await connect(subject, await token(subject));
	await publish(push, CONTROL, `bar\n${user}\n\n`);
	await until(() => client.closed, 'closed');
	for (const key of [keys.RS256, keys.EdDSA]) await assert.rejects(connect(subject, await token(subject, {}, { key })), { code: 135 });
	await publish(push, CONTROL, `unbar\n${user}\n\n`);
	(await connect(subject, await token(subject))).end(true);
});

test('a reload disturbs nobody, also when a key of ours was taken away', async () => {
	const subject = newSubject();
	const user = userIdOf(ISSUER, subject);
	const client = await connect(subject, await token(subject));
	const own = await broker.connect(newId());
	await subscribe(client, `users/${user}/#`);
	for (const file of broker.keyFiles) fs.writeFileSync(file, new Key().pem);
	await broker.reload();
	await until(() => own.closed, 'the one with our key is closed');
	await fence(push, user, client);
	assert.ok(!client.closed && !push.closed);
	assert.equal(seen(user).length, 1);
	client.end(true);
	for (const file of broker.keyFiles) fs.writeFileSync(file, broker.key.pem);
	await broker.reload();
});

test('nobody but parley-push hears of it, says it or tells keys', async () => {
	const alice = newId();
	const client = await broker.connect(alice);
	assert.equal(await subscribe(client, IDENTITY), 0x87);
	assert.equal(await subscribe(client, 'parley/#'), 0x87);
	assert.equal(await subscribe(push, 'parley/#'), 0x80);
	const before = received(push, { topic: IDENTITY }).length;
	assert.equal(await publish(client, IDENTITY, `seen ${alice} ${alice}\n{}`), 0x87);
	assert.equal(await publish(client, CONTROL, 'keys 14\n\n{"issuers":[]}'), 0x87);
	const subject = newSubject();
	(await connect(subject, await token(subject))).end(true);
	await until(() => seen(userIdOf(ISSUER, subject)).length === 1, 'the true one');
	assert.equal(received(push, { topic: IDENTITY }).length, before + 1);
	client.end(true);
});

test('without parley-push, who has to be told, they wait; our own come in', async () => {
	const subject = newSubject();
	push.end(true);
	await until(() => push.closed, 'it is away');
	const password = await token(subject);
	await until(() => connect(subject, password).then((client) => client.end(true), ({ message }) => message === 'closed before CONNACK'),
		'turned away');
	(await broker.connect(newId())).end(true);
	push = await broker.connectPush();
	await subscribe(push, IDENTITY);
	await subscribe(push, 'users/+/commands/#');
	(await connect(subject, password)).end(true);
	await until(() => seen(userIdOf(ISSUER, subject)).length === 1, 'told');
});

test('who is not known when another parley-push begins to listen has to come again', async () => {
	const [known, unknown] = [newSubject(), newSubject()];
	const passwords = [await token(known, { sid: 'known' }), await token(unknown)];
	const clients = [await connect(known, passwords[0]), await connect(unknown, passwords[1])];
	const own = await broker.connect(newId());
	await publish(push, CONTROL, `known\n${sessionIdOf(ISSUER, known, 'sid', 'known')}\n\n`);
	push.end(true);
	push = await broker.connectPush();
	await subscribe(push, IDENTITY);
	assert.equal(clients[1].closed, undefined);
	await subscribe(push, 'users/+/commands/#');
	await until(() => clients[1].closed, 'closed');
	assert.ok(!clients[0].closed && !own.closed);
	(await connect(unknown, passwords[1])).end(true);
	await until(() => seen(userIdOf(ISSUER, unknown)).length === 1, 'told to the new one');
	const user = userIdOf(ISSUER, known);
	await subscribe(clients[0], `users/${user}/#`);
	await fence(push, user, clients[0]);
});
