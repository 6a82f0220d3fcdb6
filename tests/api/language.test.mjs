// Problems in one's own language: what people read is translated, what programs read is not.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { api, must, register } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';

let stack, ann;
before(async () => {
	stack = await sharedStack();
	ann = await register(stack, 'Ann');
});
after(() => stack?.stop());

const speaking = (language) => ({ headers: language === undefined ? {} : { 'accept-language': language } });
const same = ({ title, detail, request_id, errors, ...rest }) => ({
	...rest,
	errors: errors?.map(({ detail: _, ...fault }) => fault),
});

it('title and detail are translated, code and status are not', async () => {
	const english = await api(stack).get('unread');
	assert.equal(english.headers.get('Content-Language'), 'en');
	for (const [language, tag, title] of [
		['de-AT, en;q=0.5', 'de', 'Nicht angemeldet'],
		['it, fr;q=0.9, en;q=0.8', 'fr', 'Non authentifié'],
		['es', 'es', 'No autenticado'],
		['en', 'en', 'Unauthorized'],
		['it', 'en', 'Unauthorized'],
		['de;q=banana', 'en', 'Unauthorized'],
	]) {
		const answer = await api(stack).get('unread', speaking(language));
		assert.equal(answer.headers.get('Content-Language'), tag, language);
		assert.equal(answer.body.title, title, language);
		assert.equal(answer.body.detail === english.body.detail, tag === 'en');
		assert.deepEqual(same(answer.body), same(english.body));
	}
});

it('so is what is wrong with each field', async () => {
	const wrong = { kind: 'group', member_ids: ['x', randomUUID()], title: '' };
	const [english, german] = [
		await ann.api.post('conversations', wrong),
		await ann.api.post('conversations', wrong, speaking('de')),
	];
	assert.equal(german.status, 422);
	assert.ok(german.body.errors.length >= 2);
	german.body.errors.forEach(({ detail }, i) => assert.notEqual(detail, english.body.errors[i].detail));
	assert.deepEqual(same(german.body), same(english.body));
});

it('what succeeds says nothing of languages', async () => {
	const answer = await ann.api.get('users/me', speaking('de'));
	must(answer, 200);
	assert.equal(answer.headers.get('Content-Language'), null);
});
