// What goes out: parley-notify and a real mail server.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { api, must, PASSWORD, register } from '../lib/client.mjs';
import { openSession, startAnother } from '../lib/processes.mjs';
import { certificate, startMailServer } from '../lib/smtp.mjs';
import { freePort, startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const NEW_PASSWORD = 'another long password';
const FROM = '"Zoë\'s \\"Chat\\"" <no-reply@chat.example>'.replaceAll('\\"', '');
const addressOf = (name) => `${name}-${randomBytes(6).toString('hex')}@example.org`;
const tokenOf = (mail) => /https:\/\/app\.example\/reset\?lang=ü#([A-Za-z0-9_-]{43})\n/.exec(mail.text.replaceAll('\r\n', '\n'))[1];

let stack, guest, server, port;
before(async () => {
	port = await freePort();
	server = await startMailServer(port);
	stack = await startStack({
		env: {
			PARLEY_SMTP_URL: `smtp://127.0.0.1:${port}`,
			PARLEY_MAIL_FROM: FROM.replaceAll('"', ''),
			PARLEY_RESET_URL: 'https://app.example/reset?lang=ü#{token}',
		},
	});
	guest = api(stack);
});
after(async () => {
	await stack?.stop();
	await server?.stop();
});

const ask = async (email) => assert.equal((await guest.post('auth/password/reset', { email })).status, 204);
const confirm = (token, password = NEW_PASSWORD) => guest.post('auth/password/reset/confirm', { token, password });
const requests = (email) => stack.sql(`select count(*) from password_resets where lower(email) = lower('${email}')`).then(Number);
const refused = (answer) => assert.deepEqual([answer.status, answer.body.code], [401, 'unauthorized']);

describe('a mail for a forgotten password', () => {
	it('goes to the address of the account, and its link sets a new one and ends every session', async () => {
		const email = addressOf('Ann');
		const ann = await register(stack, 'Ann', { email });
		await ask(email.toUpperCase());
		const mail = await server.next(email);
		const token = tokenOf(mail);
		assert.deepEqual([mail.from, mail.to], ['no-reply@chat.example', [email]]);
		assert.equal((await confirm(token)).status, 204);
		assert.equal((await ann.api.get('users/me')).status, 401, 'the session has ended');
		assert.equal((await guest.post('auth/refresh', { refresh_token: ann.refresh_token })).status, 401);
		assert.equal((await guest.post('auth/login', { email, password: PASSWORD })).status, 401);
		must(await guest.post('auth/login', { email, password: NEW_PASSWORD }), 200);
		refused(await confirm(token, 'a third long password'));
	});

	it('is a message as RFC 5322 has it, of plain text, in which nothing is of somebody else’s choice', async () => {
		const email = addressOf('Strange.+tag');
		await register(stack, 'Buy at https://evil.example', { email });
		await ask(email);
		const { headers, text, raw } = await server.next(email);
		const one = (name) => {
			assert.equal(headers.get(name)?.length, 1, name);
			return headers.get(name)[0];
		};
		assert.equal(one('to'), `<${email}>`);
		assert.equal(one('from'), `=?UTF-8?B?${Buffer.from("Zoë's Chat").toString('base64')}?= <no-reply@chat.example>`);
		assert.ok(Math.abs(Date.parse(one('date')) - Date.now()) < 60_000, one('date'));
		assert.match(one('date'), /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} \+0000$/);
		assert.match(one('message-id'), /^<[0-9a-f-]{36}@chat\.example>$/);
		assert.deepEqual(['subject', 'mime-version', 'auto-submitted'].map(one), ['Your new password', '1.0', 'auto-generated']);
		assert.equal(one('content-type'), 'text/plain; charset=utf-8');
		assert.equal(one('content-transfer-encoding'), 'quoted-printable');
		assert.match(text, /within 60 minutes/);
		assert.ok(!text.includes('evil.example'));
		for (const line of raw.split('\r\n')) assert.ok(line.length <= 78 && /^[ -~]*$/.test(line), line);
		assert.ok(!/[^\r]\n/.test(raw), 'lines end in CRLF');
	});

	it('has a token that is nowhere else: not in the database, not in a log', async () => {
		const email = addressOf('Secret');
		await register(stack, 'Secret', { email });
		await ask(email);
		const token = tokenOf(await server.next(email));
		const row = await stack.sql(`select password_resets::text from password_resets where email = '${email}'`);
		assert.ok(row.includes(email) && !row.includes(token) && !row.includes(Buffer.from(token, 'base64url').toString('hex')));
		for (const [name, log] of Object.entries(await stack.logs())) {
			assert.ok(!log.includes(token), `${name} has no token`);
			assert.ok(!log.toLowerCase().includes(email.toLowerCase()), `${name} has no address`);
		}
	});

	it('makes void what was asked for earlier', async () => {
		const email = addressOf('Twice');
		await register(stack, 'Twice', { email });
		await ask(email);
		const first = tokenOf(await server.next(email));
		await ask(email);
		const second = tokenOf(await server.next(email));
		refused(await confirm(first));
		assert.equal((await confirm(second)).status, 204);
	});

	it('is sent to nobody who is unknown, disabled, erased or has no password', async () => {
		const people = {};
		for (const name of ['disabled', 'erased', 'foreign', 'known'])
			people[name] = await register(stack, name, { email: addressOf(name) });
		await stack.sql(`update users set disabled_at = now() where id = '${people.disabled.id}'`);
		await stack.sql(`update users set password_hash = null where id = '${people.foreign.id}'`);
		assert.equal((await people.erased.api.delete('users/me')).status, 204);
		const unknown = addressOf('unknown');
		const email = (name) => people[name].user.email;
		for (const address of [unknown, email('disabled'), email('erased'), email('foreign')]) {
			await ask(address);
			await waitFor(async () => (await requests(address)) === 0, 5000, `${address} is gone`);
		}
		// whoever is asked for last comes last
		await ask(email('known'));
		await server.next(email('known'));
		assert.deepEqual(server.mails.map(({ to }) => to), []);
	});

	it('is not sent to who is being erased, and does not wait for it', async () => {
		const email = addressOf('going');
		const person = await register(stack, 'Going', { email });
		const erasing = await openSession(stack);
		try {
			await erasing.run(`begin; select 1 from users where id = '${person.id}' for update;`);
			await ask(email);
			await waitFor(async () => (await requests(email)) === 0, 5000, 'the request is gone');
		} finally {
			await erasing.end();
		}
		assert.deepEqual(server.mails.map(({ to }) => to), []);
	});

	it('is not sent when the password has been changed since it was asked for', async () => {
		const email = addressOf('Changed');
		const person = await register(stack, 'Changed', { email });
		await stack.kill('notify', 'SIGSTOP');
		await ask(email);
		assert.equal((await person.api.post('auth/password', { current: PASSWORD, new: NEW_PASSWORD })).status, 204);
		await stack.kill('notify', 'SIGCONT');
		await waitFor(async () => (await requests(email)) === 0, 5000, 'the request is gone');
		assert.ok(!server.tries.includes(email));
	});

	it('that the server refuses for now is tried again, and one that it refuses for good is not', async () => {
		const [busy, never] = [addressOf('busy-'), addressOf('never-')];
		for (const email of [busy, never]) {
			await register(stack, 'Refused', { email });
			await ask(email);
		}
		await waitFor(async () => (await requests(never)) === 0, 5000, 'it is given up');
		const count = (email) => server.tries.filter((address) => address === email).length;
		await waitFor(() => count(busy) >= 2, 5000, 'a second try');
		assert.equal(count(never), 1);
		assert.equal(await requests(busy), 1);
		// until it has become too old
		await stack.sql(`update password_resets set requested_at = now() - interval '3601 s', try_at = now() where email = '${busy}'; notify parley_notify`);
		await waitFor(async () => (await requests(busy)) === 0, 5000, 'it is given up');
		const { notify } = await stack.logs();
		for (const text of ['a mail was refused', 'trying again', 'could not be sent in time: given up']) assert.ok(notify.includes(text), text);
	});

	it('waits for a server that is away', async () => {
		const email = addressOf('Patient');
		await register(stack, 'Patient', { email });
		await server.stop();
		await ask(email);
		await waitFor(async () => (await stack.sql(`select tries from password_resets where email = '${email}'`)) >= 1, 5000, 'a try');
		server = await startMailServer(port);
		const token = tokenOf(await server.next(email));
		assert.equal((await confirm(token)).status, 204);
	});

	it('that a process had in hand when it was told to end is sent by the next one', async () => {
		const email = addressOf('Held');
		await register(stack, 'Held', { email });
		await server.stop();
		let held;
		const hanging = new Promise((resolve) => (held = resolve));
		server = await startMailServer(port, { onRcptTo: () => held() }); // never answers
		await ask(email);
		await hanging;
		const old = await stack.kill('notify', 'SIGTERM');
		await stack.replaced('notify', old);
		await server.stop();
		server = await startMailServer(port);
		assert.equal((await confirm(tokenOf(await server.next(email)))).status, 204);
	});

	it('that has no place because eight hang is sent when their time is over, or they end', async () => {
		const people = [];
		for (let i = 0; i < 9; i++) people.push(await register(stack, 'Many', { email: addressOf('many') }));
		await server.stop();
		const hanging = [];
		server = await startMailServer(port, {
			onRcptTo(address, session, callback) {
				hanging.push(callback);
			},
		});
		for (const { user } of people) await ask(user.email);
		await waitFor(() => hanging.length === 8, 5000, 'eight hang');
		const taken = "select count(*) from password_resets where email like 'many-%' and tries > 0";
		assert.equal(await stack.sql(taken), '8');
		hanging[0]();
		await waitFor(() => hanging.length === 9, 5000, 'the ninth');
		for (const callback of hanging.slice(1)) callback();
		for (const { user } of people) await server.next(user.email);
		await server.stop();
		server = await startMailServer(port);
	});
});

