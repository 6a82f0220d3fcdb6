// The statements of sql/query for pgbench and psql: the very texts that the programs prepare, so they cannot drift.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The text of a statement by its name, without comments. */
export function statement(name) {
	const directory = join(root, 'sql/query');
	let found;
	for (const file of readdirSync(directory).filter((file) => file.endsWith('.sql'))) {
		let taken = false;
		for (const line of readFileSync(join(directory, file), 'utf8').split('\n')) {
			const named = /^-- name: (\w+) /.exec(line);
			if (named) {
				taken = named[1] === name;
				if (taken) found = [];
			} else if (taken && !/^\s*(--.*)?$/.test(line)) {
				found.push(line);
			}
		}
	}
	if (!found) throw new Error(`there is no statement ${name} in sql/query`);
	return found.join('\n');
}

/** The statement with an expression in the place of each $1, $2 … */
export function bound(name, expressions) {
	return statement(name).replace(/\$(\d+)/g, (_, number) => {
		const expression = expressions[number - 1];
		if (expression === undefined) throw new Error(`${name}: no value for $${number}`);
		return expression;
	});
}

// An id ends in a number of five digits (seed.sql), and pgbench knows numbers only: the text is put together by the
// server, each time that the statement looks at it (some tenths of a microsecond). A query of its own in this place
// would do it once, but costs more than twenty microseconds.
const idOf = (variable, start) => `('${start}' || :${variable}::text)::uuid`;
const person = idOf('p', '00000000-0000-7000-8000-0000000');
const conversation = idOf('c', '00000000-0000-7000-9000-0000000');

// what the person has sent there (bench.mjs)
const own = idOf('c', '01930000-0000-7000-a000-0000000');

// Null as the programs pass it: not known when the statement is planned. A variable of pgbench cannot be null.
const none = "nullif(:none::text, '-')";

const PAIR = String.raw`
\set k random(0, 599)
\set p 10000 + :k % 300
\set c :p + 9999 * (:k / 300)
`;

// the groups of 50, and the first member of each (seed.sql)
const FIFTY = String.raw`
\set p 10070 + 96 * random(0, 59)
\set c :p
`;

// an id of twelve random digits; ids of events are unique nowhere
function sendTo(place) {
	const id = "('01920000-0000-7000-a000-' || :n::text)::uuid";
	const parameters = [conversation, person, id, ':type', ':body', none, none, none, ':digest', id, id, none];
	return String.raw`${place}
\set n random(100000000000, 999999999999)
${bound('message_send', parameters)};
`;
}

/** What pgbench runs for each kind of request, drawing from the same people and conversations as requests.lua. */
export const scripts = {
	history: () => String.raw`${PAIR}
\set rows 51
\if random(0, 1) = 0
${bound('message_page', [conversation, person, none, none, ':rows'])};
\else
\set before random(60, 90)
${bound('message_page', [conversation, person, ':before', none, ':rows'])};
\endif
`,
	list: () => String.raw`
\set p random(10000, 10299)
\set rows 21
${bound('conversation_list', [person, ':rows', none, none])};
`,
	send: () => sendTo(PAIR),
	group: () => sendTo(FIFTY),
	// as the store does it: what is there is read, and then, where it is still so, changed
	edit: () => {
		const edited = `(select x.edited_at from messages x where x.conversation_id = ${conversation} and x.id = ${own})`;
		return String.raw`${PAIR}
\set n random(10000000, 99999999)
${bound('message_one', [conversation, person, own])};
${bound('message_edit', [conversation, person, own, edited, ':body || :n::text', none, none, '0', 'false', own])};
`;
	},
	react: () => String.raw`${PAIR}
\set most 20
\if random(0, 1) = 0
${bound('reaction_put', [conversation, person, own, ':emoji', ':most', ':most', own])};
\else
${bound('reaction_remove', [conversation, person, own, ':emoji', own])};
\endif
`,
};

/** -D of pgbench: texts, which a script cannot set. */
export const variables = {
	type: 'text',
	body: 'He said "not before Monday", so I have put the delivery down for Tuesday morning, first thing.',
	none: '-',
	emoji: '👍',
	digest: String.raw`\x00112233445566778899aabbccddeeff`,
};
