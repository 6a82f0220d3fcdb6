// What parley-push tells those who watch it: /metrics and /health.
import assert from 'node:assert/strict';
import { connect as open } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect, directOf, must, register, send } from '../lib/client.mjs';
import { metricsOf, parsePrometheus } from '../lib/prometheus.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

let stack;
before(async () => {
	stack = await sharedStack();
});
after(() => stack?.stop());

describe('/metrics', () => {
	it('is text that Prometheus reads', async () => {
		const answer = await fetch(`${stack.metricsUrl}/metrics`);
		assert.equal(answer.status, 200);
		assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
		const page = parsePrometheus(await answer.text());
		for (const name of page.families.keys()) assert.match(name, /^parley_(push|rest)_/);
	});

	it('counters rise with what happens', async () => {
		const alice = await register(stack, 'Alice');
		const bob = await register(stack, 'Bob');
		const device = await connect(bob);
		const conversation = await directOf(alice, bob);
		const before_ = await metricsOf(stack);
		const count = 7;
		for (let i = 0; i < count; i++) {
			await send(alice, conversation, `number ${i}`);
			await device.event('message.created', conversation);
		}
		must(await bob.api.post(`conversations/${conversation.id}/delivered`, { seq: 3 }), 200);
		must(await bob.api.post(`conversations/${conversation.id}/read`, { seq: 2 }), 200);
		for (let i = 0; i < 2; i++) must(await bob.api.get(`conversations/${conversation.id}/messages`), 200);
		assert.equal((await alice.api.get(`conversations/${bob.id}`)).status, 404);

		const route = '/api/v1/conversations/{conversation}';
		const rows = [
			['parley_push_events_total', { type: 'message.created' }, count],
			['parley_push_events_total', { type: 'receipt.delivered' }, 1],
			['parley_push_events_total', { type: 'receipt.read' }, 1],
			['parley_push_events_total', { type: 'conversation.created' }, 0],
			['parley_push_publishes_total', {}, count + 2],
			['parley_push_publishes_acknowledged_total', {}, count + 2],
			['parley_push_records_refused_total', {}, 0],
			['parley_push_resyncs_total', {}, 0],
			['parley_push_commit_to_acknowledged_seconds_count', {}, count + 2],
			['parley_rest_requests_total', { method: 'POST', route: `${route}/messages`, status: '2xx' }, count],
			['parley_rest_requests_total', { method: 'GET', route: `${route}/messages`, status: '2xx' }, 2],
			['parley_rest_requests_total', { method: 'GET', route, status: '4xx' }, 1],
			['parley_rest_requests_total', { method: 'GET', route, status: '5xx' }, 0],
			['parley_rest_request_duration_seconds_count', { method: 'POST', route: `${route}/read` }, 1],
		];
		const risen = (page, name, labels) => (page.value(name, labels) ?? 0) - (before_.value(name, labels) ?? 0);
		// the last acknowledgement may be on its way still
		const page = await waitFor(async () => {
			const now = await metricsOf(stack);
			return now.value('parley_push_publishes_outstanding') === 0 && risen(now, 'parley_push_publishes_total', {}) >= count + 2 && now;
		}, 5000, 'everything is acknowledged');
		for (const [name, labels, expected] of rows)
			assert.equal(risen(page, name, labels), expected, `${name}${JSON.stringify(labels)} has risen`);
		await device.end(true);
	});

	it('gauges say that it works', async () => {
		const page = await waitFor(async () => {
			const now = await metricsOf(stack);
			return now.value('parley_push_slot_safe_wal_bytes') > 0 && now;
		}, 5000, 'the slot has been looked at');
		const rows = [
			['parley_push_streaming', {}, 1],
			['parley_push_standby', {}, 0],
			['parley_push_broker_connected', {}, 1],
			['parley_push_slot_wal_status', { status: 'lost' }, 0],
			['parley_rest_metrics_readable', {}, 1],
		];
		for (const [name, labels, expected] of rows) assert.equal(page.value(name, labels), expected, name);
		const started = page.value('parley_push_start_time_seconds');
		assert.ok(started > 1.7e9 && started <= Date.now() / 1000, String(started));
		assert.ok(page.value('parley_push_received_lsn_bytes') >= page.value('parley_push_confirmed_lsn_bytes'));
		assert.ok(page.value('parley_push_last_event_age_seconds') >= 0);
	});

	it('when nothing is written the lag goes to zero, also for WAL of others', async () => {
		await stack.sql("select pg_logical_emit_message(true, 'other', repeat('x', 100000)) from generate_series(1, 20)");
		await waitFor(async () => (await metricsOf(stack)).value('parley_push_lag_bytes') === 0, 15_000, 'the lag is zero');
		await waitFor(
			async () => Number(await stack.sql('select pg_current_wal_lsn() - confirmed_flush_lsn from pg_replication_slots')) < 100_000,
			20_000,
			'the slot has been moved past it',
		);
	});
});

describe('/health', () => {
	it('says that each part works', async () => {
		const answer = await fetch(`${stack.metricsUrl}/health`);
		assert.equal(answer.status, 200);
		assert.equal(answer.headers.get('content-type'), 'application/json');
		const { lag_bytes: lag, ...health } = await answer.json();
		assert.deepEqual(health, { status: 'ok', role: 'active', database: 'ok', broker: 'ok' });
		assert.ok(Number.isInteger(lag) && lag >= 0);
	});

	it('answers HEAD as GET without the body', async () => {
		for (const path of ['/health', '/metrics']) {
			const answer = await fetch(stack.metricsUrl + path, { method: 'HEAD' });
			assert.equal(answer.status, 200);
			assert.equal(await answer.text(), '');
		}
	});

	for (const [method, path, status] of [
		['GET', '/', 404],
		['GET', '/metrics/', 404],
		['GET', '/health/x', 404],
		['POST', '/health', 405],
		['DELETE', '/metrics', 405],
	]) {
		it(`${method} ${path} is ${status}`, async () => {
			const answer = await fetch(stack.metricsUrl + path, { method, body: method === 'POST' ? 'x' : undefined });
			assert.equal(answer.status, status);
			await answer.text();
			assert.equal((await fetch(`${stack.metricsUrl}/health`)).status, 200);
		});
	}

	it('slow and broken clients do not hold it up', async () => {
		const { hostname, port } = new URL(stack.metricsUrl);
		const sockets = ['', 'GET /metrics HT', 'GET /health HTTP/1.1\r\nHost: x\r\n', '\r\n\r\n\0\0', 'x'.repeat(100_000)].map((bytes) => {
			const socket = open(Number(port), hostname);
			socket.on('error', () => undefined);
			socket.write(bytes);
			return socket;
		});
		await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
		for (let i = 0; i < 10; i++) assert.equal((await fetch(`${stack.metricsUrl}/health`)).status, 200);
		for (const socket of sockets) socket.destroy();
	});
});
