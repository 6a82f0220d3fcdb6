// Registering, logging in, and what a token must be.
import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { api, handleOf, must, PASSWORD, register } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { raw } from './raw.mjs';

let stack, guest;
before(async () => {
	stack = await sharedStack();
	guest = api(stack);
});
after(() => stack?.stop());

const registration = (more = {}) => ({
	handle: handleOf('auth'),
	display_name: 'Someone',
	password: PASSWORD,
	...more,
});
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
const faultsOf = (answer) => answer.body.errors.map(({ field, code }) => `${field} ${code}`).sort();

describe('registering', () => {
	it('makes a person, signed in on a device', async () => {
		const sent = registration({
			email: `${randomUUID()}@example.org`,
			locale: 'de-CH',
			device: { id: randomUUID().toUpperCase(), name: 'Telephone', platform: 'android' },
		});
		const { user, session, ...rest } = must(await guest.post('auth/register', sent), 201);
		assert.equal(user.handle, sent.handle);
		assert.equal(user.email, sent.email);
		assert.equal(user.locale, 'de-CH');
		assert.deepEqual([user.avatar_url, user.bio, user.deleted, user.settings], [null, null, false, {}]);
		assert.deepEqual(session.device, { ...sent.device, id: sent.device.id.toLowerCase() });
		assert.equal(rest.expires_in, 900);
		const claims = claimsOf(rest.access_token);
		assert.deepEqual([claims.sub, claims.sid, claims.did], [user.id, session.id, session.device.id]);
		assert.equal(claims.exp - claims.iat, 900);
		assert.deepEqual(Object.keys(claims).sort(), ['aud', 'did', 'exp', 'iat', 'iss', 'jti', 'sid', 'sub']);
		assert.deepEqual(must(await api(stack, rest.access_token).get('users/me'), 200), user);
	});

	it('tells every bad field in one answer', async () => {
		const answer = await guest.post('auth/register', {
			handle: 'no spaces',
			display_name: '',
			password: 'short',
			email: 'nobody',
			locale: 'x',
			device: { id: 'x', name: 5 },
		});
		assert.equal(answer.status, 422);
		assert.deepEqual(faultsOf(answer), [
			'device.id bad_format',
			'device.name bad_type',
			'display_name too_short',
			'email bad_format',
			'handle bad_format',
			'locale bad_format',
			'password too_short',
		]);
	});

	it('tells every missing field in one answer', async () => {
		const answer = await guest.post('auth/register', {});
		assert.equal(answer.status, 422);
		assert.deepEqual(faultsOf(answer), ['display_name required', 'handle required', 'password required']);
	});

	const wrong = [
		[{ handle: 'ab' }, 'handle too_short'],
		[{ handle: 'a'.repeat(33) }, 'handle too_long'],
		[{ handle: 'ümlaut' }, 'handle bad_format'],
		[{ handle: 'a@b' }, 'handle bad_format'],
		[{ handle: 12345 }, 'handle bad_type'],
		[{ handle: null }, 'handle required'],
		[{ display_name: 'a'.repeat(65) }, 'display_name too_long'],
		[{ display_name: '👩‍👩‍👧'.repeat(13) }, 'display_name too_long'],
		[{ display_name: ' \u00a0\u200b' }, 'display_name bad_format'],
		[{ display_name: 'a\u202eb' }, 'display_name bad_format'],
		[{ display_name: 'a\nb' }, 'display_name bad_format'],
		[{ password: '1234567' }, 'password too_short'],
		[{ password: 'a'.repeat(257) }, 'password too_long'],
		[{ password: 'ü'.repeat(129) }, 'password too_long'],
		[{ email: 'a@b@c' }, 'email bad_format'],
		[{ email: 'a b@c' }, 'email bad_format'],
		[{ email: `a@${'b'.repeat(253)}` }, 'email too_long'],
		[{ locale: 'de_DE' }, 'locale bad_format'],
		[{ device: [] }, 'device bad_type'],
		[{ device: { name: 'x'.repeat(65) } }, 'device.name too_long'],
	];
	for (const [more, expected] of wrong)
		it(`refuses ${JSON.stringify(more).slice(0, 60)}`, async () => {
			const answer = await guest.post('auth/register', registration(more));
			assert.equal(answer.status, 422);
			assert.deepEqual(faultsOf(answer), [expected]);
		});

	const right = [
		{ handle: () => `A-_.9${handleOf('x')}`.slice(0, 32) },
		{ display_name: () => 'x' },
		{ display_name: () => '👩'.repeat(64) },
		{ display_name: () => 'Zoë "O\'Neil" \\ <b>مرحبا' },
		{ password: () => '8 bytes!' },
		{ password: () => 'ü'.repeat(128) },
		{ email: () => null, locale: () => null, device: () => null },
		{ device: () => ({ id: null, name: null, platform: null }) },
		{ nobody_knows_this: () => [1, 2] },
	];
	for (const more of right)
		it(`takes ${Object.entries(more).map(([key, value]) => `${key} ${String(value).slice(6, 40)}`)}`, async () => {
			const sent = registration(
				Object.fromEntries(Object.entries(more).map(([key, value]) => [key, value()])),
			);
			const { user } = must(await guest.post('auth/register', sent), 201);
			assert.equal(user.display_name, sent.display_name);
			assert.equal(user.handle, sent.handle);
			must(await guest.post('auth/login', { handle: sent.handle, password: sent.password }), 200);
		});

	it('gives a handle once, regardless of case', async () => {
		const handle = handleOf('Case');
		must(await guest.post('auth/register', registration({ handle })), 201);
		for (const other of [handle, handle.toUpperCase()]) {
			const answer = await guest.post('auth/register', registration({ handle: other }));
			assert.equal(answer.status, 409);
			assert.equal(answer.body.code, 'conflict');
			assert.deepEqual(faultsOf(answer), ['handle taken']);
		}
	});

	it('gives an e-mail address once, regardless of case', async () => {
		const email = `${randomUUID()}@example.org`;
		must(await guest.post('auth/register', registration({ email })), 201);
		const answer = await guest.post('auth/register', registration({ email: email.toUpperCase() }));
		assert.equal(answer.status, 409);
		assert.deepEqual(faultsOf(answer), ['email taken']);
	});

	it('gives a handle once to 20 who want it at the same moment', async () => {
		const handle = handleOf('race');
		const spelt = (i) => [...handle].map((c, n) => ((i >> n % 5) & 1 ? c.toUpperCase() : c)).join('');
		const answers = await Promise.all(
			Array.from({ length: 20 }, (_, i) => guest.post('auth/register', registration({ handle: spelt(i) }))),
		);
		assert.deepEqual(answers.map((answer) => answer.status).sort(), [201, ...Array(19).fill(409)]);
	});
});

