// `parley doctor`: a stack that is well, and then one thing after another that is not; what is said is in the right row.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Broker } from '../broker/broker.mjs';
import { parley } from '../lib/parley.mjs';
import { startBucket } from '../lib/s3.mjs';
import { certificate } from '../lib/smtp.mjs';
import { freePort, sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

let stack;
let directory;
let keys; // a copy of the keys, to be spoilt

before(async () => {
	stack = await sharedStack();
	directory = await mkdtemp(join(stack.var, 'doctor-'));
	keys = {
		PARLEY_TOKEN_PRIVATE_KEY: join(directory, 'token.key'),
		PARLEY_TOKEN_PUBLIC_KEYS: join(directory, 'token.pub'),
		PARLEY_BROKER_SECRET: join(directory, 'broker.secret'),
	};
	await copies();
});
after(async () => {
	await rm(directory, { recursive: true, force: true });
	await stack.stop();
});

async function copies() {
	for (const [setting, mode] of [['PARLEY_TOKEN_PRIVATE_KEY', 0o600], ['PARLEY_TOKEN_PUBLIC_KEYS', 0o644], ['PARLEY_BROKER_SECRET', 0o600]]) {
		await copyFile(join(stack.var, 'keys', keys[setting].slice(directory.length + 1)), keys[setting]);
		await chmod(keys[setting], mode);
	}
}

/** What is not in order: { check: [state, found, advice] }. */
async function findings(env = {}) {
	const { status, body, err } = await parley(stack, ['doctor'], { env });
	assert.ok(body, err);
	for (const row of body.data) {
		assert.match(row.state, /^(ok|warn|fail)$/);
		assert.ok(row.found);
		assert.equal(row.advice === null, row.state === 'ok', JSON.stringify(row));
	}
	assert.equal(status, body.data.some(({ state }) => state === 'fail') ? 1 : 0);
	return Object.fromEntries(body.data.filter(({ state }) => state !== 'ok').map(({ check, state, found, advice }) => [check, [state, found, advice]]));
}

/** That these checks, and no others, are as they are to be: { check: [state, found, advice] } with patterns. */
async function finds(env, expected) {
	const found = await findings(env);
	assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort(), JSON.stringify(found));
	for (const [check, [state, what, advice]] of Object.entries(expected)) {
		assert.equal(found[check][0], state, JSON.stringify(found));
		assert.match(found[check][1], what);
		assert.match(found[check][2], advice);
	}
}

test('a stack that is well: everything is looked at, and all of it is in order', async () => {
	const { status, body } = await parley(stack, ['doctor']);
	assert.deepEqual(
		body.data.filter(({ state }) => state !== 'ok'),
		[],
	);
	assert.equal(status, 0);
	const checks = body.data.map(({ check }) => check);
	for (const check of ['settings', 'rate limits', 'trusted proxies', 'other origins', 'mail', 'signing key', 'public keys', 'broker secret', 'disk',
		'versions', 'database', 'clock of database', 'PostgreSQL', 'WAL', 'replication slot', 'rights of parley-rest', 'rights of parley-push',
		'schema', 'parley-notify', 'broker', 'parley-push', 'metrics', 'parley-rest', 'web server', 'clock of web server', 'API', 'MQTT on WebSocket', 'attachments'])
		assert.ok(checks.includes(check), check);
	const versions = body.data.find(({ check }) => check === 'versions').found;
	assert.match(versions, /^parley \d.*libpq 1\d\.\d.*mosquitto version 2.*lighttpd/);

	const people = await parley(stack, ['doctor'], { json: false });
	assert.equal(people.status, 0);
	assert.match(people.out, /^ok {4}settings .*\n/);
	assert.match(people.out, new RegExp(`\n${checks.length} ok, 0 to look at, 0 failed\n$`));
	assert.equal(people.err, '');
});

test('settings that protect nobody, and programs that are not there', () =>
	finds(
		{
			PARLEY_RATE_SCALE: '0',
			PARLEY_TRUSTED_PROXIES: '10.0.0.0/8 0.0.0.0/0',
			PARLEY_CORS_ORIGINS: 'http://shop.example',
			PARLEY_MQTT_PORT: '1',
			PARLEY_PORT: '2',
			PARLEY_METRICS_PORT: '3',
			PARLEY_REST_SOCKET: join(directory, 'none.sock'),
			PARLEY_SLOT: 'doctor_none',
		},
		{
			'rate limits': ['warn', /switched off/, /rate_scale/],
			'trusted proxies': ['fail', /everybody/, /your proxies alone/],
			'other origins': ['warn', /http:\/\/shop\.example/, /https:/],
			broker: ['fail', /port 1: Connection refused/, /Start mosquitto/],
			'web server': ['fail', /port 2: Connection refused/, /Start the web server/],
			'parley-push': ['fail', /port 3: Connection refused/, /Start parley-push/],
			'parley-rest': ['fail', /none\.sock: No such file/, /Start parley-rest/],
			'replication slot': ['fail', /not there/, /Start parley-push/],
		},
	));

