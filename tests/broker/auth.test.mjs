// Who may connect to the broker.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, test } from 'node:test';
import { Broker, Key, claimsOf, fence, newId, received, seconds, subscribe, until } from './broker.mjs';

let broker;
const alice = newId();
const bob = newId();

before(async () => { broker = await Broker.start(); });
after(() => broker.stop());

const listeners = [
	{ name: 'MQTT 3.1.1 over TCP', version: 4, ws: false },
	{ name: 'MQTT 5 over TCP', version: 5, ws: false },
	{ name: 'MQTT 3.1.1 over WebSocket', version: 4, ws: true },
	{ name: 'MQTT 5 over WebSocket', version: 5, ws: true },
];

for (const { name, version, ws } of listeners) {
	test(`a user connects with the access token: ${name}`, async () => {
		const client = await broker.connect(alice, { version, ws });
		assert.equal(await subscribe(client, `users/${alice}/#`), 1);
		client.end(true);
	});

	test(`a refused login gets a CONNACK that says so: ${name}`, async () => {
		const refused = version === 5 ? 135 : 5;
		await assert.rejects(broker.connect(alice, { version, ws, token: 'none' }), { code: refused });
	});
}

const accepted = [
	{ name: 'an audience that is a list with ours in it', token: () => broker.token(alice, { aud: ['other', 'parley'] }) },
	{ name: 'claims that we do not know', token: () => broker.token(alice, { scope: 'all', n: [1, { a: null }] }) },
	{ name: 'a header member that we do not know', token: () => broker.key.token(alice, {}, { jku: 'https://evil.test' }) },
	{ name: 'a clock that is half a minute ahead', token: () => broker.token(alice, { iat: seconds() + 30 }) },
	{ name: 'a device of 64 characters', device: 'aZ09._-'.padEnd(64, 'x') },
	{ name: 'a device of one character', device: '0' },
];

for (const { name, token, device } of accepted) {
	test(`accepted: ${name}`, async () => {
		const client = await broker.connect(alice, { token: token?.(), device });
		client.end(true);
	});
}

const strange = new Key();
const hmac = (header, claims, secret) => {
	const covered = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
	return `${covered}.${crypto.createHmac('sha256', secret).update(covered).digest('base64url')}`;
};
const unsigned = (alg) => `${[{ alg, typ: 'at+jwt', kid: broker.key.kid }, claimsOf(alice)]
	.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
const without = (name) => { const claims = claimsOf(alice); delete claims[name]; return broker.key.sign(broker.key.header(), claims); };
const spoilt = (part) => {
	const parts = broker.token(alice).split('.');
	const middle = parts[part].length >> 1;
	parts[part] = parts[part].slice(0, middle) + (parts[part][middle] === 'A' ? 'B' : 'A') + parts[part].slice(middle + 1);
	return parts.join('.');
};

// Each with a good login but for one thing.
const refused = [
	{ name: 'no token', options: () => ({ password: undefined }) },
	{ name: 'an empty token', options: () => ({ password: '' }) },
	{ name: 'no user name and no password', options: () => ({ username: undefined, password: undefined }) },
	{ name: 'no user name', options: () => ({ username: undefined }) },
	{ name: 'alg none', options: () => ({ password: unsigned('none') }) },
	{ name: 'alg nOnE', options: () => ({ password: unsigned('nOnE') }) },
	{ name: 'HS256 with the public key as its secret', options: () => ({
		password: hmac({ alg: 'HS256', typ: 'at+jwt', kid: broker.key.kid }, claimsOf(alice), broker.key.pem) }) },
	{ name: 'HS256 signed as EdDSA', options: () => ({ password: hmac(broker.key.header(), claimsOf(alice), broker.key.pem) }) },
	{ name: 'a key that nobody knows', options: () => ({ password: strange.token(alice) }) },
	{ name: 'a foreign key under our name', options: () => ({ password: strange.token(alice, {}, { kid: broker.key.kid }) }) },
	{ name: 'no kid', options: () => ({ password: broker.key.token(alice, {}, { kid: undefined }) }) },
	{ name: 'crit', options: () => ({ password: broker.key.token(alice, {}, { crit: ['b64'], b64: false }) }) },
	{ name: 'an identity token', options: () => ({ password: broker.key.token(alice, {}, { typ: 'JWT' }) }) },
	{ name: 'expired', options: () => ({ password: broker.token(alice, { exp: seconds() - 1 }) }) },
	{ name: 'expires as it is looked at', options: () => ({ password: broker.token(alice, { exp: seconds() }) }) },
	{ name: 'issued in the future', options: () => ({ password: broker.token(alice, { iat: seconds() + 120 }) }) },
	{ name: 'not valid yet', options: () => ({ password: broker.token(alice, { nbf: seconds() + 120 }) }) },
	{ name: 'another issuer', options: () => ({ password: broker.token(alice, { iss: 'https://other.test' }) }) },
	{ name: 'another audience', options: () => ({ password: broker.token(alice, { aud: 'other' }) }) },
	{ name: 'a list of other audiences', options: () => ({ password: broker.token(alice, { aud: ['other', 'parleys'] }) }) },
	{ name: 'a fraction as exp', options: () => ({ password: broker.token(alice, { exp: seconds() + 900.5 }) }) },
	{ name: 'a string as exp', options: () => ({ password: broker.token(alice, { exp: `${seconds() + 900}` }) }) },
	...['iss', 'aud', 'sub', 'exp', 'iat', 'jti', 'sid', 'did'].map((name) => (
		{ name: `no ${name}`, options: () => ({ password: without(name) }) })),
	{ name: 'a changed header', options: () => ({ password: spoilt(0) }) },
	{ name: 'changed claims', options: () => ({ password: spoilt(1) }) },
	{ name: 'a changed signature', options: () => ({ password: spoilt(2) }) },
	{ name: 'two parts', options: () => ({ password: broker.token(alice).split('.').slice(0, 2).join('.') }) },
	{ name: 'four parts', options: () => ({ password: `${broker.token(alice)}.e30` }) },
	{ name: 'padding', options: () => ({ password: `${broker.token(alice)}==` }) },
	{ name: 'a blank after it', options: () => ({ password: `${broker.token(alice)} ` }) },
	{ name: 'a token of 64 kB', options: () => ({ password: 'a'.repeat(65535) }) },
	{ name: '64 kB of dots', options: () => ({ password: '.'.repeat(65535) }) },
	{ name: 'bytes that are no text', options: () => ({ password: crypto.randomBytes(512) }) },
	{ name: 'a token of another user', options: () => ({ password: broker.token(bob) }) },
	{ name: 'another user as name', options: () => ({ username: bob }) },
	{ name: 'another user as name and in the client id', options: () => ({ username: bob, clientId: `${bob}/phone` }) },
	{ name: 'the client id of another user', options: () => ({ clientId: `${bob}/phone` }) },
	{ name: 'a user name in capitals', options: () => ({ username: alice.toUpperCase() }) },
	{ name: 'a client id in capitals', options: () => ({ clientId: `${alice.toUpperCase()}/phone` }) },
	{ name: 'a user name that is no id', options: () => ({ username: 'alice' }) },
	{ name: 'a user name of 60 kB', options: () => ({ username: 'a'.repeat(60000) }) },
	{ name: 'a client id without device', options: () => ({ clientId: alice }) },
	{ name: 'an empty device', options: () => ({ clientId: `${alice}/` }) },
	{ name: 'a device of 65 characters', options: () => ({ clientId: `${alice}/${'x'.repeat(65)}` }) },
	...['+', '#', '/', 'a b', 'ü', 'a/b', '$'].map((device) => (
		{ name: `the device ${device}`, options: () => ({ clientId: `${alice}/${device}` }) })),
	{ name: 'MQTT 3.1.1 without keep-alive', options: () => ({ protocolVersion: 4, keepalive: 0 }) },
	{ name: 'MQTT 3.1.1 with a keep-alive above 60 s', options: () => ({ protocolVersion: 4, keepalive: 61 }) },
	{ name: 'no client id', options: () => ({ clientId: '' }) },
	{ name: 'enhanced authentication', options: () => ({ properties: { authenticationMethod: 'token' } }) },
	{ name: 'the name of parley-push with a token', options: () => ({ username: 'parley-push', clientId: 'parley-push/1' }) },
	{ name: 'the secret of parley-push as a user', options: () => ({ password: broker.secret }) },
];

for (const { name, options } of refused) {
	test(`refused: ${name}`, async () => {
		await assert.rejects(broker.connectAs({ url: `mqtt://127.0.0.1:${broker.port}`, clientId: `${alice}/phone`,
			username: alice, password: broker.token(alice), protocolVersion: 5, ...options() }));
		assert.ok(broker.alive, broker.log);
	});
}