describe('logging in', () => {
	it('takes the handle in any case, the address in any case, and either in one field', async () => {
		const email = `${randomUUID()}@Example.org`;
		const person = await register(stack, 'Login', { email });
		const ways = [
			{ handle: person.handle },
			{ handle: person.handle.toUpperCase() },
			{ email },
			{ email: email.toUpperCase() },
			{ handle: email },
		];
		for (const way of ways) {
			const body = must(await guest.post('auth/login', { ...way, password: PASSWORD }), 200);
			assert.deepEqual(body.user, person.user, JSON.stringify(way));
		}
	});

	it('makes a session each time, and keeps a device that has an id', async () => {
		const person = await register(stack, 'Devices');
		const device = { id: randomUUID(), name: 'Laptop', platform: 'web' };
		const login = (more) =>
			guest
				.post('auth/login', { handle: person.handle, password: PASSWORD, ...more })
				.then((answer) => must(answer, 200));
		const first = await login({ device });
		const second = await login({ device });
		const third = await login({});
		assert.equal(new Set([person, first, second, third].map(({ session }) => session.id)).size, 4);
		assert.equal(new Set([first, second, third].map(({ refresh_token }) => refresh_token)).size, 3);
		assert.deepEqual(first.session.device, device);
		assert.deepEqual(second.session.device, device);
		assert.notEqual(third.session.device.id, device.id);
		for (const { access_token } of [first, second, third])
			must(await api(stack, access_token).get('users/me'), 200);
	});

	it('answers an unknown user and a wrong password alike', async () => {
		const person = await register(stack, 'Alike');
		const tries = [
			{ handle: person.handle, password: `${PASSWORD}x` },
			{ handle: handleOf('nobody'), password: PASSWORD },
			{ email: `${randomUUID()}@example.org`, password: PASSWORD },
			{ handle: 'no handle at all', password: PASSWORD },
			{ handle: person.handle, password: 'x' },
			{ handle: person.handle, password: PASSWORD.toUpperCase() },
		];
		const shown = [];
		for (const sent of tries) {
			const {
				status,
				headers,
				body: { request_id, ...body },
			} = await guest.post('auth/login', sent);
			shown.push({ status, body, authenticate: headers.get('WWW-Authenticate') });
		}
		assert.equal(shown[0].status, 401);
		assert.equal(shown[0].body.code, 'unauthorized');
		for (const other of shown) assert.deepEqual(other, shown[0]);
	});

	it('takes as long for an unknown user as for a wrong password', async () => {
		const person = await register(stack, 'Timing');
		const took = async (handle) => {
			const begin = performance.now();
			await guest.post('auth/login', { handle, password: 'wrong password' });
			return performance.now() - begin;
		};
		// Whatever else the machine does only adds, so the least of many comes near the truth; more are taken where it has not yet.
		let [known, unknown] = [Infinity, Infinity];
		const alike = () => unknown > known * 0.6 && unknown < known * 1.7;
		for (let i = 0; i < 5 || (i < 60 && !alike()); i++) {
			known = Math.min(known, await took(person.handle));
			unknown = Math.min(unknown, await took(handleOf('nobody')));
		}
		assert.ok(alike(), `${unknown} ms and ${known} ms`);
	});

	const wrong = [
		[{}, ['handle required', 'password required']],
		[{ handle: 'x' }, ['password required']],
		[{ password: PASSWORD }, ['handle required']],
		[{ handle: 'abc', email: 'a@b', password: PASSWORD }, ['email not_allowed']],
		[{ handle: 7, password: false }, ['handle bad_type', 'password bad_type']],
		[{ handle: 'abc', password: 'x'.repeat(257) }, ['password too_long']],
		[{ handle: 'abc', password: PASSWORD, device: { id: '1' } }, ['device.id bad_format']],
	];
	for (const [sent, expected] of wrong)
		it(`refuses ${JSON.stringify(sent).slice(0, 70)}`, async () => {
			const answer = await guest.post('auth/login', sent);
			assert.equal(answer.status, 422);
			assert.deepEqual(faultsOf(answer), expected);
		});
});

