// Forgotten passwords, from the request to the new one; the mail between is in tests/push/notify.test.mjs.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { api, connect, must, PASSWORD, register, signIn } from '../lib/client.mjs';
import { overtaken } from '../lib/processes.mjs';
import { resetToken } from '../lib/reset.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const NEW_PASSWORD = 'another long password';

let stack, guest;
before(async () => {
	stack = await sharedStack();
	guest = api(stack);
});
after(() => stack?.stop());

const faultsOf = (answer) => answer.body.errors.map(({ field, code }) => `${field} ${code}`).sort();
const confirm = (token, password = NEW_PASSWORD) => guest.post('auth/password/reset/confirm', { token, password });
const login = (person, password) => guest.post('auth/login', { handle: person.handle, password });
const refused = (answer) =>
	assert.deepEqual([answer.status, answer.body.code, answer.body.detail], [401, 'unauthorized', 'The token is not valid, or no longer.']);

describe('asking for a new password', () => {
	it('is answered alike whether somebody has the address or not', async () => {
		const email = `${randomUUID()}@example.org`;
		await register(stack, 'Forgetful', { email });
		const shown = [];
		for (const address of [email, email.toUpperCase(), `${randomUUID()}@example.org`]) {
			const { status, headers, text } = await guest.post('auth/password/reset', { email: address });
			shown.push({ status, text, headers: [...headers.keys()].sort() });
		}
		assert.equal(shown[0].status, 204);
		for (const other of shown) assert.deepEqual(other, shown[0]);
	});

	it('lapses where there is no mail, and says so once', async () => {
		const email = `${randomUUID()}@example.org`;
		const there = () => stack.sql(`select count(*) from password_resets where email = '${email}'`);
		for (let i = 0; i < 2; i++) {
			assert.equal((await guest.post('auth/password/reset', { email })).status, 204);
			await waitFor(async () => (await there()) === '0', 5000, 'the request is gone');
		}
		const { notify } = await stack.logs();
		const warnings = notify.split('\n').filter((line) => /smtp_url is not set/.test(line));
		assert.equal(warnings.length, 1);
		assert.ok(!notify.includes(email), 'no address in the log');
	});

	const wrong = [
		[{}, 'email required'],
		[{ email: null }, 'email required'],
		[{ email: 7 }, 'email bad_type'],
		[{ email: 'nobody' }, 'email bad_format'],
		[{ email: 'a@b\r\nBcc: c@d' }, 'email bad_format'],
		[{ email: 'a@b>,<c@d' }, 'email bad_format'],
		[{ email: `a@${'b'.repeat(253)}` }, 'email too_long'],
	];
	for (const [sent, expected] of wrong)
		it(`refuses ${JSON.stringify(sent).slice(0, 60)}`, async () => {
			const answer = await guest.post('auth/password/reset', sent);
			assert.equal(answer.status, 422);
			assert.deepEqual(faultsOf(answer), [expected]);
		});
});

