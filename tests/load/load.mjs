// Many people at once on a whole Parley, and the broker killed under two thousand: prints what came out as Markdown.
// README.md says how to read it and what came out where.
//
//	tests/load/load [--clients 10000] [--websocket 1000] [--rate 500] [--seconds 300]
//		[--restart-clients 2000] [--restart-rate 50] [--restart-seconds 40] [--only steady,restart]
//
// It starts a stack of its own, fills it with people in groups of ten (load.sql), lets tests/load/crowd play them, and leaves
// nothing behind. Ends by itself within the times given and ten minutes.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import mqtt from 'mqtt';
import { waitFor } from '../lib/wait.mjs';
import { asSuperuser, caughtUp, groupsOf, measured, metric, optionsOf, personId, psql, say, stackStart, table, tokensOf, tool } from './common.mjs';
import { memory, usage } from './proc.mjs';
import { root } from './statement.mjs';

const PARTS = ['steady', 'restart'];
const FIRST = 10000; // person
const WATCHER = 99999;
const LEAVERS = 50; // who were online when the broker died and do not come back
const KILL_AFTER_MS = 4000;
const TARGETS = { send_ms: 50, received_ms: 150 };

const { options, whole, parts } = optionsOf(
	{
		clients: '10000',
		websocket: undefined, // a tenth
		rate: '500',
		seconds: '300',
		'restart-clients': '2000',
		'restart-rate': '50',
		'restart-seconds': '40',
	},
	PARTS,
);
const clients = whole('clients', 10, 50_000);
const websocket = options.websocket === undefined ? Math.floor(clients / 10) : whole('websocket', 0, clients);
const rate = whole('rate', 1, 10_000);
const seconds = whole('seconds', 1, 3600);
const restartClients = whole('restart-clients', 10, 10_000);
const restartRate = whole('restart-rate', 1, 1000);
const restartSeconds = whole('restart-seconds', 10, 600);

// --- the crowd ------------------------------------------------------------------------------------

/**
 * Starts the program for persons from first on. Every second one speaks MQTT 5; nwebsocket of them, spread over the
 * groups, come over WebSocket; the last nleaving do not come back after a loss.
 */
function crowdStart(stack, first, count, { nwebsocket = 0, nleaving = 0 } = {}) {
	const numbers = Array.from({ length: count }, (_, i) => first + i);
	const tokens = tokensOf(stack, numbers);
	const every = nwebsocket ? Math.floor(count / nwebsocket) : Infinity;
	const lines = numbers.map((number, i) => {
		const conversation = personId(number - (number % 10)).replace('-8000-', '-9000-');
		const isWebsocket = i % every === every - 1 && i < every * nwebsocket;
		const way = isWebsocket ? 'ws' : 'tcp';
		const version = Math.floor(i / (isWebsocket ? every : 1)) % 2 ? 5 : 4;
		return `${personId(number)} ${tokens[i]} ${conversation} ${version} ${way} ${i < count - nleaving ? 'stay' : 'leave'}\n`;
	});
	const ports = [stack.mqttUrl, stack.url].map((url) => new URL(url).port);
	const child = spawn(tool('crowd'), ports, { stdio: ['pipe', 'pipe', 'inherit'] });
	child.stdin.on('error', () => undefined); // told by the answer that does not come
	child.stdin.write(lines.join('') + '\n');
	const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const ended = new Promise((done) => child.once('close', done));
	return {
		pid: child.pid,
		/** Resolves to what the program says to a command. */
		async run(command) {
			child.stdin.write(`${command}\n`);
			const { value, done } = await answers.next();
			if (done) throw new Error(`crowd: no answer to ${command}`);
			say(`${command}: ${value}`);
			return JSON.parse(value);
		},
		tell: (command) => child.stdin.write(`${command}\n`),
		end() {
			child.stdin.end('end\n');
			return ended;
		},
	};
}

const openFiles = (pid) => readdirSync(`/proc/${pid}/fd`).length;

function fileLimit(pid) {
	return Number(/^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))[1]);
}

const ms = (spread, part) => (spread ? spread[part].toFixed(spread[part] < 10 ? 2 : 0) : '–');
const cores = (used_us, took_s) => (used_us / 1e6 / took_s).toFixed(2);

// --- ten thousand ---------------------------------------------------------------------------------