describe('a token', () => {
	let person, key;
	before(async () => {
		person = await register(stack, 'Token');
		key = createPrivateKey(await readFile(join(stack.var, 'keys/token.key')));
	});

	const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const headOf = () => JSON.parse(Buffer.from(person.token.split('.')[0], 'base64url'));
	const signed = (claims, head = headOf(), by = key) => {
		const covered = `${encode(head)}.${encode(claims)}`;
		return `${covered}.${sign(null, Buffer.from(covered), by).toString('base64url')}`;
	};
	const ask = (token) => api(stack, token).get('users/me');

	it('signed by hand with the key is as good as one of the server: what follows fails for its fault alone', async () => {
		must(await ask(signed(claimsOf(person.token))), 200);
	});

	const bad = {
		'with another byte in its claims': () =>
			signed(claimsOf(person.token)).replace(
				/\.(.{20})(.)/,
				(all, before_, byte) => `.${before_}${byte === 'A' ? 'B' : 'A'}`,
			),
		'of another user under an old signature': () => {
			const [head, , signature] = person.token.split('.');
			return `${head}.${encode({ ...claimsOf(person.token), sub: randomUUID() })}.${signature}`;
		},
		'without a signature': () => person.token.split('.').slice(0, 2).join('.') + '.',
		'of two parts': () => person.token.split('.').slice(0, 2).join('.'),
		'of four parts': () => `${person.token}.x`,
		'with alg none': () => `${encode({ ...headOf(), alg: 'none' })}.${encode(claimsOf(person.token))}.`,
		'with alg None and a signature': () => signed(claimsOf(person.token), { ...headOf(), alg: 'None' }),
		'signed with the public key as a secret': () => {
			const covered = `${encode({ ...headOf(), alg: 'HS256' })}.${encode(claimsOf(person.token))}`;
			return `${covered}.${createHmac('sha256', headOf().kid).update(covered).digest('base64url')}`;
		},
		'of another key': () =>
			signed(claimsOf(person.token), headOf(), generateKeyPairSync('ed25519').privateKey),
		'of another key that brings itself along': () => {
			const pair = generateKeyPairSync('ed25519');
			return signed(
				claimsOf(person.token),
				{ ...headOf(), jwk: pair.publicKey.export({ format: 'jwk' }) },
				pair.privateKey,
			);
		},
		'with an unknown key id': () => signed(claimsOf(person.token), { ...headOf(), kid: 'x' }),
		'with a critical header': () => signed(claimsOf(person.token), { ...headOf(), crit: ['x'], x: 1 }),
		'of another issuer': () => signed({ ...claimsOf(person.token), iss: 'other' }),
		'for another audience': () => signed({ ...claimsOf(person.token), aud: 'other' }),
		'that is not valid yet': () =>
			signed({ ...claimsOf(person.token), nbf: Math.floor(Date.now() / 1000) + 600 }),
		'from the future': () => signed({ ...claimsOf(person.token), iat: Math.floor(Date.now() / 1000) + 600 }),
		'that never ends': () => signed({ ...claimsOf(person.token), exp: undefined }),
		'whose end is text': () => signed({ ...claimsOf(person.token), exp: '9999999999' }),
		'of nobody': () => signed({ ...claimsOf(person.token), sub: undefined }),
		'of a user that is no id': () => signed({ ...claimsOf(person.token), sub: 'alice' }),
		'of a user that does not exist': () => signed({ ...claimsOf(person.token), sub: randomUUID() }),
		'longer than any': () => `${person.token}${'A'.repeat(5000)}`,
		'that is the refresh token': () => person.refresh_token,
		'that is empty': () => '',
		'that is words': () => 'open sesame',
	};
	for (const [what, make] of Object.entries(bad))
		it(`${what} is refused`, async () => {
			const answer = await api(stack).get('users/me', { headers: { authorization: `Bearer ${make()}` } });
			assert.equal(answer.status, 401);
			assert.equal(answer.body.code, 'unauthorized');
		});

	it('that has expired is refused, with a code of its own', async () => {
		const now = Math.floor(Date.now() / 1000);
		const answer = await ask(signed({ ...claimsOf(person.token), iat: now - 901, exp: now - 1 }));
		assert.equal(answer.status, 401);
		assert.equal(answer.body.code, 'token_expired');
		assert.match(answer.headers.get('WWW-Authenticate'), /error="invalid_token"/);
	});

	it('that expires while it is used is refused from then on, by every worker', async () => {
		const end = Math.floor(Date.now() / 1000) + 2;
		const token = signed({ ...claimsOf(person.token), exp: end });
		const early = await Promise.all(Array.from({ length: 24 }, () => ask(token)));
		assert.ok(early.every((answer) => answer.status === 200));
		while (Date.now() < end * 1000) await ask(token);
		const late = await Promise.all(Array.from({ length: 24 }, () => ask(token)));
		assert.deepEqual([...new Set(late.map((answer) => answer.body.code))], ['token_expired']);
	});

	it('is looked for in no other scheme and nowhere else', async () => {
		for (const authorization of [
			`Basic ${person.token}`,
			`Token ${person.token}`,
			person.token,
			'Bearer',
			`Bearer${person.token}`,
			`Bearer: ${person.token}`,
		])
			assert.equal(
				(await api(stack).get('users/me', { headers: { authorization } })).status,
				401,
				authorization.slice(0, 12),
			);
		assert.equal((await api(stack).get(`users/me?access_token=${person.token}`)).status, 401);
		assert.equal(
			(await api(stack).get('users/me', { headers: { cookie: `access_token=${person.token}` } })).status,
			401,
		);
	});

	it('comes with a scheme in any case', async () => {
		must(await api(stack).get('users/me', { headers: { authorization: `bearer ${person.token}` } }), 200);
	});

	it('given twice is refused, whichever is good', async () => {
		const lines = (...tokens) => tokens.map((token) => `Authorization: Bearer ${token}`);
		assert.equal((await raw(stack, 'GET /api/v1/users/me HTTP/1.1', lines(person.token))).status, 200);
		for (const pair of [
			[person.token, person.token],
			[person.token, 'x'],
			['x', person.token],
		]) {
			const answer = await raw(stack, 'GET /api/v1/users/me HTTP/1.1', lines(...pair));
			assert.ok([400, 401].includes(answer.status), String(answer.status));
		}
	});
});
