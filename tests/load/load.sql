-- People for `make load`, in groups of ten, without a message: the n-th group is that of persons 10n to 10n + 9, and has their
-- first number. Run by tests/load/load as the owner of the schema, with psql -v ON_ERROR_STOP=1 -v people=N; like
-- seed.sql, it writes the tables without the functions that guard them. Person 99999, who watches, is in no group.
\set QUIET on
set client_min_messages = warning;

create temporary table person as
select p, ('00000000-0000-7000-8000-0000000' || p)::uuid as id,
	('00000000-0000-7000-9000-0000000' || p / 10 * 10)::uuid as conversation_id
from generate_series(10000, 9999 + :people) as p
union all select 99999, '00000000-0000-7000-8000-000000099999', null;

insert into users (id, handle, display_name)
select id, 'person' || p, 'Person ' || p from person;

-- the sign-ins that the tokens of the crowd name: its id is the person's
insert into devices (user_id, id, name, platform)
select id, id, 'crowd', 'linux' from person;
insert into sessions (id, user_id, device_id, refresh_hash, refresh_expires_at)
select id, id, id, sha256(p::text::bytea), now() + interval '1 day' from person;

insert into conversations (id, kind, title, created_by, created_at, member_count, last_activity_at, members_activity_at)
select conversation_id, 'group', 'Group of person ' || min(p), min(id::text)::uuid, now(), count(*), now(), now()
from person where conversation_id is not null group by conversation_id;

insert into members (conversation_id, user_id, role, joined_seq, floor_seq, joined_at, last_read_seq, last_delivered_seq, activity_at)
select conversation_id, id, case p % 10 when 0 then 'owner' else 'member' end, 0, 0, now(), 0, 0, now()
from person where conversation_id is not null order by conversation_id, id;

vacuum (analyze) users, devices, sessions, conversations, members;
