// People, found by the beginning of a name.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { must, register } from '../lib/client.mjs';
import { sharedStack } from '../lib/stack.mjs';
import { statement } from '../load/statement.mjs';

let stack, ann;
before(async () => {
	stack = await sharedStack();
	ann = await register(stack, 'Ann');
});
after(() => stack?.stop());

// A word that begins no other name, so that other tests' people are not found.
const word = () => `q${randomBytes(5).toString('hex')}`;
const search = (q, more = '') => ann.api.get(`users?q=${encodeURIComponent(q)}${more}`);
const found = async (q, more) => must(await search(q, more), 200).data.map(({ id }) => id);
const faultsOf = (answer) => answer.body.errors.map(({ field, code }) => `${field} ${code}`);
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

/** People by their display names, without signing them up one by one; their ids, in that order. */
async function people(...names) {
	const ids = names.map(() => randomUUID());
	const handle = (i) => `h${randomBytes(8).toString('hex')}${i}`;
	const rows = names.map((name, i) => `('${ids[i]}', '${handle(i)}', ${quoted(name)})`);
	await stack.sql(`insert into users (id, handle, display_name) values ${rows.join(', ')}`);
	return ids;
}

describe('a search', () => {
	it('finds the beginning of handle, display name, and later words of it', async () => {
		const [first, later, last] = [word(), word(), word()];
		const person = await register(stack, first, { display_name: `${first} van  ${later}-${last} (Sales)` });
		for (const q of [
			person.handle,
			person.handle.slice(0, 9),
			first,
			first.slice(0, 8),
			`${first} van`,
			`  ${first}   van ${later} `.replaceAll(`${later} `, later),
			later,
			`van ${later}`,
			`${later}-${last}`,
			last,
			`${last} (sa`,
			`${last} (sales)`,
		])
			assert.deepEqual(await found(q), [person.id], q);
		for (const q of [first.slice(1), `${first}van`, `${later} `.repeat(2), `x${later}`, `${last} sales`])
			assert.deepEqual(await found(q), [], q);
	});

	it('shows profiles as others see them', async () => {
		const name = word();
		const person = await register(stack, name, { email: `${name}@example.org`, locale: 'fr' });
		const page = must(await search(name), 200);
		assert.deepEqual(page, { data: [must(await ann.api.get(`users/${person.id}`), 200)], has_more: false, next: null });
	});

	it('takes for one what looks alike', async () => {
		const mark = word();
		const alike = [
			['Ünal', 'üNAL'],
			['Straße', 'STRASSE'],
			['ΣΟΦΟΣ', 'σοφος'],
			['Σοφοσκι', 'ΣΟΦΟΣ'],
			['Łódź', 'łÓD'],
			['ИВАН', 'ива'],
			['Ｆｕｌｌ', 'full'],
			['e\u0301cole', '\u00c9COLE'],
			['ﬁnn', 'FIN'],
			['Nguyễn', 'NGUYỄN'],
			['太郎', '太'],
			['Ⅷ', 'viii'],
		];
		// each behind a letter of its own
		const of = (i) => `${mark}${'abcdefghijkl'[i]}`;
		const ids = await people(...alike.map(([name], i) => `${i % 2 ? 'x ' : ''}${of(i)}${name}`));
		for (const [i, [name, q]] of alike.entries()) assert.deepEqual(await found(`${of(i)}${q}`), [ids[i]], `${name} ${q}`);
	});

	it('knows no wildcards', async () => {
		const mark = word();
		const [percent, under, back] = await people(`${mark}%a`, `${mark}_b`, `${mark}\\c`);
		assert.deepEqual(await found(`${mark}%`), [percent]);
		assert.deepEqual(await found(`${mark}_`), [under]);
		assert.deepEqual(await found(`${mark}\\`), [back]);
		for (const q of ['%', '_', '%%', '*', `${mark}*`, `%${mark}`, `${mark.slice(0, -1)}_`, `${mark}'`, `${mark}.`])
			for (const id of await found(q)) assert.ok(![percent, under, back].includes(id), q);
	});

	it('has each person once, by the first of the names that fit', async () => {
		const mark = word();
		const [both, before_, after_] = await people(`${mark}m ${mark}b ${mark}z`, `${mark}a`, `${mark}c`);
		assert.deepEqual(await found(mark), [before_, both, after_]);
		assert.deepEqual(await found(`${mark}m`), [both]);
	});

	it('follows a change of the name at once', async () => {
		const [old, now] = [word(), word()];
		const person = await register(stack, 'Old', { display_name: `${old} Same` });
		must(await person.api.patch('users/me', { display_name: `${now} Same` }), 200);
		assert.deepEqual([await found(old), await found(now)], [[], [person.id]]);
		must(await person.api.patch('users/me', { bio: 'no name' }), 200);
		assert.deepEqual(await found(now), [person.id]);
	});

	it('finds nobody who is erased or disabled', async () => {
		const name = word();
		const [gone, shut] = [await register(stack, 'Gone', { display_name: name }), (await people(name))[0]];
		assert.equal((await found(name)).length, 2);
		must(await gone.api.delete('users/me'), 204);
		assert.deepEqual(await found(name), [shut]);
		assert.ok(!(await found('deleted-')).includes(gone.id));
		await stack.sql(`select user_disable('${shut}', '${randomUUID()}')`);
		assert.deepEqual(await found(name), []);
		await stack.sql(`select user_enable('${shut}', '${randomUUID()}')`);
		assert.deepEqual(await found(name), [shut]);
	});

	it('takes the longest names there can be', async () => {
		// each of these letters becomes eighteen
		const mark = word();
		const long = `${mark} ${'\ufdfa'.repeat(64 - mark.length - 1)}`;
		const [id] = await people(long);
		assert.deepEqual(await found(long), [id]);
		assert.deepEqual(await found(mark), [id]);
	});

	for (const [query, faults] of [
		['', ['q required']],
		['q=', ['q required']],
		['q=%20%E2%80%8B%C2%A0', ['q required']],
		[`q=${'x'.repeat(65)}`, ['q too_long']],
		['q=a%C2%80b', ['q bad_format']],
		['q=a%E2%80%AEb', ['q bad_format']],
		['q=a&limit=0', ['limit out_of_range']],
		['q=a&limit=201', ['limit out_of_range']],
		['limit=x', ['limit out_of_range', 'q required']],
		['q=a&q=b', undefined],
		['q=%ff', undefined],
		['q=a%00', undefined],
	])
		it(`refuses ?${query.slice(0, 30)}`, async () => {
			const answer = await ann.api.get(`users?${query}`);
			assert.ok(answer.status === 422 || (!faults && answer.status === 400), `${answer.status} ${answer.text}`);
			if (faults) assert.deepEqual(faultsOf(answer).sort(), faults);
		});

	it('takes 64 code points of any size', async () => {
		for (const letter of ['x', 'é', '日', '👋']) assert.deepEqual(await found(letter.repeat(64)), []);
	});
});