/** Connects those of one way; what that took, and what it left in the broker. */
async function connectAll(stack, crowd, way) {
	const { broker, front } = stack.groups;
	const before = { resident: memory(broker).resident, broker: openFiles(broker), front: openFiles(front) };
	const result = await measured({ ...stack.groups, crowd: crowd.pid }, () => crowd.run(`connect ${way}`));
	const { connected } = result;
	return [
		way === 'ws' ? 'WebSocket, by the web server' : 'TCP',
		connected,
		result.seconds.toFixed(1),
		(result.used.broker / connected).toFixed(0),
		((memory(broker).resident - before.resident) / connected).toFixed(1),
		((openFiles(broker) - before.broker) / connected).toFixed(1),
		((openFiles(front) - before.front) / connected).toFixed(1),
		result.failed_attempts,
	];
}

async function idle(stack, crowd) {
	const took = 5;
	const result = await measured({ ...stack.groups, crowd: crowd.pid }, () => new Promise((done) => setTimeout(done, took * 1000, {})));
	return { broker: result.used.broker / 1e3 / took, push: result.used.push / 1e3 / took };
}

async function steady(stack) {
	const crowd = crowdStart(stack, FIRST, clients, { nwebsocket: websocket });
	try {
		const connects = [await connectAll(stack, crowd, 'tcp')];
		if (websocket) connects.push(await connectAll(stack, crowd, 'ws'));
		const files = { broker: openFiles(stack.groups.broker), front: openFiles(stack.groups.front), crowd: openFiles(crowd.pid) };
		const still = await idle(stack, crowd);
		const warm = await crowd.run(`send ${Math.ceil(rate / 2)} 4`); // statements prepared, memory touched
		const checked = await metric(stack, 'parley_rest_tokens_verified_total');
		const groups = { ...stack.groups, crowd: crowd.pid };
		const begin = performance.now();
		const result = await measured(groups, () => crowd.run(`send ${rate} ${seconds}`));
		const took = (performance.now() - begin) / 1000;
		const verified = (await metric(stack, 'parley_rest_tokens_verified_total')) - checked;
		const counted = Number(
			await psql(stack.env.PARLEY_OWNER_DATABASE, `select sum(last_seq) from conversations where id < '${lastGroup(clients)}'`),
		);
		const sent = warm.acknowledged + result.acknowledged;
		connectTable(connects, files, stack, crowd, still);
		steadyTables(result, took, verified, { counted, sent });
	} finally {
		await crowd.end();
	}
}

const lastGroup = (count) => personId(FIRST + count).replace('-8000-', '-9000-');

function connectTable(rows, files, stack, crowd, still) {
	table(
		[
			'connected', 'clients', 'seconds', 'broker, processor µs each', 'broker, resident kB each',
			'descriptors of the broker each', 'of the web server each', 'attempts that failed',
		],
		rows,
	);
	process.stdout.write(
		`\nDescriptors open when all are connected, and the limit: broker ${files.broker} of ${fileLimit(stack.groups.broker)}, ` +
			`web server ${files.front} of ${fileLimit(stack.groups.front)}, the crowd itself ${files.crowd} of ${fileLimit(crowd.pid)}. ` +
			`While nothing happens the broker uses ${still.broker.toFixed(0)} ms of processor a second, parley-push ${still.push.toFixed(0)}.\n`,
	);
}

function steadyTables(result, took, verified, { counted, sent }) {
	const lost = result.missing + result.surplus + result.wrong + Math.abs(counted - sent);
	const expected = result.acknowledged * 10;
	const met = (fits) => (fits ? 'met' : '**missed**');
	table(
		['target', '', 'measured'],
		[
			...Object.entries({ send_ms: 'send, p99', received_ms: 'send → received, p99' }).map(([name, what]) => [
				`${what} ≤ ${TARGETS[name]} ms`, met(result[name].p99 <= TARGETS[name]), `${ms(result[name], 'p99')} ms`,
			]),
			[`${rate} sends/s for ${seconds} s`, met(result.rate >= rate * 0.99), `${result.rate.toFixed(1)}/s`],
			[
				'nothing lost', met(lost === 0 && result.arrived === expected),
				`${result.acknowledged} sends acknowledged, ${result.arrived} of ${expected} deliveries, ${result.missing} missing, ` +
					`${result.repeated} repeated, ${result.disordered} out of order, ${result.wrong} wrong; ` +
					`the database counts ${counted}, acknowledged since the start ${sent}`,
			],
		],
	);
	const row = (what, name) => [what, ...['p50', 'p99', 'max'].map((part) => ms(result[name], part))];
	table(
		[`milliseconds after the message was due, at ${rate} sends/s for ${seconds} s`, 'p50', 'p99', 'most'],
		[
			row('handed to a connection', 'begun_ms'),
			row('acknowledged to the sender (send)', 'send_ms'),
			row('arrived, each of ten receivers (send → received)', 'received_ms'),
		],
	);
	coresTable(result, took);
	process.stdout.write(
		`\nTokens whose signature had to be checked: ${((100 * verified) / result.acknowledged).toFixed(0)} % of the sends. ` +
			`Events beside the messages: ${result.other_events}. Connections lost: ${result.lost_connections}; ` +
			`requests that failed and were sent again: ${result.failed_requests}.\n`,
	);
}

