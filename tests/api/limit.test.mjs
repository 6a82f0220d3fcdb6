// Rate limits, and settings other than the defaults: on a stack of its own.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { api, handleOf, must, PASSWORD } from '../lib/client.mjs';
import { newKey, sign } from '../lib/identity.mjs';
import { service } from '../lib/operator.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';
import { raw } from './raw.mjs';

// a tenth of the quotas: register 3, login 3, guess 1, account 6, refresh 60, read 120, write 60, send 30, upload 6, keys 30 in 60 s; reset 3, reset-email 1,
// prekeys 6 in an hour
const SCALE = 0.1;
const ISSUER = 'https://login.example.com/';
let stack,
	address = 2;
before(async () => {
	stack = await startStack({
		env: {
			PARLEY_RATE_SCALE: String(SCALE),
			PARLEY_GROUP_MAX_MEMBERS: '3',
			PARLEY_CONTACTS_MAX: '2',
			PARLEY_BLOCKS_MAX: '2',
			PARLEY_BODY_MAX_BYTES: '20',
			PARLEY_CIPHERTEXT_MAX_BYTES: '10',
			PARLEY_METADATA_MAX_BYTES: '30',
			PARLEY_TOKEN_TTL_S: '61',
			PARLEY_IDP_ISSUER: ISSUER,
			PARLEY_IDP_AUDIENCE: 'parley',
			PARLEY_IDP_JWKS_URL: 'http://127.0.0.1:9/', // nobody is there: the test puts the keys in
			PARLEY_MQTT_URL: 'mqtts://broker.example.org:8883',
			PARLEY_MQTT_WS_URL: 'wss://chat.example.org/mqtt',
		},
	});
});
after(() => stack?.stop());

const lines = ['Content-Type: application/json'];
/** Registers from an address that nobody else has: each has its own quota. */
async function person(from = `127.0.0.${address++}`) {
	const handle = handleOf('limit');
	const answer = await raw(
		stack,
		'POST /api/v1/auth/register HTTP/1.1',
		lines,
		JSON.stringify({ handle, display_name: 'Limited', password: PASSWORD }),
		{ from },
	);
	const { user, access_token, expires_in, session } = must(answer, 201);
	return { id: user.id, handle, device: session.device.id, expires_in, api: api(stack, access_token), token: access_token };
}

const left = (answer) => Number(answer.headers.get('RateLimit').match(/;r=([0-9]+)/)[1]);
const quota = (answer) => answer.headers.get('RateLimit-Policy');

function limited(answer, what = answer.text) {
	assert.equal(answer.status, 429, what);
	assert.equal(answer.body.code, 'rate_limited');
	const wait = Number(answer.headers.get('Retry-After'));
	assert.ok(wait >= 1 && wait <= 60, `Retry-After: ${wait}`);
	return wait;
}

