// What a client is told before it logs in.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { api, connect, must, register } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { raw } from './raw.mjs';

describe('the configuration', () => {
	let stack;
	before(async () => {
		stack = await sharedStack();
	});
	after(() => stack?.stop());

	it('has the limits that hold, and the timings of the contract', async () => {
		const { timings, limits } = must(await api(stack).get('config'), 200);
		assert.deepEqual(timings, {
			typing_ms: 3000,
			typing_debounce_ms: 2000,
			presence_ms: 90000,
			keepalive_s: 60,
		});
		assert.deepEqual(limits, {
			body_bytes: 65536,
			ciphertext_bytes: 65536,
			metadata_bytes: 16384,
			attachment_bytes: 26214400,
			group_max_members: 256,
			page_max: 200,
		});
	});

	it('says where the broker is, and it is there', async () => {
		const { mqtt } = must(await api(stack).get('config'), 200);
		assert.deepEqual(mqtt, { url: stack.mqttUrl, ws_url: stack.wsUrl });
		const ann = await register({ ...stack, mqttUrl: mqtt.url, wsUrl: mqtt.ws_url }, 'Ann');
		for (const ws of [false, true]) await (await connect(ann, { ws })).end(true);
	});

	const port = () => new URL(stack.mqttUrl).port;
	const hosts = {
		'chat.example.org': () => [`mqtt://chat.example.org:${port()}`, 'ws://chat.example.org/mqtt'],
		'chat.example.org:8443': () => [`mqtt://chat.example.org:${port()}`, 'ws://chat.example.org:8443/mqtt'],
		'[::1]:8080': () => [`mqtt://[::1]:${port()}`, 'ws://[::1]:8080/mqtt'],
		'[2001:db8::1]': () => [`mqtt://[2001:db8::1]:${port()}`, 'ws://[2001:db8::1]/mqtt'],
		'10.0.0.7': () => [`mqtt://10.0.0.7:${port()}`, 'ws://10.0.0.7/mqtt'],
	};
	for (const [host, expected] of Object.entries(hosts))
		it(`names the broker as the client named the server: ${host}`, async () => {
			const { status, body } = await raw(stack, 'GET /api/v1/config HTTP/1.1', [`Host: ${host}`]);
			assert.equal(status, 200);
			assert.deepEqual([body.mqtt.url, body.mqtt.ws_url], expected());
		});

	for (const host of ['a"b', 'a/b', 'user@host', 'a b', '<script>'])
		it(`does not repeat a host that is none: ${host}`, async () => {
			const { status, text } = await raw(stack, 'GET /api/v1/config HTTP/1.1', [`Host: ${host}`], '', {
				check: false,
			});
			assert.ok(status === 400 || !text.includes(host), text);
		});
});