test('mail that cannot be sent', async () => {
	const mail = { PARLEY_SMTP_URL: 'smtps://mail.example:465', PARLEY_MAIL_FROM: 'chat@shop.example', PARLEY_RESET_URL: 'https://shop.example/#{token}' };
	const password = join(directory, 'smtp');
	await writeFile(password, 'x\n', { mode: 0o644 });
	const id = '0190a000-0000-7000-8000-00000000d0c7';
	await stack.sql(`insert into password_resets (id, email, tries, try_at) values ('${id}', 'a@b.example', 3, now() + interval '1 hour')`);
	try {
		await finds(mail, { 'mail waiting': ['warn', /^[1-9]\d* mails could not be sent/, /log of parley-notify/] });
	} finally {
		await stack.sql(`delete from password_resets where id = '${id}'`);
	}
	for (const [change, ...expected] of [
		[{ PARLEY_SMTP_URL: '' }, 'fail', /no smtp_url/, /Set smtp_url/],
		[{ PARLEY_SMTP_URL: 'smtp://127.mail.example', PARLEY_SMTP_STARTTLS: 'never' }, 'warn', /is not encrypted/, /smtps/],
		[{ PARLEY_SMTP_URL: 'smtp://mail.example', PARLEY_SMTP_STARTTLS: 'never' }, 'warn', /smtp:\/\/mail\.example is not encrypted/, /smtps/],
		[{ PARLEY_SMTP_PASSWORD_FILE: password }, 'fail', /mode 0644/, /chmod 0640/],
	])
		await finds({ ...mail, ...change }, { mail: expected });
});

test('a place where nothing is', async () => {
	const found = await findings({ PARLEY_VAR: join(directory, 'none') });
	assert.match(found.settings[1], /no directory/);
	for (const check of ['signing key', 'public keys', 'broker secret']) assert.match(found[check][1], /No such file/);
});

test('key files', async () => {
	await finds(keys, {});
	const { PARLEY_TOKEN_PRIVATE_KEY: signing, PARLEY_TOKEN_PUBLIC_KEYS: published, PARLEY_BROKER_SECRET: secret } = keys;
	for (const [change, expected] of [
		[
			() => Promise.all([chmod(signing, 0o644), chmod(secret, 0o602)]),
			{
				'signing key': ['fail', /mode 0644: it is open to others/, /chmod 0640/],
				'broker secret': ['fail', /mode 0602/, /chmod 0600/],
			},
		],
		[
			() => Promise.all([writeFile(secret, 'short\n'), writeFile(published, 'half')]),
			{
				'broker secret': ['fail', /shorter than 16/, /openssl rand/],
				'public keys': ['fail', /no PEM block/, /parley keys make/],
			},
		],
		[
			() => Promise.all([rm(secret), writeFile(signing, 'half')]),
			{
				'broker secret': ['fail', /No such file/, /openssl rand/],
				'signing key': ['fail', /no PEM block/, /parley keys make/],
			},
		],
		// another key, which nobody knows
		[
			async () => {
				const other = join(directory, 'other.key');
				await parley(stack, ['keys', 'make'], {
					env: { PARLEY_TOKEN_PRIVATE_KEY: other, PARLEY_TOKEN_PUBLIC_KEYS: join(directory, 'other.pub') },
				});
				await copyFile(other, signing);
			},
			{
				'public keys': ['fail', /does not hold the public half/, /parley keys make adds it/],
				'parley-rest': ['fail', /refuses tokens of the signing key/, /other settings/],
				broker: ['fail', /refuses tokens of the signing key/, /plugin_opt_public_keys/],
			},
		],
		// a rotation that somebody forgot
		[() => copyFile(signing, `${signing}.next`), {}],
		[
			async () => {
				await rm(`${signing}.next`);
				await parley(stack, ['keys', 'rotate', '--step', 'publish'], { env: keys });
				await writeFile(published, (await readFile(published, 'utf8')).replaceAll(/since=\d{4}/g, 'since=2020'));
			},
			{ 'public keys': ['warn', /not finished/, /parley keys rotate/] },
		],
	]) {
		await change();
		await finds(keys, expected);
		await copies();
	}
});

