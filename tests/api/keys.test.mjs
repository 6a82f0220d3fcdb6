// Keys of access tokens: rotated under people who work, and never a token refused; each step alone; killed between them.
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { chmod, copyFile, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { api, connect, directOf, must, register, send } from '../lib/client.mjs';
import { parley, parleyDone } from '../lib/parley.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

let stack;
let keyFile;
let publicFile;
let alice;
let bob;

before(async () => {
	stack = await sharedStack();
	keyFile = join(stack.var, 'keys/token.key');
	publicFile = join(stack.var, 'keys/token.pub');
	[alice, bob] = [await register(stack, 'Alice'), await register(stack, 'Bob')];
});
after(() => stack.stop());
// with tokens of the key that signs as a test begins
beforeEach(async () => {
	[alice, bob] = [await fresh(alice), await fresh(bob)];
});

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const headerOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
const seconds = () => Math.floor(Date.now() / 1000);

const kidOf = (key) => {
	const { crv, kty, x } = createPublicKey(key).export({ format: 'jwk' });
	return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
};
const signingKey = async () => createPrivateKey(await readFile(keyFile));

/** A token as another one, but signed by a key, with changed claims. */
function tokenLike(token, key, changes = {}) {
	const covered = `${part({ alg: 'EdDSA', typ: 'at+jwt', kid: kidOf(key) })}.${part({ ...claimsOf(token), jti: randomUUID(), ...changes })}`;
	return `${covered}.${sign(null, Buffer.from(covered), key).toString('base64url')}`;
}

const me = (token) => api(stack, token).get('users/me');
const keys = async () => (await parleyDone(stack, ['keys', 'list'])).data;
const states = async () => Object.fromEntries((await keys()).map(({ kid, state }) => [kid, state]));

/** A person with a token that is signed now: refreshed, which costs less than a login. */
async function fresh(person) {
	const pair = must(await api(stack).post('auth/refresh', { refresh_token: person.refresh_token }), 200);
	person.refresh_token = pair.refresh_token;
	return { ...person, token: pair.access_token, api: api(stack, pair.access_token) };
}

/** The keys' last tokens have ended, as far as the file of public keys knows. */
async function timePasses() {
	const text = await readFile(publicFile, 'utf8');
	await writeFile(`${publicFile}.test`, text.replaceAll(/ until=\S+/g, ' until=2020-01-01T00:00:00.000000Z'));
	await rename(`${publicFile}.test`, publicFile);
}

/** Back to one key, so that the rotations of other tests find room. */
async function tidy() {
	await timePasses();
	return parleyDone(stack, ['keys', 'prune']);
}

test('three rotations, and nobody who works meanwhile notices', async () => {
	const conversation = await directOf(alice, bob);
	const phone = await connect(bob);
	const bodies = [];
	let going = true;
	// requests, refreshed tokens, and connections with them
	const requests = (async () => {
		for (let n = 0; going; n++) {
			bodies.push((await send(alice, conversation, `message ${n}`)).body);
			assert.equal((await bob.api.get('unread')).status, 200);
		}
	})();
	const tokens = [(await fresh(alice)).token];
	const refreshes = (async () => {
		while (going) {
			const again = await fresh(alice);
			tokens.push(again.token);
			assert.equal((await again.api.get('users/me')).status, 200);
			await (await connect(again)).end();
		}
	})();

	const before = headerOf(tokens[0]).kid;
	const kids = [before];
	for (let round = 0; round < 3; round++) {
		const said = bodies.length;
		await waitFor(() => bodies.length > said + 2, 10_000, 'messages are sent');
		const done = await parleyDone(stack, ['keys', 'rotate']);
		assert.equal(done.previous, kids.at(-1));
		assert.deepEqual([done.signing, done.parley_rest, done.broker], [true, 'verified', 'verified']);
		const left = Date.parse(done.previous_until) - Date.now();
		assert.ok(left > 955_000 && left <= 960_000, `the old one verifies for ${left} ms`);
		kids.push(done.kid);
		await waitFor(() => headerOf(tokens.at(-1)).kid === done.kid, 10_000, 'new tokens are signed with it');
	}
	going = false;
	await Promise.all([requests, refreshes]);
	assert.equal(new Set(kids).size, 4);

	// tokens of every key are good on both planes
	for (const kid of kids) {
		const token = tokens.find((one) => headerOf(one).kid === kid);
		assert.equal((await me(token)).status, 200);
		const device = await connect({ ...alice, token });
		await device.end();
	}
	for (const body of bodies) assert.equal((await phone.event('message.created', conversation)).data.body, body);
	assert.equal(phone.client.connected, true);
	await phone.end();
	assert.deepEqual(Object.values(await states()), ['retired', 'retired', 'retired', 'signing']);
});

test('a token of a retired key lives out its time; then its key may go', async () => {
	const old = await signingKey();
	const { kid, previous } = await parleyDone(stack, ['keys', 'rotate']);
	const short = tokenLike(alice.token, old, { exp: seconds() + 2 });
	assert.equal((await me(short)).status, 200);
	await waitFor(async () => (await me(short)).status === 401, 5000, 'it has ended');
	assert.equal((await me(short)).body.code, 'token_expired');

	// not before its time: one that has not ended is still good
	assert.deepEqual((await parleyDone(stack, ['keys', 'prune'])).dropped, 0);
	assert.equal((await me(alice.token)).status, 200);
	const { dropped, left } = await tidy();
	assert.ok(dropped >= 1);
	assert.equal(left, 1);
	assert.deepEqual(await states(), { [kid]: 'signing' });
	// who has it loaded may know it still; who looks again does not
	await assert.rejects(async () => {
		const { privateKey } = generateKeyPairSync('ed25519');
		await connect({ ...alice, token: tokenLike(alice.token, privateKey) });
	});
	await assert.rejects(connect({ ...alice, token: tokenLike(alice.token, old) }), /Not authorized/i);
	assert.notEqual(previous, kid);
});

test('the next rotation drops what has ended', async () => {
	const first = await parleyDone(stack, ['keys', 'rotate']);
	await timePasses();
	const second = await parleyDone(stack, ['keys', 'rotate']);
	assert.equal(second.dropped, 1);
	assert.deepEqual(await states(), { [first.kid]: 'retired', [second.kid]: 'signing' });
	await tidy();
});

test('step by step, for several hosts', async () => {
	const bare = await parley(stack, ['keys', 'rotate', '--step', 'sign']);
	assert.equal(bare.status, 1);
	assert.match(bare.err, /no key waits/);

	const published = await parleyDone(stack, ['keys', 'rotate', '--step', 'publish']);
	assert.deepEqual([published.signing, published.previous_until, published.broker], [false, null, null]);
	assert.deepEqual(Object.values(await states()), ['signing', 'waiting']);
	assert.equal(headerOf((await fresh(alice)).token).kid, published.previous);
	// again is no other key
	assert.equal((await parleyDone(stack, ['keys', 'rotate', '--step', 'publish'])).kid, published.kid);

	// those who verify know it already
	const next = createPrivateKey(await readFile(`${keyFile}.next`));
	assert.equal((await me(tokenLike(alice.token, next))).status, 200);
	const device = await connect({ ...alice, token: tokenLike(alice.token, next) });
	await device.end();

	const signed = await parleyDone(stack, ['keys', 'rotate', '--step', 'sign']);
	assert.deepEqual([signed.kid, signed.signing, signed.previous], [published.kid, true, published.previous]);
	assert.equal(headerOf((await fresh(alice)).token).kid, published.kid);
	assert.deepEqual(Object.values(await states()), ['retired', 'signing']);
	assert.equal((await readdir(join(stack.var, 'keys'))).some((name) => /next|new/.test(name)), false);
	await tidy();
});

test('nothing signs with a key that the broker does not know, and the next rotation goes on with it', async () => {
	const before = kidOf(await signingKey());
	// a broker that is not there
	const away = await parley(stack, ['keys', 'rotate', '--wait', '1s'], { env: { PARLEY_BROKER_PORT: '1' } });
	assert.equal(away.status, 1);
	assert.match(away.err, /signs nothing yet.*port 1: Connection refused/s);
	assert.equal(kidOf(await signingKey()), before);
	const waiting = (await keys()).find(({ state }) => state === 'waiting').kid;

	const done = await parleyDone(stack, ['keys', 'rotate']);
	assert.deepEqual([done.kid, done.previous], [waiting, before]);
	await tidy();
});

const foreign = (directory) => ({
	PARLEY_TOKEN_PRIVATE_KEY: join(directory, 'token.key'),
	PARLEY_TOKEN_PUBLIC_KEYS: join(directory, 'token.pub'),
});

test('files that the programs do not read are found out before anything is signed', async () => {
	const directory = await mkdtemp(join(stack.var, 'foreign-'));
	const env = foreign(directory);
	const made = await parleyDone(stack, ['keys', 'make'], { env });
	assert.equal(made.made, true);
	assert.equal((await stat(env.PARLEY_TOKEN_PRIVATE_KEY)).mode & 0o777, 0o600);
	assert.equal((await stat(env.PARLEY_TOKEN_PUBLIC_KEYS)).mode & 0o777, 0o644);
	const again = await parleyDone(stack, ['keys', 'make'], { env });
	assert.deepEqual([again.kid, again.made], [made.kid, false]);

	const refused = await parley(stack, ['keys', 'rotate', '--wait', '1s'], { env });
	assert.equal(refused.status, 1);
	assert.match(refused.err, /parley-rest does not know it \(it answered 401\)/);
	const unasked = await parley(stack, ['keys', 'rotate', '--wait', '1s'], {
		env: { ...env, PARLEY_REST_SOCKET: join(directory, 'none.sock') },
	});
	assert.equal(unasked.status, 1);
	assert.match(unasked.err, /the broker does not let in .*refused the login \(return code 5\)/);
	const done = await parleyDone(stack, ['keys', 'rotate', '--no-check'], { env });
	assert.deepEqual([done.previous, done.signing, done.broker], [made.kid, true, null]);

	// mode and owner stay as they are; a link stays a link
	await chmod(env.PARLEY_TOKEN_PRIVATE_KEY, 0o640);
	await parleyDone(stack, ['keys', 'rotate', '--no-check'], { env });
	assert.equal((await stat(env.PARLEY_TOKEN_PRIVATE_KEY)).mode & 0o777, 0o640);

	// what stands between the keys stays, and so do keys that somebody has put there
	const other = generateKeyPairSync('ed25519');
	const text = await readFile(env.PARLEY_TOKEN_PUBLIC_KEYS, 'utf8');
	const theirs = `of the other site:\n${other.publicKey.export({ type: 'spki', format: 'pem' })}`;
	await writeFile(env.PARLEY_TOKEN_PUBLIC_KEYS, `${theirs}\n${text.replaceAll(/until=\S+/g, 'until=2020-01-01T00:00:00Z')}the end\n`);
	const last = await parleyDone(stack, ['keys', 'rotate', '--no-check'], { env });
	assert.equal(last.dropped, 2);
	const now = await readFile(env.PARLEY_TOKEN_PUBLIC_KEYS, 'utf8');
	assert.ok(now.startsWith(theirs) && now.endsWith('the end\n'), now);
	const { data } = await parleyDone(stack, ['keys', 'list'], { env });
	assert.deepEqual(
		data.map(({ kid, state }) => [kid, state]),
		[
			[kidOf(other.privateKey), 'verifying'],
			[last.previous, 'retired'],
			[last.kid, 'signing'],
		],
	);

	// as many as a set holds, and no more: then nothing changes
	const more = Array.from({ length: 12 }, () => generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }));
	await writeFile(env.PARLEY_TOKEN_PUBLIC_KEYS, more.join('') + now);
	await parleyDone(stack, ['keys', 'rotate', '--no-check'], { env });
	const one = await parley(stack, ['keys', 'rotate', '--no-check'], { env });
	assert.equal(one.status, 1);
	assert.match(one.err, /is full/);
	const full = await parleyDone(stack, ['keys', 'list'], { env });
	assert.equal(full.data.length, 16);
	assert.equal(full.data.filter(({ state }) => state === 'signing').length, 1);

	// files that are no keys are named, and left as they are
	for (const [file, content] of [
		[env.PARLEY_TOKEN_PUBLIC_KEYS, `${theirs.slice(0, 80)}\n`],
		[env.PARLEY_TOKEN_PUBLIC_KEYS, await readFile(env.PARLEY_TOKEN_PRIVATE_KEY, 'utf8')],
		[env.PARLEY_TOKEN_PRIVATE_KEY, 'no key\n'],
	]) {
		await copyFile(file, `${file}.kept`);
		await writeFile(file, content);
		const bad = await parley(stack, ['keys', 'rotate', '--no-check'], { env });
		assert.equal(bad.status, 1);
		assert.ok(bad.err.includes(file), bad.err);
		assert.equal(await readFile(file, 'utf8'), content);
		await rename(`${file}.kept`, file);
	}
	await rm(directory, { recursive: true });
});

