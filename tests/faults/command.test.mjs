// Commands while things break: each that is answered has had its one effect, and each that is not is harmless to repeat.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connect, groupOf, must, register, send } from '../lib/client.mjs';
import { history } from '../lib/load.mjs';
import { openSession, stateOf, unsupervised } from '../lib/processes.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { waitForReplica } from '../lib/replica.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const RETRY_MS = 1500;

let stack, people, group;
before(async () => {
	stack = await startStack();
	people = await Promise.all([...Array(4)].map((_, i) => register(stack, `Writer ${i}`)));
	group = await groupOf(people[0], people.slice(1));
});
after(() => stack?.stop());

const works = () =>
	waitFor(async () => (await fetch(`${stack.metricsUrl}/health`)).status === 200, 10_000, 'parley-push works');

/**
 * A client as asyncapi.yaml wants it: a command is repeated with its id until it is answered with what cannot change.
 * Resolves to that answer.
 */
async function sendUntilAnswered(device, body, id = randomUUID()) {
	for (;;) {
		await device
			.publish(`users/${device.client.options.username}/commands/send`, { id, conversation_id: group.id, body })
			.catch(() => undefined);
		const answer = await device
			.next(({ topic, event }) => topic.endsWith('/replies') && event.id === id, RETRY_MS)
			.catch(() => undefined);
		if (answer && ![429, 503].includes(answer.event.status)) return answer.event;
	}
}

/** Everybody sends while work goes on, and for some more afterwards; resolves to all answers. */
async function underCommands(devices, work) {
	const answers = [];
	const load = randomUUID();
	let stopped = false;
	const writers = devices.map(async (device, writer) => {
		for (let i = 0; !stopped; i++) answers.push(await sendUntilAnswered(device, `${load} ${writer} ${i}`));
	});
	const more = (count) => {
		const goal = answers.length + count;
		return waitFor(() => answers.length >= goal, 30_000, `${count} more answers`);
	};
	try {
		await work(more);
	} finally {
		stopped = true;
	}
	await Promise.all(writers);
	return answers;
}

async function checkOnce(answers) {
	assert.ok(answers.every(({ status }) => [200, 201].includes(status)), JSON.stringify(answers.find(({ status }) => status > 201)));
	const messages = await history(people[0], group);
	const byId = new Map(messages.map((message) => [message.id, message]));
	assert.equal(byId.size, messages.length, 'no message is there twice');
	for (const { id, seq } of answers) assert.equal(byId.get(id)?.seq, seq);
	const bodies = messages.map(({ body }) => body).filter(Boolean);
	assert.equal(new Set(bodies).size, bodies.length, 'no body is there twice');
}

describe('one effect each', () => {
	let devices;
	before(async () => {
		devices = await Promise.all(people.map((person, i) => connect(person, { ws: i % 2 === 1, version: i < 2 ? 5 : 4, reconnect: true })));
		for (const { client } of devices) client.on('connect', () => client.subscribe(`users/${client.options.username}/#`, { qos: 1 }));
	});
	after(async () => {
		for (const device of devices) await device.end(true);
	});

	it('parley-push killed three times under commands', async (t) => {
		const answers = await underCommands(devices, async (more) => {
			for (let i = 0; i < 3; i++) {
				await more(30);
				const pid = await stack.kill('push');
				await stack.replaced('push', pid, 10_000);
				await works();
			}
			await more(30);
		});
		t.diagnostic(`${answers.length} answers, ${answers.filter(({ status }) => status === 200).length} to a repeat`);
		await checkOnce(answers);
	});

	it('PostgreSQL restarted under commands', async () => {
		const answers = await underCommands(devices, async (more) => {
			await more(30);
			const pid = await stack.kill('postgres', 'SIGINT');
			await stack.replaced('postgres', pid, 20_000);
			await more(30);
		});
		await checkOnce(answers);
	});

	it('the broker killed under commands', async () => {
		const answers = await underCommands(devices, async (more) => {
			await more(30);
			const pid = await stack.kill('mosquitto');
			await stack.replaced('mosquitto', pid, 10_000);
			await works();
			await more(30);
		});
		await checkOnce(answers);
	});

	it('told to stop, parley-push answers what it has taken', async () => {
		const device = devices[0];
		const ids = [...Array(20)].map(() => randomUUID());
		const pid = await stack.pid('push');
		for (const id of ids)
			await device.publish(`users/${people[0].id}/commands/send`, { id, conversation_id: group.id, body: id });
		await device.next(({ event }) => event?.id === ids[0] && event.command === 'send');
		process.kill(pid, 'SIGTERM');
		await stack.replaced('push', pid, 10_000);
		await works();
		for (const id of ids.slice(1)) {
			const answer = await sendUntilAnswered(device, id, id);
			assert.ok([200, 201].includes(answer.status));
		}
	});
});