describe('the pages of a search', () => {
	/** All ids, page by page of so many; between: done after each. */
	async function pages(q, limit, between = async () => undefined) {
		const ids = [];
		let cursor = '';
		do {
			const page = must(await search(q, `&limit=${limit}${cursor}`), 200);
			assert.ok(page.data.length <= limit);
			ids.push(...page.data.map(({ id }) => id));
			cursor = page.next && `&cursor=${page.next}`;
			await between();
		} while (cursor);
		return ids;
	}

	it('together hold everybody once, in order, also where many are called alike', async () => {
		const mark = word();
		const names = Array.from({ length: 40 }, (_, i) => `${mark}${'abc'[i % 3]} ${mark}${'ab'[i % 2]}`);
		const ids = await people(...names);
		const first = (name) => [name.toLowerCase(), name.split(' ')[1]].sort()[0];
		const expected = ids
			.map((id, i) => ({ id, name: first(names[i]) }))
			.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1))
			.map(({ id }) => id);
		for (const limit of [1, 7, 39, 40, 200]) assert.deepEqual(await pages(mark, limit), expected, String(limit));
	});

	it('lose nobody and double nobody while others come', async () => {
		const mark = word();
		const stay = await people(...Array.from({ length: 12 }, (_, i) => `${mark}${'abcdefghijkl'[i]}`));
		const seen = await pages(mark, 4, async () => {
			await people(`${mark}a new`, `${mark}d new`, `${mark}z`);
		});
		assert.deepEqual(seen.filter((id) => stay.includes(id)), stay);
		assert.equal(new Set(seen).size, seen.length);
	});

	it('are of one search alone', async () => {
		const mark = word();
		await people(`${mark}a`, `${mark}b`);
		const { next } = must(await search(mark, '&limit=1'), 200);
		const bytes = Buffer.from(next, 'base64url');
		const changed = (at, value) => {
			const copy = Buffer.from(bytes);
			copy[at] = value;
			return copy.toString('base64url');
		};
		must(await search(mark, `&cursor=${next}`), 200);
		for (const [q, cursor] of [
			[`${mark}a`, next],
			[mark, `${next}A`],
			[mark, next.slice(0, 40)],
			[mark, ''],
			[mark, 'x'],
			[mark, '%00'],
			[mark, '='.repeat(32)],
			[mark, 'A'.repeat(1900)],
			[mark, changed(0, bytes[0] ^ 1)],
			[mark, changed(bytes.length - 1, 0)],
			[mark, changed(bytes.length - 1, 0xff)],
			[mark, Buffer.concat([bytes.subarray(0, 16), Buffer.alloc(16), bytes.subarray(32)]).toString('base64url')],
		]) {
			const answer = await search(q, `&cursor=${cursor}`);
			assert.ok([400, 422].includes(answer.status), `${cursor}: ${answer.status}`);
			if (answer.status === 422) assert.deepEqual(faultsOf(answer), ['cursor bad_format'], cursor);
		}
	});
});

it('a search reads a page of the index, and no table from end to end', async () => {
	const mark = word();
	// as parley-rest runs it; what is added here is gone with the transaction
	const output = await stack.sql(`begin;
		insert into users (id, handle, display_name)
		select gen_random_uuid(), '${mark}' || i, '${mark} ' || i from generate_series(1, 1500) i;
		analyze users, user_terms;
		prepare search as ${statement('user_search')};
		set local plan_cache_mode = force_generic_plan;
		explain (analyze, format json) execute search('${mark}', 51, null, null);
		explain (analyze, format json) execute search('${mark}', 51, '${mark} 1200', '${randomUUID()}');
		set local plan_cache_mode = force_custom_plan;
		explain (analyze, format json) execute search('${mark}', 51, null, null);
		rollback;`);
	const plans = output.split(/^(?=\[$)/m).map((text) => JSON.parse(text)[0]);
	assert.equal(plans.length, 3);
	for (const { Plan } of plans) {
		const nodes = [];
		const walk = (node) => nodes.push(node) && node.Plans?.forEach(walk);
		walk(Plan);
		assert.equal(Plan['Actual Rows'], 51);
		const scans = nodes.filter((node) => node['Relation Name']);
		for (const node of scans) assert.match(node['Node Type'], /^Index/, JSON.stringify(node));
		const [names] = scans.filter((node) => node['Index Name'] === 'user_terms_search');
		// everybody has two names that fit, and is found by the first
		assert.ok(names['Actual Rows'] <= 2 * 51 + 1, `${names['Actual Rows']} were read`);
	}
});
