// People who come with tokens of an identity provider: who is let in, as whom, and until when. Keys and tokens are made by
// npm jose, or by hand where it refuses.
import assert from 'node:assert/strict';
import { createHmac, randomUUID, sign as signBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import * as jose from 'jose';
import { api, directOf, handleOf, must, register, send } from '../lib/client.mjs';
import { newKey, sessionIdOf, sign, userIdOf } from '../lib/identity.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';
import { webhookHeaders } from '../lib/webhook.mjs';

const ISSUER = 'https://login.example.com/tenant';
const OTHER = 'https://other.example.com/';
const AUDIENCE = 'parley';
const MINUTE = 60;
const seconds = () => Math.floor(Date.now() / 1000);

let stack, keys, server;
// what the provider serves below /<name>/jwks.json
const served = { main: [], other: [] };

before(async () => {
	const made = await Promise.all(['RS256', 'ES256', 'EdDSA', 'ES256'].map((alg, i) => newKey(alg, `key-${alg}-${i}`)));
	keys = { RS256: made[0], ES256: made[1], EdDSA: made[2], other: made[3], stranger: await newKey('ES256', made[1].kid) };
	served.main = [keys.RS256, keys.ES256, keys.EdDSA];
	served.other = [keys.other];
	server = createServer((request, response) => {
		const list = served[request.url.split('/')[1]];
		response.writeHead(list ? 200 : 404, { 'content-type': 'application/json' });
		response.end(JSON.stringify({ keys: (list ?? []).map(({ jwk }) => jwk) }));
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const base = `http://127.0.0.1:${server.address().port}`;
	stack = await startStack({
		env: {
			PARLEY_IDP_ISSUER: `${ISSUER} ${OTHER}`,
			PARLEY_IDP_AUDIENCE: `${AUDIENCE} chat`,
			PARLEY_IDP_JWKS_URL: `${base}/main/jwks.json ${base}/other/jwks.json`,
		},
	});
	await waitFor(async () => (await stack.sql('select count(*) from identity_keys')) === '4', 10_000, 'the keys are fetched');
});
after(async () => {
	server?.close();
	await stack?.stop();
});

const newSubject = () => `auth0|${randomUUID()}`;
const claimsOf = (subject, more = {}) => ({ iss: ISSUER, aud: AUDIENCE, sub: subject, ...more });
const tokenOf = (subject, more = {}, key = keys.ES256, header = {}) => sign(key, claimsOf(subject, more), header);
const me = async (token) => api(stack, token).get('users/me');

/** A person who has been seen: { id, subject, token, api }. */
async function person(more = {}) {
	const subject = newSubject();
	const token = await tokenOf(subject, more);
	const user = must(await me(token), 200);
	return { id: user.id, subject, token, user, api: api(stack, token), stack };
}

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
/** Puts together what no library would: header and claims as they are, signed as the key's algorithm says. */
function handmade(key, header, claims) {
	const covered = `${encode(header)}.${encode(claims)}`;
	const signature =
		key.alg === 'EdDSA'
			? signBytes(null, Buffer.from(covered), key.privateKey)
			: signBytes('sha256', Buffer.from(covered), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
	return `${covered}.${signature.toString('base64url')}`;
}
/** On more connections at once than there are workers. */
const everywhere = (token, count = 24) => Promise.all(Array.from({ length: count }, () => me(token)));

describe('a token of the provider', () => {
	for (const alg of ['RS256', 'ES256', 'EdDSA'])
		it(`lets its user in: ${alg}`, async () => {
			const subject = newSubject();
			const user = must(await me(await tokenOf(subject, {}, keys[alg])), 200);
			assert.equal(user.id, userIdOf(ISSUER, subject));
			assert.match(user.handle, /^user-[0-9a-f]{24}$/);
			assert.equal(user.display_name, user.handle);
			assert.equal(user.email, null);
			assert.equal(user.avatar_url, null);
		});

	it('makes its user of what it says', async () => {
		const handle = handleOf('anna');
		const { user } = await person({
			preferred_username: handle,
			name: 'Anna "Ann" Änderung',
			email: `${handle}@example.com`,
			email_verified: true,
			picture: 'https://img.example/anna.png',
		});
		assert.equal(user.handle, handle);
		assert.equal(user.display_name, 'Anna "Ann" Änderung');
		assert.equal(user.email, `${handle}@example.com`);
		assert.equal(user.avatar_url, 'https://img.example/anna.png');
	});

	it('is of one of two issuers, each with an audience of its own', async () => {
		const subject = newSubject();
		const token = await sign(keys.other, { iss: OTHER, aud: ['x', 'chat'], sub: subject });
		const user = must(await me(token), 200);
		assert.equal(user.id, userIdOf(OTHER, subject));
		assert.notEqual(user.id, userIdOf(ISSUER, subject));
		for (const [key, iss, aud] of [
			[keys.other, OTHER, AUDIENCE],
			[keys.other, ISSUER, AUDIENCE],
			[keys.ES256, OTHER, 'chat'],
		])
			assert.equal((await me(await sign(key, { iss, aud, sub: subject }))).status, 401);
	});

	it('makes one user and one session when it comes twenty-four times at once', async () => {
		const subject = newSubject(), handle = handleOf('crowd');
		const token = await tokenOf(subject, { sid: 'one', preferred_username: handle, email: `${handle}@example.com` });
		for (const answer of await everywhere(token)) assert.equal(must(answer, 200).handle, handle);
		const id = userIdOf(ISSUER, subject);
		assert.equal(
			await stack.sql(`select (select count(*) from sessions where user_id = '${id}'), (select count(*) from devices where user_id = '${id}'),
				(select count(*) from identities where user_id = '${id}')`),
			'1|1|1',
		);
	});

	it('makes users of one handle at once: one has it, and nobody is refused', async () => {
		const handle = handleOf('same');
		const tokens = await Promise.all(Array.from({ length: 8 }, () => tokenOf(newSubject(), { preferred_username: handle, email: `${handle}@example.com` })));
		const users = (await Promise.all(tokens.map(me))).map((answer) => must(answer, 200));
		assert.equal(users.filter((user) => user.handle === handle).length, 1);
		assert.equal(users.filter((user) => /^user-/.test(user.handle)).length, 7);
		assert.equal(users.filter((user) => user.email).length, 1);
	});

	it('is never somebody who is here already', async () => {
		const email = `${handleOf('local')}@example.com`;
		const local = await register(stack, 'Local', { email });
		const { user } = await person({ preferred_username: local.handle.toUpperCase(), email: email.toUpperCase(), email_verified: true });
		assert.notEqual(user.id, local.id);
		assert.match(user.handle, /^user-/);
		assert.equal(user.email, null);
		assert.equal(must(await local.api.get('users/me'), 200).handle, local.handle);
		// nor by an id that it claims
		const token = await tokenOf(local.id);
		assert.notEqual(must(await me(token), 200).id, local.id);
	});

	it('of which not all can be: what cannot is left out', async () => {
		const { user } = await person({ preferred_username: 'a b', name: ' \u202e\n ', email: 'nobody', picture: 'javascript:alert(1)' });
		assert.match(user.handle, /^user-/);
		assert.equal(user.display_name, user.handle);
		assert.equal(user.email, null);
		assert.equal(user.avatar_url, null);
		const unverified = await person({ email: `${randomUUID()}@example.com`, email_verified: false });
		assert.equal(unverified.user.email, null);
	});

	it('does not take back what its user has changed here', async () => {
		const ann = await person({ sid: 's', name: 'Ann' });
		must(await ann.api.patch('users/me', { display_name: 'Annie' }), 200);
		const later = await tokenOf(ann.subject, { sid: 's', name: 'Ann', exp: seconds() + 2 * MINUTE });
		assert.equal(must(await me(later), 200).display_name, 'Annie');
	});

	it('is as good as one of ours: conversations, messages, and what one is signed in with', async () => {
		const ann = await person({ sid: 'phone', name: 'Ann' });
		const ben = await register(stack, 'Ben');
		const room = await directOf(ben, ann);
		await send(ann, room, 'Hello');
		assert.equal(must(await ben.api.get(`conversations/${room.id}/messages`), 200).data[0].sender_id, ann.id);
		const sessions = must(await ann.api.get('sessions'), 200).data;
		assert.deepEqual(sessions.map(({ id, current }) => ({ id, current })), [
			{ id: sessionIdOf(ISSUER, ann.subject, 'sid', 'phone'), current: true },
		]);
		const devices = must(await ann.api.get('devices'), 200).data;
		assert.deepEqual(devices.map(({ current }) => current), [true]);
	});

	it('needs no sid: tokens without one are a session each, on one device', async () => {
		const ann = await person({ jti: randomUUID() });
		const other = await tokenOf(ann.subject, { jti: randomUUID() });
		const third = await tokenOf(ann.subject);
		for (const token of [other, third]) must(await me(token), 200);
		assert.equal(must(await ann.api.get('sessions'), 200).data.length, 3);
		assert.equal(must(await ann.api.get('devices'), 200).data.length, 1);
		must(await api(stack, other).post('auth/logout'), 204);
		assert.equal((await me(other)).status, 401);
		for (const token of [ann.token, third]) assert.equal((await me(token)).status, 200);
	});

	it('may be spelled as providers do: escapes, fractions, lists, types, many roles', async () => {
		const subject = newSubject();
		const head = { alg: 'ES256', kid: keys.ES256.kid };
		const escaped = JSON.stringify(claimsOf(subject, { exp: seconds() + 600.5, iat: seconds() - 0.25 })).replaceAll('/', '\\/');
		for (const [header, claims] of [
			[{ ...head, typ: 'at+jwt' }, claimsOf(subject, { exp: seconds() + 600 })],
			[{ ...head, typ: 'JWT' }, claimsOf(subject, { exp: seconds() + 601, aud: ['account', AUDIENCE] })],
			[{ ...head, x5t: 'abc', cat: 'cl_x' }, escaped.replace('parley', '\\u0070arley')],
			[head, claimsOf(subject, { exp: seconds() + 602, iat: seconds() + 50, nbf: seconds() + 50 })],
			[head, claimsOf(subject, { exp: seconds() + 603, resource_access: { account: { roles: Array(200).fill('a-long-role-name') } } })],
		]) {
			const token = handmade(keys.ES256, header, claims);
			assert.equal(must(await me(token), 200).id, userIdOf(ISSUER, subject));
		}
	});
});

describe('a token that is refused', () => {
	const head = (key = keys.ES256) => ({ alg: key.alg, kid: key.kid, typ: 'JWT' });
	const good = (more = {}) => claimsOf('the subject', { exp: seconds() + 600, iat: seconds(), ...more });
	const without = (name) => {
		const { [name]: gone, ...rest } = good();
		return rest;
	};
	const pem = (key) => key.publicKey.export({ type: 'spki', format: 'pem' });
	const hmac = (header, secret) => {
		const covered = `${encode(header)}.${encode(good())}`;
		return `${covered}.${createHmac('sha256', secret).update(covered).digest('base64url')}`;
	};
	const CASES = {
		'alg none': () => new jose.UnsecuredJWT(good()).encode(),
		'alg none with a kid, and no signature': () => `${encode({ ...head(), alg: 'none' })}.${encode(good())}.`,
		'alg none with the signature of a good one': () => `${encode({ ...head(), alg: 'none' })}.${encode(good())}.${handmade(keys.ES256, head(), good()).split('.')[2]}`,
		'HS256 by the PEM of the public key': () => hmac({ alg: 'HS256', kid: keys.RS256.kid }, pem(keys.RS256)),
		'HS256 by the modulus': () => hmac({ alg: 'HS256', kid: keys.RS256.kid }, Buffer.from(keys.RS256.jwk.n, 'base64url')),
		'HS256 by the JWK': () => hmac({ alg: 'HS256', kid: keys.RS256.kid }, JSON.stringify(keys.RS256.jwk)),
		'an HMAC that says RS256': () => hmac({ alg: 'RS256', kid: keys.RS256.kid }, pem(keys.RS256)),
		'RS256 said of an EC key': () => handmade(keys.ES256, { ...head(), alg: 'RS256' }, good()),
		'ES256 said of an RSA key': () => handmade(keys.ES256, { ...head(), kid: keys.RS256.kid }, good()),
		'PS256': () => handmade(keys.RS256, { ...head(keys.RS256), alg: 'PS256' }, good()),
		'another key of the same issuer': () => handmade(keys.ES256, head(keys.EdDSA), good()),
		'a key of nobody under a known kid': () => handmade(keys.stranger, head(), good()),
		'no kid': () => handmade(keys.ES256, { alg: 'ES256', typ: 'JWT' }, good()),
		'an unknown kid': () => handmade(keys.ES256, { ...head(), kid: 'unknown' }, good()),
		"another issuer's kid": () => handmade(keys.other, head(keys.other), good()),
		'a jwk in the header': () => handmade(keys.stranger, { alg: 'ES256', jwk: keys.stranger.jwk }, good()),
		'a jwk and a known kid in the header': () => handmade(keys.ES256, { ...head(), jwk: keys.ES256.jwk }, good()),
		jku: () => handmade(keys.ES256, { ...head(), jku: 'https://evil.example/jwks.json' }, good()),
		x5u: () => handmade(keys.ES256, { ...head(), x5u: 'https://evil.example/x.pem' }, good()),
		x5c: () => handmade(keys.ES256, { ...head(), x5c: ['MIIC'] }, good()),
		crit: () => handmade(keys.ES256, { ...head(), crit: ['exp'] }, good()),
		b64: () => handmade(keys.ES256, { ...head(), crit: ['b64'], b64: false }, good()),
		'typ of something else': () => handmade(keys.ES256, { ...head(), typ: 'logout+jwt' }, good()),
		'more than 8192 bytes': () => handmade(keys.ES256, head(), good({ roles: Array(700).fill('abcdefgh') })),
		'no exp': () => handmade(keys.ES256, head(), without('exp')),
		'exp as a text': () => handmade(keys.ES256, head(), good({ exp: String(seconds() + 600) })),
		'no iss': () => handmade(keys.ES256, head(), without('iss')),
		'another iss': () => handmade(keys.ES256, head(), good({ iss: `${ISSUER}/` })),
		'our own iss': () => handmade(keys.ES256, head(), good({ iss: 'parley' })),
		'no aud': () => handmade(keys.ES256, head(), without('aud')),
		'another aud': () => handmade(keys.ES256, head(), good({ aud: 'somebody else' })),
		'a list of other auds': () => handmade(keys.ES256, head(), good({ aud: ['chat', 'account'] })),
		'an empty list of auds': () => handmade(keys.ES256, head(), good({ aud: [] })),
		'no sub': () => handmade(keys.ES256, head(), without('sub')),
		'an empty sub': () => handmade(keys.ES256, head(), good({ sub: '' })),
		'a sub of 256 bytes': () => handmade(keys.ES256, head(), good({ sub: 'x'.repeat(256) })),
		'a sub with a NUL': () => handmade(keys.ES256, head(), good({ sub: 'a\0b' })),
		'nbf in two minutes': () => handmade(keys.ES256, head(), good({ nbf: seconds() + 2 * MINUTE })),
		'iat in two minutes': () => handmade(keys.ES256, head(), good({ iat: seconds() + 2 * MINUTE })),
		'a claim twice': () => handmade(keys.ES256, head(), JSON.stringify(good()).replace('}', ',"sub":"root"}')),
		'a header twice': () => handmade(keys.ES256, JSON.stringify(head()).replace('}', ',"alg":"ES256"}'), good()),
		'claims that are no object': () => handmade(keys.ES256, head(), JSON.stringify([good()])),
		'claims that are no JSON': () => handmade(keys.ES256, head(), 'sub=root'),
		'claims nested too deep': () => handmade(keys.ES256, head(), good({ x: Array.from({ length: 12 }).reduce((inner) => [inner], 1) })),
		'a changed claim': async () => {
			const parts = (await tokenOf('the subject')).split('.');
			return `${parts[0]}.${encode({ ...good(), sub: 'root' })}.${parts[2]}`;
		},
		'a signature cut short': () => handmade(keys.ES256, head(), good()).slice(0, -2),
		'a signature in DER': () => {
			const covered = `${encode(head())}.${encode(good())}`;
			return `${covered}.${signBytes('sha256', Buffer.from(covered), keys.ES256.privateKey).toString('base64url')}`;
		},
		'a fourth part': () => `${handmade(keys.ES256, head(), good())}.AAAA`,
		'two parts': () => handmade(keys.ES256, head(), good()).split('.').slice(0, 2).join('.'),
		'padding': () => handmade(keys.ES256, head(), good()).replace('.', '=.'),
	};
	it('tells nobody why, but the log', async () => {
		for (const [what, why] of [
			['another iss', 'its iss is none of idp_issuer'],
			['another aud', 'its aud is not that of idp_audience'],
			['no kid', 'its header has no kid, or another alg or typ'],
			['an unknown kid', 'its kid is not known: the keys are asked for'],
			['no exp', 'it has no exp'],
			['two parts', 'it is no signed JWT, or too long'],
			['a key of nobody under a known kid', 'its signature is wrong'],
		]) {
			const id = `refused-${randomUUID()}`;
			const answer = await api(stack, await CASES[what]()).get('users/me', { headers: { 'X-Request-Id': id } });
			assert.ok(!answer.text.includes(why));
			const line = await waitFor(async () => (await stack.logs()).rest.split('\n').find((one) => one.includes(id)), 5_000, 'its line');
			assert.equal(JSON.parse(line).refused, why);
		}
	});

	for (const [what, make] of Object.entries(CASES))
		it(`has ${what}`, async () => {
			const answer = await me(await make());
			assert.equal(answer.status, 401, answer.text);
			assert.equal(answer.body.code, 'unauthorized');
		});

	it('has expired, which alone is told', async () => {
		for (const exp of [seconds() - 1, seconds() - 3600, 1]) {
			const answer = await me(handmade(keys.ES256, head(), good({ exp })));
			assert.equal(answer.status, 401);
			assert.equal(answer.body.code, 'token_expired');
		}
		const forged = await me(handmade(keys.stranger, head(), good({ exp: seconds() - 1 })));
		assert.equal(forged.body.code, 'unauthorized');
	});

	it('makes nobody', async () => {
		const ids = ['the subject', 'root', '', 'x'.repeat(256)].map((subject) => `'${userIdOf(ISSUER, subject)}'`);
		assert.equal(await stack.sql(`select count(*) from users where id in (${ids.join()})`), '0');
	});
});

describe('what is ended stays ended', () => {
	it('logging out: the token, and all of its session, on every worker', async () => {
		const ann = await person({ sid: 'a' });
		const same = await tokenOf(ann.subject, { sid: 'a', exp: seconds() + 700 });
		const other = await tokenOf(ann.subject, { sid: 'b' });
		for (const token of [same, other]) must(await me(token), 200);
		await everywhere(ann.token);
		must(await ann.api.post('auth/logout'), 204);
		const later = await tokenOf(ann.subject, { sid: 'a', exp: seconds() + 800 });
		for (const token of [ann.token, same, later])
			for (const answer of await everywhere(token)) assert.equal(answer.status, 401);
		assert.equal((await me(other)).status, 200);
		assert.equal((await ann.api.post('auth/logout')).status, 401);
	});

	it('and costs no write, however often it comes again', async () => {
		const ann = await person({ sid: 'a' });
		must(await ann.api.post('auth/logout'), 204);
		// a row that an upsert has looked at bears the mark of its transaction
		const marks = () => stack.sql(`select s.xmin, s.xmax, d.xmin, d.xmax from sessions s join devices d using (user_id) where user_id = '${ann.id}'`);
		const before = await marks();
		const later = await tokenOf(ann.subject, { sid: 'a', exp: seconds() + 800 });
		for (const answer of await everywhere(later)) assert.equal(answer.status, 401);
		assert.equal(await marks(), before);
	});

	it('until all that is long over goes, whoever comes', async () => {
		const ann = await person({ sid: 'a' });
		must(await ann.api.post('auth/logout'), 204);
		await stack.sql(`update sessions set revoked_at = '2020-01-01', refresh_expires_at = '2020-01-01' where user_id = '${ann.id}'`);
		const ben = await person({ sid: 'a' });
		must(await ben.api.post('auth/logout'), 204);
		await stack.sql(`update sessions set revoked_at = '2020-01-01' where user_id = '${ben.id}'`);
		await person();
		const left = (one) => stack.sql(`select count(*) from sessions where user_id = '${one.id}'`);
		assert.equal(await left(ann), '0');
		assert.equal(await left(ben), '1', 'a token may still be good');
	});

	it('a session that another one ends', async () => {
		const ann = await person({ sid: 'a' });
		const other = await tokenOf(ann.subject, { sid: 'b' });
		const sessions = must(await api(stack, other).get('sessions'), 200).data;
		assert.equal(sessions.length, 2);
		const mine = sessions.find((session) => !session.current);
		must(await api(stack, other).delete(`sessions/${mine.id}`), 204);
		for (const answer of await everywhere(ann.token)) assert.equal(answer.status, 401);
		assert.equal((await me(other)).status, 200);
		const stranger = await person();
		assert.equal((await stranger.api.delete(`sessions/${mine.id}`)).status, 404);
	});

	it('a device, with all that is signed in on it', async () => {
		const ann = await person({ jti: randomUUID() });
		const [device] = must(await ann.api.get('devices'), 200).data;
		const named = await tokenOf(ann.subject, { sid: 'b' });
		must(await api(stack, named).delete(`devices/${device.id}`), 204);
		assert.equal((await me(ann.token)).status, 401);
		assert.equal((await me(named)).status, 200);
	});

	it('an account that is erased: no token of its subject makes another', async () => {
		const ann = await person({ sid: 'a', name: 'Ann' });
		const other = await tokenOf(ann.subject, { sid: 'b' });
		must(await me(other), 200);
		must(await ann.api.delete('users/me'), 204);
		const fresh = await tokenOf(ann.subject, { sid: 'c', exp: seconds() + 900 });
		for (const token of [ann.token, other, fresh])
			for (const answer of await everywhere(token)) assert.equal(answer.status, 401);
		const ben = await register(stack, 'Ben');
		assert.equal(must(await ben.api.get(`users/${ann.id}`), 200).deleted, true);
		assert.equal(await stack.sql(`select subject from identities where user_id = '${ann.id}'`), '');
	});

	it('an account that the provider tells is gone', async () => {
		const ann = await person();
		const text = JSON.stringify({ type: 'user.deleted', data: { id: ann.subject, deleted: true } });
		const answer = await api(stack).call('POST', '/api/v1/webhooks/identity', undefined, { headers: webhookHeaders(text), body: text });
		assert.equal(must(answer, 200).outcome, 'deleted');
		for (const token of [ann.token, await tokenOf(ann.subject)])
			for (const seen of await everywhere(token)) assert.equal(seen.status, 401);
	});

	it('an account that is shut, until it is opened', async () => {
		const ann = await person({ sid: 'a' });
		assert.equal(await stack.sql(`select user_disable('${ann.id}', gen_random_uuid())`), 't');
		const fresh = () => tokenOf(ann.subject, { sid: randomUUID() });
		for (const token of [ann.token, await fresh()])
			for (const answer of await everywhere(token)) assert.equal(answer.status, 401);
		assert.equal(await stack.sql(`select user_enable('${ann.id}', gen_random_uuid())`), 't');
		assert.equal(must(await me(await fresh()), 200).id, ann.id);
	});

	it('a session of another user is not taken over', async () => {
		const ann = await person({ sid: 'shared' });
		const ben = await person({ sid: 'shared' });
		must(await ben.api.post('auth/logout'), 204);
		assert.equal((await me(ann.token)).status, 200);
	});
});

describe('a password', () => {
	it('is none that could be changed, and none to log in by', async () => {
		const ann = await person({ preferred_username: handleOf('nopass') });
		const answer = await ann.api.post('auth/password', { current: 'whatever it may be', new: 'another one that is long' });
		assert.equal(answer.status, 409);
		assert.equal(answer.body.code, 'conflict');
		for (const password of ['whatever it may be', 'null'])
			assert.equal((await api(stack).post('auth/login', { handle: ann.user.handle, password })).status, 401);
	});
});

describe('keys that change', () => {
	it('are asked for once, whatever a flood of tokens names, and found by who tries again', async () => {
		await stack.sql(`update identity_wanted set asked_at = now() - interval '2 minutes', taken_at = now() - interval '1 minute'`);
		const next = await newKey('ES256', `next-${randomUUID()}`);
		const subject = newSubject();
		const token = await tokenOf(subject, {}, next);
		served.main = [next, keys.RS256, keys.ES256, keys.EdDSA];
		assert.equal((await me(token)).status, 401);
		await waitFor(async () => (await me(token)).status === 200, 5000, 'the new key is known');
		assert.equal(must(await me(token), 200).id, userIdOf(ISSUER, subject));

		// nobody asks again within the minute
		const asked = () => stack.sql(`select asked_at from identity_wanted where issuer = '${ISSUER}'`);
		const before = await asked();
		const flood = await Promise.all(
			Array.from({ length: 200 }, (_, i) => tokenOf(newSubject(), {}, { ...keys.stranger, kid: `flood-${i}` })),
		);
		for (const answer of await Promise.all(flood.map(me))) assert.equal(answer.status, 401);
		assert.equal(await asked(), before);
		// and those who are known are not held up
		assert.equal((await me(token)).status, 200);
	});

	it('are withdrawn: what was taken before is refused, too', async () => {
		const subject = newSubject();
		const token = await tokenOf(subject, {}, keys.EdDSA);
		const other = await tokenOf(newSubject(), {}, keys.RS256);
		for (const kept of [token, other]) for (const answer of await everywhere(kept)) must(answer, 200);
		served.main = served.main.filter((key) => key !== keys.EdDSA);
		await stack.sql(`update identity_wanted set asked_at = now() - interval '2 minutes', taken_at = now() - interval '1 minute'`);
		const unknown = await tokenOf(subject, {}, { ...keys.stranger, kid: 'unknown' });
		// each worker looks when a token names a key that it does not know
		await waitFor(async () => {
			await everywhere(unknown);
			return (await everywhere(token)).every((answer) => answer.status === 401);
		}, 10_000, 'the key that is gone is no good any more');
		for (const answer of await everywhere(other)) must(answer, 200);
	});

	it('are asked for of the issuer alone whose token it is', async () => {
		await stack.sql('delete from identity_wanted');
		assert.equal((await me(await sign({ ...keys.stranger, kid: 'unknown' }, { iss: OTHER, aud: 'chat', sub: 'x' }))).status, 401);
		await waitFor(async () => (await stack.sql('select issuer from identity_wanted where asked_at is not null')) === OTHER, 3000, 'it was asked for');
		assert.equal((await me(await sign({ ...keys.stranger, kid: 'unknown' }, { iss: 'https://nobody.example', aud: 'chat', sub: 'x' }))).status, 401);
		assert.equal(await stack.sql('select count(*) from identity_wanted where asked_at is not null'), '1');
	});
});