describe('a rate limit', () => {
	it('of reading says what is left, and ends in 429', async () => {
		const ann = await person();
		const first = await ann.api.get('unread');
		assert.equal(quota(first), '"read";q=120;w=60');
		assert.ok(left(first) >= 118 && left(first) <= 119, String(left(first)));
		let answer = first,
			served = 1;
		for (; answer.status === 200 && served < 200; served++) answer = await ann.api.get('users/me');
		limited(answer);
		assert.equal(left(answer), 0);
		// quota at once, and what has come back meanwhile: two a second
		assert.ok(served - 1 >= 120 && served - 1 < 160, `${served - 1} were served`);
	});

	it('of catching up is for connects and pages, not for polling', async () => {
		const ann = await person();
		let answer,
			served = -1;
		do {
			answer = await ann.api.get('sync');
			served++;
		} while (answer.status === 200 && served < 60);
		limited(answer);
		assert.equal(quota(answer), '"sync";q=12;w=60');
		assert.ok(served >= 12 && served < 25, `${served} were served`);
	});

	it('of searching is for a name or two, not for everybody', async () => {
		const ann = await person();
		let answer,
			served = 0;
		do {
			answer = await ann.api.get('users?q=a');
			served++;
		} while (answer.status === 200 && served < 30);
		limited(answer);
		assert.equal(quota(answer), '"search";q=12;w=60');
		assert.ok(served - 1 >= 12 && served - 1 < 20, `${served - 1} were served`);
	});

	it('is one for uploading', async () => {
		const ann = await person();
		const headers = { 'content-disposition': 'attachment; filename=a' };
		// the smallest that is refused: a process that looks at each would take longer than the quota takes to come back
		const answers = await Promise.all([...Array(20)].map(() => ann.api.post('attachments', undefined, { body: '', headers })));
		const answer = answers.find(({ status }) => status === 429);
		limited(answer);
		assert.equal(quota(answer), '"upload";q=6;w=60');
	});

	it('of asking for keys is for everybody in a group, and of taking those of one person for a few devices', async () => {
		const [ann, ben, cat] = [await person(), await person(), await person()];
		const ask = (who, other, query = '') => who.api.get(`users/${other.id}/keys${query}`);
		const first = await ask(ann, ben);
		assert.deepEqual([first.status, quota(first)], [200, '"keys";q=30;w=60']);
		for (let i = 1; i < 6; i++) must(await ask(ann, ben), 200);
		const again = await ask(ann, ben);
		assert.deepEqual([again.status, again.body.code], [429, 'rate_limited']);
		assert.equal(quota(again), '"prekeys";q=6;w=3600');
		assert.ok(Number(again.headers.get('Retry-After')) > 60);
		must(await ask(ann, ben, '?take=false'), 200);
		must(await ben.api.head(`users/${ben.id}/keys`), 200);
		for (const [who, other] of [[ann, cat], [cat, ben], [ben, ann]]) must(await ask(who, other), 200);
		let answer,
			served = 0;
		do {
			answer = await ask(cat, ann, '?take=false');
			served++;
		} while (answer.status === 200 && served < 60);
		limited(answer);
		assert.equal(quota(answer), '"keys";q=30;w=60');
		assert.ok(served >= 29 && served < 45, `${served} were served`);
	});

	it('of one person is not that of another, nor of another kind of request', async () => {
		const [ann, ben] = [await person(), await person()];
		const room = must(await ann.api.post('conversations', { kind: 'direct', member_ids: [ben.id] }), 201);
		let answer,
			sent = 0;
		do {
			answer = await ann.api.post(`conversations/${room.id}/messages`, { body: 'x' });
			sent++;
		} while (answer.status === 201 && sent < 60);
		limited(answer);
		assert.equal(quota(answer), '"send";q=30;w=60');
		assert.ok(sent - 1 >= 30 && sent - 1 < 45, `${sent - 1} were sent`);
		const { last_seq } = must(await ann.api.get(`conversations/${room.id}`), 200);
		assert.equal(last_seq, sent - 1, 'what was refused was not done');
		const reply = await ben.api.post(`conversations/${room.id}/messages`, { body: 'x' });
		assert.equal(reply.status, 201);
		assert.equal(quota(must(reply, 201) && reply), '"send";q=30;w=60');
		assert.equal(quota(await ann.api.post(`conversations/${room.id}/read`)), '"write";q=60;w=60');
	});

	it('is shared by all workers', async () => {
		const ann = await person();
		const answers = await Promise.all(Array.from({ length: 180 }, () => ann.api.get('unread')));
		const served = answers.filter(({ status }) => status === 200).length;
		assert.ok(served >= 120 && served < 160, `${served} were served`);
		for (const answer of answers.filter(({ status }) => status !== 200)) limited(answer);
	});

	it('counts what is refused for its content, too', async () => {
		const ann = await person();
		const before_ = left(await ann.api.patch('users/me', {}));
		const answer = await ann.api.patch('users/me', { bio: 1 });
		assert.equal(answer.status, 422);
		assert.ok(left(answer) <= before_);
		assert.equal(quota(answer), '"write";q=60;w=60');
	});

	it('of registering is an address’s', async () => {
		const from = '127.0.0.200';
		for (let i = 0; i < 3; i++) await person(from);
		const body = JSON.stringify({ handle: handleOf('late'), display_name: 'x', password: PASSWORD });
		limited(await raw(stack, 'POST /api/v1/auth/register HTTP/1.1', lines, body, { from }));
		await person('127.0.0.201');
	});

	it('of logging in is also the account’s, wherever it comes from, and in any spelling', async () => {
		const ann = await person();
		const ben = await person();
		const login = (handle, from, password = 'wrong password') =>
			raw(stack, 'POST /api/v1/auth/login HTTP/1.1', lines, JSON.stringify({ handle, password }), { from });
		assert.equal((await login(ann.handle, '127.0.0.210')).status, 401);
		limited(await login(ann.handle, '127.0.0.210'));
		limited(await login(ann.handle.toUpperCase(), '127.0.0.210'));
		assert.equal((await login(ann.handle, '127.0.0.211', PASSWORD)).status, 200, 'nobody is locked out by one guesser');
		// 6 from wherever: two are gone, a seventh is too many
		for (let n = 212; n < 216; n++) assert.equal((await login(ann.handle, `127.0.0.${n}`)).status, 401);
		limited(await login(ann.handle, '127.0.0.216', PASSWORD));
		assert.equal((await login(ben.handle, '127.0.0.217', PASSWORD)).status, 200);
	});

	it('of logging in from wherever is not for a device of the account, which has one of its own', async () => {
		const [ann, ben] = [await person(), await person()];
		const login = (who, from, device, password = PASSWORD) => {
			const body = { handle: who.handle, password, device: device && { id: device } };
			return raw(stack, 'POST /api/v1/auth/login HTTP/1.1', lines, JSON.stringify(body), { from });
		};
		for (let n = 100; n < 106; n++) assert.equal((await login(ann, `127.0.1.${n}`, undefined, 'wrong password')).status, 401);
		limited(await login(ann, '127.0.1.106'), 'she is locked out');
		limited(await login(ann, '127.0.1.107', randomUUID()), 'on a device that is new');
		limited(await login(ann, '127.0.1.108', ben.device), 'and on one of somebody else');
		assert.equal((await login(ann, '127.0.1.109', ann.device)).status, 200, 'but not on her own');
		limited(await login(ann, '127.0.1.110', ann.device.toUpperCase()), 'which has a quota, too, in any spelling');
		assert.equal((await login(ben, '127.0.1.111', ben.device, 'wrong password')).status, 401);
		limited(await login(ben, '127.0.1.112', ben.device), 'wrong guesses count there');
		assert.equal((await login(ben, '127.0.1.113')).status, 200, 'and nowhere else');
	});

	it('of guessing a password counts with logging in where it is changed', async () => {
		const ann = await person();
		const change = () => ann.api.post('auth/password', { current: 'wrong password', new: PASSWORD });
		const first = await change();
		assert.equal(first.status, 403);
		assert.equal(quota(first), '"login";q=3;w=60');
		limited(await change());
		const login = JSON.stringify({ handle: ann.handle, password: PASSWORD });
		limited(await raw(stack, 'POST /api/v1/auth/login HTTP/1.1', lines, login, { from: '127.0.0.1' }));
	});

	it('of refreshing is an address’s, and wide: there may be an office behind it', async () => {
		const refresh = (from) =>
			raw(stack, 'POST /api/v1/auth/refresh HTTP/1.1', lines, '{"refresh_token":"x"}', { from });
		let answer,
			refused = 0;
		do answer = await refresh('127.0.0.230');
		while (answer.status === 401 && ++refused < 120);
		limited(answer);
		assert.equal(quota(answer), '"refresh";q=60;w=60');
		assert.ok(refused >= 60 && refused < 90, `${refused} were let through`);
		assert.equal((await refresh('127.0.0.231')).status, 401);
	});

	it('of asking for a new password is an address’s, and that of the e-mail address, known or not', async () => {
		const ask = (email, from) =>
			raw(stack, 'POST /api/v1/auth/password/reset HTTP/1.1', lines, JSON.stringify({ email }), { from });
		const email = `${randomUUID()}@example.org`;
		const first = await ask(email, '127.0.0.240');
		assert.deepEqual([first.status, quota(first)], [204, '"reset";q=3;w=3600']);
		const again = await ask(email.toUpperCase(), '127.0.0.241');
		assert.deepEqual([again.status, again.body.code], [429, 'rate_limited']);
		assert.equal(left(again), 0, 'of the limit that has refused');
		assert.match(quota(again), /^"reset-email";/);
		assert.ok(Number(again.headers.get('Retry-After')) > 60);
		for (let i = 0; i < 2; i++) assert.equal((await ask(`${randomUUID()}@example.org`, '127.0.0.240')).status, 204);
		assert.equal((await ask(`${randomUUID()}@example.org`, '127.0.0.240')).status, 429);
		assert.equal((await ask(`${randomUUID()}@example.org`, '127.0.0.242')).status, 204);
	});

	it('of a service is its token’s, whomever it acts for', async () => {
		const [one, other, ann, ben] = await Promise.all([service(stack), service(stack), person(), person()]);
		const first = await one.as(ann).get('users/me');
		assert.equal(first.status, 200);
		assert.equal(quota(first), '"service";q=3000;w=60');
		// fifty a second come back meanwhile
		await Promise.all(Array.from({ length: 200 }, async () => must(await one.as(ben).get('users/me'), 200)));
		const [here, there] = await Promise.all([one.as(ann).get('users/me'), other.as(ann).get('users/me')]);
		assert.ok(left(here) < left(first), `${left(here)} after ${left(first)}`);
		assert.ok(left(there) >= 2998, String(left(there)));
		assert.equal(quota(await ann.api.get('unread')), '"read";q=120;w=60');
	});

	it('of guessing at service tokens is an address’s, and leaves alone a token that was good lately', async () => {
		const from = '127.0.0.210';
		const [good, ann] = await Promise.all([service(stack), person()]);
		const call = (token, address_) =>
			raw(stack, 'GET /api/v1/users/me HTTP/1.1', [`Authorization: Bearer ${token}`, `Parley-Act-As: ${ann.id}`], '', { from: address_ });
		must(await call(good.token, from), 200);
		const guess = () => call(`pst_${randomBytes(32).toString('base64url')}`, from);
		let answer,
			refused = 0;
		do answer = await guess();
		while (answer.status === 401 && ++refused < 40);
		limited(answer);
		assert.ok(refused >= 11 && refused < 30, `${refused} were looked up`);
		assert.equal((await call('pst_x', from)).status, 401, 'what is none by its form is not looked up');
		// by the worker that has seen it
		await waitFor(async () => (await call(good.token, from)).status === 200);
		assert.equal((await call(`pst_${randomBytes(32).toString('base64url')}`, '127.0.0.211')).status, 401);
	});

	it('of coming with tokens of an identity provider is a person’s, who may have been shut out', async () => {
		const key = await newKey('EdDSA', 'limit');
		await stack.sql(`select identity_keys_put('${ISSUER}', '${JSON.stringify([key.jwk])}', gen_random_uuid())`);
		const come = async (sub, more) => api(stack, await sign(key, { iss: ISSUER, aud: 'parley', sub, ...more })).get('users/me');
		const token = await sign(key, { iss: ISSUER, aud: 'parley', sub: 'ann', sid: 'a' });
		await waitFor(async () => (await api(stack, token).get('users/me')).status === 200, 5000, 'the key is known');
		must(await api(stack, token).post('auth/logout'), 204);
		let answer;
		for (let i = 0; i < 200 && answer?.status !== 429; i++) answer = await come('ann', { sid: 'a', exp: Math.floor(Date.now() / 1000) + 100 + i });
		limited(answer);
		must(await come('ben', {}), 200);
	});

	it('is not had by a header that claims another address', async () => {
		const from = '127.0.0.220';
		for (let i = 0; i < 3; i++) await person(from);
		const body = JSON.stringify({ handle: handleOf('late'), display_name: 'x', password: PASSWORD });
		for (const header of [
			'X-Forwarded-For: 192.0.2.1',
			'Forwarded: for=192.0.2.1',
			'X-Real-IP: 192.0.2.1',
			'REMOTE_ADDR: 192.0.2.1',
		])
			limited(await raw(stack, 'POST /api/v1/auth/register HTTP/1.1', [...lines, header], body, { from }));
	});

	it('is none for config and health', async () => {
		const answers = await Promise.all(
			Array.from({ length: 200 }, (_, i) => api(stack).get(i % 2 ? 'config' : '/health')),
		);
		assert.ok(answers.every(({ status, headers }) => status === 200 && !headers.has('RateLimit')));
	});
});

