// A real mosquitto with the plugin in a temporary folder, tokens for it, and clients that are not ours.

import { execFileSync, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import mqtt from 'mqtt';
import { freePort } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const build = path.resolve(root, process.env.PARLEY_BUILD ?? 'build');

export const issuer = 'https://parley.test';
export const audience = 'parley';
export const CONTROL = '$CONTROL/parley/v1';
export const DEADLINE_MS = 10_000;

export const newId = () => crypto.randomUUID();
export const seconds = () => Math.floor(Date.now() / 1000);

export const until = (check, what, deadlineMs = DEADLINE_MS) => waitFor(check, deadlineMs, what);

// --- keys and tokens ---

const base64url = (value) => Buffer.from(value).toString('base64url');

export class Key {
	constructor() {
		const pair = crypto.generateKeyPairSync('ed25519');
		this.privateKey = pair.privateKey;
		this.pem = pair.publicKey.export({ type: 'spki', format: 'pem' });
		const { crv, kty, x } = pair.publicKey.export({ format: 'jwk' });
		this.kid = crypto.createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
	}

	// Signs any header and claims, good or bad.
	sign(header, claims) {
		const covered = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
		return `${covered}.${crypto.sign(null, Buffer.from(covered), this.privateKey).toString('base64url')}`;
	}

	header(changes = {}) {
		return { alg: 'EdDSA', typ: 'at+jwt', kid: this.kid, ...changes };
	}

	token(user, changes = {}, headerChanges = {}) {
		return this.sign(this.header(headerChanges), claimsOf(user, changes));
	}
}

export function claimsOf(user, changes = {}) {
	return { iss: issuer, sub: user, aud: audience, iat: seconds(), exp: seconds() + 900, jti: newId(), sid: newId(),
		did: 'test', ...changes };
}

// --- the broker ---

function configuration(values) {
	const template = fs.readFileSync(path.join(root, 'ops/mosquitto.conf'), 'utf8');
	return template.replace(/^plugin_opt_grace_ms .*$/m, `plugin_opt_grace_ms ${values.GRACE_MS}`)
		.replace(/^plugin_opt_gate .*$/m, 'plugin_opt_gate true')
		.replace(/@([A-Z_]+)@/g, (whole, name) => values[name] ?? whole);
}

// Under AddressSanitizer the plugin needs its runtime in the program that loads it. mosquitto itself leaves
// memory behind when it ends, so leaks are not looked for here.
function environment() {
	const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
	if (process.env.PARLEY_ASAN) {
		env.LD_PRELOAD = execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
		env.ASAN_OPTIONS = `${env.ASAN_OPTIONS ?? ''}:detect_leaks=0`;
	}
	return env;
}

// Listening is all that mosquitto shows: that it runs is not among the things it logs here.
const listening = (port) => new Promise((resolve) => {
	const socket = net.connect(port, '127.0.0.1');
	socket.once('connect', () => { socket.destroy(); resolve(true); });
	socket.once('error', () => resolve(false));
});

// Whatever ends the tests, no broker and no folder is left behind.
const running = new Set();
process.on('exit', () => {
	for (const broker of running) {
		broker.process.kill('SIGKILL');
		fs.rmSync(broker.dir, { recursive: true, force: true });
	}
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

export class Broker {
	static async start(options = {}) {
		const broker = new Broker();
		broker.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-broker-'));
		broker.key = new Key();
		broker.secret = crypto.randomBytes(32).toString('hex');
		broker.keyFiles = [path.join(broker.dir, 'token.pub'), path.join(broker.dir, 'other.pub')];
		for (const file of broker.keyFiles) fs.writeFileSync(file, broker.key.pem);
		fs.writeFileSync(path.join(broker.dir, 'secret'), `${broker.secret}\nsecond line\n`);
		broker.graceMs = options.graceMs ?? 200;
		broker.edit = options.edit ?? ((text) => text);
		broker.opens = options.open ?? true;
		broker.commandsPerS = options.commandsPerS ?? 50;
		broker.clients = [];
		broker.log = '';
		try {
			Object.assign(broker, { port: await freePort(), wsPort: await freePort() });
			await broker.launch();
		} catch (error) {
			await broker.kill();
			throw error;
		}
		return broker;
	}

	async launch() {
		const { port, wsPort } = this;
		const file = path.join(this.dir, 'mosquitto.conf');
		fs.writeFileSync(file, this.edit(configuration({
			BIND: '127.0.0.1', MQTT_PORT: port, WS_PORT: wsPort, PLUGIN: path.join(build, 'parley_broker.so'),
			PUBLIC_KEYS: this.keyFiles.join(' '), ISSUER: issuer, AUDIENCE: audience,
			SECRET_FILE: path.join(this.dir, 'secret'), USER: os.userInfo().username, GRACE_MS: this.graceMs,
			COMMANDS_PER_S: this.commandsPerS,
		})));
		this.process = spawn('mosquitto', ['-c', file], { env: environment(), stdio: ['ignore', 'inherit', 'pipe'] });
		running.add(this);
		this.process.stderr.on('data', (data) => { this.log += data; });
		this.ended = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve({ code, signal })));
		await Promise.race([
			until(async () => await listening(port) && await listening(wsPort), 'mosquitto listens'),
			this.ended.then(({ code, signal }) => { throw new Error(`mosquitto ended (${code ?? signal}):\n${this.log}`); }),
		]);
		if (this.opens) await this.open();
	}

	// As parley-push does when it has told everything that is revoked: from now on users get in.
	async open() {
		const push = await this.connectPush();
		await publish(push, CONTROL, 'open\n\n');
		push.end(true);
	}

	// Killed, and started again at the same address.
	async restart() {
		this.process.kill('SIGKILL');
		await this.ended;
		this.log = '';
		await this.launch();
	}

	async kill() {
		this.process.kill('SIGKILL');
		await this.ended;
		running.delete(this);
		fs.rmSync(this.dir, { recursive: true, force: true });
	}

	get alive() {
		return this.process.exitCode === null && this.process.signalCode === null;
	}

	async reload() {
		const before = this.log.length;
		this.process.kill('SIGHUP');
		await until(() => /keys and secret (read again|stay)/.test(this.log.slice(before)), 'the broker has reloaded');
	}

	async stop() {
		for (const client of this.clients) client.end(true);
		const clean = this.alive;
		this.process.kill('SIGTERM');
		const { code, signal } = await this.ended;
		await this.kill();
		if (!clean || code !== 0) throw new Error(`mosquitto did not end well (${code ?? signal}):\n${this.log}`);
	}

	// --- clients ---

	token(user, changes) {
		return this.key.token(user, changes);
	}

	// Resolves when the broker has accepted, rejects with its answer: error.code is the CONNACK's.
	// options: device, ws, version (4 or 5), token, and whatever mqtt.js takes.
	connect(user, { device = `device-${crypto.randomBytes(4).toString('hex')}`, ws = false, version = 5, token, ...rest } = {}) {
		return this.connectAs({
			url: ws ? `ws://127.0.0.1:${this.wsPort}/mqtt` : `mqtt://127.0.0.1:${this.port}`,
			clientId: `${user}/${device}`, username: user, password: token ?? this.token(user), protocolVersion: version, ...rest,
		});
	}

	connectPush(rest = {}) {
		return this.connectAs({ url: `mqtt://127.0.0.1:${this.port}`, clientId: `parley-push/${newId()}`, username: 'parley-push',
			password: this.secret, protocolVersion: 4, ...rest });
	}

	connectAs({ url, ...options }) {
		return new Promise((resolve, reject) => {
			const client = mqtt.connect(url, { reconnectPeriod: 0, connectTimeout: DEADLINE_MS, keepalive: 30, ...options });
			client.inbox = [];
			client.packets = [];
			client.on('message', (topic, payload, packet) => client.inbox.push({ topic, text: payload.toString(), packet }));
			client.on('packetreceive', (packet) => client.packets.push(packet));
			client.on('error', (error) => { reject(error); client.end(true); });
			client.once('connect', (connack) => { client.connack = connack; resolve(client); });
			client.once('close', () => { client.closed = true; reject(new Error('closed before CONNACK')); });
			this.clients.push(client);
		});
	}
}

const answerTo = async (client, cmd, send) => {
	const before = client.packets.length;
	send();
	const found = () => client.packets.slice(before).find((packet) => packet.cmd === cmd);
	await until(() => found() || client.closed, `${cmd} has come`);
	return found();
};

// The code in the SUBACK: 0 or 1 granted, 128 and above refused.
export async function subscribe(client, filter) {
	const suback = await answerTo(client, 'suback', () => client.subscribe(filter, { qos: 1 }, () => {}));
	return suback.granted[0];
}

// The reason in the PUBACK: 0 accepted; over MQTT 3.1.1 there is none, and it is 0 always.
export async function publish(client, topic, text, options = {}) {
	const puback = await answerTo(client, 'puback', () => client.publish(topic, text, { qos: 1, ...options }, () => {}));
	return puback?.reasonCode ?? 0;
}

/** What push/broker/control.h says for a payload and its recipients. */
export const deliverText = (recipients, text, { topic = 'messages', qos = 1, expiry = 0 } = {}) =>
	`deliver ${topic} ${qos} ${expiry} ${Buffer.byteLength(text)}\n${recipients.map((id) => `${id}\n`).join('')}\n${text}`;

export function deliver(push, recipients, text, { topic = 'messages', qos = 1, expiry = 0 } = {}) {
	return publish(push, CONTROL, deliverText(recipients, text, { topic, qos, expiry }));
}

export const received = (client, match) => client.inbox.filter((message) =>
	Object.entries(match).every(([key, value]) => message[key] === value));

export const revoke = (push, sessions, untilS = seconds() + 900) =>
	publish(push, CONTROL, `revoke ${untilS}\n${sessions.map((id) => `${id}\n`).join('')}\n`);

// Everything that was on its way to client has come: what push delivers now comes last.
export async function fence(push, user, client) {
	const text = `fence ${newId()}`;
	await deliver(push, [user], text);
	await until(() => received(client, { text }).length > 0, 'the fence has come');
}

// What watcher has been told about user, latest last.
export const presences = (watcher, user) => received(watcher, { topic: `presence/${user}` })
	.map(({ text, packet }) => ({ ...JSON.parse(text), retain: packet.retain }));
