// Commands on their way to parley-push: how many, how large, and what a user is told when it is away.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, newId, publish, received, subscribe, until } from './broker.mjs';

const PER_S = 20;
const BURST = 10 * PER_S;
const REFUSED = 0x87;
const NOBODY = 0x10;

let broker;
let push;

before(async () => {
	broker = await Broker.start({ commandsPerS: PER_S });
	push = await broker.connectPush();
	await subscribe(push, 'users/+/commands/#');
});
after(() => broker.stop());

const topicOf = (user, name) => `users/${user}/commands/${name}`;
const commandOf = (changes = {}) => ({ id: newId(), body: 'text', ...changes });
const repliesTo = (client) => client.inbox.filter(({ topic }) => topic.endsWith('/replies')).map(({ text }) => JSON.parse(text));

async function join(user, options) {
	const client = await broker.connect(user, options);
	assert.equal(await subscribe(client, `users/${user}/replies`), 1);
	return client;
}

// All at once; resolves with the reasons when all are acknowledged.
const flood = (client, topic, texts) => Promise.all(texts.map((text) => new Promise((resolve) => {
	client.publish(topic, text, { qos: 1 }, (error, packet) => resolve(error?.code ?? packet?.reasonCode ?? 0));
})));

const problems = {
	rate_limited: { type: 'about:blank', title: 'Too Many Requests', status: 429, code: 'rate_limited',
		detail: 'Too many requests; try again later.', retry_after: 1 },
	unavailable: { type: 'about:blank', title: 'Service Unavailable', status: 503, code: 'unavailable',
		detail: 'The service is away for a moment; the same request may be sent again.', retry_after: 1 },
	too_large: { type: 'about:blank', title: 'Content Too Large', status: 413, code: 'too_large',
		detail: 'The body of the request is too large.' },
};

for (const { version, ws } of [{ version: 4 }, { version: 5 }, { version: 4, ws: true }, { version: 5, ws: true }]) {
	const kind = `MQTT ${version}${ws ? ' on WebSocket' : ''}`;

	test(`who sends too much is told, keeps the connection, and disturbs nobody: ${kind}`, async () => {
		const [alice, bob] = [newId(), newId()];
		const [client, other] = [await join(alice, { version, ws }), await join(bob)];
		const commands = Array.from({ length: BURST + 100 }, () => commandOf());
		const reasons = await flood(client, topicOf(alice, 'send'), commands.map((command) => JSON.stringify(command)));
		assert.equal(await publish(other, topicOf(bob, 'send'), '{}'), 0);
		await until(() => received(push, { topic: topicOf(bob, 'send') }).length === 1, "another user's command, behind all of them");
		const passed = received(push, { topic: topicOf(alice, 'send') }).map(({ text }) => JSON.parse(text).id);
		assert.ok(passed.length >= BURST && passed.length <= BURST + 5 * PER_S, `${passed.length} passed`);
		if (version === 5) assert.equal(reasons.filter((reason) => reason === REFUSED).length, commands.length - passed.length);
		else assert.ok(reasons.every((reason) => reason === 0));

		const refused = commands.map(({ id }) => id).filter((id) => !passed.includes(id));
		await until(() => repliesTo(client).length >= Math.min(100, refused.length), 'the answers');
		for (const reply of repliesTo(client)) {
			assert.ok(refused.includes(reply.id));
			assert.deepEqual(reply, { command: 'send', id: reply.id, ...problems.rate_limited });
		}
		assert.ok(!client.closed);
		await until(async () => {
			await publish(client, topicOf(alice, 'send'), 'later');
			return received(push, { topic: topicOf(alice, 'send'), text: 'later' }).length > 0;
		}, 'later commands pass again');
		await until(() => broker.log.includes('too many commands, refused'), 'the log tells');
	});

	test(`while parley-push is away a send or a call is answered at once: ${kind}`, async () => {
		const alone = await Broker.start();
		try {
			const alice = newId();
			const client = await alone.connect(alice, { version, ws });
			await subscribe(client, `users/${alice}/replies`);
			for (const name of ['send', 'call']) {
				const { id } = commandOf();
				const reason = await publish(client, topicOf(alice, name), JSON.stringify({ id: id.toUpperCase() }));
				assert.equal(reason, version === 5 ? NOBODY : 0);
				await until(() => repliesTo(client).length > 0, 'the answer');
				assert.deepEqual(repliesTo(client), [{ command: name, id, ...problems.unavailable }]);
				client.inbox.length = 0;
			}
			for (const name of ['typing', 'receipt']) await publish(client, topicOf(alice, name), '{}');
			await publish(client, topicOf(alice, 'send'), 'not JSON');
			await until(() => repliesTo(client).length > 0, 'the answer to the last');
			assert.deepEqual(repliesTo(client), [{ command: 'send', ...problems.unavailable }]);
		} finally {
			await alone.stop();
		}
	});

	test(`a command of more than 256 KiB is refused, and the connection stays: ${kind}`, async () => {
		const alice = newId();
		const client = await join(alice, { version, ws });
		const { id } = commandOf();
		const text = JSON.stringify({ id, body: 'x' });
		const fits = text.padEnd(256 * 1024, ' ');
		assert.equal(await publish(client, topicOf(alice, 'send'), fits), 0);
		await until(() => received(push, { topic: topicOf(alice, 'send') }).length === 1, 'it passes');
		for (const name of ['send', 'receipt', 'typing', 'call']) {
			assert.equal(await publish(client, topicOf(alice, name), `${fits} `), version === 5 ? REFUSED : 0);
			await until(() => repliesTo(client).length > 0, 'the answer');
			assert.deepEqual(repliesTo(client), [{ command: name, id, ...problems.too_large }]);
			client.inbox.length = 0;
		}
		assert.equal(await publish(client, topicOf(alice, 'send'), 'after'), 0);
		await until(() => received(push, { topic: topicOf(alice, 'send'), text: 'after' }).length === 1, 'the next passes');
		assert.equal(received(push, { topic: topicOf(alice, 'send') }).length, 2);
	});
}

