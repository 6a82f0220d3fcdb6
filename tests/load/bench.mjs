// Measures a whole Parley beside PostgreSQL alone, on one machine, and prints what came out as Markdown. README.md
// says how to read it and what came out where.
//
//	tests/load/bench [--rounds 9] [--seconds 4]
//		[--only sql,search,history,list,send,group,edit,react,memory,latency,fanout,files]
//
// It starts a stack of its own, seeds it (seed.sql), and leaves nothing behind; one that runs already is used when
// PARLEY_TEST_STACK has it as JSON (tests/lib/stack.mjs), and seeded when it is empty. Every comparison is
// interleaved: both sides in every round, in turns, so that what else the machine does hits both alike. Many short
// rounds do that better than few long ones.
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '../lib/wait.mjs';
import {
	asSuperuser, caughtUp, freePort, groupsOf, measured, median, metric, optionsOf, personId, psql, run, say, spread, stackStart, table, tokensOf, tool,
} from './common.mjs';
import { filesTable, uploadsTable } from './files.mjs';
import { childrenOf, memory } from './proc.mjs';
import { root, scripts, statement, variables } from './statement.mjs';

const KINDS = ['history', 'list', 'send', 'group', 'edit', 'react'];
const SENDS = ['send', 'group'];
const PARTS = ['sql', 'search', ...KINDS, 'memory', 'latency', 'fanout', 'files'];
const CONNECTIONS = 16; // of wrk
const CLIENTS = 8; // of pgbench: as many as there are workers
const TOKENS = 300; // people who send requests
const HEAVY = personId(19999); // in 5,000 conversations
const AWAY = personId(20000); // in 200, half of them direct
const FIFTY = Array.from({ length: 60 }, (_, i) => 10070 + 96 * i); // groups of 50, and their first members
const TARGETS = { history: 0.8, list: 0.8, send: 0.6 };

const { whole, parts } = optionsOf({ rounds: '9', seconds: '4' }, PARTS);
const rounds = whole('rounds', 1, 100);
const seconds = whole('seconds', 1, 60);

// --- the stack ------------------------------------------------------------------------------------

async function prepare() {
	say('starting a stack');
	const stack = await stackStart();
	try {
		stack.work = await mkdtemp(join(tmpdir(), 'parley-bench-'));
		const owner = stack.env.PARLEY_OWNER_DATABASE;
		if ((await psql(owner, 'select exists (select from users)')).trim() === 'f') {
			say('seeding: 10,000 people, 20,000 conversations, 2,000,000 messages');
			await psql(owner, await readFile(join(root, 'tests/load/seed.sql'), 'utf8'));
		}
		await ownMessages(stack);
		await asSuperuser(stack, 'checkpoint');
		await caughtUp(stack);
		stack.tokens = tokensOf(stack, Array.from({ length: TOKENS }, (_, i) => 10000 + i));
		await writeFile(join(stack.work, 'tokens'), stack.tokens.join('\n') + '\n', { mode: 0o600 });
		await writeFile(join(stack.work, 'tokens.group'), tokensOf(stack, FIFTY).join('\n') + '\n', { mode: 0o600 });
		for (const kind of KINDS) await writeFile(join(stack.work, `${kind}.sql`), scripts[kind]());
		stack.groups = await groupsOf(stack);
		return stack;
	} catch (error) {
		await stack.stop();
		throw error;
	}
}

/** A message of the first member in each conversation that requests draw from, to be changed. */
async function ownMessages(stack) {
	await psql(
		stack.env.PARLEY_OWNER_DATABASE,
		`select message_send(('00000000-0000-7000-9000-0000000' || c)::uuid, ('00000000-0000-7000-8000-0000000' || p)::uuid,
				('01930000-0000-7000-a000-0000000' || c)::uuid, 'text', 'To be changed', null, null, null,
				decode(md5('To be changed'), 'hex'), gen_random_uuid(), gen_random_uuid(), null)
			from generate_series(10000, 10299) as p, lateral (values (p), (p + 9999)) as room (c)`,
	);
}