describe('settings', () => {
	it('are what clients are told', async () => {
		const { limits, mqtt } = must(await api(stack).get('config'), 200);
		assert.deepEqual(limits, {
			body_bytes: 20,
			ciphertext_bytes: 10,
			metadata_bytes: 30,
			attachment_bytes: 26214400,
			group_max_members: 3,
			page_max: 200,
		});
		assert.deepEqual(mqtt, { url: 'mqtts://broker.example.org:8883', ws_url: 'wss://chat.example.org/mqtt' });
	});

	it('are what holds', async () => {
		const [ann, ben, cat, dan] = [await person(), await person(), await person(), await person()];
		assert.equal(ann.expires_in, 61);
		const group = (...members) =>
			ann.api.post('conversations', { kind: 'group', member_ids: members.map(({ id }) => id) });
		const full = await group(ben, cat, dan);
		assert.deepEqual([full.status, full.body.code], [409, 'group_full']);
		const room = must(await group(ben, cat), 201);
		const send = (content) => ann.api.post(`conversations/${room.id}/messages`, content);
		must(
			await send({
				body: 'x'.repeat(20),
				ciphertext: Buffer.alloc(10).toString('base64'),
				metadata: { m: 'x'.repeat(22) },
				id: randomUUID(),
			}),
			201,
		);
		const answer = await send({
			body: 'x'.repeat(21),
			ciphertext: Buffer.alloc(11).toString('base64'),
			metadata: { m: 'x'.repeat(23) },
		});
		assert.equal(answer.status, 422);
		for (const path of ['contacts', 'blocks']) {
			for (const other of [ben, cat, ben]) must(await ann.api.put(`${path}/${other.id}`), 204);
			const refused = await ann.api.put(`${path}/${dan.id}`);
			assert.deepEqual([refused.status, refused.body.code], [409, 'conflict'], path);
			must(await ann.api.delete(`${path}/${ben.id}`), 204);
			must(await ann.api.put(`${path}/${dan.id}`), 204);
		}
		assert.deepEqual(
			answer.body.errors.map(({ field, code }) => `${field} ${code}`),
			['body too_long', 'ciphertext too_long', 'metadata too_long'],
		);
	});
});