test('two at once: one rotates, the other is told', async () => {
	// one that waits for a broker which is not there, and holds the lock
	let child;
	const waiting = parley(stack, ['keys', 'rotate', '--wait', '1m'], { env: { PARLEY_BROKER_PORT: '1' }, started: (one) => (child = one) });
	await waitFor(async () => Object.values(await states()).includes('waiting'), 5000, 'the first has published');
	const second = await parley(stack, ['keys', 'rotate']);
	assert.equal(second.status, 1);
	assert.match(second.err, /another parley keys works/);

	// killed there, it leaves what works, and the lock is free
	child.kill('SIGKILL');
	assert.equal((await waiting).signal, 'SIGKILL');
	await (await connect(alice)).end();
	await parleyDone(stack, ['keys', 'rotate']);
	await tidy();
});

test('killed anywhere, it leaves a set that works and that the next one goes on with', async () => {
	for (let n = 0; n < 8; n++) {
		const end = await parley(stack, ['keys', 'rotate'], {
			started: (child) => setTimeout(() => child.kill('SIGKILL'), n * 5),
		});
		const all = await states();
		assert.equal(Object.values(all).filter((state) => state === 'signing').length, 1, JSON.stringify([end, all]));
		const again = await fresh(alice);
		assert.equal(all[headerOf(again.token).kid], 'signing');
		await (await connect(again)).end();
		assert.equal((await me(alice.token)).status, 200);
	}
	// between the private key and the note about the old one
	await parleyDone(stack, ['keys', 'rotate', '--step', 'publish']);
	const before = kidOf(await signingKey());
	await rename(`${keyFile}.next`, keyFile);
	assert.equal((await states())[before], 'verifying');
	assert.equal((await parleyDone(stack, ['keys', 'prune'])).dropped, 0);
	assert.equal((await states())[before], 'retired');
	assert.equal((await me(alice.token)).status, 200);
	await tidy();
});

