// Limits of commands as they are when nothing scales them: who floods gets 429, and nobody else feels it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, it } from 'node:test';
import { connect, groupOf, register } from '../lib/client.mjs';
import { openSession } from '../lib/processes.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const QUOTA = 300; // sends at once, lib/rate.c

let stack, alice, bob, group;
before(async () => {
	stack = await startStack({ env: { PARLEY_RATE_SCALE: '1' } });
	[alice, bob] = [await register(stack, 'Alice'), await register(stack, 'Bob')];
	group = await groupOf(alice, [bob]);
});
after(() => stack?.stop());

it('sends beyond the quota are answered with 429 and retry_after, those of others as ever', async () => {
	const [flooder, other] = [await connect(alice), await connect(bob)];
	const sendBy = (device, id) =>
		device.publish(`users/${device.client.options.username}/commands/send`, { id, conversation_id: group.id, body: 'x' });
	const isAnswer = ({ topic, event }) => topic.endsWith('/replies') && event.command === 'send';
	const ids = [...Array(QUOTA + 100)].map(() => randomUUID());
	const flood = Promise.all(ids.map((id) => sendBy(flooder, id)));
	const id = randomUUID();
	await sendBy(other, id);
	assert.equal((await other.next((message) => isAnswer(message) && message.event.id === id)).event.status, 201);
	await flood;

	const counts = {};
	let limited;
	for (let i = 0; i < ids.length; i++) {
		const { event } = await flooder.next(isAnswer, 10_000);
		counts[event.status] = (counts[event.status] ?? 0) + 1;
		if (event.status === 429) limited = event;
	}
	assert.deepEqual(Object.keys(counts), ['201', '429']);
	// some of the quota may have come back meanwhile, and more than 64 at once are one's own doing, too
	assert.ok(counts[201] >= 64 && counts[201] <= QUOTA + 30, JSON.stringify(counts));
	assert.equal(limited.code, 'rate_limited');
	assert.ok(limited.retry_after >= 1 && ids.includes(limited.id));
	for (const device of [flooder, other]) await device.end(true);
});

// AddressSanitizer keeps what was freed
it('what stands beside the message in a command costs little while it waits', { skip: !!process.env.PARLEY_ASAN }, async () => {
	const RSS_MAX_KB = 100_000; // 20 trees have more
	const device = await connect(bob);
	const rss = async () => Number(/VmRSS:\s*(\d+)/.exec(await readFile(`/proc/${await stack.pid('push')}/status`, 'utf8'))[1]);
	const session = await openSession(stack);
	const before_ = await rss();
	try {
		await session.run(`begin; select from conversations where id = '${group.id}' for update;`);
		const ids = [...Array(60)].map(() => randomUUID());
		const beside = Array(120_000).fill(0);
		await Promise.all(ids.map((id) => device.publish(`users/${bob.id}/commands/send`, { id, conversation_id: group.id, body: 'x', beside })));
		const pending = async () => (await metricsOf(stack)).value('parley_push_commands_pending');
		await waitFor(async () => (await pending()) >= 20, 5000, 'many wait');
		let grown = 0;
		while ((await pending()) > 0) grown = Math.max(grown, (await rss()) - before_);
		assert.ok(grown < RSS_MAX_KB, `${grown} kB`);
	} finally {
		await session.end();
	}
	await device.end(true);
});
