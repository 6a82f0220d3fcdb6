// The operators' command: each of its commands against a running instance, as people and as programs call it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { api, connect, handleOf, must, PASSWORD, register, signIn } from '../lib/client.mjs';
import { environment, root, sharedStack } from '../lib/stack.mjs';
import { parley, parleyJson, parleyPath, service } from '../lib/operator.mjs';

const run = promisify(execFile);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

let stack, directory;
before(async () => {
	stack = await sharedStack();
	directory = await mkdtemp(join(tmpdir(), 'parley-operator-'));
});
after(async () => {
	await rm(directory, { recursive: true, force: true });
	await stack?.stop();
});

/** It is refused with this exit status, says why on standard error, and nothing elsewhere. */
async function refused(args, status, why, options) {
	const said = await parley(stack, args, options);
	assert.equal(said.status, status, `${args.join(' ')}: ${said.stdout}${said.stderr}`);
	assert.match(said.stderr, why);
	assert.equal(said.stdout, '');
}

describe('its command line', () => {
	it('has help for everything, and says what it is', async () => {
		const all = await parley(stack, ['--help']);
		assert.equal(all.status, 0);
		const commands = [...all.stdout.matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2,}\S/gm)].map(([, words]) => words);
		for (const words of ['migrate', 'seed', 'user add', 'user disable', 'user enable', 'token create', 'token list', 'token revoke', 'audit list'])
			assert.ok(commands.includes(words), words);
		for (const words of commands) {
			const { status, stdout, stderr } = await parley(stack, [...words.split(' '), '--help']);
			assert.equal(status, 0, words);
			assert.ok(stdout.startsWith(`usage: parley ${words}`), stdout);
			assert.equal(stderr, '');
		}
		const group = await parley(stack, ['token', '--help']);
		assert.match(group.stdout, /^usage: parley token COMMAND [^]*token create/);
		assert.doesNotMatch(group.stdout, /user add/);
		assert.match((await parley(stack, ['token', 'create', '--help'])).stdout, /messages:write +send/);
		assert.match((await parley(stack, ['--version'])).stdout, /^parley \d+\.\d+\.\d+\n$/);
	});

	it('is refused where it cannot be meant', async () => {
		await refused([], 2, /a command is needed[^]*token create/);
		await refused(['token'], 2, /token what\?[^]*token create/);
		await refused(['nothing'], 2, /no command "nothing"/);
		await refused(['token', 'list', 'x'], 2, /takes no argument/);
		await refused(['token', 'create', '--name', 'x'], 2, /needs --scope/);
		await refused(['token', 'list', '--al'], 2, /no option --al/);
	});

	it('finds its instance by PARLEY_VAR alone, and by a file of settings', async () => {
		const owner = await parleyJson(stack, 'token', 'list', '--all');
		const config = join(directory, 'parley.conf');
		await writeFile(config, `owner_database = "${stack.env.PARLEY_OWNER_DATABASE}"\n`);
		for (const [args, env] of [[['--config', config], {}], [[], { PARLEY_CONF: config }]]) {
			const { status, json } = await parley(stack, ['token', 'list', '--all', '--json', ...args], { env: { PARLEY_VAR: directory, ...env } });
			assert.equal(status, 0);
			assert.deepEqual(json, owner);
		}
		await refused(['token', 'list'], 1, /does not answer/, { env: { PARLEY_VAR: directory } });
		await refused(['migrate'], 1, /the migration failed/, { env: { PARLEY_VAR: directory } });
		await writeFile(config, 'nothing = 1\n');
		await refused(['token', 'list', '--config', config], 1, /no such key/);
		await refused(['token', 'list', '--config', `${config}.not`], 1, /cannot be opened/);
	});

	it('fails when nobody takes what it says', async () => {
		const env = environment({ PARLEY_VAR: stack.var });
		for (const args of ['token list', 'token list --json', `user add --handle ${handleOf('full')} --name Full`])
			await assert.rejects(run('sh', ['-c', `${parleyPath} ${args} >/dev/full`], { env }), { code: 1 });
	});
});

describe('parley migrate and seed', () => {
	it('may be repeated', async () => {
		assert.deepEqual(await parleyJson(stack, 'migrate'), { migrated: true });
		const again = await parley(stack, ['migrate']);
		assert.deepEqual([again.status, again.stdout, again.stderr], [0, '', '']);
		const first = await parleyJson(stack, 'seed');
		assert.deepEqual(first.handles, ['alice', 'bob', 'carol']);
		must(await api(stack).post('auth/login', { handle: 'alice', password: 'parley-demo' }), 200);
	});

	it('work from where they are installed', async () => {
		await run(join(root, 'ops/install'), [directory, '/usr', parleyPath.replace(/\/parley$/, '')]);
		const env = environment({ PARLEY_VAR: stack.var });
		const installed = (...args) => run(join(directory, 'usr/bin/parley'), args, { env, cwd: '/' });
		assert.deepEqual(await installed('migrate'), { stdout: '', stderr: '' });
		// its script is there, and comes as far as its first request
		await assert.rejects(installed('seed', '--origin', 'http://127.0.0.1:1'), { code: 1, stderr: /could not be made/ });
	});
});