describe('a token for a new password', () => {
	it('sets it once, and ends every session on both planes', async () => {
		const person = await register(stack, 'Reset');
		const other = await signIn(person);
		const device = await connect(person, { version: 5 });
		const token = await resetToken(person);
		assert.equal((await confirm(token)).status, 204);
		for (const one of [person, other]) assert.equal((await one.api.get('users/me')).status, 401);
		assert.equal((await guest.post('auth/refresh', { refresh_token: other.refresh_token })).status, 401);
		await device.closed();
		assert.equal((await login(person, PASSWORD)).status, 401);
		must(await login(person, NEW_PASSWORD), 200);
		refused(await confirm(token, 'a third long password'));
		must(await login(person, NEW_PASSWORD), 200);
	});

	it('is void once another of the same person has been used', async () => {
		const person = await register(stack, 'Two');
		const first = await resetToken(person, 0);
		const second = await resetToken(person, 1);
		assert.equal((await confirm(second)).status, 204);
		refused(await confirm(first));
		must(await login(person, NEW_PASSWORD), 200);
	});

	it('is void once the password has been changed, and good before', async () => {
		const person = await register(stack, 'Change');
		const token = await resetToken(person);
		assert.equal((await person.api.post('auth/password', { current: PASSWORD, new: NEW_PASSWORD })).status, 204);
		refused(await confirm(token, 'a third long password'));
		must(await login(person, NEW_PASSWORD), 200);
		assert.equal((await confirm(await resetToken(person), 'a third long password')).status, 204, 'one that was asked for since');
	});

	it('is void when the password changes at the same moment', async () => {
		const person = await register(stack, 'Race');
		const token = await resetToken(person);
		const change = `update users set password_changed_at = clock_timestamp() where id = '${person.id}';`;
		refused(await overtaken(person, change, () => confirm(token)));
		must(await login(person, PASSWORD), 200);
	});

	it('is used once by 8 who use it at the same moment', async () => {
		const person = await register(stack, 'Eight');
		const token = await resetToken(person);
		const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => confirm(token, `a long password ${i}`)));
		assert.deepEqual(answers.map(({ status }) => status).sort(), [204, ...Array(7).fill(401)]);
		must(await login(person, `a long password ${answers.findIndex(({ status }) => status === 204)}`), 200);
	});

	it('that has ended, is nobody’s or is none is refused, all alike', async () => {
		const person = await register(stack, 'Late');
		const late = await resetToken(person, 0, { token_expires_at: 'now()' });
		for (const token of [late, 'B'.repeat(42) + 'A', 'x', '', `${late}A`, '\u0080'.repeat(43), 'A'.repeat(42) + 'B', person.refresh_token])
			refused(await confirm(token));
		must(await login(person, PASSWORD), 200);
		must(await person.api.get('users/me'), 200);
	});

	it('of an account that has been erased is refused, and nothing of its request is kept', async () => {
		const email = `${randomUUID()}@example.org`;
		const person = await register(stack, 'Gone', { email });
		const token = await resetToken(person, 0, { email: `'${email.toUpperCase()}'` });
		assert.equal((await person.api.delete('users/me')).status, 204);
		refused(await confirm(token));
		assert.equal(await stack.sql(`select count(*) from password_resets where user_id = '${person.id}'`), '0');
	});

	it('of somebody who is shut out sets none', async () => {
		const person = await register(stack, 'Shut');
		const token = await resetToken(person);
		await stack.sql(`update users set disabled_at = now() where id = '${person.id}'`);
		refused(await confirm(token));
		await stack.sql(`update users set disabled_at = null where id = '${person.id}'`);
		must(await login(person, PASSWORD), 200);
	});

	it('of somebody who has no password, because the identity is another’s, gives none', async () => {
		const person = await register(stack, 'External');
		await stack.sql(`update users set password_hash = null where id = '${person.id}'`);
		refused(await confirm(await resetToken(person)));
		assert.equal((await login(person, NEW_PASSWORD)).status, 401);
	});

	const wrong = [
		[{}, ['password required', 'token required']],
		[{ token: 1, password: 2 }, ['password bad_type', 'token bad_type']],
		[{ token: 'x', password: '1234567' }, ['password too_short']],
		[{ token: 'x', password: 'x'.repeat(257) }, ['password too_long']],
	];
	for (const [sent, expected] of wrong)
		it(`is not looked at with ${JSON.stringify(sent).slice(0, 50)}`, async () => {
			const answer = await guest.post('auth/password/reset/confirm', sent);
			assert.equal(answer.status, 422);
			assert.deepEqual(faultsOf(answer), expected);
		});

	it('stays good when the new password is refused', async () => {
		const person = await register(stack, 'Again');
		const token = await resetToken(person);
		assert.equal((await confirm(token, 'short')).status, 422);
		assert.equal((await confirm(token)).status, 204);
	});
});