test('other programs in their place', async () => {
	const { port } = new URL(stack.metricsUrl);
	await finds(
		{ PARLEY_PORT: port, PARLEY_METRICS_PORT: new URL(stack.url).port, PARLEY_MQTT_PORT: new URL(stack.url).port },
		{
			API: ['fail', /HTTP 404/, /lighttpd\.conf/],
			'MQTT on WebSocket': ['fail', /HTTP 404/, /ws_port/],
			metrics: ['fail', /not answered with 200/, /log/],
			broker: ['fail', /does not speak MQTT|closed|time/, /mosquitto|parley-push/],
		},
	);
});

test('a broker that is open to everybody, and one that is closed', async () => {
	const port = await freePort();
	const config = join(directory, 'mosquitto.conf');
	await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
	const open = spawn('mosquitto', ['-c', config], { stdio: 'ignore', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
	try {
		const env = { PARLEY_BROKER_PORT: String(port) };
		await waitFor(async () => !/refused/.test((await findings(env)).broker[1]), 10_000, 'mosquitto listens');
		await finds(env, { broker: ['fail', /lets in whoever makes up a token/, /allow_anonymous false/] });
	} finally {
		open.kill();
	}
	const closed = await Broker.start({ open: false });
	try {
		await finds({ PARLEY_BROKER_PORT: String(closed.port) }, { broker: ['fail', /closed/, /Start parley-push/] });
	} finally {
		await closed.stop();
	}
});

test('a database that is away, and roles that may too little or too much', async () => {
	const { PARLEY_REST_DATABASE: rest, PARLEY_PUSH_DATABASE: push, PARLEY_OWNER_DATABASE: owner } = stack.env;
	const away = `host=${directory} dbname=parley`;
	await finds(
		{ PARLEY_REST_DATABASE: away, PARLEY_OWNER_DATABASE: away },
		{
			database: ['fail', /No such file or directory/, /Start PostgreSQL/],
			schema: ['warn', /No such file or directory/, /owner_database/],
		},
	);
	await finds({ PARLEY_PUSH_DATABASE: away }, { 'rights of parley-push': ['fail', /No such file/, /push_database/] });
	await finds(
		{ PARLEY_PUSH_DATABASE: rest, PARLEY_REST_DATABASE: push },
		{
			'rights of parley-push': ['fail', /parley_rest: may not read the WAL/, /replication/],
			'rights of parley-rest': ['fail', /parley_push: may not do/, /parley migrate/],
		},
	);
	await finds(
		{ PARLEY_REST_DATABASE: owner, PARLEY_OWNER_DATABASE: push },
		{
			'rights of parley-rest': ['warn', /may delete messages/, /parley_rest/],
			schema: ['fail', /permission denied/, /parley migrate|owner_database/],
		},
	);
});

test('a slot that nobody reads, and one of somebody else', async () => {
	for (const [name, plugin, expected] of [
		['doctor_idle', 'pgoutput', ['fail', /not active/, /Start parley-push/]],
		['doctor_foreign', 'test_decoding', ['fail', /another plugin/, /another name/]],
	]) {
		const superuser = { superuser: true, database: 'parley' };
		await stack.sql(`select pg_create_logical_replication_slot('${name}', '${plugin}')`, superuser);
		try {
			await finds({ PARLEY_SLOT: name }, { 'replication slot': expected });
		} finally {
			await stack.sql(`select pg_drop_replication_slot('${name}')`, superuser);
		}
	}
});

test('a schema of another version', async () => {
	const last = 'where version = (select max(version) from schema_migrations)';
	await stack.sql('create table doctor_kept as select * from schema_migrations');
	try {
		for (const [change, found, advice] of [
			[`delete from schema_migrations ${last}`, /1 migrations are missing, from 00/, /Migrate: parley migrate/],
			[`update schema_migrations set sha256 = 'other' ${last}`, /is not the 00/, /other files/],
			["insert into schema_migrations (version, name, sha256) values (9999, '9999_later', '')", /newer.*9999_later/, /newer version/],
		]) {
			await stack.sql(change);
			await finds({}, { schema: ['fail', found, advice] });
			await stack.sql('delete from schema_migrations; insert into schema_migrations select * from doctor_kept');
		}
	} finally {
		await stack.sql('delete from schema_migrations; insert into schema_migrations select * from doctor_kept; drop table doctor_kept');
	}
});

test('identity providers whose keys nobody has fetched', async () => {
	const issuer = 'https://doctor.example';
	const env = { PARLEY_IDP_ISSUER: issuer, PARLEY_IDP_AUDIENCE: 'doctor', PARLEY_IDP_JWKS_URL: `${issuer}/jwks` };
	const identity = async () => (await findings(env))['identity provider'];
	try {
		assert.match((await identity())[1], /no keys of https:\/\/doctor\.example/);
		await stack.sql(`insert into identity_keys (issuer, kid, jwk) values ('${issuer}', '1', '{}')`);
		assert.equal(await identity(), undefined);
		await stack.sql(`insert into identity_wanted (issuer, asked_at) values ('${issuer}', now() - interval '1 hour')`);
		assert.deepEqual((await identity()).slice(0, 2), ['warn', `${issuer}: 1 keys, and more are waited for`]);
	} finally {
		await stack.sql(`delete from identity_keys where issuer = '${issuer}'; delete from identity_wanted where issuer = '${issuer}'`);
	}
});

test('what takes connections and never answers holds it up for less than five seconds', async () => {
	const silent = createServer(() => undefined);
	const open = new Set();
	silent.on('connection', (socket) => {
		open.add(socket);
		socket.on('error', () => undefined);
	});
	await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
	const port = String(silent.address().port);
	const database = `host=127.0.0.1 port=${port} dbname=parley`;
	const begin = performance.now();
	const found = await findings({
		PARLEY_PORT: port,
		PARLEY_MQTT_PORT: port,
		PARLEY_METRICS_PORT: port,
		PARLEY_REST_DATABASE: database,
		PARLEY_PUSH_DATABASE: database,
		PARLEY_OWNER_DATABASE: database,
	});
	const took = performance.now() - begin;
	assert.ok(took < 5000, `${took} ms`);
	for (const check of ['web server', 'broker', 'parley-push', 'database']) assert.match(found[check][1], /time/, JSON.stringify(found));
	for (const socket of open) socket.destroy();
	await new Promise((resolve) => silent.close(resolve));
});

test('settings that do not load are told as every program tells them', async () => {
	const { status, err } = await parley(stack, ['doctor'], { env: { PARLEY_REST_WORKERS: 'many' } });
	assert.equal(status, 1);
	assert.match(err, /bad value.*rest_workers/);
});

test('attachments: a directory that is none, and a bucket that is well, away, missing or shut', async () => {
	const inFile = join(keys.PARLEY_BROKER_SECRET, 'attachments');
	await finds({ PARLEY_ATTACHMENTS_DIR: inFile }, { attachments: ['fail', /secret\/attachments: Not a directory/, /attachments_dir/] });
	const bucket = await startBucket();
	const { settings } = bucket;
	try {
		await finds(settings, {});
		await finds({ ...settings, PARLEY_ATTACHMENTS_S3_SECRET_KEY: 'x' }, { bucket: ['fail', /403 SignatureDoesNotMatch$/, /_secret_key/] });
		await finds({ ...settings, PARLEY_ATTACHMENTS_S3_ACCESS_KEY: 'x' }, { bucket: ['fail', /403 InvalidAccessKeyId$/, /_access_key/] });
		await finds({ ...settings, PARLEY_ATTACHMENTS_S3_BUCKET: 'other' }, { bucket: ['fail', /^other at .*404 NoSuchBucket$/, /_bucket/] });
		bucket.mute(true);
		await finds(settings, { bucket: ['fail', /: 0 .*timed out/, /_endpoint/] });
		await bucket.stop();
		await finds(settings, { bucket: ['fail', /^parley-files at .*: 0 Failed to connect/, /_endpoint/] });
	} finally {
		await bucket.stop();
	}
});

test('a bucket with https is asked by who trusts its certificate, and by nobody else', async () => {
	const tls = await certificate();
	const bucket = await startBucket({ tls });
	try {
		await finds({ ...bucket.settings, PARLEY_TLS_CA: tls.file }, {});
		assert.equal(bucket.requests.length, 1);
		await finds(bucket.settings, { bucket: ['fail', /: 0 .*certificate/, /tls_ca/] });
		assert.equal(bucket.requests.length, 1);
	} finally {
		await bucket.stop();
		await tls.remove();
	}
});