test('a key that others may have is dropped at once, with the connections that it let in', async () => {
	const old = kidOf(await signingKey());
	for (const [kid, why] of [[old, /signs; rotate first/], ['nobody', /no such key/]]) {
		const refused = await parley(stack, ['keys', 'drop', kid]);
		assert.equal(refused.status, 1);
		assert.match(refused.err, why);
	}
	const phone = await connect(alice);
	await parleyDone(stack, ['keys', 'rotate']);
	const newer = await fresh(bob);
	const laptop = await connect(newer);
	assert.equal((await me(alice.token)).status, 200);

	assert.deepEqual(await parleyDone(stack, ['keys', 'drop', old]), { kid: old, parley_rest: 'reloaded', broker: 'reloaded' });
	await phone.closed();
	await waitFor(async () => (await me(alice.token)).status === 401, 10_000, 'parley-rest has forgotten it');
	// by all workers, once the old ones have gone
	await waitFor(
		async () => (await Promise.all(Array.from({ length: 32 }, () => me(alice.token)))).every(({ status }) => status === 401),
		15_000,
		'every worker has',
	);
	await assert.rejects(connect(alice), /Not authorized/i);
	assert.equal(laptop.client.connected, true);
	assert.equal((await newer.api.get('users/me')).status, 200);
	await laptop.end();
});

test('what cannot be meant is refused', async () => {
	for (const args of [['keys'], ['keys', 'rotate', '--step', 'both'], ['keys', 'rotate', '--wait', 'soon'], ['keys', 'rotate', '--wait', '1d'], ['keys', 'drop']]) {
		const { status } = await parley(stack, args, { json: false });
		assert.equal(status, 2, args.join(' '));
	}
});
