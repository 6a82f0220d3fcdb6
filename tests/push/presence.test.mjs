// Presence through the whole stack: retained, true for several devices, published by the server alone.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { connect, register } from '../lib/client.mjs';
import { checkEvent } from '../lib/contract.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const OFFLINE_MS = 5000;

let stack, watcher, watching;
before(async () => {
	stack = await sharedStack();
	watcher = await register(stack, 'Watcher');
	watching = await connect(watcher, { ws: true, subscribe: [] });
});
after(async () => {
	await watching?.end(true);
	await stack?.stop();
});

async function presence(person, status, deadline) {
	const message = await watching.next(({ topic }) => topic === `presence/${person.id}`, deadline);
	checkEvent(message.topic, message.payload, message.packet);
	assert.equal(message.event.user_id, person.id);
	assert.equal(message.event.status, status);
	return { ...message.event, retained: message.packet.retain };
}

it('online with the first device, offline within 5 s of the last one\'s goodbye', async () => {
	const person = await register(stack, 'Comer');
	assert.deepEqual(await watching.subscribe([`presence/${person.id}`]), [1]);
	const begin = Date.now();
	const phone = await connect(person, { device: 'phone' });
	const online = await presence(person, 'online');
	assert.equal(online.retained, false);
	assert.ok(Math.abs(Date.parse(online.since) - begin) < 5000, online.since);

	const laptop = await connect(person, { device: 'laptop', ws: true });
	await phone.end();
	// the other one is still there: nothing changes, also when all the grace is over
	await assert.rejects(presence(person, 'offline', 3500), /not within/);
	await laptop.end();
	const offline = await presence(person, 'offline', OFFLINE_MS);
	assert.ok(Date.parse(offline.since) >= Date.parse(online.since));
});

it('who subscribes later is told at once, by the retained message', async () => {
	const person = await register(stack, 'Here');
	const device = await connect(person);
	for (const [status, leave] of [['online', () => device.end()], ['offline', undefined]]) {
		await waitFor(async () => {
			const late = await connect(watcher, { subscribe: [`presence/${person.id}`] });
			try {
				const { event, packet } = await late.next(({ topic }) => topic === `presence/${person.id}`, 2000);
				assert.equal(packet.retain, true);
				return event.status === status;
			} finally {
				await late.end(true);
			}
		}, OFFLINE_MS, `the retained presence is ${status}`);
		await leave?.();
	}
});

it('a device that is cut off and comes back at once was never away', async () => {
	const person = await register(stack, 'Tunnel');
	await watching.subscribe([`presence/${person.id}`]);
	const first = await connect(person, { device: 'phone' });
	await presence(person, 'online');
	first.cut();
	await first.closed();
	const second = await connect(person, { device: 'phone' });
	await assert.rejects(presence(person, 'offline', 3500), /not within/);
	await second.end();
	await presence(person, 'offline', OFFLINE_MS);
});

it('a takeover of the same device is no absence', async () => {
	const person = await register(stack, 'Twice');
	await watching.subscribe([`presence/${person.id}`]);
	const first = await connect(person, { device: 'phone' });
	await presence(person, 'online');
	const second = await connect(person, { device: 'phone', ws: true });
	await first.closed();
	await assert.rejects(presence(person, 'offline', 3500), /not within/);
	await second.end();
	await presence(person, 'offline', OFFLINE_MS);
});

it('nothing is said about somebody who was never here', async () => {
	const person = await register(stack, 'Never');
	await watching.subscribe([`presence/${person.id}`]);
	const other = await register(stack, 'Fence');
	await watching.subscribe([`presence/${other.id}`]);
	const device = await connect(other);
	await presence(other, 'online');
	assert.ok(!watching.kept.some(({ topic }) => topic === `presence/${person.id}`));
	await device.end(true);
});
