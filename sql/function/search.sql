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

drop function if exists search_locale;
create function search_locale(in_user uuid) returns text language plpgsql stable as $$
begin
	return (select u.locale from users u where u.id = in_user);
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
-- Fills up to in_most parts of message_words that are due, and says how many. With the rights of its owner: parley-notify has
-- none on messages.
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
		insert into message_words (conversation_id, part, words)
		select due.conversation_id, due.part,
			coalesce((
				select string_agg('''' || replace(replace(t.lexeme, '\', '\\'), '''', '''''') || ''':' || t.places,
					' ')
				from (
					select w.lexeme, string_agg((m.seq - due.part * 16)::text, ',') as places
					from messages m
					left join users u on u.id = m.sender_id
					cross join lateral unnest(search_vector(u.locale, m.body)) w
					where m.conversation_id = due.conversation_id and m.seq > due.part * 16
						and m.seq <= due.part * 16 + 16 and is_searchable(m)
					group by w.lexeme
				) t), '')::tsvector
		from conversations c
		where c.id = due.conversation_id and c.last_seq >= due.part * 16 + 16
		on conflict (conversation_id, part) do update set words = excluded.words;
		delete from message_words_due d where d.conversation_id = due.conversation_id and d.part = due.part;
		filled := filled + 1;
	end loop;
	return filled;
end
$$;

drop function if exists search_query;
-- What is looked for, in the syntax of websearch_to_tsquery: words: what a message must fit, each word as it is or by its stem
-- in the searcher's language. places: what the words of a part must fit, where the position of a word is the message that has
-- it: without what must not be there, and without the order of a phrase. wanted: the same of the words of one message, which are
-- among lexemes. exact: what fits that fits words. All null: it has no word; places null: it has none that must be there.
create function search_query(in_text text, in_locale text,
	out words tsquery, out places tsquery, out wanted tsquery, out lexemes text[], out exact boolean)
