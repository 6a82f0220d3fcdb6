-- People of identity providers: who they are there, the providers' keys, and what providers have told us.

create table identities (
	user_id             uuid primary key references users,
	issuer              text not null check (octet_length(issuer) between 1 and 255),
	subject             text check (octet_length(subject) between 1 and 255),
	provider_updated_at timestamptz,
	created_at          timestamptz not null default now()
);

comment on table identities is 'People who come from an identity provider. The id of the user is made from issuer and subject, so these need no index';
comment on column identities.user_id is 'UUIDv8 of a hash of issuer and subject (lib/identity.h)';
comment on column identities.issuer is 'The provider, as its tokens spell it';
comment on column identities.subject is 'Who it is there; null: the account was erased, and nobody is made of that subject again';
comment on column identities.provider_updated_at is 'As of when the provider last told the profile by webhook; null: never. What is older comes too late';
comment on column identities.created_at is 'When it was first seen';

create table identity_keys (
	issuer     text not null check (octet_length(issuer) between 1 and 255),
	kid        text not null check (octet_length(kid) between 1 and 255),
	jwk        text not null check (octet_length(jwk) <= 3072),
	fetched_at timestamptz not null default now(),
	primary key (issuer, kid)
);

comment on table identity_keys is 'Keys of identity providers as last fetched: what parley-rest and the broker plugin verify by';
comment on column identity_keys.issuer is 'Whose';
comment on column identity_keys.kid is 'How its tokens name it';
comment on column identity_keys.jwk is 'JSON Web Key, public members alone';
comment on column identity_keys.fetched_at is 'When it first came in this form';

create table identity_wanted (
	issuer   text primary key check (octet_length(issuer) between 1 and 255),
	asked_at timestamptz,
	taken_at timestamptz
);

comment on table identity_wanted is 'Whose keys somebody has asked for, because a token named one that is not known';
comment on column identity_wanted.issuer is 'Whose';
comment on column identity_wanted.asked_at is 'When last: at most once a minute, whatever comes';
comment on column identity_wanted.taken_at is 'When parley-notify last began to fetch them; one asked for later is to be fetched again';

create table webhook_ids (
	id          text primary key check (octet_length(id) between 1 and 255),
	received_at timestamptz not null default now()
);
create index webhook_ids_received on webhook_ids (received_at);

comment on table webhook_ids is 'Webhooks of the last 30 days, so that each does something once';
comment on column webhook_ids.id is 'webhook-id or svix-id: the same when it is sent again';
comment on column webhook_ids.received_at is 'When it was first received';

alter table sessions alter column refresh_hash drop not null;
comment on column sessions.refresh_hash is
	'BLAKE2b of the refresh token that is valid now; the token itself is nowhere. Null: of an identity provider, which refreshes by itself';
comment on column sessions.refresh_expires_at is 'When that token ends; of an identity provider: when the last access token seen does';
comment on column sessions.id is 'The sid of its tokens; of an identity provider: made from what its tokens say (lib/identity.h)';

-- ended, but a token may still say otherwise for a long time
create index sessions_foreign on sessions (refresh_expires_at) where refresh_hash is null and revoked_at is not null;