it('without a database a command is answered with 503, and works again with it', async () => {
	const device = await connect(people[0]);
	await unsupervised(stack, async () => {
		const pid = await stack.kill('postgres', 'SIGINT');
		// nobody waits for it: it stays as a zombie
		await waitFor(async () => (await stateOf(pid)) === 'Z', 20_000, 'PostgreSQL has ended');
		const id = randomUUID();
		await device.publish(`users/${people[0].id}/commands/send`, { id, conversation_id: group.id, body: 'nobody there' });
		const { event } = await device.next(({ topic, event }) => topic.endsWith('/replies') && event.id === id, 10_000);
		assert.deepEqual([event.command, event.status, event.code], ['send', 503, 'unavailable']);
	});
	await works();
	assert.equal((await sendUntilAnswered(device, 'there again')).status, 201);
	await device.end(true);
});

describe('one connection, on which statements fail', () => {
	let own, alice, room, device;
	before(async () => {
		own = await startStack({ env: { PARLEY_STATEMENT_TIMEOUT_MS: '400', PARLEY_PUSH_CONNECTIONS: '1' } });
		const bob = await register(own, 'Bob');
		alice = await register(own, 'Alice');
		room = await groupOf(alice, [bob]);
		device = await connect(alice);
	});
	after(async () => {
		await device?.end(true);
		await own?.stop();
	});

	const sendBy = async (body) => {
		const id = randomUUID();
		await device.publish(`users/${alice.id}/commands/send`, { id, conversation_id: room.id, body });
		return device.next(({ topic, event }) => topic.endsWith('/replies') && event.id === id, 10_000);
	};
	const connection = () =>
		own.sql("select pid from pg_stat_activity where query like '%message_send(%' and pid <> pg_backend_pid()", { superuser: true });

	/** Sends that many into a conversation that is locked; resolves to their answers and the connection that it was. */
	async function sendHeld(count) {
		const session = await openSession(own);
		try {
			await session.run(`begin; select from conversations where id = '${room.id}' for update;`);
			const held = [...Array(count)].map((_, i) => sendBy(`held ${i}`));
			const pid = await waitFor(connection, 5000, 'the first waits for the lock');
			return { statuses: (await Promise.all(held)).map(({ event }) => event.status), pid };
		} finally {
			await session.end();
		}
	}

	it('the first of its kind: 503, and the next works', async () => {
		assert.deepEqual((await sendHeld(1)).statuses, [503]);
		assert.equal((await sendBy('free again')).event.status, 201);
	});

	it('many, one after the other: 503 each, and the connection stays', async () => {
		const { statuses, pid } = await sendHeld(8);
		assert.deepEqual(statuses, Array(8).fill(503));
		assert.equal((await sendBy('free again')).event.status, 201);
		assert.equal(await connection(), pid);
	});

	it('whose result a migration has changed: 503 once, on either way, then as ever', async () => {
		const define = async (from, to) => {
			const text = await own.sql("select pg_get_functiondef('message_send'::regproc)");
			const session = await openSession(own);
			try {
				await session.run(`begin; drop function message_send; ${text.replace(from, to)}; commit;`);
			} finally {
				await session.end();
			}
		};
		const post = async (body) => (await alice.api.post(`conversations/${room.id}/messages`, { body })).status;
		await send(alice, room, 'prepared');
		for (const [from, to] of [['OUT seq bigint', 'OUT seq integer'], ['OUT seq integer', 'OUT seq bigint']]) {
			await define(from, to);
			assert.equal((await sendBy('after the change')).event.status, 503);
			await waitFor(async () => (await sendBy('again')).event.status !== 503, 5000, 'a new connection serves');
			await waitFor(async () => (await post('again')) !== 503, 5000, 'every worker has a new connection');
		}
		assert.equal((await sendBy('as ever')).event.status, 201);
		assert.equal(await post('as ever'), 201);
	});
});

