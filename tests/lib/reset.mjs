// Tokens for forgotten passwords without a mail: the database is given the hash of one that is known here.

// Tokens and their BLAKE2b of 32 bytes, which node does not have.
const TOKENS = [
	['AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', '89eb0d6a8a691dae2cd15ed0369931ce0a949ecafa5c3f93f8121833646e15c3'],
	['AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE', 'f40ceaf86e5776923332b8d8fd3bef849cadb19c6996bc272af1f648d9566a4c'],
	['AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI', 'd9818087de7244abc1b5fcf28e55e42c7ff9c678c0605181f37ac5d7414a7b95'],
];

/**
 * Gives a person the token of this number, as the mail would bring it, whoever had it before: resolves to it. more: columns and
 * their SQL, like { token_expires_at: 'now()' }.
 */
export async function resetToken(person, number = 0, more = {}) {
	const [token, hash] = TOKENS[number];
	const row = {
		id: 'gen_random_uuid()',
		email: "''",
		try_at: 'null',
		user_id: `'${person.id}'`,
		token_hash: `'\\x${hash}'`,
		token_expires_at: "now() + interval '1 hour'",
		...more,
	};
	await person.stack.sql(
		`begin; delete from password_resets where token_hash = ${row.token_hash};
		insert into password_resets (${Object.keys(row)}) values (${Object.values(row)}); commit;`,
	);
	return token;
}