/** One page of each kind, looked at: what is measured must be what is meant. */
async function check(stack) {
	const conversation = `00000000-0000-7000-9000-000000010007`;
	for (const [path, count] of [[`conversations/${conversation}/messages?limit=50`, 50], ['conversations?limit=20', 20]]) {
		const answer = await fetch(`${stack.url}/api/v1/${path}`, { headers: { authorization: `Bearer ${stack.tokens[7]}` } });
		const page = await answer.json();
		if (answer.status !== 200 || page.data.length !== count || !page.has_more)
			throw new Error(`${path} answered ${answer.status} with ${page.data?.length} of ${count}`);
	}
}

// --- throughput -----------------------------------------------------------------------------------

async function wrk(stack, kind, duration) {
	const checked = await metric(stack, 'parley_rest_tokens_verified_total');
	const result = await measured(stack.groups, async () => {
		const script = join(root, 'tests/load/requests.lua');
		const args = ['-t', 2, '-c', CONNECTIONS, '-d', duration, '-s', script, stack.url, '--', kind];
		const tokens = join(stack.work, kind === 'group' ? 'tokens.group' : 'tokens');
		const { stdout } = await run('wrk', [...args, tokens].map(String));
		return JSON.parse(stdout.trim().split('\n').at(-1));
	});
	if (result.refused || result.broken) throw new Error(`${kind}: ${result.refused} refused, ${result.broken} broken`);
	result.count = result.requests;
	result.rate = result.requests / (result.duration_us / 1e6);
	result.checked = (await metric(stack, 'parley_rest_tokens_verified_total')) - checked;
	return result;
}

/** The session has what a worker's has (sql/db.c). */
const SESSION = '-c statement_timeout=5000 -c idle_in_transaction_session_timeout=10000 -c timezone=UTC -c jit=off';

async function pgbench(stack, kind, duration) {
	const defined = Object.entries(variables).flatMap(([name, value]) => ['-D', `${name}=${value}`]);
	const result = await measured(stack.groups, async () => {
		const args = ['-M', 'prepared', '-n', '-c', CLIENTS, '-j', 2, '-T', duration, ...defined];
		args.push('-f', join(stack.work, `${kind}.sql`), stack.env.PARLEY_REST_DATABASE);
		const { stdout } = await run('pgbench', args.map(String), { env: { ...process.env, PGOPTIONS: SESSION } });
		return {
			count: Number(/actually processed: (\d+)/.exec(stdout)[1]),
			rate: Number(/tps = ([\d.]+)/.exec(stdout)[1]),
			failed: Number(/failed transactions: (\d+)/.exec(stdout)[1]),
		};
	});
	if (result.failed) throw new Error(`${kind}: ${result.failed} transactions of pgbench failed`);
	return result;
}

const messagesOf = async (stack) => Number(await psql(stack.env.PARLEY_OWNER_DATABASE, 'select sum(last_seq) from conversations'));

async function both(stack, kind, round) {
	const before = await messagesOf(stack);
	const sides = { rest: () => wrk(stack, kind, seconds), alone: () => pgbench(stack, kind, seconds) };
	const order = round % 2 ? ['alone', 'rest'] : ['rest', 'alone'];
	const result = {};
	for (const side of order) result[side] = await sides[side]();
	// every answer counted is a message stored; those under way at the end are not counted
	const sent = (await messagesOf(stack)) - before;
	const counted = SENDS.includes(kind) ? result.rest.count + result.alone.count : 0;
	if (sent < counted || sent > counted + CONNECTIONS + CLIENTS)
		throw new Error(`${kind}: ${counted} answers, but ${sent} messages`);
	result.ratio = result.rest.rate / result.alone.rate;
	const { rest, alone, ratio } = result;
	say(
		`${kind}, round ${round + 1}: ${rest.rate.toFixed(0)} requests/s, ${alone.rate.toFixed(0)} transactions/s, ` +
			`ratio ${ratio.toFixed(2)}, others ${rest.others.toFixed(2)} / ${alone.others.toFixed(2)} cores`,
	);
	return result;
}