describe('after a restart of the broker', () => {
	it('a session that had ended before does not come in, whoever else does', async () => {
		const [gone, stays] = [await register(stack, 'Gone'), await register(stack, 'Stays')];
		must(await gone.api.post('auth/logout'), 204);
		// the broker is told within a second
		const refused = () => connect(gone).then((device) => device.end(true).then(() => false), () => true);
		await waitFor(refused, 1000, 'it is refused');
		const pid = await stack.kill('mosquitto');
		// from the first moment on, as a client that hurries would
		let refusals = 0;
		let entered = false;
		const trying = (async () => {
			while (!entered) {
				await connect(gone).then(
					() => assert.fail('it came in'),
					() => refusals++,
				);
			}
		})();
		await stack.replaced('mosquitto', pid, 10_000);
		const device = await waitFor(() => connect(stays), 10_000, 'people are let in');
		entered = true;
		await trying;
		assert.ok(refusals > 0);
		await assert.rejects(connect(gone));
		await device.end(true);
	});

	it('who was blocked before watches nobody who has blocked it, and who is no longer does', async () => {
		const [blocker, blocked, former] = await Promise.all(['Blocker', 'Blocked', 'Former'].map((name) => register(stack, name)));
		for (const person of [blocked, former]) must(await blocker.api.put(`blocks/${person.id}`), 204);
		const topic = `presence/${blocker.id}`;
		const [push, pid] = [await stack.kill('push', 'SIGSTOP'), await stack.kill('mosquitto')];
		// told of by nobody while the broker is away
		must(await blocker.api.delete(`blocks/${former.id}`), 204);
		await stack.replaced('mosquitto', pid, 10_000);
		await stack.kill('push', 'SIGCONT');
		const enter = async (person) => {
			const device = await waitFor(() => connect(person), 10_000, 'people are let in');
			return { device, grant: (await device.subscribe([topic]))[0] };
		};
		const [one, other] = [await enter(blocked), await enter(former)];
		assert.deepEqual([one.grant, other.grant], [0x87, 1]);
		assert.equal(await stack.pid('push'), push);

		// another daemon tells the same broker again
		await stack.kill('push');
		await stack.replaced('push', push, 10_000);
		await works();
		assert.deepEqual(await one.device.subscribe([topic]), [0x87]);
		assert.deepEqual(await other.device.subscribe([topic]), [1]);
		for (const { device } of [one, other]) await device.end(true);
	});

	it('a block whose commit cannot be seen meanwhile holds at the next broker', async () => {
		const [blocker, blocked] = await Promise.all(['Blocker', 'Blocked'].map((name) => register(stack, name)));
		const watch = async (device) => (await device.subscribe([`presence/${blocker.id}`]))[0];
		const release = await waitForReplica(stack);
		let put;
		try {
			put = blocker.api.put(`blocks/${blocked.id}`);
			await waitFor(async () => (await metricsOf(stack)).value('parley_push_held') === 1, 4000, 'parley-push holds it');
			const pid = await stack.kill('mosquitto');
			await stack.replaced('mosquitto', pid, 10_000);
		} finally {
			await release();
		}
		must(await put, 204);
		const device = await waitFor(() => connect(blocked), 10_000, 'people are let in');
		await waitFor(async () => (await watch(device)) === 0x87, 1000, 'the block is told');
		await device.end(true);
	});
});
