-- Search in messages: their words, and what has yet to be put there, eight messages at a time.

create table message_words (
	conversation_id uuid not null,
	seq             bigint not null,
	words           tsvector not null,
	primary key (conversation_id, seq)
);

comment on table message_words is
	'Words of messages for GET /search/messages, filled behind the sends (search_fill), a part at a time: the messages with seq from 8 * part + 1 to 8 * part + 8, when all have been sent. One that is not filled has a row of message_words_due, and is read from messages: slower, as right';
comment on column message_words.conversation_id is 'Of the message';
comment on column message_words.seq is 'Of the message; one without words to be found has no row';
comment on column message_words.words is 'Its words, and their stems in the language of who sent it';

create table message_words_due (
	conversation_id uuid not null,
	part            bigint not null,
	due_at          timestamptz not null,
	primary key (conversation_id, part)
);
create index message_words_due_order on message_words_due (due_at, conversation_id, part);

comment on table message_words_due is 'Parts of message_words that are complete and to be filled; who does holds the row';
comment on column message_words_due.conversation_id is 'Of the messages';
comment on column message_words_due.part is 'Of it';
comment on column message_words_due.due_at is 'Since when';

create type search_hit as (created_at timestamptz, conversation_id uuid, seq bigint);
comment on type search_hit is 'A message that was found, in the order of the answer';

-- A word of each language as PostgreSQL has it, but without words that do not count: who looks for one finds it.
do $$
declare
	language text;
begin
	for language in
		select c.cfgname from pg_ts_config c
		where c.cfgnamespace = 'pg_catalog'::regnamespace and c.cfgname <> 'simple'
	loop
		execute format('create text search dictionary public.stem_%s (template = snowball, language = %s)',
			language, language);
		execute format('create text search configuration public.words_%s (copy = pg_catalog.%I)', language, language);
		execute format('alter text search configuration public.words_%s
			alter mapping replace pg_catalog.%I with public.stem_%s', language, language || '_stem', language);
	end loop;
end
$$;

-- One in eight sends completes a part.
create function message_words_complete() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
	insert into message_words_due (conversation_id, part, due_at)
	values (new.conversation_id, new.seq / 8 - 1, clock_timestamp())
	on conflict do nothing;
	return null;
end
$$;
create trigger messages_words_complete after insert on messages
	for each row when (new.seq % 8 = 0) execute function message_words_complete();

-- A message whose text has changed: its words go at once, and its part is filled anew, unless it has yet to be complete. First the row of what is due, as who is filling
-- the part from what was before holds it.
create function message_words_change() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
	insert into message_words_due as d (conversation_id, part, due_at)
	select c.id, (new.seq - 1) / 8, clock_timestamp()
	from conversations c
	where c.id = new.conversation_id and c.last_seq / 8 > (new.seq - 1) / 8
	on conflict (conversation_id, part) do update set due_at = d.due_at;
	delete from message_words w where w.conversation_id = new.conversation_id and w.seq = new.seq;
	return null;
end
$$;
create trigger messages_words_change after update of body, ciphertext, deleted_at on messages
	for each row when ((old.body, old.ciphertext, old.deleted_at)
		is distinct from (new.body, new.ciphertext, new.deleted_at))
	execute function message_words_change();

insert into message_words_due (conversation_id, part, due_at)
select c.id, p.part, c.last_activity_at
from conversations c, generate_series(0, c.last_seq / 8 - 1) as p(part);
