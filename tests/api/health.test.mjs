// Can this instance serve?
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { api, must } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';

describe('health', () => {
	let stack;
	before(async () => {
		stack = await sharedStack();
	});
	after(() => stack?.stop());

	it('is well, and needs no token', async () => {
		const { status, version, database } = must(await api(stack).get('/health'), 200);
		assert.deepEqual([status, database], ['ok', 'ok']);
		assert.equal(version, must(await api(stack).get('config'), 200).version);
	});

	it('is at the root alone', async () => {
		assert.equal((await api(stack).get('health')).status, 404);
	});

	it('is not limited', async () => {
		const answer = await api(stack).get('/health');
		assert.equal(answer.headers.get('RateLimit'), null);
	});
});