function coresTable(result, took) {
	const names = Object.keys(result.used).filter((name) => !['machine', 'client'].includes(name));
	table(
		['cores busy with', ...names, 'anything else'],
		[['', ...names.map((name) => cores(result.used[name], took)), result.others.toFixed(2)]],
	);
}

// --- the broker dies ------------------------------------------------------------------------------

/** Reads retained presence: a connection that is tried again until the broker lets it in. */
async function watch(stack) {
	const [token] = tokensOf(stack, [WATCHER]);
	const user = personId(WATCHER);
	for (let attempts = 1; ; attempts++) {
		const client = mqtt.connect(stack.mqttUrl, {
			clientId: `${user}/watcher`, username: user, password: token, keepalive: 60, reconnectPeriod: 0, connectTimeout: 3000,
		});
		const connected = await new Promise((resolve) => {
			client.once('connect', () => resolve(true));
			client.once('close', () => resolve(false));
			client.on('error', () => undefined);
		});
		if (!connected) {
			client.end(true);
			if (attempts >= 600) throw new Error('the watcher is not let in');
			await new Promise((done) => setTimeout(done, 50));
			continue;
		}
		const seen = new Map();
		const everOnline = new Set();
		client.on('message', (topic, payload) => {
			const { user_id, status } = JSON.parse(payload);
			seen.set(user_id, status);
			if (status === 'online') everOnline.add(user_id);
		});
		return {
			seen,
			everOnline,
			async of(numbers) {
				for (let i = 0; i < numbers.length; i += 200)
					await client.subscribeAsync(numbers.slice(i, i + 200).map((number) => `presence/${personId(number)}`), { qos: 1 });
			},
			end: () => client.endAsync(true),
		};
	}
}

/** Kills the broker; resolves when another one runs and has let the watcher in. */
async function brokerKill(stack, leavers) {
	const path = join(stack.var, 'run/mosquitto.pid');
	const old = stack.groups.broker;
	const begin = performance.now();
	process.kill(old, 'SIGKILL');
	const pid = await waitFor(
		async () => {
			const now = Number(await readFile(path, 'utf8'));
			return now !== old && now;
		},
		20_000,
		'the broker runs again',
	);
	const started = performance.now() - begin;
	const watcher = await watch(stack);
	const open = performance.now() - begin;
	await watcher.of(leavers);
	return { pid, started, open, watcher };
}

async function restart(stack) {
	const first = FIRST + clients;
	const all = Array.from({ length: restartClients + LEAVERS }, (_, i) => first + i);
	const stay = all.slice(0, restartClients);
	const leavers = all.slice(restartClients);
	const crowd = crowdStart(stack, first, all.length, { nwebsocket: Math.floor(all.length / 10), nleaving: LEAVERS });
	try {
		crowd.tell('sync');
		await crowd.run('connect tcp');
		await crowd.run('connect ws');
		await crowd.run(`send ${restartRate} 3`);
		const { broker: _, ...lasting } = stack.groups;
		const groups = { ...lasting, crowd: crowd.pid };
		const before = usage(groups);
		const begin = performance.now();
		const sending = crowd.run(`send ${restartRate} ${restartSeconds}`);
		await new Promise((done) => setTimeout(done, KILL_AFTER_MS));
		const kill = await brokerKill(stack, leavers);
		const result = await sending;
		const took = (performance.now() - begin) / 1000;
		stack.groups.broker = kill.pid;
		// the new broker has begun with nothing
		const after = usage({ ...groups, broker: kill.pid });
		const used = Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - (before[name] ?? 0)]));
		const presence = await presenceCheck(stack, kill.watcher, stay);
		restartTables(result, { ...kill, used, took, presence, stale: leavers.filter((number) => kill.watcher.everOnline.has(personId(number))) });
	} finally {
		await crowd.end();
	}
}