describe('parley user', () => {
	it('makes somebody who can log in, by a password that is on no command line', async () => {
		const handle = handleOf('made');
		const email = `${handle}@example.com`;
		const args = ['user', 'add', '--handle', handle, '--name', 'Zoë "Z"', '--email', email, '--password-stdin'];
		const { status, stdout } = await parley(stack, args, { input: `${PASSWORD}\n` });
		assert.equal(status, 0);
		assert.match(stdout.trimEnd(), UUID);
		const { user } = must(await api(stack).post('auth/login', { handle, password: PASSWORD }), 200);
		assert.equal(user.id, stdout.trimEnd());
		assert.equal(user.display_name, 'Zoë "Z"');
		assert.equal(user.email, email);
		assert.match(await stack.sql(`select password_hash from users where id = '${user.id}'`), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
	});

	it('makes somebody without a password, for services to act for', async () => {
		const handle = handleOf('bot');
		const made = await parleyJson(stack, 'user', 'add', '--handle', handle, '--name', 'Bot');
		assert.deepEqual(made, { id: made.id, handle, display_name: 'Bot', email: null });
		assert.equal((await api(stack).post('auth/login', { handle, password: 'whatever it is' })).status, 401);
		const backend = await service(stack);
		assert.equal(must(await backend.as(made).get('users/me'), 200).handle, handle);
	});

	it('adds nobody against the rules of registering', async () => {
		const taken = await register(stack, 'Taken');
		const handle = handleOf('refused');
		const add = (handle_, name, ...more) => ['user', 'add', '--handle', handle_, '--name', name, ...more];
		const people = await stack.sql('select count(*) from users');
		await refused(add(taken.handle.toUpperCase(), 'x'), 1, /--handle: .* in use/);
		await refused(add('a', ''), 2, /--handle: .*\n.*--name: /);
		await refused(add(handle, 'x'.repeat(65)), 2, /--name: .*long/);
		await refused(add('no spaces', 'x'), 2, /--handle: /);
		await refused(add(handle, 'x', '--email', 'x'), 2, /--email: /);
		await refused(add(handle, 'x\u202e'), 2, /--name: /);
		for (const [input, why] of [['', /no password/], ['\n', /no password/], ['short\n', /password: /], ['x'.repeat(257), /no password|more than/], ['two\nlines of it\n', /no password/]])
			await refused(add(handle, 'x', '--password-stdin'), 2, why, { input });
		assert.equal(await stack.sql('select count(*) from users'), people);
	});

	it('shuts an account on both planes at once, and opens it again', async () => {
		const ann = await register(stack, 'Ann');
		const phone = await connect(ann);
		const backend = await service(stack);
		assert.deepEqual(await parleyJson(stack, 'user', 'disable', ann.handle.toUpperCase()), { id: ann.id, disabled: true });
		assert.equal((await ann.api.get('users/me')).status, 401);
		await phone.closed();
		assert.equal((await api(stack).post('auth/login', { handle: ann.handle, password: PASSWORD })).status, 401);
		assert.equal((await backend.as(ann).get('users/me')).status, 403);
		assert.deepEqual(await parleyJson(stack, 'user', 'disable', ann.id), { id: ann.id, disabled: true }, 'again');
		assert.deepEqual(await parleyJson(stack, 'user', 'enable', ann.id), { id: ann.id, disabled: false });
		must(await backend.as(ann).get('users/me'), 200);
		must(await (await signIn(ann)).api.get('users/me'), 200);
		assert.equal((await ann.api.get('users/me')).status, 401, 'its sessions stay ended');
	});

	it('knows nobody who is not there', async () => {
		const erased = await register(stack, 'Erased');
		must(await erased.api.delete('users/me'), 204);
		for (const name of ['no-such-handle', randomUUID(), erased.id, erased.handle])
			for (const command of ['disable', 'enable']) await refused(['user', command, name], 1, /there is nobody of the/);
	});
});

describe('parley token', () => {
	it('prints a new token alone, and the rest on demand', async () => {
		const name = handleOf('token');
		const { status, stdout, stderr } = await parley(stack, ['token', 'create', '--name', name, '--scope', 'users:read act-as']);
		assert.deepEqual([status, stderr], [0, '']);
		assert.match(stdout, /^pst_[A-Za-z0-9_-]{43}\n$/);
		const rows = (await parleyJson(stack, 'token', 'list')).data;
		const row = rows.find((one) => one.name === name);
		assert.deepEqual(row, { ...row, scopes: ['users:read', 'act-as'], expires_at: null, revoked_at: null, last_used_at: null });
		assert.match(row.id, UUID);
		assert.match(row.created_at, TIME);
		const made = await parleyJson(stack, 'token', 'create', '--name', `${name}-2`, '--scope', 'all,users:read', '--expires', '2099-12-31T00:00:00Z');
		assert.deepEqual(Object.keys(made), ['id', 'name', 'scopes', 'created_at', 'expires_at', 'token']);
		assert.deepEqual([made.scopes, made.expires_at], [['all'], '2099-12-31T00:00:00.000000Z']);
		const { stdout: text } = await parley(stack, ['token', 'list']);
		assert.match(text, new RegExp(`${row.id} +${name} +users:read act-as +${row.created_at} +- +- +-\n`));
	});

	it('is of one name while it lives', async () => {
		const name = handleOf('name');
		const create = (...more) => ['token', 'create', '--name', name, '--scope', 'all', ...more];
		await parleyJson(stack, ...create());
		await refused(create(), 1, /there is a token of the name/);
		await parleyJson(stack, 'token', 'revoke', name);
		await refused(['token', 'revoke', name], 1, /no live token/);
		const { id } = await parleyJson(stack, ...create('--expires', '1s'));
		await stack.sql(`update service_tokens set created_at = now() - interval '2 s', expires_at = now() - interval '1 s' where id = '${id}'`);
		assert.ok(!(await parleyJson(stack, 'token', 'list')).data.some((row) => row.name === name));
		const third = await parleyJson(stack, ...create());
		const all = (await parleyJson(stack, 'token', 'list', '--all')).data.filter((row) => row.name === name);
		assert.deepEqual(all.map((row) => Boolean(row.revoked_at)), [false, true, true]);
		assert.equal(all[0].id, third.id);
		const ended = await parleyJson(stack, 'token', 'revoke', third.id);
		assert.deepEqual(await parleyJson(stack, 'token', 'revoke', third.id), ended, 'by its id again and again');
		assert.match(ended.revoked_at, TIME);
	});

	it('is not made of what is no name, scope or time', async () => {
		const tokens = await stack.sql('select count(*) from service_tokens');
		const name = handleOf('bad');
		const create = (name_, scope, ...more) => ['token', 'create', '--name', name_, '--scope', scope, ...more];
		for (const bad of ['', ' ', 'x'.repeat(65), 'a\nb', randomUUID()]) await refused(create(bad, 'all'), 2, /--name is/);
		for (const bad of ['', 'messages', 'users:read;act-as', 'ALL']) await refused(create(name, bad), 2, /--scope|no scope/);
		for (const bad of ['', 'soon', '90', '2020-01-01T00:00:00Z', '0d', '-1d', '11000d'])
			await refused(create(name, 'all', '--expires', bad), 2, /--expires/);
		await refused(['token', 'revoke', randomUUID()], 1, /no live token/);
		assert.equal(await stack.sql('select count(*) from service_tokens'), tokens);
	});
});

describe('parley audit list', () => {
	it('is refused what it cannot be asked', async () => {
		for (const bad of ['0', '-1', 'x', '100001', '']) await refused(['audit', 'list', '--limit', bad], 2, /--limit is/);
		for (const bad of ['', 'yesterday', '5']) await refused(['audit', 'list', '--since', bad], 2, /--since is/);
		await refused(['audit', 'list', '--user', 'no-such-handle'], 1, /nobody of the handle/);
	});

	it('pages through more than the database gives at once', async () => {
		const busy = await service(stack);
		await stack.sql(`insert into audit (token_id, method, route, targets, request_id, status)
			select '${busy.id}'::uuid, 'GET', '/' || n, '{}', 'r', 200 from generate_series(1, 1203) n`);
		const routes = (await parleyJson(stack, 'audit', 'list', '--token', busy.id, '--limit', '1100')).data.map(({ route }) => route);
		assert.deepEqual(routes, Array.from({ length: 1100 }, (_, i) => `/${1203 - i}`));
		assert.equal((await parleyJson(stack, 'audit', 'list', '--token', busy.id)).data.length, 50);
		assert.equal((await parleyJson(stack, 'audit', 'list', '--token', busy.name, '--limit', '5000')).data.length, 1203);
	});
});
