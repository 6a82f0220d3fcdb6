-- Fills an empty database for measuring: 10,000 people, 20,000 conversations, 2,000,000 messages, the same every
-- time. Run by tests/load/bench as the owner of the schema, with psql -v ON_ERROR_STOP=1. Not for anything else: it
-- writes the tables without the functions that guard them, and keeps what they promise by hand.
--
-- People are numbered 10000..19999 and conversations 10000..29999; the number is the end of the id, so that a load
-- generator makes an id by writing a number behind a constant. All of five digits: no padding to pay for.
--
--	conversation c is direct (odd) or a group (even) of 3 to 50
--	members    of c: person 10000 + (c - 10000) mod 9999 is the first, so that a pair is found by arithmetic
--	           too; the others follow at a distance of the conversation's own, which makes pairs unique
--	person 19999 is in 5,000 groups, and in nothing else; person 20000 in 100 groups and 100 direct
--	           conversations, for GET /sync; everyone else is in about 27 conversations
--	messages   90 a conversation, but every thousandth has 10,090
--	order      of the rows as time would have written them: some messages of each conversation by turns, so
--	           that a page of history is spread over the table
\set QUIET on
set client_min_messages = warning;
set synchronous_commit = off;
create schema seed;

create function seed.person_id(n integer) returns uuid language sql immutable as
	$$ select ('00000000-0000-7000-8000-0000000' || n::text)::uuid $$;
create function seed.conversation_id(c integer) returns uuid language sql immutable as
	$$ select ('00000000-0000-7000-9000-0000000' || c::text)::uuid $$;

create function seed.member_count(c integer) returns integer language sql immutable as
	$$ select case when c % 2 = 1 then 2 else 3 + (c / 2 * 29) % 48 end $$;

-- The j-th member, from 0. Person 19999 is the last of every second group, person 20000 of every hundredth conversation.
create function seed.member(c integer, j integer) returns integer language sql immutable as
	$$ select case
		when c % 4 = 0 and j = seed.member_count(c) - 1 then 19999
		when c % 200 in (1, 2) and j = seed.member_count(c) - 1 then 20000
		else 10000 + (c - 10000 + j * (1 + c * 37 % 199)) % 9999
	end $$;

create function seed.message_count(c integer) returns integer language sql immutable as
	$$ select case when c % 1000 = 0 then 10090 else 90 end $$;

-- Of version 4, as a client may choose it.
create function seed.message_id(c integer, seq integer) returns uuid language sql immutable as
	$$ select overlay(overlay(md5(c || ' ' || seq) placing '4' from 13) placing 'a' from 17)::uuid $$;

-- People take turns of three messages.
create function seed.sender(c integer, seq integer) returns integer language sql immutable as
	$$ select seed.member(c, seq / 3 % seed.member_count(c)) $$;

-- Rises with seq; the latest of all conversations are a second apart, which is denser than life.
create function seed.sent_at(c integer, seq integer) returns timestamptz language sql immutable as
	$$ select timestamptz '2026-01-01 00:00:00.123456Z' + (c - 10000) * interval '1 second'
		+ interval '200 days' * (seq::double precision / seed.message_count(c)) $$;

-- One deleted message in every fifth conversation, one edited in every fourth: each takes a rev of its own.
-- All members have read both, so they are in nobody's unread.
create function seed.deleted_seq(c integer) returns integer language sql immutable as
	$$ select case when c % 5 = 0 then seed.message_count(c) - 40 end $$;
create function seed.edited_seq(c integer) returns integer language sql immutable as
	$$ select case when c % 4 = 1 then seed.message_count(c) - 35 end $$;
create function seed.rev(c integer) returns integer language sql immutable as
	$$ select 1 + seed.message_count(c) + (seed.deleted_seq(c) is not null)::int
		+ (seed.edited_seq(c) is not null)::int $$;

