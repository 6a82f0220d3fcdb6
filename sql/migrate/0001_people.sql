-- Who there is: people, the devices they use, and the sessions that are signed in.

create table users (
	id            uuid primary key,
	handle        text not null check (handle ~ '^[A-Za-z0-9_.-]{3,32}$'),
	display_name  text not null check (char_length(display_name) between 1 and 64),
	email         text check (octet_length(email) <= 254),
	password_hash text check (octet_length(password_hash) <= 256),
	avatar_url    text check (octet_length(avatar_url) <= 2048),
	bio           text check (char_length(bio) <= 500),
	locale        text check (octet_length(locale) <= 35),
	settings      json not null default '{}' check (json_typeof(settings) = 'object'),
	created_at    timestamptz not null default now(),
	updated_at    timestamptz not null default now(),
	deleted_at    timestamptz
);
create unique index users_handle on users (lower(handle));
create unique index users_email on users (lower(email));

comment on table users is 'People, also those whose account was erased';
comment on column users.id is 'UUIDv7, chosen by the server';
comment on column users.handle is 'The name to log in with, unique regardless of case';
comment on column users.display_name is 'What others read: 1 to 64 code points';
comment on column users.email is 'Shown to nobody else; unique regardless of case';
comment on column users.password_hash is 'argon2id in the format of crypto_pwhash_str; null: no password';
comment on column users.avatar_url is 'http or https';
comment on column users.bio is 'Up to 500 code points';
comment on column users.locale is 'BCP 47';
comment on column users.settings is 'The client''s own, never looked into';
comment on column users.created_at is 'When it was registered or first seen';
comment on column users.updated_at is 'When the profile last changed';
comment on column users.deleted_at is 'When the account was erased; null: it was not';

create table devices (
	user_id      uuid not null references users,
	id           uuid not null,
	name         text check (char_length(name) <= 64),
	platform     text check (char_length(platform) <= 64),
	created_at   timestamptz not null default now(),
	last_used_at timestamptz not null default now(),
	primary key (user_id, id)
);

comment on table devices is 'What people sign in from; an id means something for its user alone';
comment on column devices.user_id is 'Whose';
comment on column devices.id is 'Chosen by the client, which keeps it, or by the server';
comment on column devices.name is '"Alice''s phone"';
comment on column devices.platform is '"ios", "android", "web" …: the client''s word';
comment on column devices.created_at is 'When it first signed in';
comment on column devices.last_used_at is 'When it last signed in or refreshed';

create table sessions (
	id                 uuid primary key,
	user_id            uuid not null,
	device_id          uuid not null,
	refresh_hash       bytea not null check (octet_length(refresh_hash) = 32),
	refresh_expires_at timestamptz not null,
	created_at         timestamptz not null default now(),
	last_used_at       timestamptz not null default now(),
	revoked_at         timestamptz,
	foreign key (user_id, device_id) references devices
);
create index sessions_device on sessions (user_id, device_id);
create unique index sessions_refresh on sessions (refresh_hash);

comment on table sessions is 'One row a sign-in: what an access token''s sid names';
comment on column sessions.id is 'The sid of its tokens';
comment on column sessions.user_id is 'Whose';
comment on column sessions.device_id is 'On which device';
comment on column sessions.refresh_hash is 'BLAKE2b of the refresh token that is valid now; the token itself is nowhere';
comment on column sessions.refresh_expires_at is 'When that token ends';
comment on column sessions.created_at is 'When it signed in';
comment on column sessions.last_used_at is 'When it last refreshed';
comment on column sessions.revoked_at is 'When it was ended; null: it is alive';
