-- What edits replaced, where it is kept; and whose messages are to go with the account.

create table message_versions (
	conversation_id uuid not null,
	seq             bigint not null,
	rev             bigint not null,
	body            text,
	ciphertext      text,
	metadata        json,
	at              timestamptz not null,
	primary key (conversation_id, seq, rev)
);

comment on table message_versions is 'What a message was before it was edited, where the setting message_versions was on; gone when it is deleted';
comment on column message_versions.conversation_id is 'Of the message';
comment on column message_versions.seq is 'Of the message';
comment on column message_versions.rev is 'rev that the message had when it was edited';
comment on column message_versions.body is 'What it had, as the columns below';
comment on column message_versions.ciphertext is 'base64';
comment on column message_versions.metadata is 'The client''s own object';
comment on column message_versions.at is 'Since when it was so: sent, or edited before';

create table erasures (
	user_id         uuid primary key references users,
	requested_at    timestamptz not null,
	conversation_id uuid,
	seq             bigint
);
create index erasures_requested on erasures (requested_at, user_id);

comment on table erasures is 'Erased accounts whose messages are being deleted one after the other (erasure_step); a row goes when all are';
comment on column erasures.user_id is 'Whose';
comment on column erasures.requested_at is 'When the account was erased';
comment on column erasures.conversation_id is 'The work is here, and done in all of a lesser id; null: not begun';
comment on column erasures.seq is 'And done up to here; null: in all of that conversation';