const refusedPush = [
	{ name: 'a wrong secret', options: () => ({ password: `${'0'.repeat(broker.secret.length)}` }) },
	{ name: 'the beginning of the secret', options: () => ({ password: broker.secret.slice(0, -1) }) },
	{ name: 'the secret and more', options: () => ({ password: `${broker.secret}0` }) },
	{ name: 'the second line of the file', options: () => ({ password: 'second line' }) },
	{ name: 'both lines of the file', options: () => ({ password: `${broker.secret}\nsecond line` }) },
	{ name: 'no secret', options: () => ({ password: undefined }) },
	{ name: 'an empty secret', options: () => ({ password: '' }) },
	{ name: 'another client id', options: () => ({ clientId: 'parley-pushy' }) },
	{ name: 'the client id of a user', options: () => ({ clientId: `${alice}/phone` }) },
	{ name: 'another name', options: () => ({ username: 'parley-rest' }) },
];

for (const { name, options } of refusedPush) {
	test(`parley-push is refused with ${name}`, () => assert.rejects(broker.connectPush(options())));
}

test('a keep-alive of 60 s is accepted, and MQTT 5 is told to use no longer one', async () => {
	const older = await broker.connect(alice, { version: 4, keepalive: 60 });
	for (const keepalive of [0, 61, 65535]) {
		const client = await broker.connect(alice, { version: 5, keepalive });
		assert.equal(client.connack.properties.serverKeepAlive, 60);
		client.end(true);
	}
	older.end(true);
});

test('what is refused says why in the log, once a second at most', async () => {
	await Promise.allSettled(Array.from({ length: 50 }, () => broker.connect(alice, { token: broker.token(bob) })));
	await until(() => /"last_reason":"token is another user's"/.test(broker.log), 'the log tells');
	const lines = broker.log.split('\n').filter((line) => line.includes('logins refused'));
	assert.ok(lines.length < 50, `${lines.length} lines`);
	assert.ok(!broker.log.includes(broker.token(bob).slice(0, 40)), 'no token is logged');
});

test('a refused login does not disturb the connection that has the client id', async () => {
	const push = await broker.connectPush();
	const client = await broker.connect(alice, { device: 'phone' });
	await subscribe(client, `users/${alice}/#`);
	await assert.rejects(broker.connect(alice, { device: 'phone', token: broker.token(bob) }));
	await fence(push, alice, client);
	assert.ok(!client.closed);
	assert.equal(received(client, { topic: `users/${alice}/messages` }).length, 1);
	client.end(true);
	push.end(true);
});