async function throughput(stack, kinds) {
	say('warming up');
	for (const kind of kinds) {
		await wrk(stack, kind, 3);
		await pgbench(stack, kind, 2);
	}
	const results = Object.fromEntries(kinds.map((kind) => [kind, []]));
	for (let round = 0; round < rounds; round++)
		for (const kind of kinds) results[kind].push(await both(stack, kind, round));
	return results;
}

const perCount = (side, ...groups) => groups.reduce((sum, group) => sum + side.used[group], 0) / side.count;

function throughputTable(results) {
	table(
		[
			'request',
			'requests/s',
			'pgbench, transactions/s',
			'ratio',
			'target',
			'p50 ms',
			'p99 ms',
			'other load, cores',
		],
		Object.entries(results).map(([kind, all]) => [
			kind,
			spread(all.map(({ rest }) => rest.rate)),
			spread(all.map(({ alone }) => alone.rate)),
			spread(all.map(({ ratio }) => ratio), 2),
			TARGETS[kind] ? `≥ ${TARGETS[kind].toFixed(2)}` : '',
			spread(all.map(({ rest }) => rest.p50_us / 1000), 1),
			spread(all.map(({ rest }) => rest.p99_us / 1000), 1),
			median(all.flatMap(({ rest, alone }) => [rest.others, alone.others])).toFixed(2),
		]),
	);
	table(
		[
			'processor µs a request',
			'front',
			'workers',
			'front + workers',
			'target',
			'PostgreSQL',
			'PostgreSQL under pgbench',
			'push + broker',
			'signatures checked',
		],
		Object.entries(results).map(([kind, all]) => [
			kind,
			spread(all.map(({ rest }) => perCount(rest, 'front'))),
			spread(all.map(({ rest }) => perCount(rest, 'workers'))),
			spread(all.map(({ rest }) => perCount(rest, 'front', 'workers'))),
			'≤ 110',
			spread(all.map(({ rest }) => perCount(rest, 'postgres'))),
			spread(all.map(({ alone }) => perCount(alone, 'postgres'))),
			spread(all.map(({ rest }) => perCount(rest, 'push', 'broker'))),
			`${spread(all.map(({ rest }) => (100 * rest.checked) / rest.count), 1)} %`,
		]),
	);
}

// --- memory ---------------------------------------------------------------------------------------

function memoryTable(stack) {
	const workers = childrenOf(stack.groups.workers).map(memory);
	const megabytes = (name) => workers.map((worker) => worker[name] / 1024);
	table(
		['memory of a worker after the load', 'median (least–most)', 'target'],
		[
			['resident, MB', spread(megabytes('resident'), 2), '≤ 4'],
			['for itself alone, MB', spread(megabytes('own'), 2), '≤ 0.5'],
		],
	);
}

// --- PostgreSQL alone -----------------------------------------------------------------------------

async function explained(stack, name, values) {
	const execute = `execute measured(${values.map((value) => (value === null ? 'null' : `'${value}'`)).join(', ')})`;
	const out = await psql(
		stack.env.PARLEY_REST_DATABASE,
		[
			'set plan_cache_mode = force_generic_plan; set jit = off; set timezone = UTC;',
			`prepare measured as ${statement(name)};`,
			...Array(5).fill(`${execute} \\g /dev/null`),
			...Array(20).fill(`explain (analyze, buffers) ${execute};`),
		].join('\n'),
	);
	const times = [...out.matchAll(/^Execution Time: ([\d.]+) ms$/gm)].map((found) => Number(found[1]));
	const buffers = Number(/^ +Buffers: shared hit=(\d+)/m.exec(out)?.[1] ?? NaN);
	if (times.length !== 20) throw new Error(`${name}: ${times.length} times instead of 20`);
	return { times, buffers };
}

