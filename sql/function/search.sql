-- Search in messages.
-- Words are those of PostgreSQL's parser, as they are and by their stems. What joins words in addresses, paths and tags
-- parts them here: else "and/or" and "see you.Bye" would be found as a whole only.

drop function if exists search_language;
-- The language of a locale (BCP 47), as the configurations words_… are called; null: one whose stems nobody knows.
create function search_language(in_locale text) returns text language sql immutable as $$
	select case split_part(lower(in_locale), '-', 1)
		when 'ar' then 'arabic' when 'ca' then 'catalan' when 'da' then 'danish' when 'de' then 'german'
		when 'el' then 'greek' when 'en' then 'english' when 'es' then 'spanish' when 'eu' then 'basque'
		when 'fi' then 'finnish' when 'fr' then 'french' when 'ga' then 'irish' when 'hi' then 'hindi'
		when 'hu' then 'hungarian' when 'hy' then 'armenian' when 'id' then 'indonesian' when 'it' then 'italian'
		when 'lt' then 'lithuanian' when 'nb' then 'norwegian' when 'ne' then 'nepali' when 'nl' then 'dutch'
		when 'nn' then 'norwegian' when 'no' then 'norwegian' when 'pt' then 'portuguese' when 'ro' then 'romanian'
		when 'ru' then 'russian' when 'sr' then 'serbian' when 'sv' then 'swedish' when 'ta' then 'tamil'
		when 'tr' then 'turkish' when 'yi' then 'yiddish' end
$$;

drop function if exists search_config;
create function search_config(in_locale text) returns regconfig language plpgsql stable as $$
begin
	return coalesce('public.words_' || search_language(in_locale), 'pg_catalog.simple')::regconfig;
end
$$;

drop function if exists search_plain;
-- A text as it is parted into words, code point by code point.
create function search_plain(in_text text) returns text language sql immutable as $$
	select regexp_replace(in_text, '[<>&/.@_+\u0001-\u0008-]', ' ', 'g')
$$;

drop function if exists search_vector;
-- The words of a text by somebody with this locale.
create function search_vector(in_locale text, in_text text) returns tsvector language plpgsql stable cost 10000 as $$
declare
	plain text := search_plain(in_text);
begin
	if search_language(in_locale) is null then
		return to_tsvector('pg_catalog.simple', plain);
	end if;
	return to_tsvector('pg_catalog.simple', plain) || to_tsvector(search_config(in_locale), plain);
end
$$;

drop function if exists is_searchable;
create function is_searchable(in_message messages) returns boolean language sql immutable as $$
	select in_message.body is not null and in_message.ciphertext is null and in_message.type <> 'encrypted'
		and in_message.sender_id is not null and in_message.deleted_at is null
$$;

drop function if exists search_fill;
-- Fills up to in_most parts of message_words that are due, or as many as are filled in a quarter of a second, and says how many.
-- With the rights of its owner: parley-notify has none on messages.
create function search_fill(in_most bigint) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
	due message_words_due;
	filled bigint := 0;
begin
	for due in
		select d.* from message_words_due d
		order by d.due_at, d.conversation_id, d.part
		limit in_most
		for update skip locked
	loop
		-- a snapshot of its own, taken when the row was held: who changes a message later waits
		insert into message_words (conversation_id, seq, words)
		select m.conversation_id, m.seq, search_vector(u.locale, m.body)
		from messages m
		left join users u on u.id = m.sender_id
		where m.conversation_id = due.conversation_id and m.seq > due.part * 8 and m.seq <= due.part * 8 + 8
			and is_searchable(m)
		on conflict (conversation_id, seq) do update set words = excluded.words;
		delete from message_words_due d where d.conversation_id = due.conversation_id and d.part = due.part;
		filled := filled + 1;
		-- the longest texts take so long that many parts of them never came to their end within a statement's time
		exit when clock_timestamp() > statement_timestamp() + interval '250 milliseconds';
	end loop;
	return filled;
end
$$;

drop function if exists search_query;
-- What is looked for, in the syntax of websearch_to_tsquery, each word as it is or by its stem in the searcher's language. needed: the words
-- of which at least one is in whatever fits. Both null: it has no word; needed null: it has none that must be there.
create function search_query(in_text text, in_locale text, out words tsquery, out needed text[])
language plpgsql stable set client_min_messages = warning as $$
declare
	-- a hyphen within a word parts it, as in what is searched; before one it says without
	plain text := regexp_replace(
		regexp_replace(in_text, '(?<=[^\s"])-|-(?=[\s-]|$)', ' ', 'g'), '[<>&/.@_+]', ' ', 'g');
	asked text := websearch_to_tsquery('pg_catalog.simple', plain)::text;
	config regconfig := search_config(in_locale);
