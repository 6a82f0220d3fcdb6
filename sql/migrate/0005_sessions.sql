-- Refreshing and ending sessions. A session of before has no refresh_family: it lasts as long as its access token.

alter table users add column password_changed_at timestamptz;
comment on column users.password_changed_at is
	'When its owner last changed the password; null: never. A sign-in under way with an older one comes to nothing';

alter table sessions add column refresh_family bytea check (octet_length(refresh_family) = 32);
comment on column sessions.refresh_family is
	'BLAKE2b of the first half of its refresh tokens, the same in all of them: tells a token that was valid before from one that never was';
create unique index sessions_family on sessions (refresh_family);
-- nothing is looked for by it any more, and a refresh need touch no index
drop index sessions_refresh;

-- what is alive, of one user
create index sessions_live on sessions (user_id, created_at desc, id desc) where revoked_at is null;
drop index sessions_device;
create index sessions_revoked on sessions (revoked_at) where revoked_at is not null;
