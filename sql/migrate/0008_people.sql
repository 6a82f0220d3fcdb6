-- Who may not sign in, who is in whose address book, who has blocked whom, and by what people are found.

alter table users add column disabled_at timestamptz;
comment on column users.disabled_at is 'When an operator shut the account; null: it is open. Nobody signs in to it or finds it';

create table contacts (
	user_id    uuid not null references users,
	contact_id uuid not null references users,
	added_at   timestamptz not null default clock_timestamp(),
	primary key (user_id, contact_id),
	check (user_id <> contact_id)
);
create index contacts_latest on contacts (user_id, added_at desc, contact_id desc);
create index contacts_of on contacts (contact_id);

comment on table contacts is 'Address books';
comment on column contacts.user_id is 'Whose';
comment on column contacts.contact_id is 'Who is in it';
comment on column contacts.added_at is 'Since when';

create table blocks (
	user_id    uuid not null references users,
	blocked_id uuid not null references users,
	blocked_at timestamptz not null default clock_timestamp(),
	primary key (user_id, blocked_id),
	check (user_id <> blocked_id)
);
create index blocks_latest on blocks (user_id, blocked_at desc, blocked_id desc);
create index blocks_of on blocks (blocked_id);

comment on table blocks is 'Who wants nothing of whom; sql/function/block.sql says what follows';
comment on column blocks.user_id is 'Who has blocked';
comment on column blocks.blocked_id is 'Whom';
comment on column blocks.blocked_at is 'Since when';

alter table conversations add column blocked boolean not null default false
	check (not blocked or kind = 'direct');
comment on column conversations.blocked is
	'One of its two people has blocked the other: nothing is sent. Written under the lock on this row, which a send takes anyway';

-- What people are found by: the handle, the display name, and what begins with each later word of it. Compared byte by
-- byte, so that a prefix is a range of the index.
create table user_terms (
	user_id uuid not null references users,
	term    text collate "C" not null,
	primary key (user_id, term)
);
create index user_terms_search on user_terms (term, user_id);

comment on table user_terms is 'Index of people for GET /users?q=; kept by a trigger on users. Who is erased or disabled is not in it';
comment on column user_terms.user_id is 'Who is found';
comment on column user_terms.term is 'By what: as of search_term';

-- One spelling for what looks alike, the same for names and for what is asked: without case, width and form, by rules that do
-- not depend on the database's locale. Upper and then lower, since "ß" and "SS" are alike in capitals alone; the
-- lower sigma has a second form at the end of words. Cut, as an index takes no long values, and a name may grow eighteenfold
-- by its form. What user_terms holds depends on this function and the next: to
-- change one is a migration that fills the table anew.
create function search_term(in_text text) returns text language sql immutable parallel safe as $$
	select left(translate(lower(upper(btrim(regexp_replace(
		normalize(in_text, nfkc) collate "und-x-icu", '\s+', ' ', 'g')))), 'ς', 'σ'), 128)
$$;

create function search_terms(in_handle text, in_display_name text) returns setof text
language sql immutable parallel safe rows 4 as $$
	with name as (select search_term(in_display_name) as whole)
	select search_term(in_handle)
	union
	select whole from name
	union
	select substr(name.whole, i) from name, generate_series(2, char_length(name.whole)) as i
	where substr(name.whole, i - 1, 2) collate "und-x-icu" ~ '^[[:space:][:punct:]][^[:space:][:punct:]]'
$$;

create function user_terms_keep() returns trigger language plpgsql as $$
begin
	delete from user_terms t where t.user_id = new.id;
	if new.deleted_at is null and new.disabled_at is null then
		insert into user_terms (user_id, term)
		select new.id, s.term from search_terms(new.handle, new.display_name) as s(term);
	end if;
	return null;
end
$$;
create trigger user_terms_new after insert on users
	for each row execute function user_terms_keep();
create trigger user_terms_changed after update of handle, display_name, deleted_at, disabled_at on users
	for each row
	when ((old.handle, old.display_name, old.deleted_at is null, old.disabled_at is null)
		is distinct from (new.handle, new.display_name, new.deleted_at is null, new.disabled_at is null))
	execute function user_terms_keep();

insert into user_terms (user_id, term)
select u.id, s.term
from users u, search_terms(u.handle, u.display_name) as s(term)
where u.deleted_at is null;
