-- The host product's backends: the tokens by which they call, and what they did.

create table service_tokens (
	id           uuid primary key,
	name         text not null check (char_length(name) between 1 and 64),
	token_hash   bytea not null unique check (octet_length(token_hash) = 32),
	scopes       text[] not null check (array_position(scopes, null) is null
		and array_to_string(scopes, ' ') ~ '^[a-z]+([:-][a-z]+)*( [a-z]+([:-][a-z]+)*)*$'),
	created_at   timestamptz not null default now(),
	expires_at   timestamptz check (expires_at > created_at),
	revoked_at   timestamptz,
	last_used_at timestamptz
);
create unique index service_tokens_name on service_tokens (name) where revoked_at is null;

comment on table service_tokens is 'Who may call besides people; made, listed and revoked by the command parley, never deleted';
comment on column service_tokens.id is 'UUIDv7';
comment on column service_tokens.name is 'For people; unique among those that are not revoked';
comment on column service_tokens.token_hash is 'BLAKE2b of the token; the token itself is nowhere';
comment on column service_tokens.scopes is 'What it may do, by the names of lib/scope.c; "all" is each of them';
comment on column service_tokens.created_at is 'When it was made';
comment on column service_tokens.expires_at is 'When it ends by itself; null: never';
comment on column service_tokens.revoked_at is 'When it was ended; null: it was not';
comment on column service_tokens.last_used_at is 'When it was last used, to the minute';

-- No foreign key: it would lock the token's row at each request, and tokens stay.
create table audit (
	id             bigint generated always as identity primary key,
	at             timestamptz not null default clock_timestamp(),
	token_id       uuid not null,
	user_id        uuid,
	method         text not null check (octet_length(method) <= 16),
	route          text not null check (octet_length(route) <= 256),
	targets        uuid[] not null,
	request_id     text not null check (octet_length(request_id) <= 64),
	remote_address text check (octet_length(remote_address) <= 64),
	status         smallint
) with (fillfactor = 90);
create index audit_token on audit (token_id, id);
create index audit_user on audit (user_id, id) where user_id is not null;
create index audit_at on audit using brin (at);

comment on table audit is 'One row a request of a service; parley-rest may add one and say what became of it, nothing else';
comment on column audit.id is 'In the order in which they came';
comment on column audit.at is 'When the request was let in or refused';
comment on column audit.token_id is 'By which of service_tokens';
comment on column audit.user_id is 'For whom it acted, as Parley-Act-As had it; null: for itself';
comment on column audit.method is 'Of the route';
comment on column audit.route is 'Its pattern, ids in braces';
comment on column audit.targets is 'The ids in their place, in the order of the path';
comment on column audit.request_id is 'X-Request-Id';
comment on column audit.remote_address is 'Whence it came';
comment on column audit.status is 'What it was answered; null: the answer is yet to leave, or the process died before';
