// The broker dies under a crowd: everybody comes back by chance within seconds, has everything, and is online; who does not come
// back is not. `make load` does the same with two thousand.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, before, it } from 'node:test';
import { promisify } from 'node:util';
import { connect, groupOf, register } from '../lib/client.mjs';
import { Follower } from '../lib/follower.mjs';
import { checkHistory, underLoad } from '../lib/load.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const PEOPLE = 20;
const ROOMS = 2;
const DEVICES = [
	{ ws: false, version: 4 },
	{ ws: false, version: 5 },
	{ ws: true, version: 5 },
];
const BACK_MS = 20_000;

let stack, people, writers, leavers, watcher, rooms;
before(async () => {
	// as is usual for a shell, whatever it is for the one that tests
	await promisify(execFile)('prlimit', ['--pid', String(process.pid), '--nofile=1024:']);
	stack = await startStack();
	const many = (count, name) => Promise.all([...Array(count)].map((_, i) => register(stack, `${name} ${i}`)));
	people = await many(PEOPLE, 'Person');
	writers = await many(2, 'Writer');
	leavers = await many(3, 'Leaver');
	watcher = await register(stack, 'Watcher');
	rooms = await Promise.all(
		[...Array(ROOMS)].map((_, room) => groupOf(writers[0], [writers[1], ...people.filter((_, i) => i % ROOMS === room)])),
	);
});
after(() => stack?.stop());

const presence = (persons) => persons.map(({ id }) => `presence/${id}`);

it('may be larger than 1,024: broker and web server raise that limit by themselves', async () => {
	for (const name of ['mosquitto', 'lighttpd']) {
		const limits = await readFile(`/proc/${await stack.pid(name)}/limits`, 'utf8');
		const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(limits).map(Number);
		assert.ok(soft >= Math.min(hard, 16_384), `${name} may open ${soft} of ${hard}`);
	}
});

it('comes back, each with all that was sent, and is online; who stays away is not', async (t) => {
	const clients = await Promise.all(
		people.flatMap((person, i) =>
			DEVICES.map((options, j) => Follower.open(person, rooms[i % ROOMS], { ...options, device: `device-${j}` })),
		),
	);
	const leaving = await Promise.all(leavers.map((person) => connect(person)));
	const delays = [];
	let watching;
	const load = await underLoad(writers, rooms, async (load_) => {
		await load_.more(30);
		const pid = await stack.kill('mosquitto');
		const begin = performance.now();
		for (const { device } of clients) device.client.once('connect', () => delays.push(Math.round(performance.now() - begin)));
		await Promise.all(leaving.map((device) => device.closed()));
		await stack.replaced('mosquitto', pid, 10_000);
		// as soon as anybody is let in: what is retained now would be a lie
		watching = await waitFor(() => connect(watcher, { subscribe: presence(leavers) }), BACK_MS, 'somebody is let in');
		await waitFor(() => clients.every(({ connects }) => connects >= 2), BACK_MS, 'everybody is back');
		await load_.more(30);
	});
	assert.deepEqual(load.failed, [], 'sending does not depend on the broker');
	for (const client of clients) await client.has(load.acked.filter(({ conversation }) => conversation === client.room.id));
	for (const room of rooms) await checkHistory(writers[0], room, load.acked);

	await watching.subscribe(presence(people));
	for (const [i, topic] of presence(people).entries()) {
		const { event } = await watching.next((message) => message.topic === topic);
		assert.deepEqual([event.user_id, event.status], [people[i].id, 'online']);
	}
	assert.deepEqual(watching.kept, [], 'nothing is said about those who stay away');
	t.diagnostic(`${clients.length} clients were back after ${delays.sort((a, b) => a - b).filter((_, i) => i % 10 === 9)} ms`);
	for (const { device } of [...clients, { device: watching }]) await device.end(true);
});