describe('the way to the mail server', () => {
	let tls, directory;
	before(async () => {
		tls = await certificate();
		directory = await mkdtemp(join(tmpdir(), 'parley-mail-'));
		await stack.kill('notify', 'SIGSTOP');
	});
	after(async () => {
		await stack.kill('notify', 'SIGCONT');
		await tls?.remove();
		await rm(directory, { recursive: true, force: true });
	});

	/** What a mail server with these options gets of a parley-notify with these settings: a mail, or a line of its log. */
	async function tried(options, settings, line) {
		const email = addressOf('Way');
		await register(stack, 'Way', { email });
		const other = await startMailServer(0, options);
		const another = await startAnother(await stack.pid('notify'), {
			PARLEY_SMTP_URL: `${options.secure ? 'smtps' : 'smtp'}://localhost:${other.port}`,
			PARLEY_SMTP_STARTTLS: 'always',
			PARLEY_TLS_CA: tls.file,
			...settings,
		});
		try {
			await ask(email);
			if (!line) return await other.next(email);
			return await waitFor(() => another.output.split('\n').find((said) => line.test(said)), 5000, `${line} in the log`);
		} finally {
			await stack.sql(`delete from password_resets where email = '${email}'`);
			const end = await another.kill('SIGTERM');
			assert.deepEqual(end, { code: 0, signal: null });
			await other.stop();
		}
	}
	const offered = () => ({ key: tls.key, cert: tls.cert, disabledCommands: [] });

	it('is encrypted by STARTTLS, with a login', async () => {
		const file = join(directory, 'password');
		await writeFile(file, 'pass wörd\n');
		const onAuth = ({ username, password }, session, callback) =>
			username === 'chat' && password === 'pass wörd' ? callback(null, { user: username }) : callback(new Error('no'));
		const mail = await tried(
			{ ...offered(), authOptional: false, onAuth },
			{ PARLEY_SMTP_USER: 'chat', PARLEY_SMTP_PASSWORD_FILE: file },
		);
		assert.deepEqual([mail.secure, mail.user], [true, 'chat']);
		assert.ok(tokenOf(mail));
	});

	it('is tried again when the login is refused: the fault is not the mail’s', async () => {
		const file = join(directory, 'wrong');
		await writeFile(file, 'wrong');
		const onAuth = (auth, session, callback) => callback(new Error('no'));
		const line = await tried(
			{ ...offered(), authOptional: false, onAuth },
			{ PARLEY_SMTP_USER: 'chat', PARLEY_SMTP_PASSWORD_FILE: file },
			/trying again/,
		);
		assert.match(JSON.parse(line).reason, /Login denied|denied: 535/);
	});

	it('is encrypted from the first byte with smtps', async () => {
		assert.equal((await tried({ ...offered(), secure: true }, {})).secure, true);
	});

	it('is not taken where STARTTLS is wanted and not offered', async () => {
		await tried({}, {}, /trying again.*STARTTLS/);
	});

	it('is not taken where nobody vouches for the certificate', async () => {
		const other = await certificate();
		try {
			const line = await tried(offered(), { PARLEY_TLS_CA: other.file }, /trying again/);
			assert.match(JSON.parse(line).reason, /certificate/);
		} finally {
			await other.remove();
		}
	});

	it('is plain on loopback unless the setting says otherwise, and plain where it says so', async () => {
		for (const PARLEY_SMTP_STARTTLS of ['auto', 'never'])
			assert.equal((await tried(offered(), { PARLEY_SMTP_STARTTLS })).secure, false);
	});

	const wrong = [
		[{ PARLEY_MAIL_FROM: '' }, /"mail_from".*no address/],
		[{ PARLEY_SMTP_USER: 'chat' }, /"smtp_user".*smtp_password_file/],
	];
	for (const [settings, expected] of wrong)
		it(`stops the start with ${JSON.stringify(settings)}`, async () => {
			const another = await startAnother(await stack.pid('notify'), settings);
			assert.deepEqual(await another.exited, { code: 1, signal: null });
			assert.match(another.output, expected);
		});
});