/**
 * Five direct conversations and five groups of one person, and a group of the other, get three messages each, and in the
 * groups somebody reads them. Returns the
 * transaction from which on a sync of before finds them.
 */
async function tenChanges(stack) {
	const owner = stack.env.PARLEY_OWNER_DATABASE;
	const since = (await psql(owner, 'select pg_snapshot_xmin(pg_current_snapshot())')).trim();
	const ids = Array(5).fill('gen_random_uuid()');
	const some = (person, kind, count) => `(select m.conversation_id as id, c.kind,
			(array_agg(o.user_id order by o.role = 'owner' desc, o.user_id) filter (where o.user_id <> m.user_id))[1] as sender,
			(array_agg(o.user_id order by o.user_id desc) filter (where o.user_id <> m.user_id and o.role <> 'owner'))[1] as reader
		from members m join conversations c on c.id = m.conversation_id join members o on o.conversation_id = c.id
		where m.user_id = '${person}' and c.kind = '${kind}' group by 1, 2 order by 1 limit ${count})`;
	const rooms = [some(AWAY, 'direct', 5), some(AWAY, 'group', 5), some(HEAVY, 'group', 1)].join(' union all ');
	await psql(
		owner,
		`select (message_send(id, sender, ${ids[0]}, 'text', 'What you have missed', null, null, null,
				decode(md5(id::text), 'hex'), ${ids[1]}, ${ids[2]}, null)).outcome
			from (${rooms}) room, generate_series(1, 3);
		select (receipt_advance(id, reader, 'read', null, ${ids[3]})).outcome
			from (${rooms}) room where kind = 'group';
		vacuum analyze conversations;
		vacuum analyze members;`,
	);
	return since;
}

/** All statements of one GET /sync with one page, added up. */
async function explainedSync(stack, person, since) {
	const among = (
		await psql(
			stack.env.PARLEY_OWNER_DATABASE,
			`select array_agg(c.id) from members m join conversations c on c.id = m.conversation_id
			where m.user_id = '${person}' and m.left_at is null and c.changed_xid >= '${since}'`,
		)
	).trim();
	const parts = [
		['sync_begin', [person]],
		['sync_conversations', [person, since, null, 101]],
		['sync_left', [person, since, null, 91]],
		['sync_messages_among', [person, since, among, 91]],
		['sync_receipts', [person, since, null, null, 61]],
	];
	const found = [];
	for (const [name, values] of parts) found.push(await explained(stack, name, values));
	return {
		times: found[0].times.map((_, i) => found.reduce((sum, { times }) => sum + times[i], 0)),
		buffers: found.reduce((sum, part) => sum + part.buffers, 0),
	};
}

async function sqlTable(stack) {
	const owner = stack.env.PARLEY_OWNER_DATABASE;
	const deep = (
		await psql(
			owner,
			`select c.last_activity_at, c.id from members m join conversations c on c.id = m.conversation_id
			where m.user_id = '${HEAVY}' and m.left_at is null order by 1 desc, 2 desc offset 3999 limit 1`,
		)
	).trim().split('|');
	const [large, member] = (
		await psql(
			owner,
			`select conversation_id, min(user_id::text) from members
			group by 1 having count(*) = 50 order by 1 limit 1`,
		)
	).trim().split('|');
	const usual = [personId(10007), '00000000-0000-7000-9000-000000010007'];
	const rows = [
		['list of 20, person with 5,000 conversations', 'conversation_list', [HEAVY, 21, null, null], '≤ 1'],
		['the same behind 4,000 of them', 'conversation_list', [HEAVY, 21, ...deep], '≤ 1'],
		['list of 20, person with 29 conversations', 'conversation_list', [usual[0], 21, null, null], ''],
		['history of 50, direct conversation', 'message_page', [usual[1], usual[0], null, null, 51], ''],
		['history of 50, group of 50', 'message_page', [large, member, null, null, 51], ''],
		['unread total, 5,000 conversations', 'unread_total', [HEAVY], ''],
		['unread total, 29 conversations', 'unread_total', [usual[0]], ''],
		['50 people by the first letter of a name', 'user_search', ['a', 51, null, null], ''],
	];
	const lines = [];
	for (const [what, name, values, target] of rows) {
		const { times, buffers } = await explained(stack, name, values);
		lines.push([what, spread(times, 2), target, buffers]);
	}
	const since = await tenChanges(stack);
	for (const [what, person, target] of [
		['sync, 200 conversations of which 10 have changed, with 30 messages and 15 receipts', AWAY, '≤ 2'],
		['the same of the person with 5,000 conversations, of which 1 has changed', HEAVY, ''],
	]) {
		const { times, buffers } = await explainedSync(stack, person, since);
		lines.push([what, spread(times, 2), target, buffers]);
	}
	table(['in PostgreSQL, warm, generic plan, 20 times', 'ms', 'target', 'buffers'], lines);
}