-- Texts of 2 to 370 bytes, 100 on average, with what JSON has to escape and what UTF-8 makes longer.
create function seed.body(n integer) returns text language sql immutable as
$$ select (array[
	'ok',
	'On my way, should be there in about twenty minutes unless the bridge is closed again.',
	'Can somebody take the late shift on Thursday? I have to be at the school by five and cannot move it.',
	'Thanks! 👍',
	'He said "not before Monday", so I have put the delivery down for Tuesday morning, first thing.',
	'Grüße aus München, das Paket ist angekommen, alles heil. Rechnung folgt per Post, spätestens übermorgen.',
	E'List for tomorrow:\n- two pallets of the grey ones\n- ask about the missing invoice\n- keys back to the office',
	'The second pump makes that noise again. I have turned it down to 60 %, please have a look at it before you start it at full load; the manual says that the seal has to be changed after 4,000 hours, and by my count we are at 4,120. If there is no seal in the store, tell me today and I will order one with the rest, they need two days.',
	'Where are you parked?',
	'Yes, that works for me. Shall we say half past nine at the entrance of the hall, the one by the river?',
	'日本からの荷物は明日の午後に届く予定です。受け取りをお願いします。',
	'I have sent you the drawing by mail, version C, the one with the wider door. Please do not use version B any more.',
	'Done.',
	'Sorry, I was driving. What did the customer say about the colour, is it the darker one after all?',
	E'Path is C:\\projects\\2026\\offers, file "offer_0412.pdf", page 3; the total in the table is wrong by one line.',
	'See you there 😊 and bring the long cable, the short one was not enough last time.'
])[1 + n % 16] $$;

create temporary table room as
select c, seed.conversation_id(c) as id, seed.message_count(c) as n from generate_series(10000, 29999) as c;

insert into users (id, handle, display_name, created_at, updated_at)
select seed.person_id(p), 'person' || p,
	(array['Alex', 'Maria', 'Jürgen', 'Amina', 'Björn', 'Chiara', 'Dmitri', 'Eun-ji', 'Fatima', 'George'])[1 + p % 10]
		|| ' ' ||
	(array['Schmidt', 'Okafor', 'Nguyễn', 'Smith', 'Rossi', 'García', 'Kowalski', 'Yılmaz', 'Tanaka'])[1 + p / 10 % 9],
	'2025-12-01', '2025-12-01'
from generate_series(10000, 20000) as p;

-- a sign-in for each of the first few hundred, and for those who are first in a group of 50, whose tokens the load generator signs: its id is the person's
insert into devices (user_id, id, name, platform)
select seed.person_id(p), seed.person_id(p), 'bench', 'linux' from generate_series(10000, 19999) as p
where p < 10300 or p % 96 = 86;
insert into sessions (id, user_id, device_id, refresh_hash, refresh_expires_at)
select seed.person_id(p), seed.person_id(p), seed.person_id(p), sha256(p::text::bytea), now() + interval '1 day'
from generate_series(10000, 19999) as p
where p < 10300 or p % 96 = 86;

insert into conversations (id, kind, direct_key, title, created_by, created_at, last_seq, rev,
	member_count, last_activity_at, members_activity_at)
select id, case when c % 2 = 1 then 'direct' else 'group' end,
	case when c % 2 = 1 then
		uuid_send(least(seed.person_id(seed.member(c, 0)), seed.person_id(seed.member(c, 1)))) ||
		uuid_send(greatest(seed.person_id(seed.member(c, 0)), seed.person_id(seed.member(c, 1)))) end,
	case when c % 2 = 0 then 'Group number ' || c end,
	seed.person_id(seed.member(c, 0)), seed.sent_at(c, 0), n, seed.rev(c),
	seed.member_count(c), seed.sent_at(c, n),
	seed.sent_at(c, n) - case when c % 2 = 0 then c % 29 else 0 end * interval '1 second'
from room;

-- Eight of each conversation by turns, each turn a transaction; the long ones end with what the others do not have.
select format($$
	insert into messages (conversation_id, seq, id, rev, sender_id, type, body, metadata, reply_to, digest,
		created_at, edited_at, deleted_at, touched)
	select r.id, s,
		seed.message_id(r.c, s),
		case s when seed.deleted_seq(r.c) then r.n + 2 when seed.edited_seq(r.c) then seed.rev(r.c) else s + 1 end,
		seed.person_id(seed.sender(r.c, s)), 'text',
		case when s is distinct from seed.deleted_seq(r.c) then seed.body(r.c * 7 + s * 5) end,
		case when (r.c + s) %% 20 = 0 and s is distinct from seed.deleted_seq(r.c)
			then json_build_object('client', 'web', 'mentions', json_build_array(r.id)) end,
		case when s > 4 and (r.c + s) %% 25 = 0 then seed.message_id(r.c, s - 4) end,
		uuid_send(md5(r.c || ' ' || s)::uuid),
		seed.sent_at(r.c, s),
		case when s = seed.edited_seq(r.c) then seed.sent_at(r.c, s) + interval '1 minute' end,
		case when s = seed.deleted_seq(r.c) then seed.sent_at(r.c, s) + interval '1 minute' end,
		s is not distinct from seed.edited_seq(r.c) or s is not distinct from seed.deleted_seq(r.c)
	from room r cross join lateral generate_series(%s, least(%s, r.n)) as s
	where r.n >= %s
	order by (s - 1) / 8, r.c, s
	$$, turn * 8 + 1, case turn when 12 then 1000000 else turn * 8 + 8 end, turn * 8 + 1)