/** Who is online, of all people there are. */
async function presenceCheck(stack, watcher, stay) {
	const count = clients + restartClients + LEAVERS;
	await watcher.of(Array.from({ length: count }, (_, i) => FIRST + i));
	await watcher.of([WATCHER]); // the last to be told: everything else has come then
	await waitFor(() => watcher.seen.get(personId(WATCHER)) === 'online', 10_000, 'presence is read');
	const online = new Set([...watcher.seen].filter(([, status]) => status === 'online').map(([id]) => id));
	online.delete(personId(WATCHER));
	const absent = stay.filter((number) => !online.delete(personId(number)));
	await watcher.end();
	return { absent: absent.length, others: online.size };
}

function restartTables(result, { started, open, used, took, presence, stale }) {
	const met = (fits) => (fits ? 'met' : '**missed**');
	const nobody = presence.absent + presence.others + stale.length;
	table(
		['target', '', 'measured'],
		[
			[
				'everybody comes back and syncs', met(result.back === restartClients && result.synced === restartClients && result.away === 0),
				`${result.back} back, ${result.synced} synced, of ${restartClients}`,
			],
			[
				'nobody lacks a message', met(result.missing + result.surplus + result.wrong === 0),
				`${result.acknowledged} sends acknowledged; ${result.missing} missing, ${result.wrong} wrong; ` +
					`${result.read} messages were read by the sync, ${result.repeated} came twice`,
			],
			[
				'presence: online are all of these and nobody else', met(nobody === 0),
				`${presence.absent} of them not online, ${presence.others} others online, ${stale.length} of ${LEAVERS} who left with the broker seen online`,
			],
		],
	);
	const row = (what, name) => [what, ...['p50', 'p99', 'max'].map((part) => ms(result[name], part))];
	table(
		[`milliseconds after the loss of a client's connection, ${restartClients} clients, ${restartRate} sends/s`, 'p50', 'p99', 'most'],
		[
			row('connected and subscribed again', 'back_ms'),
			row('has read what it missed', 'synced_ms'),
			row('a send meanwhile', 'send_ms'),
		],
	);
	process.stdout.write(
		`\nAnother broker ran ${started.toFixed(0)} ms after the kill and let somebody in after ${open.toFixed(0)} ms. ` +
			`The clients needed ${(result.attempts / restartClients).toFixed(1)} attempts on average, ${result.attempts_most} at most; ` +
			`${result.failed_requests} HTTP requests failed.\n`,
	);
	const names = Object.keys(used).filter((name) => !['machine', 'client'].includes(name));
	table([`processor seconds within ${took.toFixed(0)} s`, ...names], [['', ...names.map((name) => (used[name] / 1e6).toFixed(1))]]);
}

// --- all of it ------------------------------------------------------------------------------------

async function main() {
	say('starting a stack');
	const stack = await stackStart();
	let stopping;
	const stop = () => (stopping ??= stack.stop());
	for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop().then(() => process.exit(130)));
	const limit_s = seconds + restartSeconds + 600;
	const late = setTimeout(() => {
		say(`not done within ${limit_s} s`);
		stop().then(() => process.exit(1));
	}, limit_s * 1000);
	try {
		const owner = stack.env.PARLEY_OWNER_DATABASE;
		const people = clients + restartClients + LEAVERS;
		say(`seeding: ${people} people`);
		await psql(owner, `\\set people ${people}\n${await readFile(join(root, 'tests/load/load.sql'), 'utf8')}`);
		await asSuperuser(stack, 'checkpoint');
		await caughtUp(stack);
		stack.groups = await groupsOf(stack);
		process.stdout.write(`\n${cpus().length} cores (${cpus()[0].model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB\n`);
		if (parts.includes('steady')) await steady(stack);
		if (parts.includes('restart')) await restart(stack);
	} finally {
		clearTimeout(late);
		await stop();
	}
}

await main();