// --- search ---------------------------------------------------------------------------------------

/** What is looked for, and what more is asked. */
const SEARCHES = [
	['a word that is nowhere', 'zebra'],
	['a word of one message in sixteen', 'pump'],
	['a word of most messages', 'the'],
	['two words', 'second pump'],
	['a phrase', '"second pump"'],
	['two words that are no phrase', '"pump second"'],
	['a word without another', 'the -pump'],
	['either of two', 'pump or drawing'],
	['in one conversation', 'pump', { conversation: true }],
	['of one sender', 'the', { sender: true }],
	['a page behind 500', 'the', { deep: 500 }],
];

async function searchTable(stack) {
	const owner = stack.env.PARLEY_OWNER_DATABASE;
	const rest = stack.env.PARLEY_REST_DATABASE;
	say('waiting for the index of words');
	await waitFor(
		async () => (await psql(owner, 'select not exists (select from message_words_due)')).trim() === 't',
		1_800_000,
		'the index of words is filled',
	);
	await psql(owner, 'vacuum analyze message_words');
	const [person, conversation, sender] = (
		await psql(
			owner,
			`select m.user_id, min(m.conversation_id::text), (select min(o.user_id::text) from members o
				where o.conversation_id = min(m.conversation_id::text)::uuid and o.user_id <> m.user_id)
			from members m group by 1 having count(*) between 50 and 60 order by 1 limit 1`,
		)
	).trim().split('|');
	const text = (value) => (value === '' ? null : value.replaceAll("'", "''"));
	const lines = [];
	const all = [];
	for (const [what, q, more = {}] of SEARCHES) {
		const query = (
			await psql(
				rest,
				`select json_build_array(words::text, needed::text)
				from search_query('${text(q)}', null)`,
			)
		).trim();
		const asked = JSON.parse(query).map((value) => text(String(value)));
		const among = [person, null, more.conversation ? conversation : null, more.sender ? sender : null, ...asked];
		let behind = [null, null, null];
		if (more.deep) {
			const hits = among.slice(2).map((value) => (value === null ? 'null' : `'${value}'`)).join(', ');
			const last = await psql(
				owner,
				`select created_at, conversation_id, seq from search_find('${person}', ${hits}, null, ${more.deep}) offset ${more.deep - 1}`,
			);
			behind = last.trim().split('|');
		}
		const { times, buffers } = await explained(stack, 'search_messages', [...among, ...behind, 51]);
		all.push(...times);
		lines.push([what, spread(times, 1), '', buffers]);
	}
	const p95 = all.sort((a, b) => a - b)[Math.ceil(all.length * 0.95) - 1];
	lines.push(['all of these, 95th percentile', p95.toFixed(1), '≤ 20', '']);
	table(['search of 50, person with 50 conversations, in PostgreSQL', 'ms', 'target', 'buffers'], lines);
	const size = await psql(owner, "select pg_size_pretty(pg_total_relation_size('message_words'))");
	process.stdout.write(`\nThe index of words takes ${size.trim()}.\n`);
}