from generate_series(0, 12) as turn
\gexec

-- How far each is: who wrote has read what was there; the others are up to 19 behind with reading, up to 4 with
-- having it delivered.
insert into members (conversation_id, user_id, role, joined_seq, floor_seq, joined_at, last_read_seq,
	last_delivered_seq, activity_at)
select r.id, p.id,
	case when r.c % 2 = 0 and j = 0 then 'owner' when r.c % 2 = 0 and j = 1 then 'admin' else 'member' end,
	0, 0, seed.sent_at(r.c, 0), w.read_seq, greatest(w.read_seq, r.n - (r.c + j * 3) % 5),
	seed.sent_at(r.c, r.n) - case when r.c % 2 = 0 then (r.c % 29) else 0 end * interval '1 second'
from room r
cross join lateral generate_series(0, seed.member_count(r.c) - 1) as j
cross join lateral (select seed.person_id(seed.member(r.c, j)) as id) p
left join (select conversation_id, sender_id, max(seq) as seq from messages group by 1, 2) own
	on own.conversation_id = r.id and own.sender_id = p.id
cross join lateral (select greatest(own.seq, r.n - (r.c + j * 7) % 20) as read_seq) w
-- the members of a conversation come with it, so their rows are beside each other
order by r.c, j;

drop schema seed cascade;

-- as autovacuum would leave it some minutes later
vacuum (analyze) users, sessions, devices, conversations, members, messages;

-- what the rows must keep, or the figures mean nothing
do $$
declare
	bad text;
begin
	select string_agg(what, '; ') into bad from (
		select 'people' as what where (select count(*) from users) <> 10001
		union all select 'conversations' where (select count(*) from conversations) <> 20000
		union all select 'messages' where (select count(*) from messages) <> 2000000
		union all select 'the person in 5,000' where (select count(*) from members
			where user_id = '00000000-0000-7000-8000-000000019999') <> 5000
		union all select 'the person in 200' where (select count(*) from members
			where user_id = '00000000-0000-7000-8000-000000020000') <> 200
		union all select 'seq without gaps' where exists (
			select from conversations c join (select conversation_id, count(*) as n, max(seq) as top, max(rev) as rev
				from messages group by 1) m on m.conversation_id = c.id
			where m.n <> c.last_seq or m.top <> c.last_seq or m.rev > c.rev)
		union all select 'times that rise with seq' where exists (
			select from (select created_at < lag(created_at) over (partition by conversation_id order by seq) as back
				from messages where conversation_id in (select id from conversations limit 500)) t where back)
		union all select 'watermarks' where exists (
			select from members m join conversations c on c.id = m.conversation_id
			where m.last_read_seq > m.last_delivered_seq or m.last_delivered_seq > c.last_seq)
		union all select 'who wrote has read' where exists (
			select from members m join messages x on x.conversation_id = m.conversation_id
				and x.sender_id = m.user_id and x.seq > m.last_read_seq)
		union all select 'deleted ones are read' where exists (
			select from messages x join members m on m.conversation_id = x.conversation_id
			where x.deleted_at is not null and m.last_read_seq < x.seq)
		union all select 'senders are members' where exists (
			select from messages x where not exists (select from members m
				where m.conversation_id = x.conversation_id and m.user_id = x.sender_id))
		union all select 'activity' where exists (
			select from members m join conversations c on c.id = m.conversation_id
			where m.activity_at < c.members_activity_at or m.activity_at > c.last_activity_at
				or c.last_activity_at > c.members_activity_at + interval '30 seconds'
				or c.kind = 'direct' and m.activity_at <> c.last_activity_at)
		union all select 'counted members' where exists (
			select from conversations c where c.member_count <>
				(select count(*) from members m where m.conversation_id = c.id))
		union all select 'two in a direct conversation' where exists (
			select from conversations c where (select count(*) from members m where m.conversation_id = c.id)
				not between 2 and case c.kind when 'direct' then 2 else 50 end)
	) found;
	if bad is not null then
		raise exception 'the seed is wrong: %', bad;
	end if;
end
$$;
