-- Forgotten passwords: who asked for a new one, and the token that the mail brought. A request is made without a look at
-- who has that address; parley-notify looks later, and deletes what comes to nothing.

create table password_resets (
	id               uuid primary key,
	email            text not null check (octet_length(email) <= 254),
	requested_at     timestamptz not null default now(),
	try_at           timestamptz default now(),
	tries            integer not null default 0,
	user_id          uuid references users,
	token_hash       bytea check (octet_length(token_hash) = 32),
	token_expires_at timestamptz
);
create index password_resets_due on password_resets (try_at, id) where try_at is not null;
create index password_resets_requested on password_resets (requested_at);
create index password_resets_email on password_resets (lower(email), requested_at);
create index password_resets_user on password_resets (user_id) where user_id is not null;
create unique index password_resets_token on password_resets (token_hash) where token_hash is not null;

comment on table password_resets is 'Requests for a new password, each for hours at most; also work for parley-notify';
comment on column password_resets.id is 'Chosen by the server; what logs name it by';
comment on column password_resets.email is 'As whoever asked has given it; a mail goes to the address that the account has';
comment on column password_resets.requested_at is 'When it was asked for: a later change of the password makes it void';
comment on column password_resets.try_at is
	'When a mail is to be sent, or to be sent again should whoever has taken it not come back; null: it has been sent';
comment on column password_resets.tries is 'How often sending it has begun';
comment on column password_resets.user_id is 'Whose address that is; null: nobody has looked yet';
comment on column password_resets.token_hash is
	'BLAKE2b of the token of the latest mail; the token itself is nowhere. Null: there is none yet, or it is void';
comment on column password_resets.token_expires_at is 'When that token ends';