test('the limit is over all connections of the user, and a new one does not lift it', async () => {
	const alice = newId();
	const clients = [await join(alice), await join(alice, { ws: true }), await join(alice, { version: 4 })];
	for (const client of clients) await flood(client, topicOf(alice, 'typing'), Array.from({ length: BURST }, () => '{}'));
	const fresh = await join(alice);
	await flood(fresh, topicOf(alice, 'typing'), Array.from({ length: BURST }, () => '{}'));
	const bob = newId();
	await publish(await join(bob), topicOf(bob, 'typing'), '{}');
	await until(() => received(push, { topic: topicOf(bob, 'typing') }).length === 1, 'what comes behind them');
	const passed = received(push, { topic: topicOf(alice, 'typing') }).length;
	assert.ok(passed < 2 * BURST, `${passed} of ${4 * BURST} passed`);
	assert.deepEqual([...clients, fresh].flatMap(repliesTo), [], 'typing is not answered');
});

test('wills count as commands', async () => {
	const slow = await Broker.start({ commandsPerS: 1 });
	try {
		const taker = await slow.connectPush();
		await subscribe(taker, 'users/+/commands/#');
		const [alice, bob] = [newId(), newId()];
		const willOf = (user) => ({ will: { topic: topicOf(user, 'typing'), payload: 'will', qos: 1 } });
		const clients = await Promise.all(Array.from({ length: 60 }, () => slow.connect(alice, willOf(alice))));
		const begin = Date.now();
		for (const client of clients) client.stream.destroy();
		await until(() => received(taker, { topic: topicOf(alice, 'typing') }).length >= 10, 'the first ones');
		const watcher = await slow.connect(bob);
		await subscribe(watcher, `presence/${alice}`);
		await until(() => watcher.inbox.some(({ text }) => text.includes('offline')), 'the broker has seen the end of all');
		await publish(watcher, topicOf(bob, 'typing'), 'after them');
		await until(() => received(taker, { text: 'after them' }).length === 1, 'what comes behind them');
		const most = 10 + Math.ceil((Date.now() - begin) / 1000);
		const count = received(taker, { topic: topicOf(alice, 'typing') }).length;
		assert.ok(count <= most, `${count} wills, at most ${most}`);
	} finally {
		await slow.stop();
	}
});

test('answers have a limit too', async () => {
	const alice = newId();
	const client = await join(alice);
	const begin = Date.now();
	await flood(client, topicOf(alice, 'call'), Array.from({ length: BURST + 1000 }, () => '{}'));
	await subscribe(client, `presence/${alice}`);
	const seconds = Math.ceil((Date.now() - begin) / 1000);
	const answers = repliesTo(client).length;
	assert.ok(answers >= 100 && answers <= 100 + 10 * seconds, `${answers} answers in ${seconds} s`);
});

test('with 0 there is no limit', async () => {
	const free = await Broker.start({ commandsPerS: 0 });
	try {
		const taker = await free.connectPush();
		await subscribe(taker, 'users/+/commands/#');
		const alice = newId();
		const client = await free.connect(alice);
		await flood(client, topicOf(alice, 'send'), Array.from({ length: 2000 }, () => '{}'));
		await until(() => taker.inbox.length === 2000, 'all of them');
	} finally {
		await free.stop();
	}
});

test('a parley-push that stands by, or has gone, takes no commands; any one that takes them is enough', async () => {
	const alone = await Broker.start();
	try {
		const alice = newId();
		const client = await alone.connect(alice);
		await subscribe(client, `users/${alice}/replies`);
		const isTaken = async () => {
			const before = client.inbox.length;
			const reason = await publish(client, topicOf(alice, 'send'), '{}');
			if (reason === 0) return true;
			assert.equal(reason, NOBODY);
			await until(() => client.inbox.length > before, 'the answer');
			return false;
		};
		const [first, second] = [await alone.connectPush(), await alone.connectPush()];
		assert.equal(await isTaken(), false);
		await subscribe(first, 'users/+/commands/#');
		assert.equal(await isTaken(), true);
		await subscribe(second, 'users/+/commands/#');
		await first.unsubscribeAsync('users/+/commands/#');
		assert.equal(await isTaken(), true);
		await second.unsubscribeAsync('users/+/commands/#');
		assert.equal(await isTaken(), false);
		await subscribe(first, 'users/+/commands/#');
		assert.equal(await isTaken(), true);
		first.stream.destroy();
		await until(async () => !await isTaken(), 'its end is noticed');
		assert.equal(second.inbox.length, 1);
	} finally {
		await alone.stop();
	}
});