begin
	if asked = '' then
		return;
	end if;
	-- each word, in quotes there, or its stem
	select string_agg(case when t.stem is null then t.token
		else '(' || t.token || '|' || quote_literal(t.stem) || ')' end, '' order by t.place) into asked
	from (
		select part[1] as token, place,
			case when part[1] like '''%' then (
				select min(w.lexeme) from unnest(to_tsvector(config, part[1])) w
				having count(*) = 1 and quote_literal(min(w.lexeme)) <> part[1]) end as stem
		from regexp_matches(asked, '''(?:[^'']|'''')*''|[^'']+', 'g') with ordinality as found(part, place)
	) t;
	words := asked;
	if querytree(words) <> 'T' then
		needed := array(select distinct replace(n[1], '''''', '''')
			from regexp_matches(querytree(words), '''((?:[^'']|'''')*)''', 'g') as n);
	end if;
end
$$;

drop function if exists search_among;
-- Of these conversations the latest in_most messages that fit, latest first: each above its bottom and up to its top; of in_sender (null: of
-- anybody), and behind in_behind in the order of the answer (null: from its beginning).
create function search_among(in_rooms uuid[], in_last_seqs bigint[], in_bottoms bigint[], in_tops bigint[], in_words tsquery,
	in_pattern text, in_sender uuid, in_behind search_hit, in_most bigint) returns search_hit[]
language plpgsql stable as $$
begin
	return array(
		with room as materialized (
			select r.id, r.last_seq / 8 as last_part, r.bottom, r.top
			from unnest(in_rooms, in_last_seqs, in_bottoms, in_tops) as r(id, last_seq, bottom, top)
			where r.top > r.bottom
		), missing as materialized (
			-- what has no row in message_words: the last part, which is not complete, and those that are due
			select r.id, r.last_part as part, r.bottom, r.top from room r
			union all
			select r.id, d.part, r.bottom, r.top
			from room r
			join message_words_due d on d.conversation_id = r.id
		), fits as (
			select r.id, w.seq
			from room r
			cross join lateral (
				select w.seq from message_words w
				where w.conversation_id = r.id and w.seq > r.bottom and w.seq <= r.top and w.words @@ in_words
				order by w.seq desc
				limit case when in_sender is null and in_behind is null then in_most end
			) w
			-- those are found below
			where not exists (select from message_words_due d where d.conversation_id = r.id and d.part = (w.seq - 1) / 8)
			union all
			select p.id, m.seq
			from missing p
			join messages m on m.conversation_id = p.id and m.seq > p.part * 8 and m.seq <= p.part * 8 + 8
			left join users u on u.id = m.sender_id
			where m.seq > p.bottom and m.seq <= p.top and is_searchable(m)
				-- first what is cheap, and right where nothing but the word itself fits
				and (lower(m.body) ~ in_pattern or search_language(u.locale) is not null)
				and search_vector(u.locale, m.body) @@ in_words
		)
		select row(m.created_at, m.conversation_id, m.seq)::search_hit
		from fits f
		join messages m on m.conversation_id = f.id and m.seq = f.seq
		where (in_sender is null or m.sender_id = in_sender)
			and (in_behind is null or (m.created_at, m.conversation_id, m.seq)
				< (in_behind.created_at, in_behind.conversation_id, in_behind.seq))
		order by m.created_at desc, m.conversation_id desc, m.seq desc
		limit in_most);
end
$$;

drop function if exists search_find;
-- The latest in_most messages that in_user may read and that fit; latest first, behind in_behind. in_conversation: of that alone
-- (null: of all that in_user is in). in_words and in_needed are what search_query says.
-- Some conversations after the others, those of the latest activity first: when as many are found as are wanted, the oldest of
-- them says what is too old to be looked at in the next. The first are few, as they may be enough.
create function search_find(in_user uuid, in_conversation uuid, in_sender uuid, in_words tsquery, in_needed text[],
	in_behind search_hit, in_most bigint) returns setof search_hit
language plpgsql stable rows 50 as $$
declare
	turn record;
	kept search_hit[] := '{}';
	oldest timestamptz;
	pattern text := (select string_agg(regexp_replace(n, '(\W)', '\\\1', 'g'), '|') from unnest(in_needed) as n);
begin
	for turn in
		select array_agg(r.id) as ids, array_agg(r.last_seq) as last_seqs, array_agg(r.floor_seq) as floors,
			max(r.last_activity_at) as latest_at
		from (
			select c.id, c.last_seq, m.floor_seq, c.last_activity_at,
				row_number() over (order by c.last_activity_at desc) as place
			from members m
			join conversations c on c.id = m.conversation_id
			where m.user_id = in_user and m.left_at is null
				and (in_conversation is null or m.conversation_id = in_conversation)
		) r
		group by (r.place + 55) / 64
		order by (r.place + 55) / 64
	loop
		exit when turn.latest_at < oldest;
		kept := array(select f
			from unnest(kept || search_among(turn.ids, turn.last_seqs,
				case when oldest is null then turn.floors else array(
					select greatest(r.floor_seq, message_seq_at(r.id, oldest) - 1)
					from unnest(turn.ids, turn.floors) with ordinality as r(id, floor_seq, place) order by r.place) end,
				case when in_behind is null then turn.last_seqs else array(
					select message_seq_at(r.id, in_behind.created_at + interval '1 microsecond') - 1
					from unnest(turn.ids) with ordinality as r(id, place) order by r.place) end,
				in_words, pattern, in_sender, in_behind, in_most)) f
			order by f.created_at desc, f.conversation_id desc, f.seq desc
			limit in_most);
		if cardinality(kept) = in_most then
			oldest := kept[in_most].created_at;
		end if;
	end loop;
	return query select f.* from unnest(kept) f;
end
$$;