language plpgsql stable set client_min_messages = warning as $$
declare
	-- a hyphen within a word parts it, as in what is searched; before one it says without
	plain text := regexp_replace(
		regexp_replace(in_text, '(?<=[^\s"])-|-(?=[\s-]|$)', ' ', 'g'), '[<>&/.@_+]', ' ', 'g');
	asked text := websearch_to_tsquery('pg_catalog.simple', plain)::text;
	config regconfig := search_config(in_locale);
	needed text;
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
	needed := querytree(words);
	if needed = 'T' then
		return;
	end if;
	places := regexp_replace(needed, ' (&|<->|<\d+>) ', ' <0> ', 'g');
	wanted := regexp_replace(needed, ' (<->|<\d+>) ', ' & ', 'g');
	lexemes := array(select distinct replace(n[1], '''''', '''')
		from regexp_matches(needed, '''((?:[^'']|'''')*)''', 'g') as n);
	exact := needed = words::text and needed !~ ' <(-|\d+)> ';
end
$$;

drop function if exists search_parts;
-- Of one conversation the latest in_most that fit, of those from part in_low to in_high, above in_bottom and up to in_top; of
-- in_sender (null: of anybody), and behind in_behind in the order of the answer (null: from its beginning).
create function search_parts(in_conversation uuid, in_low bigint, in_high bigint, in_bottom bigint, in_top bigint,
	in_words tsquery, in_places tsquery, in_wanted tsquery, in_lexemes text[], in_exact boolean, in_pattern text,
	in_sender uuid, in_behind search_hit, in_most bigint) returns search_hit[]
language plpgsql stable as $$
declare
	places bigint[];
	missing bigint[];
begin
	with parts as materialized (
		select w.part, w.words from message_words w
		where w.conversation_id = in_conversation and w.part between in_low and in_high
	)
	select array(
			select p.part * 16 + l.place
			from parts p
			cross join lateral (
				select u.lexeme, unnest(u.positions) as place
				from unnest(ts_filter(setweight(p.words, 'A', in_lexemes), '{a}')) u
				offset 0
			) l
			where p.words @@ in_places and p.part * 16 + l.place > in_bottom and p.part * 16 + l.place <= in_top
			group by p.part, l.place
			having array_to_tsvector(array_agg(l.lexeme)) @@ in_wanted),
		array(
			select part from generate_series(in_low, in_high) as part
			where not exists (select from parts p where p.part = part.part))
	into places, missing;
	if missing <> '{}' then
		places := places || array(select part * 16 + place from unnest(missing) as part, generate_series(1, 16) as place
			where part * 16 + place > in_bottom and part * 16 + place <= in_top);
	end if;
	if places = '{}' then
		return '{}';
	end if;
	return array(
		select row(m.created_at, m.conversation_id, m.seq)::search_hit
		from messages m
		where m.conversation_id = in_conversation and m.seq = any(places)
			and is_searchable(m) and (in_sender is null or m.sender_id = in_sender)
			and (in_behind is null or (m.created_at, m.conversation_id, m.seq)
				< (in_behind.created_at, in_behind.conversation_id, in_behind.seq))
			and case when (m.seq - 1) / 16 <> all(missing)
				then in_exact or search_vector(search_locale(m.sender_id), m.body) @@ in_words
				-- first what is cheap, and right where nothing but the word itself fits
				else (lower(m.body) ~ in_pattern or search_language(search_locale(m.sender_id)) is not null)
					and search_vector(search_locale(m.sender_id), m.body) @@ in_words end
		order by m.seq desc
		limit in_most);
end
$$;

drop function if exists search_find;
-- The latest in_most messages that in_user may read and that fit; latest first, behind in_behind. in_conversation: of that alone
-- (null: of all that in_user is in). The other parameters are what search_query says.
-- One conversation after the other, that of the latest activity first: when as many are found as are wanted, the oldest of
-- them says what is too old to be looked at in the next.
create function search_find(in_user uuid, in_conversation uuid, in_sender uuid,
	in_words tsquery, in_places tsquery, in_wanted tsquery, in_lexemes text[], in_exact boolean,
	in_behind search_hit, in_most bigint) returns setof search_hit
language plpgsql stable rows 50 as $$
declare
	room record;
	hits search_hit[];
	kept search_hit[] := '{}';
	oldest timestamptz;
	bottom bigint;
	top bigint;
	high bigint;
	low bigint;
	width bigint;
	-- in a message that fits there is at least one of these
	pattern text := (select string_agg(regexp_replace(l, '(\W)', '\\\1', 'g'), '|') from unnest(in_lexemes) as l);
begin
	for room in
		select m.conversation_id as id, m.floor_seq, c.last_seq, c.last_activity_at
		from members m
		join conversations c on c.id = m.conversation_id
		where m.user_id = in_user and m.left_at is null
			and (in_conversation is null or m.conversation_id = in_conversation)
		order by c.last_activity_at desc
	loop
		exit when room.last_activity_at < oldest;
		bottom := room.floor_seq;
		if oldest is not null then
			bottom := greatest(bottom, message_seq_at(room.id, oldest) - 1);
		end if;
		top := room.last_seq;
		if in_behind is not null then
			top := message_seq_at(room.id, in_behind.created_at + interval '1 microsecond') - 1;
		end if;
		-- the latest parts first, as there may be enough in them
		width := 8;
		high := (top - 1) / 16;
		while top > bottom loop
			low := greatest(high - width + 1, bottom / 16);
			hits := search_parts(room.id, low, high, bottom, top, in_words, in_places, in_wanted, in_lexemes, in_exact,
				pattern, in_sender, in_behind, in_most);
			if hits <> '{}' then
				kept := array(select f from unnest(kept || hits) f
					order by f.created_at desc, f.conversation_id desc, f.seq desc limit in_most);
			end if;
			if cardinality(kept) = in_most then
				oldest := kept[in_most].created_at;
			end if;
			exit when cardinality(hits) = in_most;
			top := low * 16;
			high := low - 1;
			width := width * 4;
		end loop;
	end loop;
	return query select f.* from unnest(kept) f;
end
$$;