describe('keys of an identity provider', () => {
	const ISSUER = 'https://login.example';
	const keyOf = (kid) => ({ ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' });
	const json = (value) => (request, response) =>
		response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
	const kept = (issuer = ISSUER) => stack.sql(`select coalesce(string_agg(kid, ' ' order by kid), '') from identity_keys where issuer = '${issuer}'`);
	const servers = [];
	let provider, asked, notify, tls;

	/** A provider that serves what `answer` says. */
	async function listen(make, answer) {
		const server = make((request, response) => answer(request, response));
		servers.push(server);
		await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
		return server.address().port;
	}
	/** Has the keys fetched, as parley-rest does for a token that names another; resolves to the line of the log about it. */
	async function want() {
		const lines = () => notify.output.split('\n').filter((line) => line.includes(`"issuer":"${ISSUER}"`));
		const before_ = lines().length;
		await stack.sql(
			`insert into identity_wanted (issuer, asked_at) values ('${ISSUER}', clock_timestamp())
			on conflict (issuer) do update set asked_at = excluded.asked_at; notify parley_notify`,
		);
		await waitFor(() => lines().length > before_, 5000, 'it has been fetched');
		return JSON.parse(lines()[before_]);
	}

	before(async () => {
		tls = await certificate();
		asked = [];
		const port_ = await listen(createServer, (request, response) => {
			asked.push(request);
			provider(request, response);
		});
		const secure = await listen((answer) => createTlsServer({ key: tls.key, cert: tls.cert }, answer), json({ keys: [keyOf('tls')] }));
		const hanging = await listen(createServer, () => undefined);
		provider = json({ keys: [keyOf('a'), keyOf('b'), { kty: 'oct', k: 'c2VjcmV0', kid: 'secret' }] });
		notify = await startAnother(await stack.pid('notify'), {
			PARLEY_IDP_ISSUER: `${ISSUER} https://secure.example https://hanging.example`,
			PARLEY_IDP_AUDIENCE: 'chat chat chat',
			PARLEY_IDP_JWKS_URL: `http://127.0.0.1:${port_}/jwks https://localhost:${secure}/ http://127.0.0.1:${hanging}/`,
			PARLEY_TLS_CA: tls.file,
		});
	});
	after(async () => {
		await notify?.kill('SIGTERM');
		for (const one of servers) {
			one.closeAllConnections();
			one.close();
		}
		await tls?.remove();
	});

	it('are fetched at the start, and those that are of no use left out; one that hangs holds up nobody', async () => {
		await waitFor(async () => (await kept()) === 'a b', 3000, 'the keys are there');
		await waitFor(async () => (await kept('https://secure.example')) === 'tls', 3000, 'those by https, too');
		assert.equal(asked.length, 1);
		assert.match(asked[0].headers.accept, /application\/json/);
		assert.match(asked[0].headers['user-agent'], /^parley-notify\//);
	});

	it('are fetched again when somebody asks: what is new comes, what is gone goes', async () => {
		provider = json({ keys: [keyOf('b'), keyOf('c')] });
		assert.equal((await want()).message, 'an identity provider has other keys');
		assert.equal(await kept(), 'b c');
		assert.equal((await want()).message, 'an identity provider has the same keys');
		assert.equal(await stack.sql(`select taken_at >= asked_at from identity_wanted where issuer = '${ISSUER}'`), 't');
	});

	const bad = {
		'that is no JSON': [(request, response) => response.end('<html>'), /no JSON/],
		'that is another one': [json({ issuer: ISSUER }), /no keys that could be used/],
		'without a key': [json({ keys: [] }), /no keys that could be used/],
		'that is not there': [(request, response) => response.writeHead(404).end('{"keys":[]}'), /404/],
		'that is elsewhere': [
			(request, response) =>
				request.url === '/jwks' ? response.writeHead(302, { location: '/other' }).end() : json({ keys: [keyOf('z')] })(request, response),
			/302/,
		],
		'of more than 256 KiB': [json({ keys: [keyOf('z')], more: 'x'.repeat(256 * 1024) }), /too large/],
		'that breaks off': [
			(request, response) => {
				response.writeHead(200, { 'content-length': 1000 });
				response.write('{"keys":', () => response.destroy());
			},
			/./,
		],
	};
	for (const [what, [answer, expected]] of Object.entries(bad))
		it(`stay as they are for a document ${what}, and the log says why`, async () => {
			provider = answer;
			const line = await want();
			assert.equal(line.level, 'warn');
			assert.match(line.reason, expected);
			assert.equal(await kept(), 'b c');
		});

	it('are fetched at once also when somebody asks while it looks for mails', async () => {
		const issuer = 'https://alone.example';
		let fetched = 0;
		const port_ = await listen(createServer, (request, response) => {
			fetched++;
			json({ keys: [keyOf('one')] })(request, response);
		});
		const another = await startAnother(await stack.pid('notify'), {
			PARLEY_IDP_ISSUER: issuer,
			PARLEY_IDP_AUDIENCE: 'chat',
			PARLEY_IDP_JWKS_URL: `http://127.0.0.1:${port_}/`,
		});
		const session = await openSession(stack);
		try {
			await waitFor(async () => (await kept(issuer)) === 'one', 5000, 'the keys are there');
			await session.run('begin; lock password_resets;');
			const looks = `select wait_event_type = 'Lock' from pg_stat_activity where usename = 'parley_notify'
				order by backend_start desc limit 1`;
			await stack.sql('notify parley_notify');
			await waitFor(async () => (await stack.sql(looks, { superuser: true })) === 't', 4000, 'it looks for mails');
			await stack.sql(`update identity_wanted set asked_at = clock_timestamp() where issuer = '${issuer}'; notify parley_notify`);
			await session.run('commit;');
			await waitFor(() => fetched === 2, 3000, 'they are fetched');
		} finally {
			await session.end();
			await another.kill('SIGTERM');
		}
	});

	it('are fetched at the next start, and again soon after a failure, without anybody asking', async () => {
		provider = json({ keys: [keyOf('d')] });
		await notify.kill('SIGTERM');
		notify = await startAnother(await stack.pid('notify'), {
			PARLEY_IDP_ISSUER: `${ISSUER} https://secure.example`,
			PARLEY_IDP_AUDIENCE: 'chat chat',
			PARLEY_IDP_JWKS_URL: `http://127.0.0.1:${servers[0].address().port}/jwks https://localhost:${servers[1].address().port}/`,
		});
		await waitFor(async () => (await kept()) === 'd', 5000, 'the keys are there');
		const untrusted = /secure\.example.*certificate/;
		await waitFor(() => notify.output.split('\n').filter((line) => untrusted.test(line)).length >= 2, 5000, 'two tries at what nobody vouches for');
		assert.equal(await kept('https://secure.example'), 'tls');
	});
});

describe('parley-notify', () => {
	it('reads the log level again on SIGHUP, ends at once on SIGTERM, and is small', { skip: !!process.env.PARLEY_ASAN }, async () => {
		const another = await startAnother(await stack.pid('notify'));
		await waitFor(() => another.output.includes('"started"'), 5000, 'it has started');
		const size = Number(/VmRSS:\s*(\d+)/.exec(await readFile(`/proc/${another.pid}/status`, 'utf8'))[1]);
		assert.ok(size < 16_000, `${size} kB`);
		process.kill(another.pid, 'SIGHUP');
		await waitFor(() => another.output.includes('configuration read again'), 5000, 'it has read it');
		const begin = performance.now();
		assert.deepEqual(await another.kill('SIGTERM'), { code: 0, signal: null });
		assert.ok(performance.now() - begin < 1000);
	});

	it('finds its work again after it has lost the database, and what was asked for meanwhile', async () => {
		const email = addressOf('Lost');
		await register(stack, 'Lost', { email });
		await stack.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'parley_notify'", { superuser: true });
		await ask(email);
		assert.ok(tokenOf(await server.next(email)));
	});
});