// --- from commit to subscriber --------------------------------------------------------------------

async function latencyTable(stack) {
	const person = personId(10007);
	// every conversation of one person, and somebody else in it who sends
	const places = await psql(
		stack.env.PARLEY_OWNER_DATABASE,
		`select m.conversation_id || ' ' || (select min(o.user_id::text) from members o
			where o.conversation_id = m.conversation_id and o.user_id <> m.user_id)
		from members m where m.user_id = '${person}' order by 1`,
	);
	const { hostname, port } = new URL(stack.mqttUrl);
	const all = [];
	await caughtUp(stack);
	for (let round = 0; round < 3; round++) {
		const child = run(tool('latency'), [stack.env.PARLEY_REST_DATABASE, hostname, port, '400', '20', '2']);
		child.child.stdin.end(`${person} ${stack.tokens[7]}\n${places}`);
		all.push(JSON.parse((await child).stdout));
		say(`latency, round ${round + 1}: ${JSON.stringify(all.at(-1))}`);
	}
	const row = (what, name, target = '') => [
		what,
		...['p50', 'p99', 'max'].map((part) => spread(all.map((one) => one[name][part]), 2)),
		target,
	];
	table(
		[`milliseconds, at ${median(all.map(({ rate }) => rate)).toFixed(0)} sends/s for 20 s`, 'p50', 'p99', 'most', 'target'],
		[
			row('commit returned → subscriber has it', 'from_commit_ms', 'p50 ≤ 1'),
			row('statement begun → subscriber has it', 'from_start_ms'),
			row('the statement itself', 'statement_ms'),
		],
	);
}

// --- to many at once ------------------------------------------------------------------------------

/** A mosquitto with the settings of the stack's, but without the plugin: there, anybody may publish to users/…. */
async function plainBroker(stack) {
	const port = await freePort();
	const [settings, listener] = (await readFile(join(stack.var, 'etc/mosquitto.conf'), 'utf8'))
		.replace(/^plugin.*\n/gm, '')
		.replace(/^allow_anonymous .*$/m, 'allow_anonymous true')
		.replace(/^listener \d+ /m, `listener ${port} `)
		.split(/^(?=listener )/m);
	const path = join(stack.work, 'mosquitto.conf');
	await writeFile(path, settings + listener);
	const child = spawn('mosquitto', ['-c', path], {
		stdio: ['ignore', 'ignore', 'pipe'],
		env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
	});
	let said = '';
	child.stderr.on('data', (data) => (said += data));
	await waitFor(
		async () => {
			if (child.exitCode !== null) throw new Error(said);
			await run('mosquitto_pub', ['-h', '127.0.0.1', '-p', port, '-i', 'probe', '-t', 'probe', '-n'].map(String));
			return true;
		},
		5000,
		'the plain broker answers',
	);
	return { port, child };
}

/** One run of fanout: the processor time of the broker between "go" and the end. */
async function fanoutRun(args, input, broker) {
	const child = spawn(tool('fanout'), args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const exited = new Promise((done) => child.once('close', done));
	child.stdin.write(input);
	if ((await lines.next()).value !== 'ready') throw new Error('fanout did not get ready');
	const result = await measured({ broker }, async () => {
		child.stdin.write('go\n');
		const { value, done } = await lines.next();
		if (done) throw new Error('fanout failed');
		return JSON.parse(value);
	});
	child.stdin.end();
	await exited;
	if (result.received !== result.events * result.members) throw new Error(`fanout: ${JSON.stringify(result)}`);
	result.per_event = result.used.broker / result.events;
	return result;
}

/** An event as parley-push hands it on. */
function event() {
	const [conversation, sender] = [crypto.randomUUID(), personId(10000)];
	const at = '2026-01-01T12:00:00.123456Z';
	return JSON.stringify({
		type: 'message.created', event_id: crypto.randomUUID(), at, conversation_id: conversation, rev: 92,
		data: {
			id: crypto.randomUUID(), conversation_id: conversation, seq: 91, rev: 92, sender_id: sender, type: 'text',
			body: variables.body, metadata: {}, reply_to: null, quoted: null, attachments: [], reactions: [],
			created_at: at, edited_at: null, deleted_at: null, status: 'sent',
		},
	});
}

async function fanoutTable(stack) {
	const numbers = Array.from({ length: 50 }, (_, i) => 10000 + i);
	const tokens = tokensOf(stack, numbers);
	const input = numbers.map((number, i) => `${personId(number)} ${tokens[i]}\n`).join('') + '\n';
	const payload = join(stack.work, 'payload');
	await writeFile(payload, event());
	const { hostname, port } = new URL(stack.mqttUrl);
	const secret = join(stack.var, 'keys/broker.secret');
	const plain = await plainBroker(stack);
	const rows = [];
	const count = 1000;
	try {
		for (const rate of [200, 0]) {
			const speed = rate ? `${rate} events/s` : 'as fast as they arrive';
			const events = [];
			const publishes = [];
			for (let round = 0; round < Math.min(rounds, 5); round++) {
				const one = [hostname, port, rate, count, payload, secret];
				const fifty = ['127.0.0.1', plain.port, rate, count, payload];
				events.push(await fanoutRun(one, input, stack.groups.broker));
				publishes.push(await fanoutRun(fifty, input, plain.child.pid));
				say(
					`fan-out ${speed}, round ${round + 1}: ${events.at(-1).per_event.toFixed(0)} µs by the plugin, ` +
						`${publishes.at(-1).per_event.toFixed(0)} µs by 50 publishes`,
				);
			}
			rows.push([
				`${event().length} bytes, ${speed}`,
				spread(events.map((one) => one.per_event)),
				spread(publishes.map((one) => one.per_event)),
				spread(events.map((one, i) => one.per_event / publishes[i].per_event), 2),
				'≤ 0.50',
			]);
		}
	} finally {
		const ended = new Promise((done) => plain.child.once('close', done));
		plain.child.kill('SIGTERM');
		await ended;
	}
	table(
		[
			'broker, processor µs an event to 50 members',
			'one publish, delivered by the plugin',
			'50 publishes, no plugin',
			'ratio',
			'target',
		],
		rows,
	);
}

// --- all of it ------------------------------------------------------------------------------------

async function main() {
	const stack = await prepare();
	let stopping;
	const stop = () => (stopping ??= stack.stop().finally(() => rm(stack.work, { recursive: true, force: true })));
	for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop().then(() => process.exit(130)));
	try {
		await check(stack);
		const version = await psql(stack.env.PARLEY_OWNER_DATABASE, 'show server_version');
		process.stdout.write(
			`\n${cpus().length} cores (${cpus()[0].model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB, ` +
				`PostgreSQL ${version.trim().split(' ')[0]}; ${rounds} rounds of ${seconds} s, medians (least–most)\n`,
		);
		const kinds = KINDS.filter((kind) => parts.includes(kind));
		// before the load, which makes hundreds of conversations busy within the same seconds
		if (parts.includes('sql')) await sqlTable(stack);
		if (parts.includes('search')) await searchTable(stack);
		if (kinds.length) throughputTable(await throughput(stack, kinds));
		if (parts.includes('memory')) memoryTable(stack);
		if (parts.includes('latency')) await latencyTable(stack);
		if (parts.includes('fanout')) await fanoutTable(stack);
		if (parts.includes('files')) {
			const asked = { owner: personId(10007), token: stack.tokens[7], rounds, seconds };
			await filesTable(stack, asked);
			await uploadsTable(stack, asked);
		}
	} finally {
		await stop();
	}
}

await main();
